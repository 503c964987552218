//! Numbered formats: what a new store begins with, and telling which one there is.

use bytes::Bytes;
use checkpoint_core::engine::row::{put_time, take_array, take_time};
use checkpoint_core::{Result, StoreId, Timestamp};

use crate::seal::{self, Head, Kind};

pub(crate) use crate::seal::VERSION;

/// What a store is: its first object, which never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) head: Head,
    pub(crate) id: StoreId,
    pub(crate) created: Timestamp,
}

impl Header {
    /// That of a new store, whose service was seen to honour conditions.
    pub(crate) fn new(id: StoreId, created: Timestamp) -> Self {
        Self {
            head: Head::default(),
            id,
            created,
        }
    }

    pub(crate) fn encode(&self) -> Result<Bytes> {
        let mut out = seal::begin(Kind::Store, &self.head)?;
        out.extend_from_slice(self.id.as_bytes());
        put_time(&mut out, self.created);
        Ok(seal::finish(out))
    }

    /// # Errors
    ///
    /// `Corrupt`; `Unsupported` for a newer format, naming both.
    pub(crate) fn decode(object: &[u8]) -> Result<Self> {
        let (_, head, mut rest) = seal::open(object, &[Kind::Store])?;
        let header = Self {
            head,
            id: StoreId::from_bytes(take_array(&mut rest)?),
            created: take_time(&mut rest)?,
        };
        seal::end(rest)?;
        Ok(header)
    }
}
