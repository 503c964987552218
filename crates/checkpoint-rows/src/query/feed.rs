//! The two halves of the feed: appends, which follow from checkpoints and tombstones, and all other changes.

use std::collections::HashMap;

use checkpoint_core::engine::row::{put_id, put_time, status, take_array, take_id, take_time};
use checkpoint_core::engine::{FeedRow, or_damage, put_varint, take_varint};
use checkpoint_core::{
    Change, ChangeKind, CheckpointId, ChunkId, CommitId, Error, Order, Position, Result, SessionId,
    Timestamp,
};

use super::checkpoint;
use super::store::{put_optional, take_optional};
use super::{session, tombstone, top};
use crate::key;
use crate::lying::Lying;
use crate::row::{self, end};
use crate::staged::Staged;
use crate::table::Table;
use crate::view::{Rows, Snapshot, View};

/// Names of sessions as they are met.
type Names = HashMap<u64, SessionId>;

/// Appends after a position.
pub(crate) fn appends(
    view: &View<impl Snapshot>,
    after: Position,
    at_most: usize,
) -> Result<Vec<FeedRow>> {
    let Some(from) = after.sequence.checked_add(1) else {
        return Ok(Vec::new());
    };
    let from = key::number(from);
    let (mut names, mut found) = (Names::new(), Vec::new());
    for table in [Table::Checkpoint, Table::Tombstone] {
        let rows = view.rows(table, &from, None, Order::Ascending)?;
        for row in rows.take(at_most) {
            let (key, value) = row?;
            // The key is the place in the tree, which no damage of the value moves.
            let sequence = key::last_number(&key)?;
            let change = if table == Table::Checkpoint {
                live(view, &mut names, sequence, &value)
            } else {
                dead(sequence, &value)
            };
            found.push(FeedRow {
                position: Position::of(sequence),
                change: or_damage(change)?,
            });
        }
    }
    found.sort_unstable_by_key(|row| row.position);
    found.truncate(at_most);
    Ok(found)
}

fn live(
    view: &View<impl Snapshot>,
    names: &mut Names,
    sequence: u64,
    value: &[u8],
) -> Result<Change> {
    let (small, _) = Lying::new(sequence, value)?.small()?;
    let name = match names.get(&small.session) {
        Some(name) => name.clone(),
        None => {
            let (name, _) = session::name_of(view, small.session)?;
            names.insert(small.session, name.clone());
            name
        }
    };
    let it = &small.packed;
    let appended = (it.back, it.appended, it.committed);
    created(sequence, small.id.clone(), name, appended)
}

fn dead(sequence: u64, value: &[u8]) -> Result<Change> {
    let it = tombstone::read(sequence, value)?;
    let appended = (it.back, it.appended, it.committed);
    created(sequence, it.id, it.session, appended)
}

fn created(
    sequence: u64,
    id: CheckpointId,
    session: SessionId,
    (back, appended, committed_at): (u64, u64, Timestamp),
) -> Result<Change> {
    Ok(Change {
        position: Position::of(sequence),
        first: Position::of(sequence.saturating_sub(back)),
        kind: ChangeKind::Created,
        committed_at,
        commit: None,
        session: Some(session),
        checkpoint: Some(id),
        status: Some(status(appended & 0xff)?),
        revision: Some(appended >> 8),
    })
}

/// Changes that are no appends, after a position.
pub(crate) fn others(
    view: &View<impl Snapshot>,
    after: Position,
    at_most: usize,
) -> Result<Vec<FeedRow>> {
    let mut found = Vec::new();
    for row in after_position(view, after)?.take(at_most) {
        let (key, value) = row?;
        found.push(FeedRow {
            position: position(&key)?,
            change: or_damage(read(&key, &value))?,
        });
    }
    Ok(found)
}

fn after_position<S: Snapshot>(view: &View<S>, after: Position) -> Result<Rows<'_, S>> {
    // The least key above that of the position.
    let mut low = key::pair(after.sequence, after.n).to_vec();
    low.push(0);
    view.rows(Table::Change, &low, None, Order::Ascending)
}

fn position(key: &[u8]) -> Result<Position> {
    let (sequence, n) = key::to_pair(key)?;
    Ok(Position { sequence, n })
}

fn read(key: &[u8], value: &[u8]) -> Result<Change> {
    let (_, mut rest) = row::open(Table::Change, key, 0, value)?;
    let rest = &mut rest;
    let [kind] = take_array(rest)?;
    let kind =
        ChangeKind::from_number(kind).ok_or_else(|| Error::corrupt("unknown kind of change"))?;
    let first = Position {
        sequence: take_varint(rest)?,
        n: take_varint(rest)?,
    };
    let change = Change {
        position: position(key)?,
        first,
        kind,
        committed_at: take_time(rest)?,
        commit: take_optional(rest, take_array)?.map(CommitId::from_bytes),
        session: take_optional(rest, |rest| take_id(rest, SessionId::from_raw))?,
        checkpoint: take_optional(rest, |rest| take_id(rest, CheckpointId::from_raw))?,
        status: take_optional(rest, |rest| status(take_varint(rest)?))?,
        revision: take_optional(rest, take_varint)?,
    };
    end(rest).map(|()| change)
}

pub(crate) fn insert(staged: &mut Staged, change: &Change) {
    let mut fields = Vec::with_capacity(96);
    fields.push(change.kind.number());
    put_varint(&mut fields, change.first.sequence);
    put_varint(&mut fields, change.first.n);
    put_time(&mut fields, change.committed_at);
    put_optional(&mut fields, change.commit, |out, id| {
        out.extend_from_slice(id.as_bytes());
    });
    let (session, checkpoint) = (change.session.as_ref(), change.checkpoint.as_ref());
    put_optional(&mut fields, session, |out, id| put_id(out, id.raw()));
    put_optional(&mut fields, checkpoint, |out, id| put_id(out, id.raw()));
    put_optional(&mut fields, change.status, |out, status| {
        put_varint(out, status.number().into());
    });
    put_optional(&mut fields, change.revision, put_varint);
    let key = key::pair(change.position.sequence, change.position.n);
    let value = row::seal(Table::Change, &key, [], &fields);
    staged.put(Table::Change, &key, value);
}

/// The oldest changes, at most as many: the position of each, that of the first of its commit, and its time. One that
/// is damaged is taken with the one before it, and for as old.
pub(crate) fn oldest(
    view: &View<impl Snapshot>,
    limit: usize,
) -> Result<Vec<(Position, Position, Timestamp)>> {
    let mut found: Vec<(Position, Position, Timestamp)> = Vec::new();
    for row in view.all(Table::Change, Order::Ascending)?.take(limit) {
        let (key, value) = row?;
        let at = position(&key)?;
        found.push(match (read(&key, &value), found.last()) {
            (Ok(change), _) => (at, change.first, change.committed_at),
            (Err(_), Some((_, first, committed))) => (at, *first, *committed),
            (Err(_), None) => (at, at, Timestamp::MIN),
        });
    }
    Ok(found)
}

/// Removes changes up to a position; answers how many.
pub(crate) fn trim(view: &mut View<impl Snapshot>, end: Position) -> Result<usize> {
    let high = key::pair(end.sequence, end.n);
    let rows = view.rows(Table::Change, &[], Some(&high), Order::Ascending)?;
    let keys = rows.map(|row| Ok(row?.0.to_vec()));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    for key in &keys {
        view.staged.remove(Table::Change, key);
    }
    Ok(keys.len())
}

/// Checkpoints that were changed after a position: any of them may have another state since.
pub(crate) fn changed_tops(
    view: &View<impl Snapshot>,
    after: Position,
) -> Result<Vec<Option<ChunkId>>> {
    let mut tops = Vec::new();
    for row in after_position(view, after)? {
        let (key, value) = row?;
        if let Some(id) = read(&key, &value)?.checkpoint
            && let Some(sequence) = checkpoint::sequence_of(view, &id)?
        {
            let top = view.read(Table::Checkpoint, &key::number(sequence), |value| {
                top::top(view, sequence, value)
            })?;
            tops.extend(top);
        }
    }
    Ok(tops)
}

/// The position of the newest change row.
pub(crate) fn newest(view: &View<impl Snapshot>) -> Result<Position> {
    let last = view.last(Table::Change)?;
    let newest = last.map(|(key, _)| position(&key)).transpose()?;
    Ok(newest.unwrap_or_default())
}
