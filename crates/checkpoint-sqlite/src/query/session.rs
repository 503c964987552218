//! Sessions.

use bytes::Bytes;
use checkpoint_core::engine::{Listed, SessionRow};
use checkpoint_core::{Error, Order, Result, SessionId, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{all, one, or_damage, run, salvage};
use crate::row::{
    Bind, binds, blob, check, check_large, int, maybe, number, optional, raw, seal, session_id,
    time, timestamp,
};

/// The small columns of a session, as the reads below select them.
pub(crate) const COLUMNS: usize = 7;

const BY_ID: &str =
    "SELECT key, id, created, revision, epoch, deleted, purged, digest, body FROM session
    WHERE id = ?1 ORDER BY key DESC LIMIT 1";
const BY_KEY: &str = "SELECT key, id, created, revision, epoch, deleted, purged, digest, body FROM session WHERE key = ?1";
const SMALL_BY_KEY: &str =
    "SELECT key, id, created, revision, epoch, deleted, purged, digest FROM session WHERE key = ?1";
const SMALL_BY_ID: &str =
    "SELECT key, id, created, revision, epoch, deleted, purged, digest FROM session
    WHERE id = ?1 ORDER BY key DESC LIMIT 1";
const UPWARD: &str =
    "SELECT key, id, created, revision, epoch, deleted, purged, digest, body FROM session
    WHERE key > ?1 ORDER BY key LIMIT ?2";
const DOWNWARD: &str =
    "SELECT key, id, created, revision, epoch, deleted, purged, digest, body FROM session
    WHERE key < ?1 ORDER BY key DESC LIMIT ?2";
const LAST_KEY: &str = "SELECT key FROM session ORDER BY key DESC LIMIT 1";
const INSERT: &str = "INSERT OR REPLACE INTO session(key, id, created, revision, epoch, deleted, purged, digest, body)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const TO_PURGE: &str = "SELECT key FROM session
    WHERE deleted IS NOT NULL AND purged = 0 AND key > ?1 ORDER BY key LIMIT 1";
const DROP_OLD: &str =
    "DELETE FROM session WHERE key = ?1 AND EXISTS(SELECT 1 FROM session AS other
    WHERE other.id = session.id AND other.key > session.key)";
const COUNT: &str = "SELECT count(*) FROM session WHERE deleted IS NULL";

/// A session with what the rest of the crate adds.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) row: SessionRow,
    pub(crate) purged: bool,
}

/// A session, and what is wrong with its body if that is damaged; it is empty then.
type Read = (Stored, Option<Error>);

fn read(row: &Row<'_>) -> Result<Read> {
    let digests = check(row, 0, COLUMNS)?;
    let body = blob(row, COLUMNS + 1)
        .and_then(|body| check_large(digests, 0, body, "body").map(|()| body));
    let (body, damage) = match or_damage(body)? {
        Ok(body) => (Bytes::copy_from_slice(body), None),
        Err(error) => (Bytes::new(), Some(error)),
    };
    let stored = Stored {
        row: SessionRow {
            key: number(row, 0)?,
            id: session_id(row, 1)?,
            created_at: timestamp(row, 2)?,
            revision: number(row, 3)?,
            epoch: number(row, 4)?,
            deleted: optional(row, 5, timestamp)?,
            body,
        },
        purged: number(row, 6)? != 0,
    };
    Ok((stored, damage))
}

/// Reads and, when that fails, names the session by what is legible.
fn named(row: &Row<'_>) -> Result<Read> {
    let name = |error: Error| match session_id(row, 1) {
        Ok(id) => error.with("session", id),
        Err(_) => error.with("session number", number(row, 0).unwrap_or(0)),
    };
    match read(row) {
        Ok((stored, damage)) => Ok((stored, damage.map(name))),
        Err(error) => Err(name(error)),
    }
}

/// The newest session under an id, and what is wrong with its body if that is damaged; it is empty then.
pub(crate) fn newest(
    connection: &Connection,
    id: &SessionId,
) -> Result<Option<(SessionRow, Option<Error>)>> {
    let found = one(connection, BY_ID, [Bind(raw(id.raw()))], named)?;
    if found.as_ref().is_some_and(|(found, _)| found.row.id != *id) {
        return Err(
            Error::corrupt("an index names another session; rebuild it from a backup")
                .with("session", id),
        );
    }
    Ok(found.map(|(found, damage)| (found.row, damage)))
}

/// As [`newest`], whole or not at all.
pub(crate) fn newest_whole(connection: &Connection, id: &SessionId) -> Result<Option<SessionRow>> {
    match newest(connection, id)? {
        Some((_, Some(damage))) => Err(damage),
        found => Ok(found.map(|(row, _)| row)),
    }
}

/// A session by its key, without its body when that is damaged.
pub(crate) fn by_key(connection: &Connection, key: u64) -> Result<Option<Stored>> {
    let found = one(connection, BY_KEY, [key.cast_signed()], named)?;
    Ok(found.map(|(found, _)| found))
}

/// Id and deletion of a session whose small columns start at `from`.
pub(crate) fn name_at(row: &Row<'_>, from: usize) -> Result<(SessionId, Option<Timestamp>)> {
    check(row, from, COLUMNS)?;
    Ok((
        session_id(row, from + 1)?,
        optional(row, from + 5, timestamp)?,
    ))
}

/// Id and deletion of a session.
pub(crate) fn name(
    connection: &Connection,
    key: u64,
) -> Result<Option<(SessionId, Option<Timestamp>)>> {
    one(connection, SMALL_BY_KEY, [key.cast_signed()], |row| {
        name_at(row, 0)
    })
}

/// The key of the newest session under an id, none when it is deleted. Of a damaged row the key alone is believed: who
/// reads its checkpoints is told.
pub(crate) fn live_key(connection: &Connection, id: &SessionId) -> Result<Option<u64>> {
    let key = one(connection, SMALL_BY_ID, [Bind(raw(id.raw()))], |row| {
        let key = number(row, 0)?;
        Ok(match or_damage(name_at(row, 0))? {
            Ok((_, deleted)) => deleted.is_none().then_some(key),
            Err(_) => Some(key),
        })
    });
    if let Ok(key) = or_damage(key)? {
        return Ok(key.flatten());
    }
    let Some(key) = salvage::session_key(connection, id)? else {
        return Ok(None);
    };
    match or_damage(name(connection, key))? {
        Ok(Some((_, Some(_)))) => Ok(None),
        _ => Ok(Some(key)),
    }
}

fn listed(row: &Row<'_>) -> Result<Listed> {
    let session = match or_damage(named(row))? {
        Ok((stored, _)) if stored.row.deleted.is_some() => None,
        Ok((stored, None)) => Some(Ok(stored.row)),
        Ok((_, Some(error))) | Err(error) => Some(Err(error)),
    };
    Ok((number(row, 0)?, session))
}

/// The newest session under an id.
pub(crate) fn listed_by_id(connection: &Connection, id: &SessionId) -> Result<Option<Listed>> {
    let found = one(connection, BY_ID, [Bind(raw(id.raw()))], listed);
    if let Ok(found) = or_damage(found)? {
        return Ok(found);
    }
    let key = salvage::session_key(connection, id)?;
    key.map(|key| listed_by_key(connection, key, Some(id)))
        .transpose()
}

/// The session with a key, of which something else told that it is there.
fn listed_by_key(connection: &Connection, key: u64, id: Option<&SessionId>) -> Result<Listed> {
    let found = one(connection, BY_KEY, [key.cast_signed()], listed);
    let missing = || Error::corrupt("an index names a session that is not there");
    let error = match or_damage(found)? {
        Ok(Some(found)) => return Ok(found),
        Ok(None) => missing(),
        Err(error) => error,
    };
    let error = match id {
        Some(id) => error.with("session", id),
        None => error.with("session number", key),
    };
    Ok((key, Some(Err(error))))
}

/// Sessions after a key, also deleted ones, at most as many.
pub(crate) fn after(
    connection: &Connection,
    key: Option<u64>,
    order: Order,
    limit: usize,
) -> Result<Vec<Listed>> {
    let (sql, start) = match order {
        Order::Ascending => (UPWARD, key.map_or(0, u64::cast_signed)),
        Order::Descending => (DOWNWARD, key.map_or(i64::MAX, u64::cast_signed)),
    };
    let params = params![start, super::at_most(limit)];
    let rows = all(connection, sql, params, listed);
    let damage = match or_damage(rows)? {
        Ok(rows) if rises(&rows, key, order) => return Ok(rows),
        Ok(_) => Error::corrupt("the list of sessions is out of order"),
        Err(damage) => damage,
    };
    let found = salvage::sessions(connection, key, order, limit)?;
    let (keys, complete) = (found.some, found.complete);
    if keys.is_empty() && !complete && key.is_none() {
        return Err(damage);
    }
    let mut rows = Vec::with_capacity(keys.len());
    for (key, id) in &keys {
        rows.push(listed_by_key(connection, *key, id.as_ref())?);
    }
    if let (false, true, Some((last, _))) = (complete, rows.len() < limit, keys.last()) {
        let error = "neither the sessions nor what they are found by can be read in full; some may be left out";
        rows.push((*last, Some(Err(Error::corrupt(error)))));
    }
    Ok(rows)
}

/// Whether keys come one after the other: in a tree whose pages were exchanged they may not.
fn rises(rows: &[Listed], after: Option<u64>, order: Order) -> bool {
    let keys = after.into_iter().chain(rows.iter().map(|(key, _)| *key));
    match order {
        Order::Ascending => keys.is_sorted_by(|one, next| one < next),
        Order::Descending => keys.is_sorted_by(|one, next| one > next),
    }
}

pub(crate) fn put(connection: &Connection, stored: &Stored) -> Result<()> {
    let row = &stored.row;
    let mut values = vec![
        int(row.key),
        raw(row.id.raw()),
        time(row.created_at),
        int(row.revision),
        int(row.epoch),
        maybe(row.deleted, time),
        int(stored.purged.into()),
    ];
    let digest = seal(&values, [&row.body]);
    values.extend([ValueRef::Blob(&digest), ValueRef::Blob(&row.body)]);
    run(connection, INSERT, params_from_iter(binds(&values))).map(drop)
}

/// A key above all others.
pub(crate) fn next_key(connection: &Connection) -> Result<u64> {
    Ok(one(connection, LAST_KEY, [], |row| number(row, 0))?.unwrap_or(0) + 1)
}

/// The first session after a key of those that are deleted and whose checkpoints are not all gone.
pub(crate) fn to_purge(connection: &Connection, after: u64) -> Result<Option<u64>> {
    one(connection, TO_PURGE, [after.cast_signed()], |row| {
        number(row, 0)
    })
}

/// Drops the row of a purged session when its id was used again.
pub(crate) fn drop_old(connection: &Connection, key: u64) -> Result<()> {
    run(connection, DROP_OLD, [key.cast_signed()]).map(drop)
}

pub(crate) fn count(connection: &Connection) -> Result<u64> {
    Ok(one(connection, COUNT, [], |row| number(row, 0))?.unwrap_or(0))
}
