//! A snapshot: the segments that together hold all rows up to a position of the log.

use bytes::Bytes;
use checkpoint_core::engine::row::take_array;
use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{Error, Result};

use crate::entry::Digest;
use crate::id::Id;
use crate::seal::{self, Head, Kind, put_number, take_number};
use crate::segment::Outline;

/// A segment of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// How far down it was merged; 0: not at all.
    pub(crate) tier: u8,
    /// What it holds.
    pub(crate) outline: Outline,
}

/// A snapshot. It counts once an entry of the log names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Which programs may do what, and what a later version adds.
    pub(crate) head: Head,
    /// Its id.
    pub(crate) id: Id,
    /// The position of the last entry that is in it.
    pub(crate) position: u64,
    /// The digest of that entry.
    pub(crate) last: Digest,
    /// The first sequence of the entry that comes next.
    pub(crate) first_sequence: u64,
    /// The segments, newest first.
    pub(crate) segments: Vec<Listed>,
}

impl Manifest {
    /// The bytes of the object.
    ///
    /// # Errors
    ///
    /// `TooLarge` for an extension above the limit.
    pub(crate) fn encode(&self) -> Result<Bytes> {
        let mut out = seal::begin(Kind::Manifest, &self.head)?;
        out.extend_from_slice(&self.id.0);
        put_number(&mut out, self.position);
        out.extend_from_slice(&self.last.0);
        put_number(&mut out, self.first_sequence);
        put_varint(&mut out, self.segments.len() as u64);
        for Listed { tier, outline } in &self.segments {
            out.push(*tier);
            outline.encode(&mut out);
        }
        Ok(seal::finish(out))
    }

    /// Reads the object.
    ///
    /// # Errors
    ///
    /// `Corrupt`; `Unsupported` for what a later version wrote, and this one must not read, naming both.
    pub(crate) fn decode(object: &[u8]) -> Result<Self> {
        let (_, head, mut rest) = seal::open(object, &[Kind::Manifest])?;
        let rest = &mut rest;
        let mut manifest = Self {
            head,
            id: Id(take_array(rest)?),
            position: take_number(rest)?,
            last: Digest(take_array(rest)?),
            first_sequence: take_number(rest)?,
            segments: Vec::new(),
        };
        // Nothing is made ready for so many: the number was only read.
        for _ in 0..take_varint(rest)? {
            let [tier] = take_array(rest)?;
            let outline = Outline::take(rest)?;
            if manifest
                .segments
                .iter()
                .any(|it| it.outline.id == outline.id)
            {
                return Err(
                    Error::corrupt("a snapshot names a segment twice").with("segment", outline.id)
                );
            }
            manifest.segments.push(Listed { tier, outline });
        }
        seal::end(rest)?;
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests;
