//! The two halves of the feed: appends, which follow from checkpoints and tombstones, and all other changes.

use std::collections::HashMap;

use checkpoint_core::engine::FeedRow;
use checkpoint_core::engine::row::status;
use checkpoint_core::{
    Change, ChangeKind, ChunkId, CommitId, Error, Position, Result, SessionId, Status, Timestamp,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::checkpoint::{columns, top};
use super::{all, one, or_damage, run, session, tombstone};
use crate::checkpoint::small;
use crate::row::{
    array, binds, check, checkpoint_id, int, maybe, number, optional, raw, seal, session_id, time,
    timestamp,
};

/// The small columns of a change.
const COLUMNS: usize = 11;

const LIVE: &str = concat!(
    "SELECT ",
    columns!(" FROM checkpoint AS c WHERE c.sequence > ?1 ORDER BY c.sequence LIMIT ?2")
);
const DEAD: &str =
    "SELECT sequence, id, session, parent, back, appended, committed, deleted, fingerprint, digest
    FROM tombstone WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
const OTHERS: &str = "SELECT sequence, n, first_sequence, first_n, kind, committed, commit_id, session, checkpoint,
    status, revision, digest FROM change WHERE (sequence, n) > (?1, ?2) ORDER BY sequence, n LIMIT ?3";
const INSERT: &str = "INSERT INTO change(sequence, n, first_sequence, first_n, kind, committed, commit_id, session,
    checkpoint, status, revision, digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const OLDEST: &str = "SELECT sequence, n, first_sequence, first_n, committed FROM change ORDER BY sequence, n LIMIT ?1";
const TRIM: &str = "DELETE FROM change WHERE (sequence, n) <= (?1, ?2)";

/// Appends after a position.
pub(crate) fn appends(
    connection: &Connection,
    after: Position,
    at_most: usize,
) -> Result<Vec<FeedRow>> {
    let start = params![after.sequence.cast_signed(), super::at_most(at_most)];
    let mut names = HashMap::new();
    let mut rows = all(connection, LIVE, start, |row| {
        append(row, live(connection, &mut names, row))
    })?;
    let dead = all(connection, DEAD, start, |row| append(row, dead(row)))?;
    rows.extend(dead);
    rows.sort_unstable_by_key(|row| row.position);
    rows.truncate(at_most);
    Ok(rows)
}

/// The number of the row is its place in the tree, which no damage of its columns moves.
fn append(row: &Row<'_>, change: Result<Change>) -> Result<FeedRow> {
    Ok(FeedRow {
        position: Position::of(number(row, 0)?),
        change: or_damage(change)?,
    })
}

fn live(
    connection: &Connection,
    names: &mut HashMap<u64, SessionId>,
    row: &Row<'_>,
) -> Result<Change> {
    let (small, _) = small(row)?;
    let key = small.session;
    let name = match names.get(&key) {
        Some(name) => name.clone(),
        None => {
            let (name, _) = session::name(connection, key)?
                .ok_or_else(|| Error::corrupt("the session of a checkpoint is missing"))?;
            names.insert(key, name.clone());
            name
        }
    };
    let packed = &small.packed;
    created(row, name, packed.back, packed.appended, packed.committed)
}

fn dead(row: &Row<'_>) -> Result<Change> {
    check(row, 0, tombstone::COLUMNS)?;
    let name = session_id(row, 2)?;
    created(
        row,
        name,
        number(row, 4)?,
        number(row, 5)?,
        timestamp(row, 6)?,
    )
}

fn created(
    row: &Row<'_>,
    session: SessionId,
    back: u64,
    appended: u64,
    committed_at: Timestamp,
) -> Result<Change> {
    let sequence = number(row, 0)?;
    Ok(Change {
        position: Position::of(sequence),
        first: Position::of(sequence.saturating_sub(back)),
        kind: ChangeKind::Created,
        committed_at,
        commit: None,
        session: Some(session),
        checkpoint: Some(checkpoint_id(row, 1)?),
        status: Some(status(appended & 0xff)?),
        revision: Some(appended >> 8),
    })
}

/// Changes that are no appends, after a position.
pub(crate) fn others(
    connection: &Connection,
    after: Position,
    at_most: usize,
) -> Result<Vec<FeedRow>> {
    let start = params![
        after.sequence.cast_signed(),
        after.n.cast_signed(),
        super::at_most(at_most)
    ];
    all(connection, OTHERS, start, |row| {
        Ok(FeedRow {
            position: position(row, 0)?,
            change: or_damage(read(row))?,
        })
    })
}

fn read(row: &Row<'_>) -> Result<Change> {
    check(row, 0, COLUMNS)?;
    let kind = u8::try_from(number(row, 4)?)
        .ok()
        .and_then(ChangeKind::from_number);
    Ok(Change {
        position: position(row, 0)?,
        first: position(row, 2)?,
        kind: kind.ok_or_else(|| Error::corrupt("unknown kind of change"))?,
        committed_at: timestamp(row, 5)?,
        commit: optional(row, 6, array)?.map(CommitId::from_bytes),
        session: optional(row, 7, session_id)?,
        checkpoint: optional(row, 8, checkpoint_id)?,
        status: optional(row, 9, number)?.map(status).transpose()?,
        revision: optional(row, 10, number)?,
    })
}

fn position(row: &Row<'_>, at: usize) -> Result<Position> {
    Ok(Position {
        sequence: number(row, at)?,
        n: number(row, at + 1)?,
    })
}

pub(crate) fn insert(connection: &Connection, change: &Change) -> Result<()> {
    let status = |status: Status| int(status.number().into());
    let mut values = vec![
        int(change.position.sequence),
        int(change.position.n),
        int(change.first.sequence),
        int(change.first.n),
        int(change.kind.number().into()),
        time(change.committed_at),
        maybe(change.commit.as_ref(), |id| ValueRef::Blob(id.as_bytes())),
        maybe(change.session.as_ref(), |id| raw(id.raw())),
        maybe(change.checkpoint.as_ref(), |id| raw(id.raw())),
        maybe(change.status, status),
        maybe(change.revision, int),
    ];
    let digest = seal(&values, []);
    values.push(ValueRef::Blob(&digest));
    run(connection, INSERT, params_from_iter(binds(&values))).map(drop)
}

/// The oldest changes, at most as many: the position of each, that of the first of its commit, and its time.
pub(crate) fn oldest(
    connection: &Connection,
    limit: usize,
) -> Result<Vec<(Position, Position, Timestamp)>> {
    all(connection, OLDEST, [super::at_most(limit)], |row| {
        Ok((position(row, 0)?, position(row, 2)?, timestamp(row, 4)?))
    })
}

/// Removes changes up to a position; answers how many.
pub(crate) fn trim(connection: &Connection, end: Position) -> Result<usize> {
    run(
        connection,
        TRIM,
        params![end.sequence.cast_signed(), end.n.cast_signed()],
    )
}

/// Checkpoints that were changed after a position: any of them may have another state since.
pub(crate) fn changed_tops(
    connection: &Connection,
    after: Position,
) -> Result<Vec<Option<ChunkId>>> {
    const CHANGED: &str = concat!(
        "SELECT ",
        columns!(
            " FROM change AS h CROSS JOIN checkpoint AS c ON c.id = h.checkpoint",
            " WHERE (h.sequence, h.n) > (?1, ?2)"
        )
    );
    let start = params![after.sequence.cast_signed(), after.n.cast_signed()];
    all(connection, CHANGED, start, |row| top(connection, row))
}

/// The position of the newest change row.
pub(crate) fn newest(connection: &Connection) -> Result<Position> {
    const NEWEST: &str = "SELECT sequence, n FROM change ORDER BY sequence DESC, n DESC LIMIT 1";
    Ok(one(connection, NEWEST, [], |row| position(row, 0))?.unwrap_or_default())
}
