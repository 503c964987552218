//! Writing a segment, row by row.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::Result;

use super::spot::{BlockSpot, PartitionSpot};
use super::{BLOCK, EMBEDDED, Outline, PARTITION, seed};
use crate::block;
use crate::cache::{BlockCache, Item, Partition};
use crate::filter::{self, Filter};
use crate::id::Id;
use crate::row::{Change, Key};
use crate::run::{Builder, out_of_order, room};
use crate::seal::Kind;

/// Makes a segment of rows that come in their order. Holds a block, the index and filter of a partition, and the index
/// of the partitions; whatever is done is handed out at once.
pub(crate) struct SegmentWriter {
    outline: Outline,
    cache: Option<Arc<BlockCache>>,
    /// What is done and not yet handed out.
    out: Vec<u8>,
    block: Builder,
    first_of_block: (u8, Bytes),
    index: Builder,
    filter: filter::Builder,
    first_of_partition: (u8, Bytes),
    rows_of_partition: u64,
    top: Builder,
}

impl SegmentWriter {
    /// Begins the segment of this name, which nobody else has.
    pub(crate) fn new(id: Id) -> Self {
        let outline = Outline {
            id,
            length: 0,
            tail_at: 0,
            digest: [0; 8],
            rows: 0,
            removals: 0,
            bytes: 0,
            smallest: (0, Bytes::new()),
            largest: (0, Bytes::new()),
            tail: None,
        };
        Self {
            outline,
            cache: None,
            out: Vec::new(),
            block: Builder::default(),
            first_of_block: (0, Bytes::new()),
            index: Builder::default(),
            filter: filter::Builder::default(),
            first_of_partition: (0, Bytes::new()),
            rows_of_partition: 0,
            top: Builder::default(),
        }
    }

    /// Keeps the blocks in this cache too, since who wrote them is about to read them.
    pub(crate) fn caching(mut self, cache: Arc<BlockCache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Adds a row behind all others. Answers the next bytes of the object, often none.
    ///
    /// # Errors
    ///
    /// `Invalid` when it does not come behind them, `TooLarge` when it takes more than a run may.
    pub(crate) fn push(&mut self, change: &Change) -> Result<Bytes> {
        let (at, value) = (change.at(), change.value.as_deref());
        if self.block.size() + room(at, value) > BLOCK {
            self.end_block()?;
        }
        if self.block.len() == 0 {
            self.begin_block(at)?;
        }
        self.block.push(at, value)?;
        self.filter.add(at);
        self.outline.rows += 1;
        self.outline.removals += u64::from(value.is_none());
        Ok(self.hand_out())
    }

    /// Ends the segment: its last bytes, and what the manifest says of it. None when there was no row, and no object.
    ///
    /// # Errors
    ///
    /// None that `push` would not have given.
    pub(crate) fn finish(mut self) -> Result<Option<(Bytes, Outline)>> {
        if self.outline.rows == 0 {
            return Ok(None);
        }
        self.end_block()?;
        self.end_partition()?;
        self.outline.tail_at = self.offset();
        let top = std::mem::take(&mut self.top).finish();
        let tail = self.outline.write_tail(&top);
        if let Some(digest) = tail.last_chunk() {
            self.outline.digest = *digest;
        }
        self.out.extend_from_slice(&tail);
        self.outline.tail = (tail.len() <= EMBEDDED).then(|| tail.into());
        let bytes = self.hand_out();
        Ok(Some((bytes, self.outline)))
    }

    /// Where the next byte is going to stand.
    fn offset(&self) -> u64 {
        self.outline.length + self.out.len() as u64
    }

    fn hand_out(&mut self) -> Bytes {
        let bytes = Bytes::from(std::mem::take(&mut self.out));
        self.outline.length += bytes.len() as u64;
        bytes
    }

    fn keep(&self, offset: u64, item: Item) {
        if let Some(cache) = &self.cache {
            cache.put((self.outline.id, offset), item);
        }
    }

    fn begin_block(&mut self, at: Key<'_>) -> Result<()> {
        // A copy: the bytes of a row may be cut from much more.
        let first = (at.0, Bytes::copy_from_slice(at.1));
        if self.outline.rows == 0 {
            self.out.extend_from_slice(&Kind::Segment.magic());
            self.outline.smallest = first.clone();
        } else if self.outline.largest() >= at {
            return Err(out_of_order());
        }
        self.first_of_block = first;
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        let Some(last) = self.block.last() else {
            return Ok(());
        };
        self.outline.largest = (last.0, Bytes::copy_from_slice(last.1));
        let run = std::mem::take(&mut self.block).finish();
        self.outline.bytes += run.bytes().len() as u64;
        let offset = self.offset();
        let stored = block::encode(&run, seed(self.outline.id, offset));
        self.out.extend_from_slice(&stored);
        let spot = BlockSpot {
            offset,
            length: stored.len() as u64,
            rows: run.len() as u64,
        };
        let first = std::mem::take(&mut self.first_of_block);
        self.index.push((first.0, &first.1), Some(&spot.encode()))?;
        self.rows_of_partition += spot.rows;
        self.keep(offset, Item::Block(run));
        if self.index.len() == 1 {
            self.first_of_partition = first;
        }
        if self.index.size() + self.filter.size() >= PARTITION {
            self.end_partition()?;
        }
        Ok(())
    }

    fn end_partition(&mut self) -> Result<()> {
        if self.index.len() == 0 {
            return Ok(());
        }
        let offset = self.offset();
        let index = std::mem::take(&mut self.index).finish();
        let stored = block::encode(&index, seed(self.outline.id, offset));
        self.out.extend_from_slice(&stored);
        let filter_seed = seed(self.outline.id, self.offset());
        let filter = self.filter.encode(filter_seed);
        self.out.extend_from_slice(&filter);
        if self.cache.is_some() {
            let filter = Filter::decode(&filter, filter_seed)?;
            let partition = Arc::new(Partition { index, filter });
            self.keep(offset, Item::Partition(partition));
        }
        let spot = PartitionSpot {
            offset,
            index: stored.len() as u64,
            filter: filter.len() as u64,
            rows: std::mem::take(&mut self.rows_of_partition),
        };
        let first = std::mem::take(&mut self.first_of_partition);
        self.top.push((first.0, &first.1), Some(&spot.encode()))
    }
}
