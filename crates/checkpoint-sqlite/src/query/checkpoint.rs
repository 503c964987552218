//! Checkpoints: reads of one, and of what the rest of the crate needs of many.

use checkpoint_core::engine::Existing;
use checkpoint_core::engine::row::{self, Digests, Small, Whole};
use checkpoint_core::{
    CheckpointId, ChunkId, Error, Fingerprint, Item, Parts, Record, Result, Status, Timestamp,
};
use rusqlite::{Connection, Row, params};

use super::{all, chunk, one, session};
use crate::checkpoint::{self, COLUMNS, decode, is_damaged_aside};
use crate::error::fault;
use crate::row::{Bind, blob, checkpoint_id, integer, number, raw};

/// The columns of a checkpoint in their order, and then what follows.
macro_rules! columns {
    ($($rest:literal),*) => {
        concat!(
            "c.sequence, c.id, c.session, c.packed",
            $($rest),*
        )
    };
}
pub(crate) use columns;

macro_rules! get {
    ($parts:literal) => {
        concat!(
            "SELECT ",
            columns!(
                $parts,
                ", s.key, s.id, s.created, s.revision, s.epoch, s.deleted, s.purged, s.digest",
                " FROM checkpoint AS c LEFT JOIN session AS s ON s.key = c.session WHERE c.id = ?1"
            )
        )
    };
}

const GET_HEADER: &str = get!(", NULL, NULL");
const GET_META: &str = get!(", c.meta, NULL");
const GET_PAYLOAD: &str = get!(", NULL, c.payload");
const GET_ALL: &str = get!(", c.meta, c.payload");
const BY_SEQUENCE: &str = concat!(
    "SELECT ",
    columns!(", c.meta, c.payload FROM checkpoint AS c WHERE c.sequence = ?1")
);
const IS_KNOWN: &str =
    "SELECT EXISTS(SELECT 1 FROM checkpoint INDEXED BY checkpoint_id WHERE id = ?1)
    OR EXISTS(SELECT 1 FROM tombstone INDEXED BY tombstone_id WHERE id = ?1)";
const SEQUENCE_OF: &str = "SELECT sequence FROM checkpoint INDEXED BY checkpoint_id WHERE id = ?1";
const HEAD: &str = concat!(
    "SELECT ",
    columns!(" FROM checkpoint AS c WHERE c.session = ?1 ORDER BY c.sequence DESC")
);
const NEWEST: &str = concat!(
    "SELECT ",
    columns!(" FROM checkpoint AS c ORDER BY c.sequence DESC")
);
const OF_SESSION: &str =
    "SELECT sequence FROM checkpoint WHERE session = ?1 ORDER BY sequence LIMIT ?2";
const LIVE: &str = "SELECT c.packed FROM session AS s CROSS JOIN checkpoint AS c
    ON c.session = s.key WHERE s.deleted IS NULL";
const TOPS: &str = concat!(
    "SELECT ",
    columns!(" FROM checkpoint AS c WHERE c.sequence > ?1 ORDER BY c.sequence LIMIT ?2")
);

/// Where the columns of the session start in a row of [`get`].
const SESSION_AT: usize = COLUMNS + 2;

/// One checkpoint by its id. `Absent` when there is none, whether or not it is remembered as deleted.
pub(crate) fn get(
    connection: &Connection,
    id: &CheckpointId,
    parts: Parts,
) -> Result<Item<Record>> {
    let sql = match (parts.meta, parts.payload) {
        (false, false) => GET_HEADER,
        (true, false) => GET_META,
        (false, true) => GET_PAYLOAD,
        (true, true) => GET_ALL,
    };
    let found = one(connection, sql, [Bind(raw(id.raw()))], |row| {
        let (session, deleted) = session::name_at(row, SESSION_AT)?;
        if deleted.is_some() {
            return Ok(None);
        }
        let record = decode(row, session, parts)?;
        if record.header.id != *id {
            return Err(Error::corrupt(
                "an index names another checkpoint; restore a backup",
            ));
        }
        Ok(Some(record))
    });
    match found {
        Ok(Some(Some(record))) => Ok(Item::Found(record)),
        Ok(Some(None)) => Ok(Item::Deleted),
        Ok(None) => Ok(Item::Absent),
        Err(error) if error.is_corrupt() => Ok(Item::Corrupt(error.with("checkpoint", id))),
        Err(error) => Err(error),
    }
}

/// Whether an id is that of a checkpoint or of a tombstone.
pub(crate) fn is_known(connection: &Connection, id: &CheckpointId) -> Result<bool> {
    let known = one(connection, IS_KNOWN, [Bind(raw(id.raw()))], |row| {
        integer(row, 0)
    })?;
    Ok(known != Some(0))
}

/// The sequence of a checkpoint, by the index alone.
pub(crate) fn sequence_of(connection: &Connection, id: &CheckpointId) -> Result<Option<u64>> {
    one(connection, SEQUENCE_OF, [Bind(raw(id.raw()))], |row| {
        number(row, 0)
    })
}

/// The highest checkpoint of a session that is not set aside. An id that cannot be right is damage; one that both the
/// row and the index have is right, whatever else of the row is damaged.
pub(crate) fn head(connection: &Connection, session: u64) -> Result<Option<(u64, CheckpointId)>> {
    let found = {
        let mut statement = connection.prepare_cached(HEAD).map_err(fault)?;
        let mut rows = statement.query([session.cast_signed()]).map_err(fault)?;
        loop {
            let Some(row) = rows.next().map_err(fault)? else {
                return Ok(None);
            };
            match checkpoint::small(row) {
                Ok((small, _)) if small.packed.aside => {}
                Ok((small, _)) => break (small.sequence, small.id),
                Err(_) if is_damaged_aside(row) => {}
                Err(_) => {
                    let sequence = number(row, 0)?;
                    let id = checkpoint_id(row, 1);
                    break (
                        sequence,
                        id.map_err(|error| error.with("sequence", sequence))?,
                    );
                }
            }
        }
    };
    if sequence_of(connection, &found.1)? == Some(found.0) {
        Ok(Some(found))
    } else {
        Err(
            Error::corrupt("a row does not match its index; delete or restore it")
                .with("sequence", found.0),
        )
    }
}

/// The highest sequence, and when the newest checkpoint that is legible was committed.
pub(crate) fn newest(connection: &Connection) -> Result<(u64, Option<Timestamp>)> {
    let mut statement = connection.prepare_cached(NEWEST).map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut highest = 0;
    while let Some(row) = rows.next().map_err(fault)? {
        highest = highest.max(number(row, 0)?);
        if let Ok((small, _)) = checkpoint::small(row) {
            return Ok((highest, Some(small.packed.committed)));
        }
    }
    Ok((highest, None))
}

/// What the judgement needs of the row under an id, with the key of its session. `lenient` takes a damaged row as far
/// as it is legible, so that it can be set aside or deleted.
pub(crate) fn existing(
    connection: &Connection,
    id: &CheckpointId,
    lenient: bool,
) -> Result<Option<Existing>> {
    let read = |row: &Row<'_>| match checkpoint::small(row) {
        Ok((small, _)) => Ok(small.existing()),
        Err(error) if lenient && error.is_corrupt() => guess_existing(row),
        Err(error) => Err(error),
    };
    one(connection, GET_HEADER, [Bind(raw(id.raw()))], read)
        .map_err(|error| error.with("checkpoint", id))
}

fn guess_existing(row: &Row<'_>) -> Result<Existing> {
    if let Ok(small) = checkpoint::guess(row) {
        return Ok(small.existing());
    }
    Ok(Existing {
        sequence: number(row, 0)?,
        session: number(row, 2)?,
        parent: None,
        committed_at: Timestamp::MIN,
        revision: 0,
        status: Status::Created,
        fingerprint: Fingerprint([0; 16]),
    })
}

/// The whole row as it lies there, checked.
pub(crate) fn stored(connection: &Connection, sequence: u64) -> Result<Option<Whole>> {
    one(
        connection,
        BY_SEQUENCE,
        [sequence.cast_signed()],
        checkpoint::whole,
    )
    .map_err(|error| error.with("sequence", sequence))
}

/// The small columns of a row, checked, with the digests of the large ones.
pub(crate) fn small(connection: &Connection, sequence: u64) -> Result<Option<(Small, Digests)>> {
    one(
        connection,
        BY_SEQUENCE,
        [sequence.cast_signed()],
        checkpoint::small,
    )
}

/// The column `packed` of a row, as it lies there.
pub(crate) fn packed(connection: &Connection, sequence: u64) -> Result<Option<Vec<u8>>> {
    one(connection, BY_SEQUENCE, [sequence.cast_signed()], |row| {
        blob(row, COLUMNS - 1).map(<[u8]>::to_vec)
    })
}

/// The lowest sequences of a session.
pub(crate) fn of_session(connection: &Connection, key: u64, limit: usize) -> Result<Vec<u64>> {
    all(
        connection,
        OF_SESSION,
        params![key.cast_signed(), super::at_most(limit)],
        |row| number(row, 0),
    )
}

/// How many are live, and the bytes of their states; those of a damaged row are not known.
pub(crate) fn counts(connection: &Connection) -> Result<(u64, u64)> {
    let mut statement = connection.prepare_cached(LIVE).map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let (mut count, mut bytes) = (0_u64, 0_u64);
    while let Some(row) = rows.next().map_err(fault)? {
        count += 1;
        let length = blob(row, 0).and_then(row::length).unwrap_or(0);
        bytes = bytes.saturating_add(length);
    }
    Ok((count, bytes))
}

/// Sequences above `after` with the tops of their states, checked, in order.
pub(crate) fn tops(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, Option<ChunkId>)>> {
    let params = params![after.cast_signed(), super::at_most(limit)];
    all(connection, TOPS, params, |row| {
        Ok((number(row, 0)?, top(connection, row)?))
    })
}

/// The top of the state of a row. Of a damaged one that was set aside it is what can be read, if it can be.
pub(crate) fn top(connection: &Connection, row: &Row<'_>) -> Result<Option<ChunkId>> {
    match checkpoint::small(row) {
        Ok((small, _)) => Ok(small.packed.top),
        Err(_) if is_damaged_aside(row) => {
            let top = checkpoint::guess(row)
                .ok()
                .and_then(|small| small.packed.top);
            Ok(top.filter(|top| chunk::needed_number_of(connection, top).is_ok()))
        }
        Err(error) => Err(match checkpoint_id(row, 1) {
            Ok(id) => error.with("checkpoint", id),
            Err(_) => error,
        }
        .with("sequence", number(row, 0)?)),
    }
}
