//! The row of a checkpoint, as the model sees it.

use bytes::Bytes;
use checkpoint_core::{
    CheckpointId, ChunkId, Error, Fingerprint, Header, Origin, Parts, Payload, Record, Result,
    SessionId, Status, Tag, Timestamp, Trigger, WorkerId,
};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::query::checkpoint::{ASIDE, PINNED};
use crate::row::{
    array, blob, check, check_large, checkpoint_id, corrupt, int, integer, maybe, number, optional,
    put_varint, raw, take_varint, text, time, timestamp,
};

/// The small columns; after them stand `digest`, `meta` and `payload`.
pub(crate) const COLUMNS: usize = 22;
const META: usize = COLUMNS + 1;
const PAYLOAD: usize = COLUMNS + 2;

/// Each tag as its length and its bytes; none when there is no tag.
pub(crate) fn encode_tags(tags: &[Tag]) -> Option<Vec<u8>> {
    if tags.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(16 * tags.len());
    for tag in tags {
        put_varint(&mut out, tag.as_str().len() as u64);
        out.extend_from_slice(tag.as_str().as_bytes());
    }
    Some(out)
}

fn decode_tags(mut rest: &[u8]) -> Result<Vec<Tag>> {
    let cut = || Error::corrupt("a list of tags is cut off");
    let mut tags = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(take_varint(&mut rest)?).map_err(|_| cut())?;
        let (tag, after) = rest.split_at_checked(length).ok_or_else(cut)?;
        let tag = std::str::from_utf8(tag).map_err(|_| cut())?;
        tags.push(corrupt(Tag::new(tag))?);
        rest = after;
    }
    Ok(tags)
}

pub(crate) fn status(number: u64) -> Result<Status> {
    u8::try_from(number)
        .ok()
        .and_then(Status::from_number)
        .ok_or_else(|| Error::corrupt("unknown status").with("number", number))
}

fn trigger(number: u64) -> Result<Trigger> {
    u8::try_from(number)
        .ok()
        .and_then(Trigger::from_number)
        .ok_or_else(|| Error::corrupt("unknown trigger").with("number", number))
}

fn worker(row: &Row<'_>, at: usize) -> Result<WorkerId> {
    corrupt(WorkerId::new(text(row, at)?))
}

fn tags(row: &Row<'_>) -> Result<Vec<Tag>> {
    Ok(optional(row, 14, |row, at| decode_tags(blob(row, at)?))?.unwrap_or_default())
}

fn origin(row: &Row<'_>) -> Result<Option<Origin>> {
    Ok(match optional(row, 18, number)? {
        Some(sequence) => Some(Origin {
            sequence,
            committed_at: timestamp(row, 19)?,
        }),
        None => None,
    })
}

/// The header of a row that was checked.
pub(crate) fn decode_header(row: &Row<'_>, session: SessionId) -> Result<Header> {
    let created_at = timestamp(row, 8)?;
    let flags = integer(row, 16)?;
    Ok(Header {
        id: checkpoint_id(row, 1)?,
        session,
        parent: optional(row, 3, checkpoint_id)?,
        enclosing: optional(row, 4, checkpoint_id)?,
        sequence: number(row, 0)?,
        revision: number(row, 5)?,
        created_at,
        committed_at: timestamp(row, 9)?,
        updated_at: optional(row, 10, timestamp)?.unwrap_or(created_at),
        status: status(number(row, 11)?)?,
        trigger: trigger(number(row, 12)?)?,
        worker: optional(row, 13, worker)?,
        tags: tags(row)?,
        step: optional(row, 15, number)?,
        pinned: flags & PINNED != 0,
        quarantined: flags & ASIDE != 0,
        length: number(row, 17)?,
        origin: origin(row)?,
    })
}

/// A checked row with the parts that it was selected with.
pub(crate) fn decode(row: &Row<'_>, session: SessionId, parts: Parts) -> Result<Record> {
    let digests = check(row, 0, COLUMNS)?;
    let header = decode_header(row, session)?;
    let meta = if parts.meta {
        Some(meta(row, digests)?)
    } else {
        None
    };
    let payload = if parts.payload {
        Some(payload(row, digests)?)
    } else {
        None
    };
    Ok(Record {
        header,
        meta,
        payload,
    })
}

fn meta(row: &Row<'_>, digests: &[u8]) -> Result<Bytes> {
    let bytes = blob(row, META)?;
    check_large(digests, 0, bytes, "meta")?;
    Ok(Bytes::copy_from_slice(bytes))
}

fn payload(row: &Row<'_>, digests: &[u8]) -> Result<Payload> {
    if let Some(top) = optional(row, 21, array)? {
        return Ok(Payload::Tree(ChunkId::from_bytes(top)));
    }
    let bytes = blob(row, PAYLOAD)?;
    check_large(digests, 1, bytes, "payload")?;
    Ok(Payload::Inline(Bytes::copy_from_slice(bytes)))
}

/// A whole row, to be changed and written back.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    pub(crate) sequence: u64,
    pub(crate) id: CheckpointId,
    pub(crate) session: u64,
    pub(crate) parent: Option<CheckpointId>,
    pub(crate) enclosing: Option<CheckpointId>,
    pub(crate) revision: u64,
    pub(crate) back: u64,
    pub(crate) appended: u64,
    pub(crate) created: Timestamp,
    pub(crate) committed: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) status: Status,
    pub(crate) trigger: Trigger,
    pub(crate) worker: Option<WorkerId>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) step: Option<u64>,
    pub(crate) flags: i64,
    pub(crate) length: u64,
    pub(crate) origin: Option<Origin>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) meta: Bytes,
    pub(crate) payload: Payload,
}

impl Decoded {
    /// Reads a row that was selected with everything, and checks all of it.
    pub(crate) fn read(row: &Row<'_>) -> Result<Self> {
        let digests = check(row, 0, COLUMNS)?;
        let created = timestamp(row, 8)?;
        Ok(Self {
            sequence: number(row, 0)?,
            id: checkpoint_id(row, 1)?,
            session: number(row, 2)?,
            parent: optional(row, 3, checkpoint_id)?,
            enclosing: optional(row, 4, checkpoint_id)?,
            revision: number(row, 5)?,
            back: number(row, 6)?,
            appended: number(row, 7)?,
            created,
            committed: timestamp(row, 9)?,
            updated: optional(row, 10, timestamp)?.unwrap_or(created),
            status: status(number(row, 11)?)?,
            trigger: trigger(number(row, 12)?)?,
            worker: optional(row, 13, worker)?,
            tags: tags(row)?,
            step: optional(row, 15, number)?,
            flags: integer(row, 16)?,
            length: number(row, 17)?,
            origin: origin(row)?,
            fingerprint: Fingerprint(array(row, 20)?),
            meta: meta(row, digests)?,
            payload: payload(row, digests)?,
        })
    }

    /// The small columns in their order.
    pub(crate) fn small<'a>(
        &'a self,
        tags: Option<&'a [u8]>,
        top: Option<&'a ChunkId>,
    ) -> [ValueRef<'a>; COLUMNS] {
        let updated = (self.updated != self.created).then_some(self.updated);
        let id = |id: &'a CheckpointId| raw(id.raw());
        [
            int(self.sequence),
            raw(self.id.raw()),
            int(self.session),
            maybe(self.parent.as_ref(), id),
            maybe(self.enclosing.as_ref(), id),
            int(self.revision),
            int(self.back),
            int(self.appended),
            time(self.created),
            time(self.committed),
            maybe(updated, time),
            int(self.status.number().into()),
            int(self.trigger.number().into()),
            maybe(self.worker.as_ref(), |it| {
                ValueRef::Text(it.as_str().as_bytes())
            }),
            maybe(tags, ValueRef::Blob),
            maybe(self.step, int),
            ValueRef::Integer(self.flags),
            int(self.length),
            maybe(self.origin, |it| int(it.sequence)),
            maybe(self.origin, |it| time(it.committed_at)),
            ValueRef::Blob(&self.fingerprint.0),
            maybe(top, |id| ValueRef::Blob(id.as_bytes())),
        ]
    }
}
