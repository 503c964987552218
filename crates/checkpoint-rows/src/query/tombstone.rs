//! What is remembered of deleted checkpoints.

use checkpoint_core::engine::row::{put_id, put_time, take_array, take_id, take_time};
use checkpoint_core::engine::{Tombstone, put_varint, take_varint};
use checkpoint_core::{CheckpointId, Fingerprint, Order, Result, SessionId, Timestamp};

use super::checkpoint::{Place, place_of, put_place};
use super::store::{put_optional, take_optional};
use crate::key;
use crate::row::{self, end};
use crate::table::Table;
use crate::view::{Snapshot, View};

/// A tombstone as it lies in its row.
#[derive(Clone, Debug)]
pub(crate) struct Buried {
    pub(crate) sequence: u64,
    pub(crate) id: CheckpointId,
    pub(crate) session: SessionId,
    pub(crate) parent: Option<CheckpointId>,
    /// How far before its sequence the first of its commit lies.
    pub(crate) back: u64,
    /// Revision and status as appended.
    pub(crate) appended: u64,
    pub(crate) committed: Timestamp,
    pub(crate) deleted: Timestamp,
    pub(crate) fingerprint: Fingerprint,
}

pub(crate) fn read(sequence: u64, value: &[u8]) -> Result<Buried> {
    let (_, mut rest) = row::open(Table::Tombstone, &key::number(sequence), 0, value)?;
    let rest = &mut rest;
    let buried = Buried {
        sequence,
        id: take_id(rest, CheckpointId::from_raw)?,
        session: take_id(rest, SessionId::from_raw)?,
        parent: take_optional(rest, |rest| take_id(rest, CheckpointId::from_raw))?,
        back: take_varint(rest)?,
        appended: take_varint(rest)?,
        committed: take_time(rest)?,
        deleted: take_time(rest)?,
        fingerprint: Fingerprint(take_array(rest)?),
    };
    end(rest).map(|()| buried)
}

/// Adds a tombstone in the place of the checkpoint.
pub(crate) fn insert(view: &mut View<impl Snapshot>, it: &Buried) {
    let mut fields = Vec::with_capacity(96);
    put_id(&mut fields, it.id.raw());
    put_id(&mut fields, it.session.raw());
    put_optional(&mut fields, it.parent.as_ref(), |out, id| {
        put_id(out, id.raw())
    });
    put_varint(&mut fields, it.back);
    put_varint(&mut fields, it.appended);
    put_time(&mut fields, it.committed);
    put_time(&mut fields, it.deleted);
    fields.extend_from_slice(&it.fingerprint.0);
    let key = key::number(it.sequence);
    let value = row::seal(Table::Tombstone, &key, [], &fields);
    view.staged.put(Table::Tombstone, &key, value);
    put_place(&mut view.staged, &it.id, Place::Dead(it.sequence));
}

/// The tombstone with this sequence.
pub(crate) fn get(
    view: &View<impl Snapshot>,
    sequence: u64,
    id: &CheckpointId,
) -> Result<Option<Tombstone>> {
    let read = |value: &[u8]| {
        read(sequence, value).map(|it| Tombstone {
            sequence,
            parent: it.parent,
            committed_at: it.committed,
            fingerprint: it.fingerprint,
        })
    };
    view.read(Table::Tombstone, &key::number(sequence), read)
        .map_err(|error| error.with("checkpoint", id))
}

/// The highest sequence, and when that of the highest that is legible was committed.
pub(crate) fn last(view: &View<impl Snapshot>) -> Result<(u64, Option<Timestamp>)> {
    let mut highest = 0;
    for row in view.all(Table::Tombstone, Order::Descending)? {
        let (key, value) = row?;
        let sequence = key::last_number(&key)?;
        highest = highest.max(sequence);
        if let Ok(it) = read(sequence, &value) {
            return Ok((highest, Some(it.committed)));
        }
    }
    Ok((highest, None))
}

/// Forgets deletions of this time and earlier, up to a sequence; answers how many, and when the newest was committed.
pub(crate) fn trim(
    view: &mut View<impl Snapshot>,
    until: Timestamp,
    sequence: u64,
    limit: usize,
) -> Result<(usize, Option<Timestamp>)> {
    let high = key::number(sequence);
    let mut old = Vec::new();
    for row in view.rows(Table::Tombstone, &[], Some(&high), Order::Ascending)? {
        let (key, value) = row?;
        let sequence = key::last_number(&key)?;
        match read(sequence, &value) {
            Ok(it) if it.deleted <= until => old.push(it),
            Ok(_) => {}
            // It tells nothing that would have to be kept, and nobody knows how old it is.
            Err(error) => tracing::warn!(%error, sequence, "a damaged tombstone stays"),
        }
        if old.len() == limit {
            break;
        }
    }
    for it in &old {
        view.staged
            .remove(Table::Tombstone, &key::number(it.sequence));
        if place_of(view, &it.id)? == Some(Place::Dead(it.sequence)) {
            view.staged
                .remove(Table::CheckpointId, &key::id(it.id.raw()));
        }
    }
    Ok((old.len(), old.iter().map(|it| it.committed).max()))
}
