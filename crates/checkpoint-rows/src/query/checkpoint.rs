//! Checkpoints.

use bytes::Bytes;
use checkpoint_core::engine::row::{self, Small, Whole, damaged, digests};
use checkpoint_core::engine::{Existing, NewCheckpoint, or_damage};
use checkpoint_core::{
    CheckpointId, Error, Fingerprint, Item, Order, Parts, Record, Result, Status, Tag, Timestamp,
};

use super::{salvage, session};
use crate::key::{self, By};
use crate::lying::{Lying, value};
use crate::staged::Staged;
use crate::table::Table;
use crate::view::{Snapshot, View};

/// Where an id leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To the checkpoint with this sequence.
    Live(u64),
    /// To the newest tombstone, which has this one.
    Dead(u64),
}

const DEAD: u8 = 0;
const LIVE: u8 = 1;

/// What the index has under an id.
pub(crate) fn place_of(view: &View<impl Snapshot>, id: &CheckpointId) -> Result<Option<Place>> {
    view.read(Table::CheckpointId, &key::id(id.raw()), to_place)
        .map_err(|error| error.with("checkpoint", id))
}

pub(crate) fn to_place(value: &[u8]) -> Result<Place> {
    match value.split_first() {
        Some((&LIVE, sequence)) => key::last_number(sequence).map(Place::Live),
        Some((&DEAD, sequence)) => key::last_number(sequence).map(Place::Dead),
        _ => Err(Error::corrupt("an entry of the index of ids is damaged")),
    }
}

pub(crate) fn put_place(staged: &mut Staged, id: &CheckpointId, place: Place) {
    let (kind, sequence) = match place {
        Place::Live(sequence) => (LIVE, sequence),
        Place::Dead(sequence) => (DEAD, sequence),
    };
    let mut value = vec![kind];
    value.extend_from_slice(&key::number(sequence));
    staged.put(Table::CheckpointId, &key::id(id.raw()), value);
}

/// The sequence of a checkpoint, by the index alone.
pub(crate) fn sequence_of(view: &View<impl Snapshot>, id: &CheckpointId) -> Result<Option<u64>> {
    Ok(match place_of(view, id)? {
        Some(Place::Live(sequence)) => Some(sequence),
        Some(Place::Dead(_)) => None,
        None => salvage::sequence(view, id)?,
    })
}

/// Reads the row with this sequence.
pub(crate) fn at<T>(
    view: &View<impl Snapshot>,
    sequence: u64,
    read: impl FnOnce(Lying<'_>) -> Result<T>,
) -> Result<Option<T>> {
    view.read(Table::Checkpoint, &key::number(sequence), |value| {
        Lying::new(sequence, value).and_then(read)
    })
}

/// One checkpoint by its id.
pub(crate) fn get(
    view: &View<impl Snapshot>,
    id: &CheckpointId,
    parts: Parts,
) -> Result<Item<Record>> {
    let place = match or_damage(place_of(view, id))? {
        Ok(None) => or_damage(salvage::sequence(view, id))?.map(|it| it.map(Place::Live)),
        place => place,
    };
    let sequence = match place {
        Ok(Some(Place::Live(sequence))) => sequence,
        Ok(Some(Place::Dead(sequence))) => return dead(view, sequence, id),
        Ok(None) => return Ok(Item::Absent),
        Err(error) => return Ok(Item::Corrupt(error)),
    };
    let found = at(view, sequence, |row| {
        let (session, deleted) = session::name_of(view, row.session)?;
        if deleted.is_some() {
            return Ok(None);
        }
        let (small, digests) = row.small()?;
        if small.id != *id {
            return Err(Error::corrupt(
                "an index names another checkpoint; restore a backup",
            ));
        }
        row.record(small, &digests, session, parts, |_| true)
    });
    match found {
        Ok(Some(Some(record))) => Ok(Item::Found(record)),
        Ok(Some(None)) => Ok(Item::Deleted),
        Ok(None) => Ok(Item::Corrupt(
            Error::corrupt("a checkpoint is in the index and nowhere else").with("checkpoint", id),
        )),
        Err(error) if error.is_corrupt() => Ok(Item::Corrupt(error.with("checkpoint", id))),
        Err(error) => Err(error),
    }
}

/// What is answered for one that the index says was deleted. No digest is over what the index says, so it is not believed
/// alone.
fn dead(view: &View<impl Snapshot>, sequence: u64, id: &CheckpointId) -> Result<Item<Record>> {
    let there = view.has(Table::Tombstone, &key::number(sequence))?;
    Ok(if there || view.lost(&[Table::Tombstone]).is_some() {
        Item::Deleted
    } else {
        Item::Corrupt(
            Error::corrupt("a checkpoint is deleted in the index and nowhere else")
                .with("checkpoint", id),
        )
    })
}

/// The highest checkpoint of a session that is not set aside. An id that cannot be right is damage; one that both the
/// row and the index have is right, whatever else of the row is damaged.
pub(crate) fn head(
    view: &View<impl Snapshot>,
    session: u64,
) -> Result<Option<(u64, CheckpointId)>> {
    if view.lost(&[Table::Index]).is_some() {
        let of = salvage::of_session(view, session)?;
        return first_good(view, of.into_iter().map(Ok));
    }
    let by = By::Session(session);
    let (low, high) = (by.entry(0), by.entry(u64::MAX));
    let entries = view.rows(Table::Index, &low, Some(&high), Order::Descending)?;
    first_good(view, entries.map(|entry| key::last_number(&entry?.0)))
}

fn first_good(
    view: &View<impl Snapshot>,
    sequences: impl Iterator<Item = Result<u64>>,
) -> Result<Option<(u64, CheckpointId)>> {
    for sequence in sequences {
        let sequence = sequence?;
        let id = at(view, sequence, |row| match row.small() {
            Ok((small, _)) => Ok((!small.packed.aside).then_some(small.id)),
            Err(_) if row.is_damaged_aside() => Ok(None),
            Err(_) => row::corrupt(CheckpointId::from_raw(row.id)).map(Some),
        });
        let id = id.map_err(|error| error.with("sequence", sequence))?;
        match id {
            Some(Some(id)) if sequence_of(view, &id)? == Some(sequence) => {
                return Ok(Some((sequence, id)));
            }
            Some(None) => {}
            _ => {
                return Err(
                    Error::corrupt("a row does not match its index; delete or restore it")
                        .with("sequence", sequence),
                );
            }
        }
    }
    Ok(None)
}

/// The highest sequence, and when the newest checkpoint that is legible was committed.
pub(crate) fn newest(view: &View<impl Snapshot>) -> Result<(u64, Option<Timestamp>)> {
    match or_damage(newest_row(view))? {
        Ok(newest) => Ok(newest),
        Err(damage) => match or_damage(salvage::newest(view))? {
            Ok(newest) => Ok(newest),
            Err(_) => Err(damage),
        },
    }
}

fn newest_row(view: &View<impl Snapshot>) -> Result<(u64, Option<Timestamp>)> {
    let mut highest = 0;
    for row in view.all(Table::Checkpoint, Order::Descending)? {
        let (key, value) = row?;
        let sequence = key::last_number(&key)?;
        highest = highest.max(sequence);
        let read = Lying::new(sequence, &value).and_then(|row| row.small());
        if let Ok((small, _)) = read {
            return Ok((highest, Some(small.packed.committed)));
        }
    }
    Ok((highest, None))
}

/// What the judgement needs of the row with this sequence, which the index has under an id. `lenient` takes a damaged
/// row as far as it is legible, so that it can be set aside or deleted.
pub(crate) fn existing(
    view: &View<impl Snapshot>,
    sequence: u64,
    id: &CheckpointId,
    lenient: bool,
) -> Result<Existing> {
    let found = view.read(Table::Checkpoint, &key::number(sequence), |value| {
        let row = Lying::new(sequence, value);
        match row.and_then(|row| row.small()) {
            Ok((small, _)) => Ok(small.existing()),
            Err(error) if lenient && error.is_corrupt() => guess_existing(sequence, value),
            Err(error) => Err(error),
        }
    });
    let missing = || Error::corrupt("a checkpoint is in the index and nowhere else");
    found
        .and_then(|found| found.ok_or_else(missing))
        .map_err(|error| error.with("checkpoint", id))
}

fn guess_existing(sequence: u64, value: &[u8]) -> Result<Existing> {
    if let Ok(small) = Lying::new(sequence, value).and_then(|row| row.guess()) {
        return Ok(small.existing());
    }
    let session = value.first_chunk().ok_or_else(|| damaged("session"))?;
    Ok(Existing {
        sequence,
        session: u64::from_le_bytes(*session),
        parent: None,
        committed_at: Timestamp::MIN,
        revision: 0,
        status: Status::Created,
        fingerprint: Fingerprint([0; 16]),
    })
}

/// The whole row as it lies there, checked.
pub(crate) fn whole(view: &View<impl Snapshot>, sequence: u64) -> Result<Whole> {
    let missing = || Error::corrupt("a row is gone");
    at(view, sequence, |row| row.whole())
        .and_then(|found| found.ok_or_else(missing))
        .map_err(|error| error.with("sequence", sequence))
}

/// The lowest sequences of a session.
pub(crate) fn of_session(view: &View<impl Snapshot>, key: u64, limit: usize) -> Result<Vec<u64>> {
    let by = By::Session(key);
    let (low, high) = (by.entry(0), by.entry(u64::MAX));
    let entries = view.rows(Table::Index, &low, Some(&high), Order::Ascending)?;
    entries
        .take(limit)
        .map(|entry| key::last_number(&entry?.0))
        .collect()
}

/// By what a checkpoint is found, beside its id.
pub(crate) fn found_by(small: &Small) -> impl Iterator<Item = By<'_>> {
    let status = small.packed.status;
    let rare = row::is_rare(status).then(|| By::Status(status.number()));
    let worker = small.packed.worker.as_ref();
    [By::Session(small.session)]
        .into_iter()
        .chain(rare)
        .chain(worker.map(|worker| By::Worker(worker.as_str())))
        .chain(
            small
                .packed
                .tags
                .iter()
                .map(|tag| By::Tag(Tag::as_str(tag))),
        )
}

/// Adds a checkpoint.
pub(crate) fn insert(staged: &mut Staged, new: &NewCheckpoint<'_>) {
    let small = Small::new(new);
    let (meta, payload) = (&new.append.meta, new.append.payload.inline());
    let packed = small.seal(digests(meta, payload));
    let payload = payload.map_or(&[][..], |bytes| bytes);
    let value = value(small.session, small.id.raw(), &packed, meta, payload);
    staged.put(Table::Checkpoint, &key::number(new.sequence), value);
    put_place(staged, &small.id, Place::Live(new.sequence));
    for by in found_by(&small) {
        staged.put(Table::Index, &by.entry(new.sequence), Bytes::new());
    }
}

/// Writes a row that was read before as `before`, and what has changed of the indexes.
pub(crate) fn write(staged: &mut Staged, before: &Small, it: &Whole) {
    let small = &it.small;
    let packed = small.seal(it.digests());
    let payload = it.payload.inline().map_or(&[][..], |bytes| bytes);
    let value = value(small.session, small.id.raw(), &packed, &it.meta, payload);
    staged.put(Table::Checkpoint, &key::number(small.sequence), value);
    let after: Vec<By<'_>> = found_by(small).collect();
    let earlier: Vec<By<'_>> = found_by(before).collect();
    for by in earlier.iter().filter(|by| !after.contains(by)) {
        staged.remove(Table::Index, &by.entry(small.sequence));
    }
    for by in after.iter().filter(|by| !earlier.contains(by)) {
        staged.put(Table::Index, &by.entry(small.sequence), Bytes::new());
    }
}

/// Sets a checkpoint aside, or takes it back; answers whether that changed anything. A damaged one stays damaged.
pub(crate) fn set_aside(
    view: &mut View<impl Snapshot>,
    sequence: u64,
    aside: bool,
) -> Result<bool> {
    let changed = at(view, sequence, |row| {
        let packed = match row.small() {
            Ok((small, _)) if small.packed.aside == aside => None,
            Ok((mut small, digests)) => {
                small.packed.aside = aside;
                Some(small.seal(digests))
            }
            Err(_) if row.is_damaged_aside() == aside => None,
            Err(_) => Some(row::set_aside(row.packed, aside)),
        };
        Ok(packed.map(|packed| row.with(&packed)))
    });
    let changed = changed.map_err(|error| error.with("sequence", sequence))?;
    let Some(Some(value)) = changed else {
        return Ok(false);
    };
    view.staged
        .put(Table::Checkpoint, &key::number(sequence), value);
    Ok(true)
}

/// Removes a row and what leads to it but its id; of a damaged one nobody knows what does, so all is looked at.
pub(crate) fn remove(
    view: &mut View<impl Snapshot>,
    sequence: u64,
    small: Option<&Small>,
) -> Result<()> {
    view.staged
        .remove(Table::Checkpoint, &key::number(sequence));
    if let Some(small) = small {
        for by in found_by(small) {
            view.staged.remove(Table::Index, &by.entry(sequence));
        }
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in view.all(Table::Index, Order::Ascending)? {
        let (entry, _) = entry?;
        if let Ok((by, number)) = By::read(&entry)
            && number == sequence
            && by != By::Deleted
        {
            entries.push(entry.to_vec());
        }
    }
    for entry in entries {
        view.staged.remove(Table::Index, &entry);
    }
    Ok(())
}
