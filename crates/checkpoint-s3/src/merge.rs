//! Many sorted sources as one: of several rows under one key the newest counts, and a removed one is not there.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use bytes::Bytes;
use checkpoint_core::{Order, Result};

use crate::row::{Change, Key, Span};
use crate::run::{Builder, Run, RunCursor};
use crate::segment::SegmentCursor;

/// Rows of one source, in their order.
pub(crate) enum Cursor {
    /// Rows in memory.
    Run(RunCursor),
    /// Rows of a segment.
    Segment(Box<SegmentCursor>),
}

impl Cursor {
    fn next(&mut self) -> Result<Option<Change>> {
        match self {
            Self::Run(rows) => Ok(rows.next()),
            Self::Segment(rows) => rows.next(),
        }
    }
}

impl From<RunCursor> for Cursor {
    fn from(cursor: RunCursor) -> Self {
        Self::Run(cursor)
    }
}

impl From<SegmentCursor> for Cursor {
    fn from(cursor: SegmentCursor) -> Self {
        Self::Segment(Box::new(cursor))
    }
}

/// What becomes of removals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removals {
    /// They are told: there may be older rows elsewhere that they hide.
    Keep,
    /// They are left out: nothing older is anywhere.
    Drop,
}

/// The merged rows. Ends after an error.
pub(crate) struct Merge {
    cursors: Vec<Cursor>,
    heap: BinaryHeap<Head>,
    /// Whose rows were taken out.
    taken: Vec<usize>,
    order: Order,
    removals: Removals,
}

/// What a source has next.
struct Head {
    next: Next,
    /// The newest source has the lowest.
    rank: usize,
    order: Order,
}

enum Next {
    /// A segment that was not looked into: no row of it comes before this place. So one whose rows are never reached
    /// is never fetched from.
    Bound(u8, Bytes),
    Row(Change),
}

impl Merge {
    /// Merges sources, the newest first, all of them in this order.
    ///
    /// # Errors
    ///
    /// As of [`SegmentCursor::next`].
    pub(crate) fn new(cursors: Vec<Cursor>, order: Order, removals: Removals) -> Result<Self> {
        let mut merge = Self {
            heap: BinaryHeap::with_capacity(cursors.len()),
            taken: Vec::new(),
            cursors,
            order,
            removals,
        };
        for rank in 0..merge.cursors.len() {
            let bound = match &merge.cursors[rank] {
                Cursor::Run(_) => None,
                Cursor::Segment(rows) => Some(rows.bound()),
            };
            match bound {
                Some(Some((table, key))) => {
                    let next = Next::Bound(table, Bytes::copy_from_slice(key));
                    merge.heap.push(Head { next, rank, order });
                }
                Some(None) => {}
                None => merge.advance(rank)?,
            }
        }
        Ok(merge)
    }

    fn advance(&mut self, rank: usize) -> Result<()> {
        if let Some(change) = self.cursors[rank].next()? {
            self.heap.push(Head {
                next: Next::Row(change),
                rank,
                order: self.order,
            });
        }
        Ok(())
    }

    /// The next row of any source. Whose row is taken moves on when the next is asked for, so that nothing is fetched, and
    /// no error told, sooner than it must be.
    fn pop(&mut self) -> Result<Option<Change>> {
        while let Some(rank) = self.taken.pop() {
            self.advance(rank)?;
        }
        while let Some(head) = self.heap.pop() {
            match head.next {
                Next::Row(change) => {
                    self.taken.push(head.rank);
                    return Ok(Some(change));
                }
                Next::Bound(..) => self.advance(head.rank)?,
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Option<Change>> {
        while let Some(newest) = self.pop()? {
            while self
                .heap
                .peek()
                .is_some_and(|head| head.at() == newest.at())
            {
                self.taken.extend(self.heap.pop().map(|older| older.rank));
            }
            if newest.value.is_some() || self.removals == Removals::Keep {
                return Ok(Some(newest));
            }
        }
        Ok(None)
    }
}

impl Iterator for Merge {
    type Item = Result<Change>;

    fn next(&mut self) -> Option<Result<Change>> {
        let next = self.step();
        if next.is_err() {
            self.heap.clear();
            self.taken.clear();
        }
        next.transpose()
    }
}

impl Head {
    fn at(&self) -> Key<'_> {
        match &self.next {
            Next::Bound(table, key) => (*table, key),
            Next::Row(change) => change.at(),
        }
    }

    fn is_row(&self) -> bool {
        matches!(self.next, Next::Row(_))
    }
}

/// What comes first is the greatest, since a heap hands that out. At one place a segment that was not looked into comes
/// first, and then the newest.
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let places = match self.order {
            Order::Ascending => other.at().cmp(&self.at()),
            Order::Descending => self.at().cmp(&other.at()),
        };
        places
            .then_with(|| other.is_row().cmp(&self.is_row()))
            .then_with(|| other.rank.cmp(&self.rank))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

/// One run of several, the newest first. It has its own memory, so that what was replaced is given back with the others.
///
/// # Errors
///
/// `TooLarge` when it would be larger than a run may be.
pub(crate) fn merge_runs(runs: &[Run], removals: Removals) -> Result<Run> {
    let span = Span::all();
    let cursors = runs
        .iter()
        .map(|run| run.cursor(&span, Order::Ascending).into())
        .collect();
    let mut builder = Builder::default();
    for change in Merge::new(cursors, Order::Ascending, removals)? {
        let change = change?;
        builder.push(change.at(), change.value.as_deref())?;
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests;
