//! Whether what is found by is what is there. An index that lost an entry answers as if nothing were there, which no
//! digest of a row can tell.

use checkpoint_core::engine::or_damage;
use checkpoint_core::{CheckpointId, ChunkId, Error, Order, Result, SessionId};

use super::checkpoint::{self, Place};
use super::{chunk, session};
use crate::key::{self, By};
use crate::lying::Lying;
use crate::table::Table;
use crate::view::{Snapshot, View};

/// Findings after which the rest is left out.
const MOST: usize = 1_000;

type Look<S> = fn(&View<S>, &mut Vec<Error>) -> Result<()>;

/// Where indexes and rows disagree.
///
/// # Errors
///
/// Those of the state below that are no damage.
pub fn findings<S: Snapshot>(view: &View<S>) -> Result<Vec<Error>> {
    let mut found = Vec::new();
    unreadable(view, &mut found)?;
    let looks: [Look<S>; 7] = [rows, entries, ids, sessions, session_ids, chunks, chunk_ids];
    for look in looks {
        // That a page cannot be read was told.
        drop(or_damage(look(view, &mut found))?);
        if found.len() >= MOST {
            found.truncate(MOST);
            break;
        }
    }
    Ok(found)
}

/// Tables that cannot be read from one end to the other.
fn unreadable(view: &View<impl Snapshot>, found: &mut Vec<Error>) -> Result<()> {
    for table in Table::ALL {
        let rows = || {
            view.all(table, Order::Ascending)?
                .try_for_each(|row| row.map(drop))
        };
        if let Err(error) = or_damage(rows())? {
            found.push(error.with("table", table.name()));
        }
    }
    Ok(())
}

fn each(
    view: &View<impl Snapshot>,
    table: Table,
    found: &mut Vec<Error>,
    mut look: impl FnMut(&[u8], &[u8]) -> Result<Option<Error>>,
) -> Result<()> {
    for row in view.all(table, Order::Ascending)? {
        let (key, value) = row?;
        found.extend(look(&key, &value)?);
        if found.len() >= MOST {
            break;
        }
    }
    Ok(())
}

fn unnamed(by: &str) -> Error {
    Error::corrupt(format!("a checkpoint is not found by its {by}"))
}

/// Sound rows that are not found by what they have. Damaged rows are told by whoever reads them.
fn rows(view: &View<impl Snapshot>, found: &mut Vec<Error>) -> Result<()> {
    each(view, Table::Checkpoint, found, |key, value| {
        let sequence = key::last_number(key)?;
        let Ok((small, _)) = Lying::new(sequence, value).and_then(|row| row.small()) else {
            return Ok(None);
        };
        if checkpoint::place_of(view, &small.id).ok().flatten() != Some(Place::Live(sequence)) {
            return Ok(Some(unnamed("id").with("checkpoint", &small.id)));
        }
        for by in checkpoint::found_by(&small) {
            if !view.has(Table::Index, &by.entry(sequence))? {
                let error = match by {
                    By::Session(_) => unnamed("session"),
                    By::Tag(tag) => unnamed("tag").with("tag", tag),
                    By::Status(_) => unnamed("status"),
                    By::Worker(worker) => unnamed("worker").with("worker", worker),
                    By::Deleted => continue,
                };
                return Ok(Some(error.with("checkpoint", &small.id)));
            }
        }
        Ok(None)
    })
}

/// Entries that no row has any more.
fn entries(view: &View<impl Snapshot>, found: &mut Vec<Error>) -> Result<()> {
    each(view, Table::Index, found, |entry, _| {
        let stale =
            |number| Error::corrupt("an index has an entry that no row has").with("row", number);
        let (by, number) = match By::read(entry) {
            Ok(read) => read,
            Err(error) => return Ok(Some(error)),
        };
        let has = if by == By::Deleted {
            let row = session::by_key(view, number);
            row.map(|row| row.map(|row| row.deleted.is_some()))
        } else {
            checkpoint::at(view, number, |row| {
                let (small, _) = row.small()?;
                Ok(checkpoint::found_by(&small).any(|it| it == by))
            })
        };
        Ok(match has {
            Ok(Some(true)) => None,
            // Nobody knows what a damaged row has.
            Err(error) if error.is_corrupt() => None,
            Ok(_) => Some(match by {
                By::Tag(tag) => stale(number).with("tag", tag),
                _ => stale(number),
            }),
            Err(error) => return Err(error),
        })
    })
}

/// Ids that lead nowhere.
fn ids(view: &View<impl Snapshot>, found: &mut Vec<Error>) -> Result<()> {
    each(view, Table::CheckpointId, found, |key, value| {
        let (place, table, sequence) = match checkpoint::to_place(value) {
            Ok(place @ Place::Live(sequence)) => (place, Table::Checkpoint, sequence),
            Ok(place @ Place::Dead(sequence)) => (place, Table::Tombstone, sequence),
            Err(error) => return Ok(Some(error)),
        };
        if view.has(table, &key::number(sequence))? {
            return Ok(None);
        }
        let error = Error::corrupt("the index names a checkpoint that is not there");
        let error = error.with("place", format_args!("{place:?}"));
        Ok(Some(
            match key::to_id(key).and_then(CheckpointId::from_raw) {
                Ok(id) => error.with("checkpoint", id),
                Err(_) => error,
            },
        ))
    })
}

/// Sessions that are not found by their ids, and deleted ones that are not found by who purges.
fn sessions(view: &View<impl Snapshot>, found: &mut Vec<Error>) -> Result<()> {
    each(view, Table::Session, found, |key, _| {
        let key = key::last_number(key)?;
        let Ok(Some((id, deleted))) = session::name(view, key) else {
            return Ok(None);
        };
        let newest = view.read(Table::SessionId, &key::id(id.raw()), key::last_number);
        // One that is deleted may have been made again under another key.
        let named = match newest {
            Ok(Some(newest)) => newest == key || deleted.is_some() && newest > key,
            _ => false,
        };
        let problem = Error::corrupt("a session is not found by its id").with("session", id);
        Ok((!named).then_some(problem))
    })
}

/// Ids of sessions that lead nowhere.
fn session_ids(view: &View<impl Snapshot>, found: &mut Vec<Error>) -> Result<()> {
    each(view, Table::SessionId, found, |key, value| {
        let session = key::last_number(value).unwrap_or(0);
        if view.has(Table::Session, &key::number(session))? {
            return Ok(None);
        }
        let error = Error::corrupt("the index names a session that is not there");
        Ok(Some(match key::to_id(key).and_then(SessionId::from_raw) {
            Ok(id) => error.with("session", id),
            Err(_) => error,
        }))
    })
}

/// Chunks that are not found by their ids, or have lost their stored form.
fn chunks(view: &View<impl Snapshot>, found: &mut Vec<Error>) -> Result<()> {
    each(view, Table::Chunk, found, |key, _| {
        let no = key::last_number(key)?;
        if !view.has(Table::ChunkData, key)? {
            let error = Error::corrupt("the stored form of a chunk is gone");
            return Ok(Some(error.with("chunk number", no)));
        }
        let Ok(Some(age)) = chunk::age(view, no) else {
            return Ok(None);
        };
        let error = Error::corrupt("a chunk is not in the index, and not found");
        Ok(age.id.is_none().then(|| error.with("chunk number", no)))
    })
}

/// Ids of chunks that lead nowhere.
fn chunk_ids(view: &View<impl Snapshot>, found: &mut Vec<Error>) -> Result<()> {
    each(view, Table::ChunkId, found, |key, value| {
        let no = chunk::to_entry(value).map(|(no, _)| no);
        if let Ok(no) = no
            && view.has(Table::Chunk, &key::number(no))?
        {
            return Ok(None);
        }
        let error = Error::corrupt("the index names a chunk that is not there");
        Ok(Some(match <[u8; 32]>::try_from(key) {
            Ok(id) => error.with("chunk", ChunkId::from_bytes(id)),
            Err(_) => error,
        }))
    })
}
