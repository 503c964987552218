//! What is remembered of deleted checkpoints.

use checkpoint_core::engine::Tombstone;
use checkpoint_core::{CheckpointId, Fingerprint, Result, SessionId, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{one, run};
use crate::row::{
    Bind, array, binds, check, checkpoint_id, int, maybe, number, optional, raw, seal, time,
    timestamp,
};

/// The small columns.
pub(crate) const COLUMNS: usize = 9;

const BY_ID: &str =
    "SELECT sequence, id, session, parent, back, appended, committed, deleted, fingerprint, digest
    FROM tombstone WHERE id = ?1 ORDER BY sequence DESC LIMIT 1";
const INSERT: &str =
    "INSERT INTO tombstone(sequence, id, session, parent, back, appended, committed, deleted,
    fingerprint, digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const NEWEST_OLD: &str = "SELECT max(committed) FROM (SELECT committed FROM tombstone
    WHERE deleted <= ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3)";
const TRIM: &str = "DELETE FROM tombstone WHERE sequence IN (SELECT sequence FROM tombstone
    WHERE deleted <= ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3)";
const COUNT: &str = "SELECT (SELECT count(*) FROM tombstone) + (SELECT count(*) FROM session
    JOIN checkpoint ON checkpoint.session = session.key WHERE deleted IS NOT NULL AND purged = 0)";

/// A tombstone to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewTombstone<'a> {
    pub(crate) sequence: u64,
    pub(crate) id: &'a CheckpointId,
    pub(crate) session: &'a SessionId,
    pub(crate) parent: Option<&'a CheckpointId>,
    pub(crate) back: u64,
    pub(crate) appended: u64,
    pub(crate) committed: Timestamp,
    pub(crate) deleted: Timestamp,
    pub(crate) fingerprint: Fingerprint,
}

fn read(row: &Row<'_>) -> Result<Tombstone> {
    check(row, 0, COLUMNS)?;
    Ok(Tombstone {
        sequence: number(row, 0)?,
        parent: optional(row, 3, checkpoint_id)?,
        committed_at: timestamp(row, 6)?,
        fingerprint: Fingerprint(array(row, 8)?),
    })
}

/// The newest tombstone under an id.
pub(crate) fn newest(connection: &Connection, id: &CheckpointId) -> Result<Option<Tombstone>> {
    one(connection, BY_ID, [Bind(raw(id.raw()))], read)
        .map_err(|error| error.with("checkpoint", id))
}

pub(crate) fn insert(connection: &Connection, new: &NewTombstone<'_>) -> Result<()> {
    let mut values = vec![
        int(new.sequence),
        raw(new.id.raw()),
        raw(new.session.raw()),
        maybe(new.parent, |id| raw(id.raw())),
        int(new.back),
        int(new.appended),
        time(new.committed),
        time(new.deleted),
        ValueRef::Blob(&new.fingerprint.0),
    ];
    let digest = seal(&values, []);
    values.push(ValueRef::Blob(&digest));
    run(connection, INSERT, params_from_iter(binds(&values))).map(drop)
}

/// Forgets deletions of this time and earlier, up to a sequence; answers how many, and when the newest was committed.
pub(crate) fn trim(
    connection: &Connection,
    until: Timestamp,
    sequence: u64,
    limit: usize,
) -> Result<(usize, Option<Timestamp>)> {
    let params = params![
        until.micros(),
        sequence.cast_signed(),
        super::at_most(limit)
    ];
    let newest = one(connection, NEWEST_OLD, params, |row| {
        optional(row, 0, timestamp)
    })?;
    let trimmed = run(connection, TRIM, params)?;
    Ok((trimmed, newest.flatten()))
}

pub(crate) fn count(connection: &Connection) -> Result<u64> {
    Ok(one(connection, COUNT, [], |row| number(row, 0))?.unwrap_or(0))
}
