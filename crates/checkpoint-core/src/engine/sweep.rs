//! Sweeping chunks to which nothing refers, in short transactions: marking from all checkpoints by pages, then deleting
//! page by page, each time after marking what was committed meanwhile.

use std::collections::HashSet;

use super::upkeep::Upkeep;
use crate::backend::MaintainStep;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ChunkId;
use crate::record::Position;

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
pub struct Sweep {
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
    fn begin<U: Upkeep + ?Sized>(tables: &mut U) -> Result<Self> {
        Ok(Self {
            marks: Marks::default(),
            stack: Vec::new(),
            sequence: 0,
            changes: tables.newest_change()?.max(tables.store()?.floor),
            newest: tables.last_chunk()?,
            next: None,
        })
    }

    fn root<U: Upkeep + ?Sized>(&mut self, tables: &mut U, top: Option<ChunkId>) -> Result<()> {
        if let Some(top) = top {
            let no = tables.needed_chunk(&top)?;
            if self.marks.mark(no) {
                self.stack.push(no);
            }
        }
        Ok(())
    }

    /// Marks what the marked refer to; answers how many it looked at.
    fn spread<U: Upkeep + ?Sized>(&mut self, tables: &mut U, rows: usize) -> Result<usize> {
        let mut looked_at = 0;
        while looked_at < rows
            && let Some(no) = self.stack.pop()
        {
            looked_at += 1;
            for child in tables.chunk_children(no)? {
                if self.marks.mark(child) {
                    self.stack.push(child);
                }
            }
        }
        Ok(looked_at)
    }

    /// Marks a page of checkpoints; answers how many rows it looked at, 0 when all are marked.
    fn mark<U: Upkeep + ?Sized>(&mut self, tables: &mut U, rows: usize) -> Result<usize> {
        let spread = self.spread(tables, rows)?;
        if spread > 0 {
            return Ok(spread);
        }
        let tops = tables.tops(self.sequence, rows)?;
        for (sequence, top) in &tops {
            self.root(tables, *top)?;
            self.sequence = *sequence;
        }
        Ok(tops.len())
    }

    /// Marks everything that was committed since marking began, inside the transaction that deletes.
    fn catch_up<U: Upkeep + ?Sized>(&mut self, tables: &mut U) -> Result<()> {
        while self.mark(tables, 10_000)? > 0 {}
        for top in tables.changed_tops(self.changes)? {
            self.root(tables, top)?;
        }
        self.changes = self.changes.max(tables.newest_change()?);
        for no in tables.chunks_above(self.newest)? {
            self.newest = no;
            if self.marks.mark(no) {
                self.stack.push(no);
            }
        }
        while self.spread(tables, 10_000)? > 0 {}
        Ok(())
    }

    /// Deletes unmarked chunks out of the next `rows`, from the highest number down: a chunk's number is higher than
    /// those of its children, so that what is left is closed at every step.
    fn delete<U: Upkeep + ?Sized>(
        &mut self,
        tables: &mut U,
        from: u64,
        keep_after: Timestamp,
        rows: usize,
        done: &mut MaintainStep,
    ) -> Result<()> {
        self.catch_up(tables)?;
        let mut row = tables.store()?;
        row.chunk_floor = row.chunk_floor.max(tables.last_chunk()?);
        let numbers = tables.chunks_below(from, rows)?;
        let mut gone: HashSet<u64> = HashSet::new();
        for no in &numbers {
            if self.marks.has(*no) {
                continue;
            }
            let Some(age) = tables.chunk_age(*no)? else {
                continue;
            };
            if age.at > keep_after {
                self.marks.mark(*no);
                self.stack.push(*no);
                while self.spread(tables, 10_000)? > 0 {}
            } else {
                tables.remove_chunk(*no, age.id.as_ref())?;
                gone.insert(*no);
                done.swept += 1;
                done.swept_bytes += age.size;
            }
        }
        self.next = Some(numbers.last().map_or(0, |last| last.saturating_sub(1)));
        if !gone.is_empty() {
            row.generation += 1;
            tables.put_store(&row)?;
        }
        Ok(())
    }
}

/// A page of marking or of deleting.
pub(super) fn sweep_step<U: Upkeep + ?Sized>(
    tables: &mut U,
    sweep: &mut Option<Sweep>,
    keep_after: Timestamp,
    rows: usize,
    done: &mut MaintainStep,
) -> Result<()> {
    let mut it = match sweep.take() {
        Some(it) => it,
        None => Sweep::begin(tables)?,
    };
    // A sweep that fails is given up: what it does not know it must not delete.
    let result = advance(tables, &mut it, keep_after, rows, done);
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
fn advance<U: Upkeep + ?Sized>(
    tables: &mut U,
    sweep: &mut Sweep,
    keep_after: Timestamp,
    rows: usize,
    done: &mut MaintainStep,
) -> Result<bool> {
    if tables.store()?.floor > sweep.changes {
        // Changes since marking began are trimmed already: nobody can tell what they brought.
        *sweep = Sweep::begin(tables)?;
    }
    let Some(from) = sweep.next else {
        let mut left = rows;
        while left > 0 {
            let looked_at = sweep.mark(tables, left)?;
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
    tables.transaction(&mut |tables| sweep.delete(tables, from, keep_after, rows, &mut step))?;
    done.swept += step.swept;
    done.swept_bytes += step.swept_bytes;
    Ok(sweep.next.is_some_and(|next| next > 0))
}
