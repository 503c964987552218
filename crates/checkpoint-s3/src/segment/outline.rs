//! What a manifest says of a segment, and the end of a segment, which says the same.

use bytes::Bytes;
use checkpoint_core::engine::row::take_array;
use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{Error, Result};

use super::seed;
use crate::block::{self, digest, mismatch};
use crate::id::Id;
use crate::row::{Key, Span};
use crate::run::Run;
use crate::seal::{Kind, Versions, put_number, take_number, take_sized};

/// Bytes behind the index of the tail.
const FOOTER: usize = 72;

/// All that is known of a segment without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Its name.
    pub(crate) id: Id,
    /// Bytes of the object.
    pub(crate) length: u64,
    /// Where the tail begins.
    pub(crate) tail_at: u64,
    /// The digest of the tail.
    pub(crate) digest: [u8; 8],
    /// Rows, removals among them.
    pub(crate) rows: u64,
    /// Rows that were removed.
    pub(crate) removals: u64,
    /// Bytes of the rows before compression.
    pub(crate) bytes: u64,
    /// Where the first row stands.
    pub(crate) smallest: (u8, Bytes),
    /// Where the last row stands.
    pub(crate) largest: (u8, Bytes),
    /// The tail itself, if it is small.
    pub(crate) tail: Option<Bytes>,
}

impl Outline {
    /// Where the first row stands.
    pub(crate) fn smallest(&self) -> Key<'_> {
        (self.smallest.0, &self.smallest.1)
    }

    /// Where the last row stands.
    pub(crate) fn largest(&self) -> Key<'_> {
        (self.largest.0, &self.largest.1)
    }

    /// Whether the segment may have a row of this range.
    pub(crate) fn meets(&self, span: &Span) -> bool {
        !span.begins_behind(self.largest()) && !span.ends_before(self.smallest())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0);
        for number in [
            self.length,
            self.tail_at,
            self.rows,
            self.removals,
            self.bytes,
        ] {
            put_varint(out, number);
        }
        out.extend_from_slice(&self.digest);
        for (table, key) in [&self.smallest, &self.largest] {
            out.push(*table);
            put_varint(out, key.len() as u64);
            out.extend_from_slice(key);
        }
        let tail = self.tail.as_deref().unwrap_or_default();
        put_varint(out, tail.len() as u64);
        out.extend_from_slice(tail);
    }

    pub(crate) fn take(rest: &mut &[u8]) -> Result<Self> {
        let id = Id(take_array(rest)?);
        let mut numbers = [0; 5];
        for number in &mut numbers {
            *number = take_varint(rest)?;
        }
        let [length, tail_at, rows, removals, bytes] = numbers;
        let digest = take_array(rest)?;
        let (smallest, largest) = (take_key(rest)?, take_key(rest)?);
        let tail = take_sized(rest)?;
        if tail_at > length || removals > rows || smallest > largest {
            return Err(Error::corrupt("what is said of a segment cannot be").with("segment", id));
        }
        Ok(Self {
            id,
            length,
            tail_at,
            digest,
            rows,
            removals,
            bytes,
            smallest,
            largest,
            tail: (!tail.is_empty()).then(|| Bytes::copy_from_slice(tail)),
        })
    }

    /// The tail that has this index. Its digest is its last bytes.
    pub(super) fn write_tail(&self, index: &Run) -> Vec<u8> {
        let mut out = block::encode(index, seed(self.id, self.tail_at));
        for number in [self.tail_at, self.rows, self.removals, self.bytes] {
            put_number(&mut out, number);
        }
        out.extend_from_slice(&self.id.0);
        for number in [Versions::CURRENT.version, Versions::CURRENT.reader] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&Kind::Segment.magic());
        let digest = digest(&out, 0);
        out.extend_from_slice(&digest);
        out
    }

    /// The index of a tail, which must be the one that was outlined.
    ///
    /// # Errors
    ///
    /// `Corrupt`; `Unsupported` for what a later version wrote, and this one must not read.
    pub(super) fn open_tail(&self, tail: &[u8]) -> Result<Run> {
        let (body, end) = tail.split_last_chunk().ok_or_else(mismatch)?;
        if *end != self.digest || *end != digest(body, 0) {
            return Err(mismatch());
        }
        let at = tail.len().checked_sub(FOOTER).ok_or_else(mismatch)?;
        let (index, mut rest) = body.split_at(at);
        let mut numbers = [0; 4];
        for number in &mut numbers {
            *number = take_number(&mut rest)?;
        }
        let id = Id(take_array(&mut rest)?);
        let versions = Versions {
            version: u32::from_le_bytes(take_array(&mut rest)?),
            reader: u32::from_le_bytes(take_array(&mut rest)?),
            writer: 0,
        };
        if *rest != Kind::Segment.magic() {
            return Err(Error::corrupt("an object is not what its name says"));
        }
        versions.readable()?;
        if numbers != [self.tail_at, self.rows, self.removals, self.bytes] || id != self.id {
            return Err(Error::corrupt(
                "a segment is not the one that its manifest names",
            ));
        }
        block::decode(index, seed(self.id, self.tail_at))
    }
}

fn take_key(rest: &mut &[u8]) -> Result<(u8, Bytes)> {
    let [table] = take_array(rest)?;
    Ok((table, Bytes::copy_from_slice(take_sized(rest)?)))
}
