//! Chunks. A chunk has a number, higher than those of its children, which it names by the difference.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::engine::{ChunkAge, children_of, put_children};
use checkpoint_core::{ChunkId, ChunkInfo, Error, Item, NewChunk, Result, StoredChunk, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, Row, params, params_from_iter};

use super::{all, one, one_of, or_damage, run, statement};
use crate::error::fault;
use crate::row::{array, binds, blob, check, check_large, int, number, seal, timestamp, value};

/// The small columns.
const COLUMNS: usize = 4;

const NUMBER: &str = "SELECT no FROM chunk_id WHERE id = ?1";
const NUMBER_AT: &str = "SELECT at FROM chunk_id WHERE id = ?1";
const RENEW: &str = "UPDATE chunk_id SET at = max(at, ?2) WHERE id = ?1";
const NAME: &str = "INSERT OR IGNORE INTO chunk_id(id, no, at) VALUES(?1, ?2, ?3)";
const INSERT: &str =
    "INSERT INTO chunk(no, id, children, size, digest, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
const LAST: &str = "SELECT max(coalesce((SELECT no FROM chunk ORDER BY no DESC LIMIT 1), 0),
    (SELECT chunk_floor FROM store))";
const WHOLE: &str = "SELECT chunk.no, chunk.id, children, size, digest, data
    FROM chunk_id LEFT JOIN chunk ON chunk.no = chunk_id.no WHERE chunk_id.id = ?1";
const SMALL: &str = "SELECT no, id, children, size, digest FROM chunk WHERE no = ?1";
const RUN: &str =
    "SELECT no, id, children, size, digest FROM chunk WHERE no BETWEEN ?1 AND ?2 ORDER BY no";
const FIRST_NAMES: &str = "SELECT id, no FROM chunk_id ORDER BY id LIMIT ?2";
const NAMES: &str = "SELECT id, no FROM chunk_id WHERE id > ?1 ORDER BY id LIMIT ?2";
/// Where the names cannot be read.
const FIRST_ROWS: &str = "SELECT id, no FROM chunk NOT INDEXED ORDER BY id LIMIT ?2";
const ROWS: &str = "SELECT id, no FROM chunk NOT INDEXED WHERE id > ?1 ORDER BY id LIMIT ?2";
const BELOW: &str = "SELECT no FROM chunk WHERE no <= ?1 ORDER BY no DESC LIMIT ?2";
const ABOVE: &str = "SELECT no FROM chunk WHERE no > ?1 ORDER BY no";
const RESEAL: &str = "UPDATE chunk SET size = ?2, digest = ?3, data = ?4 WHERE no = ?1";
const DELETE: &str = "DELETE FROM chunk WHERE no = ?1";
const UNNAME: &str = "DELETE FROM chunk_id WHERE id = ?1";
const UNNAME_ALL: &str = "DELETE FROM chunk_id WHERE no = ?1";
const LATEST_AT: &str = "SELECT max(at) FROM chunk_id WHERE no = ?1 HAVING max(at) IS NOT NULL";
const COUNTS: &str = "SELECT count(*), coalesce(sum(size), 0) FROM chunk";

/// The number of a chunk, none when it is not there.
pub(crate) fn number_of(connection: &Connection, id: &ChunkId) -> Result<Option<u64>> {
    one(connection, NUMBER, [&id.as_bytes()[..]], |row| {
        number(row, 0)
    })
}

/// As [`number_of`], for who relies on what the index says: that there is none, or another chunk, is damage.
pub(crate) fn needed_number_of(connection: &Connection, id: &ChunkId) -> Result<u64> {
    let no = number_of(connection, id)?
        .ok_or_else(|| Error::corrupt("a chunk that is needed is not in the index"));
    let found = no.and_then(|no| {
        one(connection, SMALL, [no.cast_signed()], |row| {
            check(row, 0, COLUMNS)?;
            expect_id(row, id)
        })
        .map(|_| no)
    });
    found.map_err(|error| error.with("chunk", id))
}

/// The highest number ever given.
pub(crate) fn last(connection: &Connection) -> Result<u64> {
    Ok(one(connection, LAST, [], |row| number(row, 0))?.unwrap_or(0))
}

/// Adds a chunk under the number `no`; answers whether it was new. Its children must be there.
pub(crate) fn insert(
    connection: &Connection,
    chunk: &NewChunk,
    no: u64,
    now: Timestamp,
) -> Result<bool> {
    let id = &chunk.id.as_bytes()[..];
    let children = put_children(chunk, no, |child| number_of(connection, child))?;
    if run(
        connection,
        NAME,
        params![id, no.cast_signed(), now.micros()],
    )? == 0
    {
        return Ok(false);
    }
    let mut values = vec![
        int(no),
        ValueRef::Blob(id),
        ValueRef::Blob(&children),
        int(chunk.bytes.len() as u64),
    ];
    let digest = seal(&values, [&chunk.bytes]);
    values.extend([ValueRef::Blob(&digest), ValueRef::Blob(&chunk.bytes)]);
    run(connection, INSERT, params_from_iter(binds(&values)))?;
    Ok(true)
}

pub(crate) fn renew(connection: &Connection, id: &ChunkId, now: Timestamp) -> Result<()> {
    run(connection, RENEW, params![&id.as_bytes()[..], now.micros()]).map(drop)
}

/// Looks up the ids of children.
struct Children<'c>(CachedStatement<'c>);

impl<'c> Children<'c> {
    fn new(connection: &'c Connection) -> Result<Self> {
        statement(connection, RUN).map(Self)
    }

    /// Children that were written one after another are read so.
    fn ids(&mut self, no: u64, column: &[u8]) -> Result<Arc<[ChunkId]>> {
        let numbers = children_of(no, column)?;
        let mut ids = Vec::with_capacity(numbers.len());
        for run in numbers.chunk_by(|one, next| one + 1 == *next) {
            let (&[first, ..], &[.., last]) = (run, run) else {
                continue;
            };
            let range = params![first.cast_signed(), last.cast_signed()];
            let mut rows = self.0.query(range).map_err(fault)?;
            for &child in run {
                let row = rows.next().map_err(fault)?;
                let row = row.filter(|row| number(row, 0).is_ok_and(|found| found == child));
                let row = row.ok_or_else(|| {
                    Error::corrupt("a child of a chunk is missing").with("number", child)
                })?;
                check(row, 0, COLUMNS)?;
                ids.push(ChunkId::from_bytes(array(row, 1)?));
            }
        }
        Ok(ids.into())
    }
}

/// Chunks by their ids.
pub(crate) fn get(connection: &Connection, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
    let mut whole = statement(connection, WHOLE)?;
    let mut children = Children::new(connection)?;
    let chunks = ids.iter().map(|id| {
        let chunk = one_of(&mut whole, [&id.as_bytes()[..]], |row| {
            if value(row, 0)? == ValueRef::Null {
                return Ok(None);
            }
            found(row, id, &mut children).map(Some)
        });
        match chunk {
            Ok(None) => Ok(Item::Absent),
            Ok(Some(chunk)) => named(Ok(chunk), id),
            Err(error) => named(Err(error), id),
        }
    });
    chunks.collect()
}

fn found(row: &Row<'_>, id: &ChunkId, children: &mut Children<'_>) -> Result<StoredChunk> {
    let digests = check(row, 0, COLUMNS)?;
    expect_id(row, id)?;
    let data = blob(row, 5)?;
    check_large(digests, 0, data, "data")?;
    Ok(StoredChunk {
        children: children.ids(number(row, 0)?, blob(row, 2)?)?,
        bytes: Bytes::copy_from_slice(data),
    })
}

fn expect_id(row: &Row<'_>, id: &ChunkId) -> Result<()> {
    if array(row, 1)? == *id.as_bytes() {
        Ok(())
    } else {
        Err(Error::corrupt("an index names another chunk"))
    }
}

fn named<T>(found: Result<Option<T>>, id: &ChunkId) -> Result<Item<T>> {
    match found {
        Ok(Some(found)) => Ok(Item::Found(found)),
        Ok(None) => Ok(Item::Corrupt(
            Error::corrupt("a chunk is in the index and nowhere else").with("chunk", id),
        )),
        Err(error) if error.is_corrupt() => Ok(Item::Corrupt(error.with("chunk", id))),
        Err(error) => Err(error),
    }
}

/// Chunks above an id, in the order of their ids.
pub(crate) fn scan(
    connection: &Connection,
    after: Option<ChunkId>,
    limit: usize,
) -> Result<Vec<Item<ChunkInfo>>> {
    let (sql, rows, start) = match &after {
        Some(id) => (NAMES, ROWS, Some(&id.as_bytes()[..])),
        None => (FIRST_NAMES, FIRST_ROWS, None),
    };
    let names = |sql| {
        all(
            connection,
            sql,
            params![start, super::at_most(limit)],
            |row| Ok((ChunkId::from_bytes(array(row, 0)?), number(row, 1)?)),
        )
    };
    let names = match or_damage(names(sql))? {
        Ok(names) => names,
        Err(_) => names(rows)?,
    };
    let mut children = Children::new(connection)?;
    let infos = names.into_iter().map(|(id, no)| {
        let info = one(connection, SMALL, [no.cast_signed()], |row| {
            check(row, 0, COLUMNS)?;
            expect_id(row, &id)?;
            Ok(ChunkInfo {
                id,
                children: children.ids(no, blob(row, 2)?)?,
                size: number(row, 3)?,
            })
        });
        named(info, &id)
    });
    infos.collect()
}

/// Replaces the stored bytes, keeping the children.
pub(crate) fn reseal(connection: &Connection, id: &ChunkId, bytes: &Bytes) -> Result<()> {
    let Some(no) = number_of(connection, id)? else {
        return Ok(());
    };
    let children = one(connection, SMALL, [no.cast_signed()], |row| {
        check(row, 0, COLUMNS)?;
        Ok(blob(row, 2)?.to_vec())
    })?
    .unwrap_or_default();
    let size = bytes.len() as u64;
    let small = [
        int(no),
        ValueRef::Blob(id.as_bytes()),
        ValueRef::Blob(&children),
        int(size),
    ];
    let digest = seal(&small, [bytes]);
    let params = params![no.cast_signed(), size.cast_signed(), digest, &bytes[..]];
    run(connection, RESEAL, params).map(drop)
}

/// Numbers of the children of a chunk that is needed.
pub(crate) fn children(connection: &Connection, no: u64) -> Result<Vec<u64>> {
    let children = one(connection, SMALL, [no.cast_signed()], |row| {
        check(row, 0, COLUMNS)?;
        children_of(no, blob(row, 2)?)
    });
    children
        .and_then(|it| it.ok_or_else(|| Error::corrupt("a chunk that is needed is missing")))
        .map_err(|error| error.with("chunk number", no))
}

/// Numbers from `no` down.
pub(crate) fn below(connection: &Connection, no: u64, limit: usize) -> Result<Vec<u64>> {
    all(
        connection,
        BELOW,
        params![no.cast_signed(), super::at_most(limit)],
        |row| number(row, 0),
    )
}

/// Numbers above `no`.
pub(crate) fn above(connection: &Connection, no: u64) -> Result<Vec<u64>> {
    all(connection, ABOVE, [no.cast_signed()], |row| number(row, 0))
}

/// The age of a chunk; none when it is not there. Of a damaged one, what the index has under its number.
pub(crate) fn age(connection: &Connection, no: u64) -> Result<Option<ChunkAge>> {
    let found = one(connection, SMALL, [no.cast_signed()], |row| {
        Ok(check(row, 0, COLUMNS)
            .and_then(|_| Ok((ChunkId::from_bytes(array(row, 1)?), number(row, 3)?)))
            .ok())
    })?;
    let Some(legible) = found else {
        return Ok(None);
    };
    if let Some((id, size)) = legible
        && number_of(connection, &id)? == Some(no)
        && let Some(at) = one(connection, NUMBER_AT, [&id.as_bytes()[..]], |row| {
            timestamp(row, 0)
        })?
    {
        let id = Some(id);
        return Ok(Some(ChunkAge { id, size, at }));
    }
    let at = one(connection, LATEST_AT, [no.cast_signed()], |row| {
        timestamp(row, 0)
    })?;
    Ok(Some(ChunkAge {
        id: None,
        size: 0,
        at: at.unwrap_or(Timestamp::MIN),
    }))
}

pub(crate) fn remove(connection: &Connection, no: u64, id: Option<&ChunkId>) -> Result<()> {
    run(connection, DELETE, [no.cast_signed()])?;
    match id {
        Some(id) => run(connection, UNNAME, [&id.as_bytes()[..]]),
        None => run(connection, UNNAME_ALL, [no.cast_signed()]),
    }
    .map(drop)
}

/// How many there are, and the bytes of their stored forms.
pub(crate) fn counts(connection: &Connection) -> Result<(u64, u64)> {
    let counts = one(connection, COUNTS, [], |row| {
        Ok((number(row, 0)?, number(row, 1)?))
    })?;
    Ok(counts.unwrap_or_default())
}
