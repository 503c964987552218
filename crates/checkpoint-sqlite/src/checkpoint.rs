//! The row of a checkpoint, as the model sees it.

use bytes::Bytes;
use checkpoint_core::engine::{Existing, NewCheckpoint};
use checkpoint_core::{
    CheckpointId, Error, Header, Parts, Payload, Record, Result, SessionId, Status, WorkerId,
};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::packed::Packed;
use crate::row::{
    blob, check_large, checked, corrupt, int, maybe, raw, seal_tail, to_blob, to_checkpoint_id,
    to_number, to_text,
};

/// The small columns; after them stand `digest`, `meta` and `payload`.
pub(crate) const COLUMNS: usize = 6;
const META: usize = COLUMNS + 1;
const PAYLOAD: usize = COLUMNS + 2;

pub(crate) fn status(number: u64) -> Result<Status> {
    u8::try_from(number)
        .ok()
        .and_then(Status::from_number)
        .ok_or_else(|| Error::corrupt("unknown status").with("number", number))
}

/// The small columns of a row.
#[derive(Clone, Debug)]
pub(crate) struct Small {
    pub(crate) sequence: u64,
    pub(crate) id: CheckpointId,
    pub(crate) session: u64,
    pub(crate) status: Status,
    pub(crate) worker: Option<WorkerId>,
    pub(crate) packed: Packed,
}

impl Small {
    /// Those of a checkpoint that is about to be added.
    pub(crate) fn new(new: &NewCheckpoint<'_>) -> Self {
        let append = new.append;
        Self {
            sequence: new.sequence,
            id: append.id.clone(),
            session: new.session,
            status: append.status,
            worker: append.worker.clone(),
            packed: Packed {
                length: append.length,
                revision: append.revision,
                back: new.sequence - new.first,
                appended: append.revision << 8 | u64::from(append.status.number()),
                created: append.created_at,
                committed: new.committed_at,
                updated: append.updated_at,
                trigger: append.trigger,
                fingerprint: append.fingerprint,
                pinned: append.pinned,
                aside: false,
                parent: new.parent.cloned(),
                enclosing: append.enclosing.clone(),
                step: append.step,
                origin: new.origin,
                top: append.payload.top(),
                tags: append.tags.clone(),
            },
        }
    }

    /// Reads those of a row that matches its digest; answers the digests of the large columns too.
    pub(crate) fn read<'r>(row: &'r Row<'_>) -> Result<(Self, &'r [u8])> {
        let (values, digests) = checked::<COLUMNS>(row, 0)?;
        Self::decode(values).map(|small| (small, digests))
    }

    /// Reads them as far as they are legible, whatever the digest says.
    pub(crate) fn guess(row: &Row<'_>) -> Result<Self> {
        let mut values = [ValueRef::Null; COLUMNS];
        for (at, value) in values.iter_mut().enumerate() {
            *value = crate::row::value(row, at)?;
        }
        Self::decode(values)
    }

    fn decode(
        [sequence, id, session, number, worker, packed]: [ValueRef<'_>; COLUMNS],
    ) -> Result<Self> {
        Ok(Self {
            sequence: to_number(sequence)?,
            id: to_checkpoint_id(id)?,
            session: to_number(session)?,
            status: status(to_number(number)?)?,
            worker: match worker {
                ValueRef::Null => None,
                worker => Some(corrupt(WorkerId::new(to_text(worker)?))?),
            },
            packed: Packed::decode(to_blob(packed)?)?,
        })
    }

    /// The columns as they are bound.
    pub(crate) fn values<'a>(&'a self, packed: &'a [u8]) -> [ValueRef<'a>; COLUMNS] {
        [
            int(self.sequence),
            raw(self.id.raw()),
            int(self.session),
            int(self.status.number().into()),
            maybe(self.worker.as_ref(), |it| {
                ValueRef::Text(it.as_str().as_bytes())
            }),
            ValueRef::Blob(packed),
        ]
    }

    /// What the judgement of a commit needs to know.
    pub(crate) fn existing(self) -> Existing {
        Existing {
            sequence: self.sequence,
            session: self.session,
            parent: self.packed.parent,
            committed_at: self.packed.committed,
            revision: self.packed.revision,
            status: self.status,
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
            status: self.status,
            trigger: it.trigger,
            worker: self.worker,
            tags: it.tags,
            step: it.step,
            pinned: it.pinned,
            quarantined: it.aside,
            length: it.length,
            origin: it.origin,
        }
    }
}

/// The digest column of a row with these small columns, over the digests of the large ones.
pub(crate) fn seal(values: &[ValueRef<'_>; COLUMNS], digests: &[u8]) -> Vec<u8> {
    seal_tail(values.iter().copied(), digests)
}

/// A row that matches its digest, with the parts that it was selected with.
pub(crate) fn decode(row: &Row<'_>, session: SessionId, parts: Parts) -> Result<Record> {
    let (small, digests) = Small::read(row)?;
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
        header: small.header(session),
        meta,
        payload,
    })
}

fn meta(row: &Row<'_>, digests: &[u8]) -> Result<Bytes> {
    let bytes = blob(row, META)?;
    check_large(digests, 0, bytes, "meta")?;
    Ok(Bytes::copy_from_slice(bytes))
}

fn payload(row: &Row<'_>, packed: &Packed, digests: &[u8]) -> Result<Payload> {
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
            meta: meta(row, digests)?,
            payload: payload(row, &small.packed, digests)?,
            small,
        })
    }
}
