//! Going through rows of a segment, fetching no sooner than needed, and then several blocks at once.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{Order, Result};

use super::spot::{BlockSpot, leading};
use super::{AHEAD, SMALL, Segment};
use crate::cache::{Item, Partition};
use crate::row::{Change, Key, Span};
use crate::run::{Run, RunCursor};

/// Bytes that are fetched after the first block, when nobody said that much is going to be read.
const FIRST: u64 = AHEAD / 4;

/// How much is likely to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Maybe a row: one block first, then more and more at once.
    Some,
    /// Everything, once: as much at once as is ever fetched. What is read is not put into the cache.
    All,
}

/// Rows of a range, in their order.
pub(crate) struct SegmentCursor {
    segment: Segment,
    span: Span,
    order: Order,
    reading: Reading,
    /// Partitions that are left; none: the tail was not asked for yet.
    partitions: Option<Range<usize>>,
    /// The partition, and the blocks of it that are left.
    partition: Option<(Arc<Partition>, Range<usize>)>,
    /// Blocks that came with the last request, in the order in which they are wanted.
    ahead: VecDeque<(BlockSpot, Bytes)>,
    /// Bytes that the next request may bring; 0: a block.
    window: u64,
    /// Where the last request ended, in the order of the cursor.
    end: Option<u64>,
    /// Another reading ended where this one had to fetch: then the next one goes on where this one ends.
    follows: bool,
    rows: Option<RunCursor>,
}

impl SegmentCursor {
    pub(super) fn new(segment: Segment, span: Span, order: Order, reading: Reading) -> Self {
        Self {
            partitions: (!segment.outline().meets(&span)).then_some(0..0),
            // A small segment comes whole anyway.
            window: if reading == Reading::All || segment.outline().length <= SMALL {
                AHEAD
            } else {
                0
            },
            segment,
            span,
            order,
            reading,
            partition: None,
            ahead: VecDeque::new(),
            end: None,
            follows: false,
            rows: None,
        }
    }

    /// A place before which there is no row, in the order of the cursor; none: there is no row at all. Nothing is
    /// fetched to know it.
    pub(crate) fn bound(&self) -> Option<Key<'_>> {
        let outline = self.segment.outline();
        let edge = match self.order {
            Order::Ascending => self.span.low().max(Some(outline.smallest())),
            Order::Descending => {
                let high = self.span.high().unwrap_or(outline.largest());
                Some(high.min(outline.largest()))
            }
        };
        edge.filter(|_| outline.meets(&self.span))
    }

    /// The next row.
    ///
    /// # Errors
    ///
    /// As of [`Segment::get`].
    pub(crate) fn next(&mut self) -> Result<Option<Change>> {
        loop {
            if let Some(change) = self.rows.as_mut().and_then(Iterator::next) {
                return Ok(Some(change));
            }
            let Some(run) = self.next_block()? else {
                return Ok(None);
            };
            self.rows = Some(run.cursor(&self.span, self.order));
        }
    }

    fn next_block(&mut self) -> Result<Option<Run>> {
        loop {
            if let Some((partition, left)) = &mut self.partition
                && let Some(n) = step(left, self.order)
            {
                let (partition, left) = (Arc::clone(partition), left.clone());
                return self.block(&partition, n, left).map(Some);
            }
            if !self.next_partition()? {
                return Ok(None);
            }
        }
    }

    fn next_partition(&mut self) -> Result<bool> {
        let partitions = match &mut self.partitions {
            Some(partitions) => partitions,
            none => none.insert(children(self.segment.top()?, &self.span)),
        };
        let Some(n) = step(partitions, self.order) else {
            return Ok(false);
        };
        let partition = self.segment.partition(n)?;
        let blocks = children(&partition.index, &self.span);
        self.partition = Some((partition, blocks));
        Ok(true)
    }

    /// The n-th block of the partition; these are left after it.
    fn block(&mut self, partition: &Partition, n: usize, left: Range<usize>) -> Result<Run> {
        let spot = self.segment.block_spot(partition, n)?;
        while let Some((fetched, bytes)) = self.ahead.pop_front() {
            if fetched == spot {
                return self.open(spot, &bytes);
            }
        }
        if let Some(run) = self.segment.cached(spot) {
            return Ok(run);
        }
        self.fetch(partition, spot, left)?;
        let (spot, bytes) = self.ahead.pop_front().unwrap_or((spot, Bytes::new()));
        self.open(spot, &bytes)
    }

    fn open(&self, spot: BlockSpot, bytes: &[u8]) -> Result<Run> {
        let run = self.segment.open_block(spot, bytes)?;
        if self.reading == Reading::Some {
            self.segment.keep(spot.offset, Item::Block(run.clone()));
        }
        Ok(run)
    }

    /// Fetches a block, and with it those that come next and lie beside it.
    fn fetch(&mut self, partition: &Partition, spot: BlockSpot, left: Range<usize>) -> Result<()> {
        let (near, _) = ends(&spot.range(), self.order);
        let followed = self.goes_on(near);
        self.window = self.window.max(followed.unwrap_or(0));
        let (range, spots) = self.together(partition, spot, left)?;
        let (bytes, _) = self.segment.fetch(range.clone())?;
        // Not sooner: who may not wait gets no answer, and whoever asks in its place goes on here.
        if followed.is_some() {
            self.segment.trail().taken(near, self.order);
            self.follows = true;
        }
        self.window = (self.window * 2).clamp(FIRST, AHEAD);
        self.end = Some(ends(&range, self.order).1);
        self.ahead = spots
            .into_iter()
            .map(|spot| {
                let from = (spot.offset - range.start) as usize;
                (spot, bytes.slice(from..from + spot.length as usize))
            })
            .collect();
        Ok(())
    }

    /// A block and those that come next and lie beside it, as many as a request may bring, and the range of all.
    fn together(
        &self,
        partition: &Partition,
        spot: BlockSpot,
        mut left: Range<usize>,
    ) -> Result<(Range<u64>, Vec<BlockSpot>)> {
        let (mut range, mut spots) = (spot.range(), vec![spot]);
        while let Some(n) = step(&mut left, self.order) {
            let next = self.segment.block_spot(partition, n)?;
            let beside = match self.order {
                Order::Ascending => next.offset == range.end,
                Order::Descending => next.range().end == range.start,
            };
            let size = (range.end - range.start).saturating_add(next.length);
            if !beside || size > self.window || self.segment.is_cached(next) {
                break;
            }
            range = range.start.min(next.offset)..range.end.max(next.range().end);
            spots.push(next);
        }
        Ok((range, spots))
    }

    /// What a request from here on may bring, when another reading ended here.
    fn goes_on(&self, near: u64) -> Option<u64> {
        let follows = self.reading == Reading::Some;
        follows.then(|| self.segment.trail().window(near, self.order))?
    }

    /// Lets a reading go on that begins where this one ends. What came in vain is kept only if there is likely to be one.
    fn leave(&mut self) {
        let Some(end) = self.end.filter(|_| self.reading == Reading::Some) else {
            return;
        };
        let left = std::mem::take(&mut self.ahead);
        let at = match left.front() {
            Some((spot, _)) if !self.follows => ends(&spot.range(), self.order).0,
            _ => end,
        };
        for (spot, bytes) in left.iter().filter(|_| self.follows) {
            // What is damaged is told to who asks for it.
            if let Ok(run) = self.segment.open_block(*spot, bytes) {
                self.segment.keep(spot.offset, Item::Block(run));
            }
        }
        self.segment.trail().leave(at, self.order, self.window);
    }
}

impl Drop for SegmentCursor {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Where an order enters a range, and where it leaves it.
const fn ends(range: &Range<u64>, order: Order) -> (u64, u64) {
    match order {
        Order::Ascending => (range.start, range.end),
        Order::Descending => (range.end, range.start),
    }
}

/// Takes the next number from the end at which the order begins.
fn step(left: &mut Range<usize>, order: Order) -> Option<usize> {
    match order {
        Order::Ascending => left.next(),
        Order::Descending => left.next_back(),
    }
}

/// Which rows of an index lead to where rows of a range may be.
fn children(index: &Run, span: &Span) -> Range<usize> {
    let low = span.low().and_then(|low| leading(index, low));
    let window = index.window(span);
    // Before the first key of the range, a block that begins before it may go on into it.
    let from = low.unwrap_or(window.start);
    from..window.end.max(from)
}
