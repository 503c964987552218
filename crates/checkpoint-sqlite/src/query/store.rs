//! The row of the store itself, its counters, named records and remembered commits.

use std::collections::BTreeMap;

use bytes::Bytes;
use checkpoint_core::engine::{Counters, StoreRow};
use checkpoint_core::{
    CommitId, Error, Item, MetaRecord, Position, RecordName, Result, StoreId, Timestamp,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::{all, checkpoint, one, or_damage, run, salvage, statement};
use crate::error::fault;
use crate::row::{
    array, binds, blob, check, check_large, corrupt, int, integer, maybe, number, optional, seal,
    text, time, timestamp, value,
};

const READ: &str =
    "SELECT one, id, created, min_reader, min_writer, floor_sequence, floor_n, newest, chunk_floor,
    generation, digest FROM store WHERE one = 1";
const INSERT: &str = "INSERT OR REPLACE INTO store(one, id, created, min_reader, min_writer, floor_sequence, floor_n,
    newest, chunk_floor, generation, digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const COUNTERS: &str = "SELECT
    (SELECT sequence FROM tombstone ORDER BY sequence DESC LIMIT 1),
    (SELECT committed FROM tombstone ORDER BY sequence DESC LIMIT 1),
    (SELECT sequence FROM change ORDER BY sequence DESC, n DESC LIMIT 1),
    (SELECT n FROM change ORDER BY sequence DESC, n DESC LIMIT 1),
    floor_sequence, floor_n, newest FROM store WHERE one = 1";
const RECORD: &str = "SELECT name, version, present, digest FROM record WHERE name = ?1";
const RECORDS: &str =
    "SELECT name, version, present, digest, data FROM record WHERE name >= ?1 ORDER BY name";
const RECORDS_BY_ROWS: [&str; 2] = [
    "SELECT name, version, present, digest, data FROM record NOT INDEXED WHERE name >= ?1 ORDER BY no",
    "SELECT name, version, present, digest, data FROM record NOT INDEXED WHERE name >= ?1 ORDER BY no DESC",
];
const PUT_RECORD: &str =
    "INSERT INTO record(name, version, present, digest, data) VALUES(?1, ?2, ?3, ?4, ?5)
    ON CONFLICT(name) DO UPDATE SET version = excluded.version, present = excluded.present,
    digest = excluded.digest, data = excluded.data";
const REMEMBERED: &str = "SELECT id, committed, digest, receipt FROM remembered WHERE id = ?1";
const REMEMBER: &str =
    "INSERT INTO remembered(id, committed, digest, receipt) VALUES(?1, ?2, ?3, ?4)";
const FORGET: &str = "DELETE FROM remembered WHERE no IN (SELECT no FROM remembered WHERE committed <= ?1 ORDER BY no LIMIT ?2)";

const COLUMNS: usize = 10;

pub(crate) fn store(connection: &Connection) -> Result<StoreRow> {
    let narrow =
        |value: u64| u32::try_from(value).map_err(|_| Error::corrupt("a version is out of range"));
    let row = one(connection, READ, [], |row| {
        check(row, 0, COLUMNS)?;
        Ok(StoreRow {
            id: StoreId::from_bytes(array(row, 1)?),
            created: timestamp(row, 2)?,
            min_reader: narrow(number(row, 3)?)?,
            min_writer: narrow(number(row, 4)?)?,
            floor: Position {
                sequence: number(row, 5)?,
                n: number(row, 6)?,
            },
            newest: optional(row, 7, timestamp)?,
            chunk_floor: number(row, 8)?,
            generation: number(row, 9)?,
        })
    })?;
    row.ok_or_else(|| Error::corrupt("the row of the store is missing; restore a backup"))
}

pub(crate) fn put_store(connection: &Connection, row: &StoreRow) -> Result<()> {
    let mut values = vec![
        int(1),
        ValueRef::Blob(row.id.as_bytes()),
        time(row.created),
        int(row.min_reader.into()),
        int(row.min_writer.into()),
        int(row.floor.sequence),
        int(row.floor.n),
        maybe(row.newest, time),
        int(row.chunk_floor),
        int(row.generation),
    ];
    let digest = seal(&values, []);
    values.push(ValueRef::Blob(&digest));
    run(
        connection,
        INSERT,
        rusqlite::params_from_iter(binds(&values)),
    )
    .map(drop)
}

/// How far the store has come. There is no counter row: the highest of what is there tells.
pub(crate) fn counters(connection: &Connection) -> Result<Counters> {
    let (checkpoint, committed) = checkpoint::newest(connection)?;
    let (position, others) = tail(connection)?;
    Ok(Counters {
        position: position.max(Position::of(checkpoint)),
        committed_at: committed.max(others),
    })
}

/// The same without checkpoints.
fn tail(connection: &Connection) -> Result<(Position, Option<Timestamp>)> {
    let tail = one(connection, COUNTERS, [], |row| {
        let place = |at| Ok::<_, Error>(optional(row, at, number)?.unwrap_or(0));
        let tombstone = Position::of(place(0)?);
        let changed = Position {
            sequence: place(2)?,
            n: place(3)?,
        };
        let floor = Position {
            sequence: place(4)?,
            n: place(5)?,
        };
        let times = [optional(row, 1, timestamp)?, optional(row, 6, timestamp)?];
        let newest = times.into_iter().flatten().max();
        Ok((tombstone.max(changed).max(floor), newest))
    })?;
    tail.ok_or_else(|| Error::corrupt("the row of the store is missing; restore a backup"))
}

/// How far the store has come, also where the newest checkpoints cannot be read. For reads alone: what is given next
/// rests on [`counters`].
pub(crate) fn reached(connection: &Connection) -> Result<Position> {
    match or_damage(counters(connection))? {
        Ok(counters) => Ok(counters.position),
        Err(damage) => {
            let checkpoint = salvage::highest(connection)?;
            let (tail, _) = or_damage(tail(connection))?.map_err(|_| damage)?;
            Ok(tail.max(Position::of(checkpoint)))
        }
    }
}

/// The version of a named record and whether it is there; one that was removed has a version too. What it holds is not
/// read, so that a record can be put again whose content is damaged. One whose version is damaged cannot: it might go
/// back.
pub(crate) fn record(connection: &Connection, name: &RecordName) -> Result<Option<(u64, bool)>> {
    let found = one(connection, RECORD, [name.as_str()], |row| {
        check(row, 0, 3)?;
        Ok((number(row, 1)?, integer(row, 2)? != 0))
    });
    found.map_err(|error| error.with("record", name))
}

fn read_record(row: &rusqlite::Row<'_>) -> Result<(MetaRecord, bool)> {
    let digests = check(row, 0, 3)?;
    let data = blob(row, 4)?;
    check_large(digests, 0, data, "data")?;
    let record = MetaRecord {
        name: corrupt(RecordName::new(text(row, 0)?))?,
        version: number(row, 1)?,
        bytes: Bytes::copy_from_slice(data),
    };
    Ok((record, integer(row, 2)? != 0))
}

/// What a named record holds; none when it is not there.
pub(crate) fn content(connection: &Connection, name: &RecordName) -> Result<Option<Bytes>> {
    let mut statement = statement(connection, RECORDS)?;
    let mut rows = statement.query([name.as_str()]).map_err(fault)?;
    let Some(row) = rows.next().map_err(fault)? else {
        return Ok(None);
    };
    // The first from this name on.
    if value(row, 0)?.as_bytes().unwrap_or_default() != name.as_str().as_bytes() {
        return Ok(None);
    }
    let (record, there) = read_record(row).map_err(|error| error.with("record", name))?;
    Ok(there.then_some(record.bytes))
}

/// Whether a row says, and can be believed to say, that its record was removed.
fn is_removed(row: &rusqlite::Row<'_>) -> bool {
    check(row, 0, 3).is_ok() && integer(row, 2).is_ok_and(|present| present == 0)
}

/// Records whose names start with a prefix. Where a page of the index cannot be read, by the rows, and the other way
/// round; what neither tells is one damage at the end.
pub(crate) fn records(connection: &Connection, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
    let mut found = BTreeMap::new();
    let indexed = read_records(connection, RECORDS, prefix, &mut found);
    let mut damage = match or_damage(indexed)? {
        Ok(()) => return Ok(found.into_values().collect()),
        Err(damage) => Some(damage),
    };
    for sql in RECORDS_BY_ROWS {
        if or_damage(read_records(connection, sql, prefix, &mut found))?.is_ok() {
            damage = None;
            break;
        }
    }
    let mut items: Vec<_> = found.into_values().collect();
    items.extend(damage.map(|damage| Item::Corrupt(damage.with("records with prefix", prefix))));
    Ok(items)
}

fn read_records(
    connection: &Connection,
    sql: &str,
    prefix: &str,
    found: &mut BTreeMap<String, Item<MetaRecord>>,
) -> Result<()> {
    let mut statement = statement(connection, sql)?;
    let mut rows = statement.query([prefix]).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        let name = String::from_utf8_lossy(value(row, 0)?.as_bytes().unwrap_or_default());
        match name.starts_with(prefix) {
            true => {}
            false if sql == RECORDS => break,
            false => continue,
        }
        let item = match or_damage(read_record(row))? {
            Ok((record, true)) => Item::Found(record),
            Ok((_, false)) => continue,
            Err(_) if is_removed(row) => continue,
            Err(error) => Item::Corrupt(error.with("record", &name)),
        };
        found.insert(name.into_owned(), item);
    }
    Ok(())
}

pub(crate) fn put_record(
    connection: &Connection,
    name: &RecordName,
    version: u64,
    bytes: Option<&Bytes>,
) -> Result<()> {
    let data: &[u8] = bytes.map_or(&[], |bytes| bytes);
    let mut values = vec![
        ValueRef::Text(name.as_str().as_bytes()),
        int(version),
        int(bytes.is_some().into()),
    ];
    let digest = seal(&values, [data]);
    values.extend([ValueRef::Blob(&digest), ValueRef::Blob(data)]);
    run(
        connection,
        PUT_RECORD,
        rusqlite::params_from_iter(binds(&values)),
    )
    .map(drop)
}

pub(crate) fn remembered(connection: &Connection, id: &CommitId) -> Result<Option<Bytes>> {
    one(connection, REMEMBERED, [&id.as_bytes()[..]], |row| {
        let digests = check(row, 0, 2)?;
        let receipt = blob(row, 3)?;
        check_large(digests, 0, receipt, "receipt")?;
        Ok(Bytes::copy_from_slice(receipt))
    })
}

pub(crate) fn remember(
    connection: &Connection,
    id: &CommitId,
    receipt: &[u8],
    now: Timestamp,
) -> Result<()> {
    let mut values = vec![ValueRef::Blob(id.as_bytes()), time(now)];
    let digest = seal(&values, [receipt]);
    values.extend([ValueRef::Blob(&digest), ValueRef::Blob(receipt)]);
    run(
        connection,
        REMEMBER,
        rusqlite::params_from_iter(binds(&values)),
    )
    .map(drop)
}

/// Forgets commits of this time and earlier; answers how many.
pub(crate) fn forget(connection: &Connection, until: Timestamp, limit: usize) -> Result<usize> {
    run(
        connection,
        FORGET,
        params![until.micros(), super::at_most(limit)],
    )
}

/// Names of every table, index and so on, with the text that made it.
pub(crate) fn schema(connection: &Connection) -> Result<Vec<(String, String)>> {
    const SCHEMA: &str = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    all(connection, SCHEMA, [], |row| {
        Ok((text(row, 0)?.to_owned(), text(row, 1)?.to_owned()))
    })
}
