//! Immutable sorted rows in one object.
//!
//! Rows are cut into blocks. Behind the blocks of a *partition* come its index, which has the first key of each block,
//! and a filter of all its keys; behind the last partition comes the *tail*, an index of the partitions. An index is a
//! block of rows itself. Who has the tail needs two requests for a key that it never asked for: one brings index and
//! filter, which lie side by side, and one the block.

mod cursor;
mod outline;
mod reader;
mod spot;
mod trail;
mod writer;

use std::ops::Range;

use bytes::Bytes;
use checkpoint_core::Result;

pub(crate) use self::cursor::{Reading, SegmentCursor};
pub(crate) use self::outline::Outline;
pub(crate) use self::reader::Segment;
pub(crate) use self::writer::SegmentWriter;
use crate::id::Id;

/// Bytes of a block before compression, but for one of a single row.
pub(crate) const BLOCK: usize = 16 << 10;
/// Bytes of the index and the filter of a partition, about.
const PARTITION: usize = 64 << 10;
/// Bytes that are fetched in one request for the sake of what comes next.
const AHEAD: u64 = 256 << 10;
/// Bytes of a segment that is fetched whole.
const SMALL: u64 = 128 << 10;
/// Bytes of a tail that stands in the manifest too, so that opening a store reads no segment.
const EMBEDDED: usize = 4 << 10;

/// Brings parts of objects.
pub(crate) trait Fetch: Send + Sync {
    /// The bytes of a range of a segment.
    ///
    /// # Errors
    ///
    /// As the store answers; `NotFound` when there is no such segment. All reach the caller as they are.
    fn fetch(&self, segment: Id, range: Range<u64>) -> Result<Bytes>;
}

/// Of what the digest of a block or filter is: where it stands, so that one that stands elsewhere is noticed.
fn seed(segment: Id, offset: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(&segment.0, offset)
}

#[cfg(test)]
mod tests;
