//! Reading a segment.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use checkpoint_core::{Error, Order, Result};
use parking_lot::{Mutex, MutexGuard};

use super::cursor::{Reading, SegmentCursor};
use super::spot::{BlockSpot, PartitionSpot, leading};
use super::trail::Trail;
use super::{AHEAD, Fetch, Outline, SMALL, seed};
use crate::block;
use crate::cache::{BlockCache, Item, Partition};
use crate::filter::Filter;
use crate::row::{Key, Span};
use crate::run::Run;

/// A segment that can be read. Cheap to clone; nothing is fetched before it is asked for.
#[derive(Clone)]
pub(crate) struct Segment(Arc<Inner>);

struct Inner {
    outline: Outline,
    source: Arc<dyn Fetch>,
    cache: Arc<BlockCache>,
    /// The index of the partitions, which stays.
    top: OnceLock<Run>,
    trail: Mutex<Trail>,
}

impl Segment {
    /// The segment of this outline.
    pub(crate) fn new(outline: Outline, source: Arc<dyn Fetch>, cache: Arc<BlockCache>) -> Self {
        Self(Arc::new(Inner {
            outline,
            source,
            cache,
            top: OnceLock::new(),
            trail: Mutex::default(),
        }))
    }

    /// What the manifest says of it.
    pub(crate) fn outline(&self) -> &Outline {
        &self.0.outline
    }

    /// What became of a row: its value, none when it was removed; none at all when nothing is said of it.
    ///
    /// # Errors
    ///
    /// `Corrupt`, naming segment and offset, and what [`Fetch`] answers.
    pub(crate) fn get(&self, at: Key<'_>) -> Result<Option<Option<Bytes>>> {
        self.get_of(at, 0)
    }

    /// The same for who looks up many rows: with a block that must be fetched come those around it.
    pub(crate) fn get_of_many(&self, at: Key<'_>) -> Result<Option<Option<Bytes>>> {
        self.get_of(at, AHEAD)
    }

    fn get_of(&self, at: Key<'_>, window: u64) -> Result<Option<Option<Bytes>>> {
        let outline = self.outline();
        if at < outline.smallest() || outline.largest() < at {
            return Ok(None);
        }
        let Some(n) = leading(self.top()?, at) else {
            return Ok(None);
        };
        let partition = self.partition(n)?;
        if !partition.filter.may_have(at) {
            return Ok(None);
        }
        let Some(n) = leading(&partition.index, at) else {
            return Ok(None);
        };
        Ok(self.block(&partition, n, window)?.get(at))
    }

    /// The rows of a range.
    pub(crate) fn cursor(&self, span: Span, order: Order, reading: Reading) -> SegmentCursor {
        SegmentCursor::new(self.clone(), span, order, reading)
    }

    /// The index of the partitions.
    pub(super) fn top(&self) -> Result<&Run> {
        if let Some(top) = self.0.top.get() {
            return Ok(top);
        }
        let outline = self.outline();
        let range = outline.tail_at..outline.length;
        let top = match &outline.tail {
            Some(tail) => self.told(range.start, outline.open_tail(tail))?,
            None => {
                let (tail, whole) = self.fetch(range.clone())?;
                let top = self.told(range.start, outline.open_tail(&tail))?;
                self.warm(&top, whole);
                top
            }
        };
        Ok(self.0.top.get_or_init(|| top))
    }

    /// The n-th partition.
    pub(super) fn partition(&self, n: usize) -> Result<Arc<Partition>> {
        let outline = self.outline();
        let top = self.top()?;
        let spot = PartitionSpot::read(top, n, outline.tail_at);
        let spot = self.told(outline.tail_at, spot)?;
        if let Some(Item::Partition(partition)) = self.0.cache.get((outline.id, spot.offset)) {
            return Ok(partition);
        }
        let (bytes, whole) = self.fetch(spot.range())?;
        let partition = Arc::new(self.told(spot.offset, self.open_partition(spot, &bytes))?);
        self.keep(spot.offset, Item::Partition(Arc::clone(&partition)));
        self.warm(top, whole);
        Ok(partition)
    }

    /// Where the n-th block of a partition lies.
    pub(super) fn block_spot(&self, partition: &Partition, n: usize) -> Result<BlockSpot> {
        let outline = self.outline();
        let spot = BlockSpot::read(&partition.index, n, outline.tail_at);
        spot.map_err(|error| error.with("segment", outline.id))
    }

    /// The n-th block of a partition. When it is fetched, so are others beside it, of so many bytes together at most.
    fn block(&self, partition: &Partition, n: usize, window: u64) -> Result<Run> {
        let spot = self.block_spot(partition, n)?;
        if let Some(run) = self.cached(spot) {
            return Ok(run);
        }
        let (range, beside) = self.beside(partition, n, window)?;
        let (bytes, whole) = self.fetch(range.clone())?;
        let part = |spot: BlockSpot| {
            let from = (spot.offset - range.start) as usize;
            bytes.slice(from..from + spot.length as usize)
        };
        let run = self.open_block(spot, &part(spot))?;
        self.keep(spot.offset, Item::Block(run.clone()));
        for spot in beside {
            // What is damaged is told to who asks for it.
            if let Ok(run) = self.open_block(spot, &part(spot)) {
                self.keep(spot.offset, Item::Block(run));
            }
        }
        self.warm(self.top()?, whole);
        Ok(run)
    }

    /// The blocks after and before the n-th that lie beside it, within so many bytes, and the range of all.
    fn beside(
        &self,
        partition: &Partition,
        n: usize,
        window: u64,
    ) -> Result<(Range<u64>, Vec<BlockSpot>)> {
        let mut range = self.block_spot(partition, n)?.range();
        let mut spots = Vec::new();
        let after: &mut dyn Iterator<Item = usize> = &mut (n + 1..partition.index.len());
        let before: &mut dyn Iterator<Item = usize> = &mut (0..n).rev();
        for side in [after, before] {
            for n in side {
                let next = self.block_spot(partition, n)?;
                let joins = next.offset == range.end || next.range().end == range.start;
                if !joins || range.end - range.start + next.length > window {
                    break;
                }
                range = range.start.min(next.offset)..range.end.max(next.range().end);
                spots.push(next);
            }
        }
        Ok((range, spots))
    }

    /// Where readings ended.
    pub(super) fn trail(&self) -> MutexGuard<'_, Trail> {
        self.0.trail.lock()
    }

    /// A block that is in the cache.
    pub(super) fn cached(&self, spot: BlockSpot) -> Option<Run> {
        match self.0.cache.get((self.outline().id, spot.offset))? {
            Item::Block(run) => Some(run),
            Item::Partition(_) | Item::Chunk(_) => None,
        }
    }

    /// Whether a block is in the cache.
    pub(super) fn is_cached(&self, spot: BlockSpot) -> bool {
        self.0.cache.has((self.outline().id, spot.offset))
    }

    /// Puts something into the cache.
    pub(super) fn keep(&self, offset: u64, item: Item) {
        self.0.cache.put((self.outline().id, offset), item);
    }

    /// The rows of a block.
    pub(super) fn open_block(&self, spot: BlockSpot, bytes: &[u8]) -> Result<Run> {
        let run = block::decode(bytes, seed(self.outline().id, spot.offset));
        self.told(spot.offset, run)
    }

    fn open_partition(&self, spot: PartitionSpot, bytes: &[u8]) -> Result<Partition> {
        let id = self.outline().id;
        let (index, filter) = usize::try_from(spot.index)
            .ok()
            .and_then(|at| bytes.split_at_checked(at))
            .ok_or_else(block::mismatch)?;
        Ok(Partition {
            index: block::decode(index, seed(id, spot.offset))?,
            filter: Filter::decode(filter, seed(id, spot.offset + spot.index))?,
        })
    }

    /// Bytes of a range, and the whole segment if that was fetched because it is small.
    pub(super) fn fetch(&self, range: Range<u64>) -> Result<(Bytes, Option<Bytes>)> {
        let length = self.outline().length;
        if length > SMALL {
            return Ok((self.exactly(range)?, None));
        }
        let whole = self.exactly(0..length)?;
        Ok((
            whole.slice(range.start as usize..range.end as usize),
            Some(whole),
        ))
    }

    fn exactly(&self, range: Range<u64>) -> Result<Bytes> {
        let id = self.outline().id;
        let bytes = self.0.source.fetch(id, range.clone())?;
        if bytes.len() as u64 == range.end - range.start {
            return Ok(bytes);
        }
        Err(
            Error::corrupt("a segment has another length than its manifest says")
                .with("segment", id)
                .with("offset", range.start)
                .with("expected", range.end - range.start)
                .with("bytes", bytes.len()),
        )
    }

    /// Puts all of a segment that was fetched whole into the cache. What is damaged is told to who asks for it.
    fn warm(&self, top: &Run, whole: Option<Bytes>) {
        let Some(whole) = whole else { return };
        let part = |range: Range<u64>| whole.get(range.start as usize..range.end as usize);
        for n in 0..top.len() {
            let Ok(spot) = PartitionSpot::read(top, n, self.outline().tail_at) else {
                continue;
            };
            let Some(Ok(partition)) =
                part(spot.range()).map(|bytes| self.open_partition(spot, bytes))
            else {
                continue;
            };
            for n in 0..partition.index.len() {
                let Ok(spot) = self.block_spot(&partition, n) else {
                    continue;
                };
                if let Some(Ok(run)) = part(spot.range()).map(|bytes| self.open_block(spot, bytes))
                {
                    self.keep(spot.offset, Item::Block(run));
                }
            }
            self.keep(spot.offset, Item::Partition(Arc::new(partition)));
        }
    }

    /// Says where damage is.
    fn told<T>(&self, offset: u64, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            error
                .with("segment", self.outline().id)
                .with("offset", offset)
        })
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Segment").field(&self.outline().id).finish()
    }
}
