//! The row of a checkpoint, as the model sees it.
//!
//! A value holds the key of the session (eight bytes, little-endian), the id, the lengths of the packed row and of the
//! description (four bytes each), and then these two and the state, where it lies in the row. The packed row is the one of
//! [`row`](checkpoint_core::engine::row).

use bytes::Bytes;
use checkpoint_core::engine::row::{Digests, Small, Whole, check_large, damaged, is_aside, put_id};
use checkpoint_core::{ChunkId, Header, Parts, Payload, RawId, Record, Result, SessionId};

/// A row as it lies there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lying<'r> {
    pub(crate) sequence: u64,
    pub(crate) session: u64,
    pub(crate) id: RawId<'r>,
    pub(crate) packed: &'r [u8],
    meta: &'r [u8],
    payload: &'r [u8],
}

/// The key of the session and the id.
fn start(value: &[u8]) -> Option<(u64, RawId<'_>, &[u8])> {
    let (session, rest) = value.split_first_chunk()?;
    let mut rest = rest;
    let id = match checkpoint_core::engine::take_varint(&mut rest).ok()? {
        0 => {
            let (bytes, after) = rest.split_first_chunk()?;
            rest = after;
            RawId::Uuid(bytes)
        }
        length => {
            let (text, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            rest = after;
            RawId::Text(std::str::from_utf8(text).ok()?)
        }
    };
    Some((u64::from_le_bytes(*session), id, rest))
}

impl<'r> Lying<'r> {
    pub(crate) fn new(sequence: u64, value: &'r [u8]) -> Result<Self> {
        let parts = || {
            let (session, id, rest) = start(value)?;
            let (packed, rest) = rest.split_first_chunk::<4>()?;
            let (meta, rest) = rest.split_first_chunk::<4>()?;
            let (packed, rest) = rest.split_at_checked(u32::from_le_bytes(*packed) as usize)?;
            let (meta, payload) = rest.split_at_checked(u32::from_le_bytes(*meta) as usize)?;
            Some(Self {
                sequence,
                session,
                id,
                packed,
                meta,
                payload,
            })
        };
        parts().ok_or_else(|| damaged("parts"))
    }

    /// Reads it, if it matches its digest; answers the digests of what is large too.
    pub(crate) fn small(&self) -> Result<(Small, Digests)> {
        Small::open(self.sequence, self.id, self.session, self.packed)
    }

    /// Whether it is damaged and was set aside.
    pub(crate) fn is_damaged_aside(&self) -> bool {
        is_aside(self.packed)
    }

    pub(crate) fn guess(&self) -> Result<Small> {
        Small::guess(self.sequence, self.id, self.session, self.packed)
    }

    fn meta(&self, digests: &Digests) -> Result<Bytes> {
        check_large(digests, 0, self.meta, "meta")?;
        Ok(Bytes::copy_from_slice(self.meta))
    }

    fn payload(&self, top: Option<ChunkId>, digests: &Digests) -> Result<Payload> {
        if let Some(top) = top {
            return Ok(Payload::Tree(top));
        }
        check_large(digests, 1, self.payload, "payload")?;
        Ok(Payload::Inline(Bytes::copy_from_slice(self.payload)))
    }

    /// The record of a row that was read already, none when its header is not what is asked for: then nobody is told what
    /// else of it is damaged.
    pub(crate) fn record(
        &self,
        small: Small,
        digests: &Digests,
        session: SessionId,
        parts: Parts,
        asked: impl FnOnce(&Header) -> bool,
    ) -> Result<Option<Record>> {
        let top = small.packed.top;
        let header = Box::new(small.header(session));
        if !asked(&header) {
            return Ok(None);
        }
        let meta = parts.meta.then(|| self.meta(digests)).transpose()?;
        let payload = parts.payload.then(|| self.payload(top, digests));
        Ok(Some(Record {
            header,
            meta,
            payload: payload.transpose()?,
        }))
    }

    pub(crate) fn whole(&self) -> Result<Whole> {
        let (small, digests) = self.small()?;
        Ok(Whole {
            meta: self.meta(&digests)?,
            payload: self.payload(small.packed.top, &digests)?,
            small,
        })
    }

    /// The value again, with another packed row.
    pub(crate) fn with(&self, packed: &[u8]) -> Vec<u8> {
        value(self.session, self.id, packed, self.meta, self.payload)
    }
}

/// The value of a row of these parts.
pub(crate) fn value(
    session: u64,
    id: RawId<'_>,
    packed: &[u8],
    meta: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut value = Vec::with_capacity(48 + packed.len() + meta.len() + payload.len());
    value.extend_from_slice(&session.to_le_bytes());
    put_id(&mut value, id);
    for part in [packed, meta] {
        value.extend_from_slice(&(part.len() as u32).to_le_bytes());
    }
    for part in [packed, meta, payload] {
        value.extend_from_slice(part);
    }
    value
}
