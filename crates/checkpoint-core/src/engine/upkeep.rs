//! What gives space back, over a few more questions to the tables: purging deleted sessions, trimming the window, and the
//! sweep.

use bytes::Bytes;

use super::sweep::{Sweep, sweep_step};
use super::tables::{SessionRow, Tables};
use crate::backend::{Budget, MaintainStep};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ChunkId, StoreId};
use crate::record::Position;

/// Work inside a transaction.
pub type Within<'w, U> = &'w mut dyn FnMut(&mut U) -> Result<()>;

/// The tables of a backend as upkeep sees them. They are lenient: of a damaged row they take what is legible, where that
/// is all that deleting needs.
///
/// Chunks have numbers, each higher than those of its children.
pub trait Upkeep: Tables {
    /// Does something in one transaction, whole or not at all. What is asked outside of any sees what is committed.
    ///
    /// # Errors
    ///
    /// Those of the work and of the storage, as of all below.
    fn transaction(&mut self, work: Within<'_, Self>) -> Result<()>;

    /// The row of the store.
    fn store(&mut self) -> Result<StoreRow>;

    /// Overwrites it.
    fn put_store(&mut self, row: &StoreRow) -> Result<()>;

    /// The first key above `after` of the sessions that are deleted and whose checkpoints are not all gone.
    fn to_purge(&mut self, after: u64) -> Result<Option<u64>>;

    /// The session with this key, without its body when that is damaged.
    fn session_by_key(&mut self, key: u64) -> Result<Option<SessionRow>>;

    /// The lowest sequences of a session, at most as many.
    fn of_session(&mut self, key: u64, limit: usize) -> Result<Vec<u64>>;

    /// Deletes a checkpoint as [`delete_checkpoint`](Tables::delete_checkpoint) does, unless it is not there, or its row
    /// says that it is of another session than the index told; answers whether.
    fn bury_of(&mut self, session: u64, sequence: u64, deleted: Timestamp) -> Result<bool>;

    /// Marks a session as purged, or drops its row when its id was used again.
    fn purged(&mut self, row: &SessionRow) -> Result<()>;

    /// The oldest changes that are no appends, at most as many: the position of each, that of the first of its commit,
    /// and when it was committed.
    fn oldest_changes(&mut self, limit: usize) -> Result<Vec<(Position, Position, Timestamp)>>;

    /// Removes changes up to a position; answers how many.
    fn trim_changes(&mut self, end: Position) -> Result<usize>;

    /// Forgets deletions of this time and earlier, up to a sequence, the lowest sequences first and at most as many;
    /// answers how many, and when the newest of these checkpoints was committed.
    fn trim_tombstones(
        &mut self,
        until: Timestamp,
        sequence: u64,
        limit: usize,
    ) -> Result<(usize, Option<Timestamp>)>;

    /// Forgets remembered commits of this time and earlier, the oldest first and at most as many; answers how many.
    fn forget(&mut self, until: Timestamp, limit: usize) -> Result<usize>;

    /// The position of the newest change that is no append.
    fn newest_change(&mut self) -> Result<Position>;

    /// Sequences above `after` with the tops of their states, in order, at most as many. `Corrupt` when one cannot be
    /// told and may be needed.
    fn tops(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, Option<ChunkId>)>>;

    /// The tops of checkpoints that were changed after a position, likewise.
    fn changed_tops(&mut self, after: Position) -> Result<Vec<Option<ChunkId>>>;

    /// The highest number ever given to a chunk.
    fn last_chunk(&mut self) -> Result<u64>;

    /// The number of a chunk that is needed: that there is none, or another chunk, is `Corrupt`.
    fn needed_chunk(&mut self, id: &ChunkId) -> Result<u64>;

    /// Numbers of the children of a chunk that is needed.
    fn chunk_children(&mut self, no: u64) -> Result<Vec<u64>>;

    /// Numbers of chunks from `no` down, at most as many.
    fn chunks_below(&mut self, no: u64, limit: usize) -> Result<Vec<u64>>;

    /// Numbers of chunks above `no`.
    fn chunks_above(&mut self, no: u64) -> Result<Vec<u64>>;

    /// A chunk as far as deleting it needs to know; none when it is not there. Of a damaged one, what the index has under
    /// its number.
    fn chunk_age(&mut self, no: u64) -> Result<Option<ChunkAge>>;

    /// Removes a chunk, and the entries of the index under its id, or under its number when the id is not known.
    fn remove_chunk(&mut self, no: u64, id: Option<&ChunkId>) -> Result<()>;
}

/// A chunk as far as deleting it needs to know.
#[derive(Clone, Copy, Debug)]
pub struct ChunkAge {
    /// None when row and index do not agree on it.
    pub id: Option<ChunkId>,
    /// Bytes of its stored form.
    pub size: u64,
    /// When somebody last relied on it; the beginning of time when no index entry tells.
    pub at: Timestamp,
}

/// The store as it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreRow {
    /// Given when it was created.
    pub id: StoreId,
    /// When that was.
    pub created: Timestamp,
    /// Readers must know at least this format.
    pub min_reader: u32,
    /// Writers must know at least this one.
    pub min_writer: u32,
    /// Changes up to here are no longer kept.
    pub floor: Position,
    /// When the newest checkpoint was committed of those that are no longer remembered.
    pub newest: Option<Timestamp>,
    /// The highest number ever given to a chunk that was swept.
    pub chunk_floor: u64,
    /// How many times chunks were swept.
    pub generation: u64,
}

impl StoreRow {
    /// That of a new store in this format.
    #[must_use]
    pub const fn new(id: StoreId, created: Timestamp, version: u32) -> Self {
        Self {
            id,
            created,
            min_reader: version,
            min_writer: version,
            floor: Position::START,
            newest: None,
            chunk_floor: 0,
            generation: 0,
        }
    }

    /// Checks that a program that knows formats up to this version may read the store, or write to it.
    ///
    /// # Errors
    ///
    /// `Unsupported`, naming both versions.
    pub fn check(&self, version: u32, write: bool) -> Result<()> {
        if self.min_reader > version {
            return Err(too_new(
                self.min_reader,
                version,
                "read by",
                "update this one",
            ));
        }
        if write && self.min_writer > version {
            let remedy = "update this one, or open the store for reading only";
            return Err(too_new(self.min_writer, version, "written by", remedy));
        }
        Ok(())
    }
}

fn too_new(needed: u32, version: u32, what: &str, remedy: &str) -> Error {
    Error::unsupported(format!(
        "the store may only be {what} programs that know format {needed}, and this one knows up to {version}; {remedy}"
    ))
}

/// Damage is an answer, to be told beside what is found; any other error ends the read.
///
/// # Errors
///
/// What is no damage.
pub fn or_damage<T>(read: Result<T>) -> Result<Result<T>> {
    match read {
        Err(error) if !error.is_corrupt() => Err(error),
        read => Ok(read),
    }
}

/// One step: purging first, then the window, then chunks.
///
/// # Errors
///
/// Those of the tables.
pub fn upkeep<U: Upkeep>(
    tables: &mut U,
    sweep: &mut Option<Sweep>,
    budget: &Budget,
    now: Timestamp,
) -> Result<MaintainStep> {
    let rows = budget.rows.max(1);
    let mut done = MaintainStep::default();
    tables.transaction(&mut |tables| {
        (done.purged, done.unpurged) = purge(tables, rows)?;
        Ok(())
    })?;
    done.more = done.purged as usize >= rows;
    if done.more {
        return Ok(done);
    }
    let until = now.saturating_sub(budget.window);
    tables.transaction(&mut |tables| {
        done.trimmed = trim(tables, until, rows)?;
        Ok(())
    })?;
    done.more = done.trimmed as usize >= rows;
    if done.more {
        return Ok(done);
    }
    let keep_after = now.saturating_sub(budget.grace);
    sweep_step(tables, sweep, keep_after, rows, &mut done)?;
    Ok(done)
}

/// Turns checkpoints of deleted sessions into tombstones; answers how many, and whether a session was left: of one that
/// is damaged nobody knows that it was deleted.
fn purge<U: Upkeep + ?Sized>(tables: &mut U, rows: usize) -> Result<(u64, bool)> {
    let (mut purged, mut left, mut after) = (0, false, 0);
    let mut emptied = None;
    while purged < rows
        && let Some(key) = tables.to_purge(after)?
    {
        let mut row = match or_damage(tables.session_by_key(key))? {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "a deleted session was not purged; restore it from a backup");
                (left, after) = (true, key);
                continue;
            }
        };
        let Some(deleted) = row.deleted else {
            // An index is never believed against the row: what is purged is gone.
            tracing::warn!(session = %row.id, "an index has a session as deleted that is not");
            (left, after) = (true, key);
            continue;
        };
        let sequences = tables.of_session(key, rows - purged)?;
        if sequences.is_empty() {
            if emptied.replace(key) == Some(key) {
                // An index that its row left long ago: it would be found and marked without end.
                tracing::warn!(session = %row.id, "an index still has a session that was purged");
                (left, after) = (true, key);
                continue;
            }
            row.body = Bytes::new();
            tables.purged(&row)?;
            continue;
        }
        let before = purged;
        for sequence in sequences {
            purged += usize::from(tables.bury_of(key, sequence, deleted)?);
        }
        if purged == before {
            // The same again: entries whose rows left long ago, or are of another session, would be found without end.
            tracing::warn!(session = %row.id, "an index has checkpoints that are not there");
            (left, after) = (true, key);
        }
    }
    Ok((purged as u64, left))
}

/// Forgets changes, commits and tombstones that are older than the window, and says from where on the feed is whole.
fn trim<U: Upkeep + ?Sized>(tables: &mut U, until: Timestamp, rows: usize) -> Result<u64> {
    let mut row = tables.store()?;
    let mut trimmed = 0;
    if let Some(end) = oldest(tables, until, rows)? {
        trimmed += tables.trim_changes(end)?;
        row.floor = row.floor.max(end);
    }
    let (tombstones, newest) = tables.trim_tombstones(until, row.floor.sequence, rows)?;
    row.newest = row.newest.max(newest);
    trimmed += tombstones + tables.forget(until, rows)?;
    if trimmed > 0 {
        tables.put_store(&row)?;
    }
    Ok(trimmed as u64)
}

/// The last position of the oldest whole commits that are no newer than `until`; a commit larger than `limit` waits for
/// no one and is taken whole.
fn oldest<U: Upkeep + ?Sized>(
    tables: &mut U,
    until: Timestamp,
    limit: usize,
) -> Result<Option<Position>> {
    let rows = tables.oldest_changes(limit.saturating_add(1))?;
    let all_seen = rows.len() <= limit;
    let mut end = None;
    for (n, (at, first, committed)) in rows.iter().enumerate() {
        if *committed > until {
            break;
        }
        let ends = rows
            .get(n + 1)
            .map_or(all_seen, |(_, next, _)| next != first);
        if ends {
            end = Some(*at);
        }
    }
    if end.is_none() && !all_seen {
        return oldest(tables, until, limit.saturating_mul(2));
    }
    Ok(end)
}
