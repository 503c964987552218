//! Where the stored form of a chunk lies: in the row itself, or in a pack.
//!
//! The value of a row of `chunk_data` begins with a byte: 0, and the stored form follows; 1, and the id of a pack (16
//! bytes), the offset in it and the length (numbers of variable length) do.

use std::ops::Range;

use bytes::Bytes;
use checkpoint_core::engine::row::take_array;
use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{Error, Result};

use crate::id::Id;

const INLINE: u8 = 0;
const PACKED: u8 = 1;

/// Where a stored form lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Here.
    Inline(Bytes),
    /// In a pack, there.
    Packed(Spot),
}

/// A part of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Spot {
    pub(crate) pack: Id,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Spot {
    pub(crate) const fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.length)
    }
}

impl Place {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(32);
        match self {
            Self::Inline(bytes) => {
                out.reserve(bytes.len());
                out.push(INLINE);
                out.extend_from_slice(bytes);
            }
            Self::Packed(spot) => {
                out.push(PACKED);
                out.extend_from_slice(&spot.pack.0);
                put_varint(&mut out, spot.offset);
                put_varint(&mut out, spot.length);
            }
        }
        out.into()
    }

    pub(crate) fn decode(value: &Bytes) -> Result<Self> {
        let damaged = || Error::corrupt("the place of a chunk is damaged");
        let Some((kind, mut rest)) = value.split_first() else {
            return Err(damaged());
        };
        match *kind {
            INLINE => Ok(Self::Inline(value.slice(1..))),
            PACKED => {
                let rest = &mut rest;
                let spot = Spot {
                    pack: Id(take_array(rest)?),
                    offset: take_varint(rest)?,
                    length: take_varint(rest)?,
                };
                let whole = rest.is_empty() && spot.offset.checked_add(spot.length).is_some();
                if whole {
                    Ok(Self::Packed(spot))
                } else {
                    Err(damaged())
                }
            }
            _ => Err(damaged()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_read_as_it_was_written(
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            pack in any::<[u8; 16]>(),
            offset in 0_u64..1 << 40,
            length in 0_u64..1 << 40,
        ) {
            let spot = Spot { pack: Id(pack), offset, length };
            for place in [Place::Inline(bytes.into()), Place::Packed(spot)] {
                prop_assert_eq!(Place::decode(&place.encode()).unwrap(), place);
            }
        }

        #[test]
        fn what_is_no_place_is_corrupt_or_another_one(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let bytes = Bytes::from(bytes);
            match Place::decode(&bytes) {
                Ok(Place::Packed(spot)) => prop_assert!(spot.range().end >= spot.offset),
                Ok(Place::Inline(inline)) => prop_assert_eq!(&inline[..], &bytes[1..]),
                Err(error) => prop_assert!(error.is_corrupt()),
            }
        }
    }
}
