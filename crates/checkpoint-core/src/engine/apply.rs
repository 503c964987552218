//! One commit against the tables.

use std::collections::HashSet;

use super::operations::Applying;
use super::receipt::{decode, encode};
use super::shape::shape;
use super::tables::{Lookup, Tables};
use crate::clock::Timestamp;
use crate::commit::{Commit, Expectation, Operation};
use crate::error::{Actual, Error, ErrorKind, Result};
use crate::id::ChunkId;
use crate::receipt::{Appended, Outcome, Receipt};
use crate::record::Position;
use crate::status::Durability;

/// How far a store has come.
///
/// Read from the tables when a transaction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The newest change: the highest of checkpoints, tombstones, changes and the floor of the window.
    pub position: Position,
    /// When the newest checkpoint was committed, also if it is deleted since; none in a new store.
    pub committed_at: Option<Timestamp>,
}

/// Judges a commit and writes what it does.
///
/// `now` is the store's clock; when it lies behind the newest commit, that one's time is taken and the receipt says
/// so. `counters` are moved on.
///
/// # Errors
///
/// As [`Backend::commit`](crate::Backend::commit). The caller rolls back what was written since the call and sets
/// `counters` back. Call [`Commit::check`] first.
pub fn apply<T: Tables + ?Sized>(
    tables: &mut T,
    counters: &mut Counters,
    commit: &Commit,
    now: Timestamp,
    durability: Durability,
) -> Result<Receipt> {
    let lookups = lookups(tables, commit)?;
    if let Some(receipt) = replay(tables, counters, commit, &lookups, durability)? {
        return Ok(receipt);
    }
    for expectation in &commit.expectations {
        judge(tables, expectation)?;
    }
    let newest = counters.committed_at.unwrap_or(now);
    let time = now.max(newest);
    bring_chunks(tables, commit, time)?;

    let mut applying = Applying::new(tables, *counters, commit.id, time, now);
    let mut lookups = lookups.into_iter();
    let mut outcomes = Vec::with_capacity(commit.operations.len());
    for operation in &commit.operations {
        outcomes.push(applying.operation(operation, &mut lookups)?);
    }
    let first;
    (first, *counters) = applying.finish()?;
    let last = counters.position;
    let clock_behind = (newest > now).then(|| newest.since(now));
    let receipt = Receipt {
        commit: commit.id,
        first,
        last,
        durability,
        outcomes,
        replayed: false,
        clock_behind,
    };
    if !commit.only_appends() {
        tables.remember(&commit.id, &encode(&receipt, &shape(commit)), time)?;
    }
    Ok(receipt)
}

/// What is under the id of each append, looked up once.
fn lookups<T: Tables + ?Sized>(tables: &mut T, commit: &Commit) -> Result<Vec<Lookup>> {
    let appends = commit
        .operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::Append(append) => Some(append),
            _ => None,
        });
    appends
        .map(|append| tables.checkpoint(&append.id))
        .collect()
}

/// The first answer, if this commit was done before.
///
/// Most commits only append, and then their checkpoints tell; only the others are remembered by id, which saves a row
/// for each save.
fn replay<T: Tables + ?Sized>(
    tables: &mut T,
    counters: &Counters,
    commit: &Commit,
    lookups: &[Lookup],
    durability: Durability,
) -> Result<Option<Receipt>> {
    if !commit.only_appends() {
        let Some(bytes) = tables.remembered(&commit.id)? else {
            return Ok(None);
        };
        let (receipt, first) = decode(commit.id, bytes, durability)?;
        return if first == shape(commit) {
            Ok(Some(receipt))
        } else {
            Err(reused(commit))
        };
    }
    let mut outcomes = Vec::with_capacity(lookups.len());
    for (operation, lookup) in commit.operations.iter().zip(lookups) {
        let Operation::Append(append) = operation else {
            continue;
        };
        match lookup.answer(append) {
            Some(appended) => outcomes.push(appended),
            None => return Ok(None),
        }
    }
    let Some(first) = outcomes
        .first()
        .map(|appended| Position::of(appended.sequence))
    else {
        return Ok(None);
    };
    let last = outcomes.last().map_or(counters.position, |appended| {
        Position::of(appended.sequence)
    });
    let outcomes = outcomes.into_iter().map(Outcome::Appended).collect();
    Ok(Some(Receipt {
        commit: commit.id,
        first,
        last,
        durability,
        outcomes,
        replayed: true,
        clock_behind: None,
    }))
}

fn reused(commit: &Commit) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "another commit was done under this id; give each commit a new one",
    )
    .with("commit", commit.id)
}

impl Lookup {
    /// What the first attempt of this append was given, if this is a retry that changes nothing.
    pub(super) fn answer(&self, append: &crate::commit::Append) -> Option<Appended> {
        match self {
            Self::Live(it) if it.fingerprint == append.fingerprint => Some(Appended {
                sequence: it.sequence,
                committed_at: it.committed_at,
                parent: it.parent.clone(),
                deleted: false,
            }),
            Self::Dead(it) if it.fingerprint == append.fingerprint && !append.revive => {
                Some(Appended {
                    sequence: it.sequence,
                    committed_at: it.committed_at,
                    parent: it.parent.clone(),
                    deleted: true,
                })
            }
            _ => None,
        }
    }
}

fn judge<T: Tables + ?Sized>(tables: &mut T, expectation: &Expectation) -> Result<()> {
    let live = |tables: &mut T, id| {
        Ok::<_, Error>(tables.session(id)?.filter(|row| row.deleted.is_none()))
    };
    let (met, actual) = match expectation {
        Expectation::Head(session, expected) => {
            let head = match live(tables, session)? {
                Some(row) => tables.head(row.key)?.map(|head| head.id),
                None => None,
            };
            (head == *expected, Actual::Head(head))
        }
        Expectation::Revision(id, expected) => {
            let revision = match tables.checkpoint(id)? {
                Lookup::Live(it) => Some(it.revision),
                Lookup::Absent | Lookup::Dead(_) => None,
            };
            (revision == Some(*expected), Actual::Revision(revision))
        }
        Expectation::SessionRevision(session, expected) => {
            let revision = live(tables, session)?.map(|row| row.revision);
            (revision == Some(*expected), Actual::Revision(revision))
        }
        Expectation::Epoch(session, expected) => {
            let epoch = live(tables, session)?.map(|row| row.epoch);
            (epoch == Some(*expected), Actual::Epoch(epoch))
        }
        Expectation::Version(name, expected) => {
            let version = tables
                .record(name)?
                .and_then(|(version, there)| there.then_some(version));
            (version == *expected, Actual::Version(version))
        }
        Expectation::Sealed(target, digest) => {
            let stored = tables.sealed(target)?;
            (
                stored.is_some_and(|bytes| blake3::hash(&bytes).as_bytes() == digest),
                Actual::Digest,
            )
        }
    };
    if met {
        Ok(())
    } else {
        Err(Error::conflict(expectation.clone(), actual))
    }
}

/// Adds the chunks that are new, once all that they and the payloads refer to is found to be there.
fn bring_chunks<T: Tables + ?Sized>(tables: &mut T, commit: &Commit, now: Timestamp) -> Result<()> {
    let mut new = Vec::with_capacity(commit.chunks.len());
    let mut there = Vec::new();
    let mut known: HashSet<ChunkId> = HashSet::with_capacity(commit.chunks.len());
    for chunk in &commit.chunks {
        // Of two forms of a chunk the first is kept, also of two in one commit.
        if !known.insert(chunk.id) {
            continue;
        }
        if tables.chunk_present(&chunk.id)? {
            there.push(chunk.id);
        } else {
            new.push(chunk);
        }
    }
    // What is there is closed already, so only the edges of what is new are looked up.
    let edges = new.iter().flat_map(|chunk| chunk.children.iter().copied());
    let tops = commit.operations.iter().filter_map(Operation::top);
    let needed = edges.chain(tops).chain(commit.relies_on.iter().copied());
    let mut missing = Vec::new();
    for id in needed {
        if known.insert(id) && !tables.chunk_present(&id)? {
            missing.push(id);
        }
    }
    if !missing.is_empty() {
        let message = format!(
            "the commit refers to {} chunks that are not in the store",
            missing.len()
        );
        return Err(Error::new(ErrorKind::MissingChunks(missing), message));
    }
    for chunk in new {
        tables.insert_chunk(chunk, now)?;
    }
    // Who sends chunks ahead relies on those that were there already as much as on the new ones.
    let again = if commit.operations.is_empty() {
        &there[..]
    } else {
        &[]
    };
    for id in commit.relies_on.iter().chain(again) {
        tables.renew_chunk(id, now)?;
    }
    Ok(())
}
