//! A Bloom filter: most keys that are not there are known not to be without looking.
//!
//! B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors" (1970), with the positions made of two
//! hashes as A. Kirsch and M. Mitzenmacher, "Less hashing, same performance" (2006), show to be enough. Ten bits a key
//! and seven positions let 0.8 % of absent keys through.

use bytes::Bytes;
use checkpoint_core::{Error, Result};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::block::{checked, put_digest};
use crate::row::Key;

const BITS_A_KEY: usize = 10;
const POSITIONS: u8 = 7;
/// More would only take time.
const MOST_POSITIONS: u8 = 32;

/// What is known of a set of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    positions: u8,
    bits: Bytes,
}

impl Filter {
    /// Whether the key may be one of them.
    pub(crate) fn may_have(&self, at: Key<'_>) -> bool {
        let mut positions = positions(hash(at), self.positions, self.bits.len());
        positions.all(|bit| self.bits[bit / 8] & (1 << (bit % 8)) != 0)
    }

    /// Bytes of memory.
    pub(crate) fn held(&self) -> usize {
        size_of::<Self>() + self.bits.len()
    }

    /// Reads a stored form, which is copied.
    ///
    /// # Errors
    ///
    /// `Corrupt`.
    pub(crate) fn decode(stored: &[u8], seed: u64) -> Result<Self> {
        match checked(stored, seed)?.split_first() {
            Some((positions @ 1..=MOST_POSITIONS, bits)) if !bits.is_empty() => Ok(Self {
                positions: *positions,
                bits: Bytes::copy_from_slice(bits),
            }),
            _ => Err(Error::corrupt("a filter is not what this format has")),
        }
    }
}

/// Collects the keys of a filter, sixteen bytes each.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    hashes: Vec<u128>,
}

impl Builder {
    /// Adds a key.
    pub(crate) fn add(&mut self, at: Key<'_>) {
        self.hashes.push(hash(at));
    }

    /// Bytes that the stored form is going to have.
    pub(crate) fn size(&self) -> usize {
        9 + bytes_of(self.hashes.len())
    }

    /// The stored form. The keys are forgotten.
    pub(crate) fn encode(&mut self, seed: u64) -> Vec<u8> {
        let mut out = vec![0; self.size()];
        out[8] = POSITIONS;
        let bits = &mut out[9..];
        for hash in self.hashes.drain(..) {
            for bit in positions(hash, POSITIONS, bits.len()) {
                bits[bit / 8] |= 1 << (bit % 8);
            }
        }
        put_digest(&mut out, seed);
        out
    }
}

fn bytes_of(keys: usize) -> usize {
    (keys * BITS_A_KEY).div_ceil(8).max(1)
}

fn hash(at: Key<'_>) -> u128 {
    xxh3_128_with_seed(at.1, u64::from(at.0))
}

fn positions(hash: u128, positions: u8, bytes: usize) -> impl Iterator<Item = usize> {
    let (first, step) = (hash as u64, (hash >> 64) as u64);
    let bits = bytes as u64 * 8;
    (0..u64::from(positions))
        .map(move |n| (first.wrapping_add(n.wrapping_mul(step)) % bits) as usize)
}

#[cfg(test)]
mod tests;
