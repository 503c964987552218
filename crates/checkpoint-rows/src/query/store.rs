//! The row of the store itself, its counters, named records and remembered commits.

use bytes::Bytes;
use checkpoint_core::engine::row::{put_time, take_array, take_if, take_time};
use checkpoint_core::engine::{Counters, StoreRow, or_damage, put_varint, take_varint};
use checkpoint_core::{
    CommitId, Error, Item, MetaRecord, Order, Position, RecordName, Result, StoreId, Timestamp,
};

use super::{checkpoint, feed, tombstone};
use crate::key;
use crate::row::{self, Joined, end};
use crate::staged::Staged;
use crate::table::Table;
use crate::view::{Snapshot, View};

const STORE: &[u8] = b"store";

pub(crate) fn store(view: &View<impl Snapshot>) -> Result<StoreRow> {
    let row = view.read(Table::Store, STORE, |value| {
        let (_, mut rest) = row::open(Table::Store, STORE, 0, value)?;
        let rest = &mut rest;
        let version = |rest: &mut &[u8]| {
            u32::try_from(take_varint(rest)?)
                .map_err(|_| Error::corrupt("a version is out of range"))
        };
        let row = StoreRow {
            id: StoreId::from_bytes(take_array(rest)?),
            created: take_time(rest)?,
            min_reader: version(rest)?,
            min_writer: version(rest)?,
            floor: Position {
                sequence: take_varint(rest)?,
                n: take_varint(rest)?,
            },
            newest: take_optional(rest, take_time)?,
            chunk_floor: take_varint(rest)?,
            generation: take_varint(rest)?,
        };
        end(rest).map(|()| row)
    })?;
    row.ok_or_else(|| Error::corrupt("the row of the store is missing; restore a backup"))
}

/// Stages the row of the store itself.
pub fn put_store(staged: &mut Staged, store: &StoreRow) {
    let mut fields = Vec::with_capacity(64);
    fields.extend_from_slice(store.id.as_bytes());
    put_time(&mut fields, store.created);
    for number in [
        u64::from(store.min_reader),
        u64::from(store.min_writer),
        store.floor.sequence,
        store.floor.n,
    ] {
        put_varint(&mut fields, number);
    }
    put_optional(&mut fields, store.newest, put_time);
    put_varint(&mut fields, store.chunk_floor);
    put_varint(&mut fields, store.generation);
    let value = row::seal(Table::Store, STORE, [], &fields);
    staged.put(Table::Store, STORE, value);
}

/// A byte that says whether something follows, and what does.
pub(crate) fn put_optional<T>(
    out: &mut Vec<u8>,
    value: Option<T>,
    put: impl FnOnce(&mut Vec<u8>, T),
) {
    out.push(value.is_some().into());
    if let Some(value) = value {
        put(out, value);
    }
}

pub(crate) fn take_optional<T>(
    rest: &mut &[u8],
    take: impl FnOnce(&mut &[u8]) -> Result<T>,
) -> Result<Option<T>> {
    let [there] = take_array(rest)?;
    take_if(there != 0, rest, take)
}

/// How far the store has come. There is no counter row: the highest of what is there tells.
pub(crate) fn counters(view: &View<impl Snapshot>) -> Result<Counters> {
    let (checkpoint, committed) = checkpoint::newest(view)?;
    let (tombstone, buried) = tombstone::last(view)?;
    let store = store(view)?;
    Ok(Counters {
        position: Position::of(checkpoint.max(tombstone))
            .max(feed::newest(view)?)
            .max(store.floor),
        committed_at: [committed, buried, store.newest]
            .into_iter()
            .flatten()
            .max(),
    })
}

/// The version of a record, whether it is there, and its row.
fn open_record<'v>(name: &[u8], value: &'v [u8]) -> Result<(u64, bool, Joined<'v>)> {
    let joined = Joined::open(Table::Record, name, value)?;
    let mut rest = joined.fields;
    let version = take_varint(&mut rest)?;
    let [present] = take_array(&mut rest)?;
    end(rest)?;
    Ok((version, present != 0, joined))
}

/// The version of a named record and whether it is there; one that was removed has a version too. What it holds is not
/// looked at, so that a record can be put again whose content is damaged. One whose version is damaged cannot: it might
/// go back.
pub(crate) fn record(view: &View<impl Snapshot>, name: &RecordName) -> Result<Option<(u64, bool)>> {
    let key = name.as_str().as_bytes();
    let found = view.read(Table::Record, key, |value| {
        open_record(key, value).map(|(version, present, _)| (version, present))
    });
    found.map_err(|error| error.with("record", name))
}

/// What a named record holds; none when it is not there.
pub(crate) fn content(view: &View<impl Snapshot>, name: &RecordName) -> Result<Option<Bytes>> {
    let key = name.as_str().as_bytes();
    let found = view.read(Table::Record, key, |value| read_record(key, value));
    let found = found.map_err(|error| error.with("record", name))?;
    Ok(found.flatten().map(|record| record.bytes))
}

fn read_record(name: &[u8], value: &[u8]) -> Result<Option<MetaRecord>> {
    let (version, present, joined) = open_record(name, value)?;
    if !present {
        return Ok(None);
    }
    let text = std::str::from_utf8(name).map_err(|_| Error::corrupt("a name is not UTF-8"))?;
    Ok(Some(MetaRecord {
        name: checkpoint_core::engine::row::corrupt(RecordName::new(text))?,
        version,
        bytes: Bytes::copy_from_slice(joined.large("data")?),
    }))
}

/// Records whose names start so, by name.
pub(crate) fn records(view: &View<impl Snapshot>, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
    let mut found = Vec::new();
    for row in view.rows(Table::Record, prefix.as_bytes(), None, Order::Ascending)? {
        let (name, value) = row?;
        if !name.starts_with(prefix.as_bytes()) {
            break;
        }
        match or_damage(read_record(&name, &value))? {
            Ok(Some(record)) => found.push(Item::Found(record)),
            Ok(None) => {}
            Err(error) => {
                let name = String::from_utf8_lossy(&name);
                found.push(Item::Corrupt(error.with("record", name)));
            }
        }
    }
    if view.lost(&[Table::Record]).is_some() {
        found.push(Item::Corrupt(Error::corrupt(
            "not all records can be read; some may be left out",
        )));
    }
    Ok(found)
}

pub(crate) fn put_record(
    staged: &mut Staged,
    name: &RecordName,
    version: u64,
    bytes: Option<&Bytes>,
) {
    let key = name.as_str().as_bytes();
    let mut fields = Vec::with_capacity(12);
    put_varint(&mut fields, version);
    fields.push(bytes.is_some().into());
    let data = bytes.map_or(&[][..], |bytes| bytes);
    staged.put(
        Table::Record,
        key,
        row::join(Table::Record, key, &fields, data),
    );
}

pub(crate) fn remembered(view: &View<impl Snapshot>, id: &CommitId) -> Result<Option<Bytes>> {
    let key = &id.as_bytes()[..];
    view.read(Table::Remembered, key, |value| {
        let joined = Joined::open(Table::Remembered, key, value)?;
        Ok(Bytes::copy_from_slice(joined.large("receipt")?))
    })
}

pub(crate) fn remember(staged: &mut Staged, id: &CommitId, receipt: &[u8], now: Timestamp) {
    let key = &id.as_bytes()[..];
    let value = row::join(Table::Remembered, key, &[], receipt);
    staged.put(Table::Remembered, key, value);
    let by_age = [&key::time(now)[..], key].concat();
    staged.put(Table::RememberedAt, &by_age, Bytes::new());
}

/// Forgets commits of this time and earlier; answers how many.
pub(crate) fn forget(
    view: &mut View<impl Snapshot>,
    until: Timestamp,
    limit: usize,
) -> Result<usize> {
    let high = [&key::time(until)[..], &[0xff; 16]].concat();
    let rows = view.rows(Table::RememberedAt, &[], Some(&high), Order::Ascending)?;
    let old = rows.take(limit).map(|row| Ok(row?.0.to_vec()));
    let old = old.collect::<Result<Vec<_>>>()?;
    for by_age in &old {
        view.staged.remove(Table::RememberedAt, by_age);
        if let Some(id) = by_age.get(8..) {
            view.staged.remove(Table::Remembered, id);
        }
    }
    Ok(old.len())
}
