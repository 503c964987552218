//! What stands in frames, as fields. `docs/format.md` has the table.

use std::sync::Arc;

use bytes::Bytes;

use super::{MIN_READER, VERSION};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::exchange::file::{FileHeader, Place, Totals};
use crate::id::{CheckpointId, ChunkId, SessionId, StoreId};
use crate::record::{Attachment, SessionRecord, StoredChunk};
use crate::wire::{Field, FieldReader, Fields, put_varint, take_varint, unzigzag, zigzag};

pub(super) fn put_time(fields: &mut Fields, number: u64, time: Timestamp) {
    fields.number(number, zigzag(time.micros()));
}

fn time(field: &Field<'_>) -> Result<Timestamp> {
    Timestamp::from_micros(unzigzag(field.number_value()?))
}

pub(super) fn missing(what: &'static str) -> Error {
    Error::corrupt("a frame lacks what it must have").with("field", what)
}

pub(super) fn put_header(header: &FileHeader) -> Vec<u8> {
    let mut fields = Fields::new();
    fields.number(1, VERSION);
    fields.number(2, MIN_READER);
    fields.bytes(3, header.store.as_bytes());
    put_time(&mut fields, 4, header.exported_at);
    if let Some(session) = &header.session {
        fields.id(5, session.raw());
    }
    fields.number(6, header.newest);
    fields.finish()
}

pub(super) fn header(bytes: &[u8]) -> Result<FileHeader> {
    let (mut version, mut min_reader) = (0, 0);
    let mut header = FileHeader {
        exported_at: Timestamp::from_micros(0)?,
        ..FileHeader::empty()
    };
    let mut reader = FieldReader::new(bytes);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => version = field.number_value()?,
            2 => {
                min_reader = field.number_value()?;
                if min_reader > VERSION {
                    return Err(Error::unsupported(format!(
                        "the file is of version {version}, which needs a program that reads version {min_reader}; \
                         this one reads version {VERSION}"
                    )));
                }
            }
            3 => header.store = StoreId::from_bytes(field.array()?),
            4 => header.exported_at = time(&field)?,
            5 => header.session = Some(SessionId::new(field.text()?)?),
            6 => header.newest = field.number_value()?,
            _ => {}
        }
    }
    if version == 0 || min_reader == 0 {
        return Err(missing("version"));
    }
    Ok(header)
}

pub(super) fn put_session(session: &SessionRecord) -> Vec<u8> {
    let mut fields = Fields::new();
    fields.id(1, session.id.raw());
    put_time(&mut fields, 2, session.created_at);
    fields.number(3, session.revision);
    fields.number(4, session.epoch);
    fields.bytes(5, &session.body);
    fields.finish()
}

pub(super) fn session(bytes: &[u8]) -> Result<SessionRecord> {
    let (mut id, mut created_at) = (None, Timestamp::from_micros(0)?);
    let (mut revision, mut epoch, mut body) = (0, 0, Bytes::new());
    let mut reader = FieldReader::new(bytes);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => id = Some(SessionId::new(field.text()?)?),
            2 => created_at = time(&field)?,
            3 => revision = field.number_value()?,
            4 => epoch = field.number_value()?,
            5 => body = Bytes::copy_from_slice(field.value),
            _ => {}
        }
    }
    Ok(SessionRecord {
        id: id.ok_or_else(|| missing("id"))?,
        created_at,
        revision,
        epoch,
        body,
        head: None,
    })
}

pub(super) fn put_chunk(id: &ChunkId, chunk: &StoredChunk) -> Vec<u8> {
    let StoredChunk { children, bytes } = chunk;
    let mut fields = Fields::with_capacity(64 + children.len() * 34 + bytes.len());
    fields.bytes(1, id.as_bytes());
    for child in &**children {
        fields.bytes(2, child.as_bytes());
    }
    fields.bytes(3, bytes);
    fields.finish()
}

/// A chunk; its bytes are copied only when they are wanted.
pub(super) fn chunk(bytes: &[u8], whole: bool) -> Result<(ChunkId, StoredChunk)> {
    let (mut id, mut children, mut stored) = (None, Vec::new(), Bytes::new());
    let mut reader = FieldReader::new(bytes);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => id = Some(ChunkId::from_bytes(field.array()?)),
            2 => children.push(ChunkId::from_bytes(field.array()?)),
            3 if whole => stored = Bytes::copy_from_slice(field.value),
            _ => {}
        }
    }
    let chunk = StoredChunk {
        children: Arc::from(children),
        bytes: stored,
    };
    Ok((id.ok_or_else(|| missing("id"))?, chunk))
}

pub(super) fn put_attachment(attachment: &Attachment) -> Vec<u8> {
    let bytes = attachment.bytes.as_deref().unwrap_or_default();
    let mut fields = Fields::with_capacity(64 + attachment.key.len() + bytes.len());
    fields.bytes(1, attachment.kind.as_bytes());
    fields.bytes(2, attachment.key.as_bytes());
    fields.bytes(3, bytes);
    fields.finish()
}

pub(super) fn attachment(checkpoint: &CheckpointId, bytes: &[u8]) -> Result<Attachment> {
    let mut attachment = Attachment {
        checkpoint: checkpoint.clone(),
        kind: String::new(),
        key: String::new(),
        bytes: None,
    };
    let mut content = Bytes::new();
    let mut reader = FieldReader::new(bytes);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => attachment.kind = field.text()?.to_owned(),
            2 => attachment.key = field.text()?.to_owned(),
            3 => content = Bytes::copy_from_slice(field.value),
            _ => {}
        }
    }
    attachment.bytes = Some(content);
    Ok(attachment)
}

/// Where some checkpoints begin, each with its sequence.
pub(super) fn put_marks(marks: &[(u64, Place)]) -> Vec<u8> {
    let mut fields = Fields::new();
    for (sequence, place) in marks {
        let mut mark = Vec::with_capacity(64);
        put_varint(&mut mark, *sequence);
        put_varint(&mut mark, place.offset);
        put_varint(&mut mark, place.number);
        mark.extend_from_slice(&place.chain);
        fields.bytes(1, &mark);
    }
    fields.finish()
}

pub(super) fn marks(bytes: &[u8]) -> Result<Vec<(u64, Place)>> {
    let mut marks = Vec::new();
    let mut reader = FieldReader::new(bytes);
    while let Some(field) = reader.next()? {
        let mut rest = field.value;
        let sequence = take_varint(&mut rest)?;
        let (offset, number) = (take_varint(&mut rest)?, take_varint(&mut rest)?);
        let chain = <[u8; 32]>::try_from(rest)
            .map_err(|_| Error::corrupt("an entry of the index has the wrong length"))?;
        marks.push((
            sequence,
            Place {
                offset,
                number,
                chain,
            },
        ));
    }
    Ok(marks)
}

/// What the last frame says: counts, the highest sequence, where the index begins, and the link before it.
pub(super) fn put_end(totals: &Totals, newest: u64, index: u64, chain: &[u8; 32]) -> Vec<u8> {
    let mut fields = Fields::new();
    fields.number(1, totals.sessions);
    fields.number(2, totals.checkpoints);
    fields.number(3, totals.attachments);
    fields.number(4, totals.chunks);
    fields.number(5, totals.left_out);
    fields.number(6, newest);
    fields.number(7, index);
    fields.bytes(8, chain);
    fields.finish()
}

/// Counts and the rest, as [`put_end`] takes them.
pub(super) fn end(bytes: &[u8]) -> Result<(Totals, u64, u64, [u8; 32])> {
    let (mut totals, mut newest, mut index, mut chain) = (Totals::default(), 0, 0, [0; 32]);
    let mut reader = FieldReader::new(bytes);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => totals.sessions = field.number_value()?,
            2 => totals.checkpoints = field.number_value()?,
            3 => totals.attachments = field.number_value()?,
            4 => totals.chunks = field.number_value()?,
            5 => totals.left_out = field.number_value()?,
            6 => newest = field.number_value()?,
            7 => index = field.number_value()?,
            8 => chain = field.array()?,
            _ => {}
        }
    }
    Ok((totals, newest, index, chain))
}
