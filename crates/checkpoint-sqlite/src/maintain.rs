//! Giving space back, in short transactions of the writer.

use std::collections::HashSet;

use checkpoint_core::engine::Recall;
use checkpoint_core::{Budget, ChunkId, MaintainStep, Position, Result, Timestamp};
use rusqlite::Connection;

use crate::error::fault;
use crate::query::{checkpoint, chunk, control, feed, or_damage, session, store, tombstone};
use crate::tables::SqliteTables;

/// One step: purging first, then the window, then chunks, then free pages.
pub(crate) fn step(
    connection: &Connection,
    sweep: &mut Option<Sweep>,
    budget: &Budget,
    now: Timestamp,
) -> Result<MaintainStep> {
    let rows = budget.rows.max(1);
    let mut done = MaintainStep::default();
    (done.purged, done.unpurged) = write(connection, || purge(connection, rows))?;
    done.more = done.purged as usize >= rows;
    if done.more {
        return Ok(done);
    }
    let until = now.saturating_sub(budget.window);
    done.trimmed = write(connection, || trim(connection, until, rows))?;
    done.more = done.trimmed as usize >= rows;
    if done.more {
        return Ok(done);
    }
    let keep_after = now.saturating_sub(budget.grace);
    sweep_step(connection, sweep, keep_after, rows, &mut done)?;
    if !done.more && budget.compact && control::pages(connection)?.1 > 0 {
        control::vacuum(connection)?;
        control::checkpoint(connection)?;
    }
    Ok(done)
}

fn write<T>(connection: &Connection, work: impl FnOnce() -> Result<T>) -> Result<T> {
    control::begin_write(connection).map_err(fault)?;
    let result = work().and_then(|done| {
        control::commit(connection).map_err(fault)?;
        Ok(done)
    });
    control::rollback(connection);
    result
}

/// Turns checkpoints of deleted sessions into tombstones; answers how many, and whether a session was left: of one that
/// is damaged nobody knows that it was deleted.
fn purge(connection: &Connection, rows: usize) -> Result<(u64, bool)> {
    let (mut purged, mut left, mut after) = (0, false, 0);
    let mut emptied = None;
    while purged < rows
        && let Some(key) = session::to_purge(connection, after)?
    {
        let mut stored = match or_damage(session::by_key(connection, key))? {
            Ok(Some(stored)) => stored,
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "a deleted session was not purged; restore it from a backup");
                (left, after) = (true, key);
                continue;
            }
        };
        let Some(deleted) = stored.row.deleted else {
            // An index is never believed against the row: what is purged is gone.
            let id = &stored.row.id;
            tracing::warn!(session = %id, "an index has a session as deleted that is not");
            (left, after) = (true, key);
            continue;
        };
        let sequences = checkpoint::of_session(connection, key, rows - purged)?;
        if sequences.is_empty() {
            if emptied.replace(key) == Some(key) {
                // An index that its row left long ago: it would be found and marked without end.
                let id = &stored.row.id;
                tracing::warn!(session = %id, "an index still has a session that was purged");
                (left, after) = (true, key);
                continue;
            }
            stored.purged = true;
            stored.row.body = bytes::Bytes::new();
            session::put(connection, &stored)?;
            session::drop_old(connection, key)?;
            continue;
        }
        let before = purged;
        for sequence in sequences {
            purged += usize::from(bury(connection, key, sequence, deleted)?);
        }
        if purged == before {
            // The same again: entries whose rows left long ago, or are of another session, would be found without end.
            let id = &stored.row.id;
            tracing::warn!(session = %id, "an index has checkpoints that are not there");
            (left, after) = (true, key);
        }
    }
    Ok((purged as u64, left))
}

/// Buries a checkpoint of a session, unless its row says that it is of another than the index told; answers whether.
fn bury(connection: &Connection, session: u64, sequence: u64, deleted: Timestamp) -> Result<bool> {
    match checkpoint::small(connection, sequence) {
        Ok(Some((it, _))) if it.session != session => Ok(false),
        _ => SqliteTables::new(connection, &mut Recall::default(), true).bury(sequence, deleted),
    }
}

/// Forgets changes, commits and tombstones that are older than the window, and says from where on the feed is whole.
fn trim(connection: &Connection, until: Timestamp, rows: usize) -> Result<u64> {
    let mut row = store::store(connection)?;
    let mut trimmed = 0;
    if let Some(end) = feed::oldest(connection, until, rows)? {
        trimmed += feed::trim(connection, end)?;
        row.floor = row.floor.max(end);
    }
    let (tombstones, newest) = tombstone::trim(connection, until, row.floor.sequence, rows)?;
    row.newest = row.newest.max(newest);
    trimmed += tombstones + store::forget(connection, until, rows)?;
    if trimmed > 0 {
        store::put_store(connection, &row)?;
    }
    Ok(trimmed as u64)
}

/// Which chunks are needed, by number.
#[derive(Debug, Default)]
struct Marks(Vec<u64>);

impl Marks {
    /// Answers whether it was not marked before.
    fn mark(&mut self, no: u64) -> bool {
        let (word, bit) = ((no / 64) as usize, 1 << (no % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    fn has(&self, no: u64) -> bool {
        let word = self.0.get((no / 64) as usize).copied().unwrap_or(0);
        word & (1 << (no % 64)) != 0
    }
}

/// A sweep under way, kept between steps and lost with the handle: the next one begins anew.
#[derive(Debug)]
pub(crate) struct Sweep {
    marks: Marks,
    /// Marked, its children not yet.
    stack: Vec<u64>,
    /// Checkpoints up to here are marked.
    sequence: u64,
    /// Changes up to here are marked.
    changes: Position,
    /// Chunks above are new since marking began, and stay.
    newest: u64,
    /// From here down chunks are looked at; none while marking.
    next: Option<u64>,
}

impl Sweep {
    fn begin(connection: &Connection) -> Result<Self> {
        Ok(Self {
            marks: Marks::default(),
            stack: Vec::new(),
            sequence: 0,
            changes: feed::newest(connection)?.max(store::store(connection)?.floor),
            newest: chunk::last(connection)?,
            next: None,
        })
    }

    fn root(&mut self, connection: &Connection, top: Option<ChunkId>) -> Result<()> {
        if let Some(top) = top {
            let no = chunk::needed_number_of(connection, &top)?;
            if self.marks.mark(no) {
                self.stack.push(no);
            }
        }
        Ok(())
    }

    /// Marks what the marked refer to; answers how many it looked at.
    fn spread(&mut self, connection: &Connection, rows: usize) -> Result<usize> {
        let mut looked_at = 0;
        while looked_at < rows
            && let Some(no) = self.stack.pop()
        {
            looked_at += 1;
            for child in chunk::children(connection, no)? {
                if self.marks.mark(child) {
                    self.stack.push(child);
                }
            }
        }
        Ok(looked_at)
    }

    /// Marks a page of checkpoints; answers how many rows it looked at, 0 when all are marked.
    fn mark(&mut self, connection: &Connection, rows: usize) -> Result<usize> {
        let spread = self.spread(connection, rows)?;
        if spread > 0 {
            return Ok(spread);
        }
        let tops = checkpoint::tops(connection, self.sequence, rows)?;
        for (sequence, top) in &tops {
            self.root(connection, *top)?;
            self.sequence = *sequence;
        }
        Ok(tops.len())
    }

    /// Marks everything that was committed since marking began, inside the transaction that deletes.
    fn catch_up(&mut self, connection: &Connection) -> Result<()> {
        while self.mark(connection, 10_000)? > 0 {}
        for top in feed::changed_tops(connection, self.changes)? {
            self.root(connection, top)?;
        }
        self.changes = self.changes.max(feed::newest(connection)?);
        for no in chunk::above(connection, self.newest)? {
            self.newest = no;
            if self.marks.mark(no) {
                self.stack.push(no);
            }
        }
        while self.spread(connection, 10_000)? > 0 {}
        Ok(())
    }

    /// Deletes unmarked chunks out of the next `rows`, from the highest number down: a chunk's number is higher than
    /// those of its children, so that what is left is closed at every step.
    fn delete(
        &mut self,
        connection: &Connection,
        from: u64,
        keep_after: Timestamp,
        rows: usize,
        done: &mut MaintainStep,
    ) -> Result<()> {
        self.catch_up(connection)?;
        let mut row = store::store(connection)?;
        row.chunk_floor = row.chunk_floor.max(chunk::last(connection)?);
        let numbers = chunk::below(connection, from, rows)?;
        let mut gone: HashSet<u64> = HashSet::new();
        for no in &numbers {
            if self.marks.has(*no) {
                continue;
            }
            let Some(age) = chunk::age(connection, *no)? else {
                continue;
            };
            if age.at > keep_after.micros() {
                self.marks.mark(*no);
                self.stack.push(*no);
                while self.spread(connection, 10_000)? > 0 {}
            } else {
                chunk::remove(connection, *no, age.id.as_ref())?;
                gone.insert(*no);
                done.swept += 1;
                done.swept_bytes += age.size;
            }
        }
        self.next = Some(numbers.last().map_or(0, |last| last.saturating_sub(1)));
        if !gone.is_empty() {
            row.generation += 1;
            store::put_store(connection, &row)?;
        }
        Ok(())
    }
}

/// A page of marking or of deleting.
fn sweep_step(
    connection: &Connection,
    sweep: &mut Option<Sweep>,
    keep_after: Timestamp,
    rows: usize,
    done: &mut MaintainStep,
) -> Result<()> {
    let mut it = match sweep.take() {
        Some(it) => it,
        None => Sweep::begin(connection)?,
    };
    // A sweep that fails is given up: what it does not know it must not delete.
    let result = advance(connection, &mut it, keep_after, rows, done);
    match result {
        Ok(true) => {
            done.more = true;
            *sweep = Some(it);
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(error) if error.is_corrupt() => {
            tracing::warn!(%error, "chunks were not swept: what is damaged may need any of them; delete or restore it");
            done.unswept = true;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Answers whether there is more.
fn advance(
    connection: &Connection,
    sweep: &mut Sweep,
    keep_after: Timestamp,
    rows: usize,
    done: &mut MaintainStep,
) -> Result<bool> {
    if store::store(connection)?.floor > sweep.changes {
        // Changes since marking began are trimmed already: nobody can tell what they brought.
        *sweep = Sweep::begin(connection)?;
    }
    let Some(from) = sweep.next else {
        let mut left = rows;
        while left > 0 {
            let looked_at = sweep.mark(connection, left)?;
            if looked_at == 0 {
                sweep.next = Some(sweep.newest);
                if sweep.newest == 0 {
                    return Ok(false);
                }
                break;
            }
            left = left.saturating_sub(looked_at);
        }
        return Ok(true);
    };
    if from == 0 {
        return Ok(false);
    }
    let mut step = MaintainStep::default();
    write(connection, || {
        sweep.delete(connection, from, keep_after, rows, &mut step)
    })?;
    done.swept += step.swept;
    done.swept_bytes += step.swept_bytes;
    Ok(sweep.next.is_some_and(|next| next > 0))
}
