//! Values and their digests.
//!
//! A sealed value begins with eight bytes of XXH3, little-endian, over its table, its key and all that follows; then come
//! eight for each large part, then its fields. So a value that was moved is noticed, and one is checked without reading
//! what is large. A value with a large part has the length of the sealed one before it, as four bytes, and the large part
//! after it.

use checkpoint_core::engine::row::{check_large, damaged, large_digest};
use checkpoint_core::{Error, Result};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::table::Table;

fn digest(table: Table, key: &[u8], rest: &[u8]) -> [u8; 8] {
    let seed = xxh3_64_with_seed(key, table.number() as u64);
    xxh3_64_with_seed(rest, seed).to_le_bytes()
}

/// Seals fields, and the digests of what is large.
pub(crate) fn seal<const N: usize>(
    table: Table,
    key: &[u8],
    large: [&[u8]; N],
    fields: &[u8],
) -> Vec<u8> {
    let mut value = Vec::with_capacity(8 + 8 * N + fields.len());
    value.extend_from_slice(&[0; 8]);
    for bytes in large {
        value.extend_from_slice(&large_digest(bytes));
    }
    value.extend_from_slice(fields);
    let digest = digest(table, key, &value[8..]);
    value[..8].copy_from_slice(&digest);
    value
}

/// Opens a sealed value with so many large parts; answers their digests and the fields.
pub(crate) fn open<'r>(
    table: Table,
    key: &[u8],
    large: usize,
    value: &'r [u8],
) -> Result<(&'r [u8], &'r [u8])> {
    let broken = || damaged(table.name());
    let (head, rest) = value.split_first_chunk::<8>().ok_or_else(broken)?;
    if digest(table, key, rest) != *head {
        return Err(broken());
    }
    rest.split_at_checked(8 * large).ok_or_else(broken)
}

/// Seals fields with one large part, and puts it behind them.
pub(crate) fn join(table: Table, key: &[u8], fields: &[u8], large: &[u8]) -> Vec<u8> {
    let sealed = seal(table, key, [large], fields);
    let mut value = Vec::with_capacity(4 + sealed.len() + large.len());
    value.extend_from_slice(&(sealed.len() as u32).to_le_bytes());
    value.extend_from_slice(&sealed);
    value.extend_from_slice(large);
    value
}

/// A value with one large part that is taken apart again.
pub(crate) struct Joined<'r> {
    /// The fields.
    pub(crate) fields: &'r [u8],
    digests: &'r [u8],
    large: &'r [u8],
}

impl<'r> Joined<'r> {
    /// Opens it; what is large is not looked at yet.
    pub(crate) fn open(table: Table, key: &[u8], value: &'r [u8]) -> Result<Self> {
        let (sealed, large) = parts(value).ok_or_else(|| damaged(table.name()))?;
        let (digests, fields) = open(table, key, 1, sealed)?;
        Ok(Self {
            fields,
            digests,
            large,
        })
    }

    /// What is large.
    pub(crate) fn large(&self, what: &'static str) -> Result<&'r [u8]> {
        check_large(self.digests, 0, self.large, what)?;
        Ok(self.large)
    }
}

/// The sealed part of a value, and the large one.
pub(crate) fn parts(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = value.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// That nothing follows.
pub(crate) fn end(rest: &[u8]) -> Result<()> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Error::corrupt("a row is longer than its parts"))
    }
}
