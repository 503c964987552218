//! Chunks. A chunk has a number, higher than those of its children, which it names by the difference. What it refers to
//! lies apart from its stored form, so that sweeping reads nothing large.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::engine::row::{check_large, take, take_array};
use checkpoint_core::engine::{ChunkAge, children_of, put_children, put_varint, take_varint};
use checkpoint_core::{
    ChunkId, ChunkInfo, Error, Item, NewChunk, Order, Result, StoredChunk, Timestamp,
};

use super::store;
use crate::key;
use crate::row::{self, end};
use crate::staged::Staged;
use crate::table::Table;
use crate::view::{Snapshot, View};

/// A chunk without its stored form.
struct Node {
    id: ChunkId,
    size: u64,
    /// Differences to the numbers of its children.
    children: Vec<u8>,
    digests: Vec<u8>,
}

fn open(no: u64, value: &[u8]) -> Result<Node> {
    let (digests, mut rest) = row::open(Table::Chunk, &key::number(no), 1, value)?;
    let rest = &mut rest;
    let node = Node {
        id: ChunkId::from_bytes(take_array(rest)?),
        size: take_varint(rest)?,
        children: {
            let length = take_varint(rest)?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            take(rest, length)?.to_vec()
        },
        digests: digests.to_vec(),
    };
    end(rest).map(|()| node)
}

fn node(view: &View<impl Snapshot>, no: u64) -> Result<Option<Node>> {
    view.read(Table::Chunk, &key::number(no), |value| open(no, value))
}

fn put(staged: &mut Staged, no: u64, node: &Node, data: &Bytes) {
    let key = key::number(no);
    let mut fields = Vec::with_capacity(48 + node.children.len());
    fields.extend_from_slice(node.id.as_bytes());
    put_varint(&mut fields, data.len() as u64);
    put_varint(&mut fields, node.children.len() as u64);
    fields.extend_from_slice(&node.children);
    let value = row::seal(Table::Chunk, &key, [data], &fields);
    staged.put(Table::Chunk, &key, value);
    staged.put(Table::ChunkData, &key, data.clone());
}

/// What the index has under an id: the number, and when somebody last relied on it.
fn entry(view: &View<impl Snapshot>, id: &ChunkId) -> Result<Option<(u64, Timestamp)>> {
    view.read(Table::ChunkId, id.as_bytes(), to_entry)
}

pub(crate) fn to_entry(value: &[u8]) -> Result<(u64, Timestamp)> {
    let (no, at) = key::to_pair(value)?;
    let at = checkpoint_core::engine::row::corrupt(Timestamp::from_micros(at.cast_signed()))?;
    Ok((no, at))
}

fn put_entry(staged: &mut Staged, id: &ChunkId, no: u64, at: Timestamp) {
    let value = key::pair(no, at.micros().cast_unsigned()).to_vec();
    staged.put(Table::ChunkId, id.as_bytes(), value);
}

/// The number of a chunk, none when it is not there.
pub(crate) fn number_of(view: &View<impl Snapshot>, id: &ChunkId) -> Result<Option<u64>> {
    view.read(Table::ChunkId, id.as_bytes(), |value| {
        key::to_pair(value).map(|(no, _)| no)
    })
}

/// As [`number_of`], for who relies on what the index says: that there is none, or another chunk, is damage.
pub(crate) fn needed_number_of(view: &View<impl Snapshot>, id: &ChunkId) -> Result<u64> {
    let no = number_of(view, id)?
        .ok_or_else(|| Error::corrupt("a chunk that is needed is not in the index"));
    let found = no.and_then(|no| {
        if let Some(node) = node(view, no)? {
            expect_id(&node, id)?;
        }
        Ok(no)
    });
    found.map_err(|error| error.with("chunk", id))
}

fn expect_id(node: &Node, id: &ChunkId) -> Result<()> {
    if node.id == *id {
        Ok(())
    } else {
        Err(Error::corrupt("an index names another chunk"))
    }
}

/// The highest number ever given.
pub(crate) fn last(view: &View<impl Snapshot>) -> Result<u64> {
    let last = view.last(Table::Chunk)?;
    let last = last.map(|(key, _)| key::last_number(&key)).transpose()?;
    Ok(last.unwrap_or(0).max(store::store(view)?.chunk_floor))
}

/// Adds a chunk under the number `no`; answers whether it was new. Its children must be there.
pub(crate) fn insert(
    view: &mut View<impl Snapshot>,
    chunk: &NewChunk,
    no: u64,
    now: Timestamp,
) -> Result<bool> {
    let children = put_children(chunk, no, |child| number_of(view, child))?;
    if view.has(Table::ChunkId, chunk.id.as_bytes())? {
        return Ok(false);
    }
    put_entry(&mut view.staged, &chunk.id, no, now);
    let node = Node {
        id: chunk.id,
        size: chunk.bytes.len() as u64,
        children,
        digests: Vec::new(),
    };
    put(&mut view.staged, no, &node, &chunk.bytes);
    Ok(true)
}

pub(crate) fn renew(view: &mut View<impl Snapshot>, id: &ChunkId, now: Timestamp) -> Result<()> {
    if let Some((no, at)) = entry(view, id)?
        && at < now
    {
        put_entry(&mut view.staged, id, no, now);
    }
    Ok(())
}

/// The ids of children, by the column of the chunk `no`.
fn ids_of(view: &View<impl Snapshot>, no: u64, column: &[u8]) -> Result<Arc<[ChunkId]>> {
    let ids = children_of(no, column)?.into_iter().map(|child| {
        let missing = || Error::corrupt("a child of a chunk is missing").with("number", child);
        Ok(node(view, child)?.ok_or_else(missing)?.id)
    });
    ids.collect()
}

/// Chunks by their ids.
pub(crate) fn get(view: &View<impl Snapshot>, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
    let chunks = ids.iter().map(|id| {
        named(id, number_of(view, id), |no| {
            let Some(node) = node(view, no)? else {
                return Ok(None);
            };
            expect_id(&node, id)?;
            let data = view.read(Table::ChunkData, &key::number(no), |data| {
                check_large(&node.digests, 0, data, "data")?;
                Ok(Bytes::copy_from_slice(data))
            })?;
            let Some(bytes) = data else {
                return Ok(None);
            };
            Ok(Some(StoredChunk {
                children: ids_of(view, no, &node.children)?,
                bytes,
            }))
        })
    });
    chunks.collect()
}

fn named<T>(
    id: &ChunkId,
    no: Result<Option<u64>>,
    read: impl FnOnce(u64) -> Result<Option<T>>,
) -> Result<Item<T>> {
    let found = match no {
        Ok(None) => return Ok(Item::Absent),
        Ok(Some(no)) => read(no),
        Err(error) => Err(error),
    };
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
    view: &View<impl Snapshot>,
    after: Option<ChunkId>,
    limit: usize,
) -> Result<Vec<Item<ChunkInfo>>> {
    let low = match &after {
        // The least key above it.
        Some(id) => [&id.as_bytes()[..], &[0]].concat(),
        None => Vec::new(),
    };
    let names = view.rows(Table::ChunkId, &low, None, Order::Ascending)?;
    let infos = names.take(limit).map(|row| {
        let (key, value) = row?;
        let id = <[u8; 32]>::try_from(&*key).map(ChunkId::from_bytes);
        let id = id.map_err(|_| Error::corrupt("an id of a chunk has the wrong length"))?;
        let no = key::to_pair(&value).map(|(no, _)| Some(no));
        named(&id, no, |no| {
            let Some(node) = node(view, no)? else {
                return Ok(None);
            };
            expect_id(&node, &id)?;
            Ok(Some(ChunkInfo {
                id,
                children: ids_of(view, no, &node.children)?,
                size: node.size,
            }))
        })
    });
    infos.collect()
}

/// The stored bytes of one.
pub(crate) fn content(view: &View<impl Snapshot>, id: &ChunkId) -> Result<Item<StoredChunk>> {
    let mut found = get(view, std::slice::from_ref(id))?;
    Ok(found.pop().unwrap_or(Item::Absent))
}

/// Replaces the stored bytes, keeping the children.
pub(crate) fn reseal(view: &mut View<impl Snapshot>, id: &ChunkId, bytes: &Bytes) -> Result<()> {
    let Some(no) = number_of(view, id)? else {
        return Ok(());
    };
    if let Some(node) = node(view, no)? {
        put(&mut view.staged, no, &node, bytes);
    }
    Ok(())
}

/// Numbers of the children of a chunk that is needed.
pub(crate) fn children(view: &View<impl Snapshot>, no: u64) -> Result<Vec<u64>> {
    let missing = || Error::corrupt("a chunk that is needed is missing");
    node(view, no)
        .and_then(|node| children_of(no, &node.ok_or_else(missing)?.children))
        .map_err(|error| error.with("chunk number", no))
}

/// Numbers from `no` down.
pub(crate) fn below(view: &View<impl Snapshot>, no: u64, limit: usize) -> Result<Vec<u64>> {
    let high = key::number(no);
    let rows = view.rows(Table::Chunk, &[], Some(&high), Order::Descending)?;
    rows.take(limit)
        .map(|row| key::last_number(&row?.0))
        .collect()
}

/// Numbers above `no`.
pub(crate) fn above(view: &View<impl Snapshot>, no: u64) -> Result<Vec<u64>> {
    let Some(from) = no.checked_add(1) else {
        return Ok(Vec::new());
    };
    let rows = view.rows(Table::Chunk, &key::number(from), None, Order::Ascending)?;
    rows.map(|row| key::last_number(&row?.0)).collect()
}

/// The age of a chunk; none when it is not there. Of a damaged one, what the index has under its number.
pub(crate) fn age(view: &View<impl Snapshot>, no: u64) -> Result<Option<ChunkAge>> {
    let key = key::number(no);
    let Some(legible) = view.read(Table::Chunk, &key, |value| Ok(open(no, value).ok()))? else {
        return Ok(None);
    };
    if let Some(node) = legible
        && let Some((named, at)) = entry(view, &node.id)?
        && named == no
    {
        return Ok(Some(ChunkAge {
            id: Some(node.id),
            size: node.size,
            at,
        }));
    }
    let entries = entries_of(view, no)?;
    Ok(Some(ChunkAge {
        id: None,
        size: 0,
        at: entries
            .iter()
            .map(|(_, at)| *at)
            .max()
            .unwrap_or(Timestamp::MIN),
    }))
}

/// What the index has under a number. It is looked through as a whole, since nothing else tells.
fn entries_of(view: &View<impl Snapshot>, no: u64) -> Result<Vec<(Vec<u8>, Timestamp)>> {
    let mut found = Vec::new();
    for row in view.all(Table::ChunkId, Order::Ascending)? {
        let (id, value) = row?;
        if let Ok((named, at)) = to_entry(&value)
            && named == no
        {
            found.push((id.to_vec(), at));
        }
    }
    Ok(found)
}

pub(crate) fn remove(view: &mut View<impl Snapshot>, no: u64, id: Option<&ChunkId>) -> Result<()> {
    let key = key::number(no);
    view.staged.remove(Table::Chunk, &key);
    view.staged.remove(Table::ChunkData, &key);
    if let Some(id) = id {
        view.staged.remove(Table::ChunkId, id.as_bytes());
        return Ok(());
    }
    for (id, _) in entries_of(view, no)? {
        view.staged.remove(Table::ChunkId, &id);
    }
    Ok(())
}

/// How many there are, and the bytes of their stored forms; those of a damaged one are not known.
pub(crate) fn counts(view: &View<impl Snapshot>) -> Result<(u64, u64)> {
    let (mut count, mut bytes) = (0, 0_u64);
    for row in view.all(Table::Chunk, Order::Ascending)? {
        let (key, value) = row?;
        let node = open(key::last_number(&key)?, &value);
        count += 1;
        bytes = bytes.saturating_add(node.map_or(0, |node| node.size));
    }
    Ok((count, bytes))
}
