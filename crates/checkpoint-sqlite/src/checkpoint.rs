//! The row of a checkpoint, as the model sees it.
//!
//! The column `packed` begins with three digests of eight bytes, XXH3-64, little-endian: of the row, of `meta` and of
//! `payload`. That of the row goes over number, id and session, and over the rest of the column.

use bytes::Bytes;
use checkpoint_core::engine::{Existing, NewCheckpoint};
use checkpoint_core::{
    CheckpointId, Error, Header, Parts, Payload, Record, Result, SessionId, Status,
};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::packed::{self, Packed};
use crate::row::{blob, check_large, damaged, number, raw, to_checkpoint_id, value};

/// The columns that every read selects: number, id, session and `packed`. After them stand `meta` and `payload`.
pub(crate) const COLUMNS: usize = 4;
const PACKED: usize = COLUMNS - 1;
const META: usize = COLUMNS;
const PAYLOAD: usize = COLUMNS + 1;

/// Stands for the digest of a damaged row that was set aside.
const ASIDE: [u8; 8] = [0xff; 8];
/// Stands for the digest of one that was taken back; it stays damaged.
const DAMAGED: [u8; 8] = [0; 8];

pub(crate) fn status(number: u64) -> Result<Status> {
    u8::try_from(number)
        .ok()
        .and_then(Status::from_number)
        .ok_or_else(|| Error::corrupt("unknown status").with("number", number))
}

/// The digests of `meta` and `payload`, as they stand in a row.
pub(crate) type Digests = [u8; 16];

/// A row without what is large.
#[derive(Clone, Debug)]
pub(crate) struct Small {
    pub(crate) sequence: u64,
    pub(crate) id: CheckpointId,
    pub(crate) session: u64,
    pub(crate) packed: Packed,
}

impl Small {
    /// That of a checkpoint that is about to be added.
    pub(crate) fn new(new: &NewCheckpoint<'_>) -> Self {
        let append = new.append;
        Self {
            sequence: new.sequence,
            id: append.id.clone(),
            session: new.session,
            packed: Packed {
                length: append.length,
                revision: append.revision,
                back: new.sequence - new.first,
                appended: append.revision << 8 | u64::from(append.status.number()),
                created: append.created_at,
                committed: new.committed_at,
                updated: append.updated_at,
                status: append.status,
                trigger: append.trigger,
                fingerprint: append.fingerprint,
                pinned: append.pinned,
                aside: false,
                parent: new.parent.cloned(),
                enclosing: append.enclosing.clone(),
                step: append.step,
                origin: new.origin,
                top: append.payload.top(),
                worker: append.worker.clone(),
                tags: append.tags.clone(),
            },
        }
    }

    /// Reads a row that matches its digest; answers the digests of the large columns too.
    pub(crate) fn read(row: &Row<'_>) -> Result<(Self, Digests)> {
        Self::read_of(row, number(row, 2)?)
    }

    /// As [`read`](Self::read), of a session that the caller knows: a row of another does not match its digest.
    pub(crate) fn read_of(row: &Row<'_>, session: u64) -> Result<(Self, Digests)> {
        let (sequence, id) = (number(row, 0)?, value(row, 1)?);
        let column = blob(row, PACKED)?;
        let cut = || damaged("packed");
        let (head, rest) = column.split_first_chunk::<8>().ok_or_else(cut)?;
        if row_digest(sequence, id, session, rest) != *head {
            return Err(cut());
        }
        let (digests, packed) = rest.split_first_chunk().ok_or_else(cut)?;
        let small = Self {
            sequence,
            id: to_checkpoint_id(id)?,
            session,
            packed: Packed::decode(packed)?,
        };
        Ok((small, *digests))
    }

    /// Reads a row as far as it is legible, whatever its digest says.
    pub(crate) fn guess(row: &Row<'_>) -> Result<Self> {
        let column = blob(row, PACKED)?;
        Ok(Self {
            sequence: number(row, 0)?,
            id: to_checkpoint_id(value(row, 1)?)?,
            session: number(row, 2)?,
            packed: Packed::decode(column.get(24..).unwrap_or_default())?,
        })
    }

    /// The column `packed`.
    pub(crate) fn seal(&self, digests: Digests) -> Vec<u8> {
        let mut column = Vec::with_capacity(192);
        column.extend_from_slice(&[0; 8]);
        column.extend_from_slice(&digests);
        self.packed.encode(&mut column);
        let digest = row_digest(
            self.sequence,
            raw(self.id.raw()),
            self.session,
            &column[8..],
        );
        column[..8].copy_from_slice(&digest);
        column
    }

    /// What the judgement of a commit needs to know.
    pub(crate) fn existing(self) -> Existing {
        Existing {
            sequence: self.sequence,
            session: self.session,
            parent: self.packed.parent,
            committed_at: self.packed.committed,
            revision: self.packed.revision,
            status: self.packed.status,
            fingerprint: self.packed.fingerprint,
        }
    }

    fn header(self, session: SessionId) -> Header {
        let it = self.packed;
        Header {
            id: self.id,
            session,
            parent: it.parent,
            enclosing: it.enclosing,
            sequence: self.sequence,
            revision: it.revision,
            created_at: it.created,
            committed_at: it.committed,
            updated_at: it.updated,
            status: it.status,
            trigger: it.trigger,
            worker: it.worker,
            tags: it.tags,
            step: it.step,
            pinned: it.pinned,
            quarantined: it.aside,
            length: it.length,
            origin: it.origin,
        }
    }
}

/// The length of the state, of a row of which `packed` alone was read.
pub(crate) fn length(column: &[u8]) -> Result<u64> {
    packed::length(column.get(24..).unwrap_or_default())
}

fn row_digest(sequence: u64, id: ValueRef<'_>, session: u64, rest: &[u8]) -> [u8; 8] {
    let (kind, id) = match id {
        ValueRef::Text(bytes) => (1, bytes),
        ValueRef::Blob(bytes) => (2, bytes),
        _ => (0, &[][..]),
    };
    let mut place = [0; 16];
    place[..8].copy_from_slice(&sequence.to_le_bytes());
    place[8..].copy_from_slice(&session.to_le_bytes());
    let seed = xxh3_64_with_seed(&place, xxh3_64_with_seed(id, kind));
    xxh3_64_with_seed(rest, seed).to_le_bytes()
}

/// Whether a row is damaged and was set aside.
pub(crate) fn is_damaged_aside(row: &Row<'_>) -> bool {
    blob(row, PACKED).is_ok_and(is_aside)
}

/// Whether the column `packed` of a damaged row says that it was set aside.
pub(crate) fn is_aside(column: &[u8]) -> bool {
    column.starts_with(&ASIDE)
}

/// The column `packed` of a damaged row, set aside or taken back.
pub(crate) fn set_aside(column: &[u8], aside: bool) -> Vec<u8> {
    let mark = if aside { ASIDE } else { DAMAGED };
    [&mark, column.get(8..).unwrap_or_default()].concat()
}

/// A row that matches its digest, with the parts that it was selected with.
pub(crate) fn decode(row: &Row<'_>, session: SessionId, parts: Parts) -> Result<Record> {
    let (small, digests) = Small::read(row)?;
    record(row, small, &digests, session, parts)
}

/// The record of a row that was read already.
pub(crate) fn record(
    row: &Row<'_>,
    small: Small,
    digests: &Digests,
    session: SessionId,
    parts: Parts,
) -> Result<Record> {
    let meta = if parts.meta {
        Some(meta(row, digests)?)
    } else {
        None
    };
    let payload = if parts.payload {
        Some(payload(row, &small.packed, digests)?)
    } else {
        None
    };
    Ok(Record {
        header: Box::new(small.header(session)),
        meta,
        payload,
    })
}

fn meta(row: &Row<'_>, digests: &Digests) -> Result<Bytes> {
    let bytes = blob(row, META)?;
    check_large(digests, 0, bytes, "meta")?;
    Ok(Bytes::copy_from_slice(bytes))
}

fn payload(row: &Row<'_>, packed: &Packed, digests: &Digests) -> Result<Payload> {
    if let Some(top) = packed.top {
        return Ok(Payload::Tree(top));
    }
    let bytes = blob(row, PAYLOAD)?;
    check_large(digests, 1, bytes, "payload")?;
    Ok(Payload::Inline(Bytes::copy_from_slice(bytes)))
}

/// A whole row, to be changed and written back.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) small: Small,
    pub(crate) meta: Bytes,
    pub(crate) payload: Payload,
}

impl Whole {
    /// Reads a row that was selected with everything, and checks all of it.
    pub(crate) fn read(row: &Row<'_>) -> Result<Self> {
        let (small, digests) = Small::read(row)?;
        Ok(Self {
            meta: meta(row, &digests)?,
            payload: payload(row, &small.packed, &digests)?,
            small,
        })
    }
}
