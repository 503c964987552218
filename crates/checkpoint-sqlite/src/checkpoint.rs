//! The row of a checkpoint, as the model sees it.
//!
//! The column `packed` is the row without what is large, as [`row`](checkpoint_core::engine::row) has it.

use bytes::Bytes;
use checkpoint_core::engine::row::{self, Digests, Small, Whole, check_large};
use checkpoint_core::{ChunkId, Header, Parts, Payload, Query, Record, Result, SessionId};
use rusqlite::Row;

use crate::row::{blob, number, to_raw_id, value};

/// The columns that every read selects: number, id, session and `packed`. After them stand `meta` and `payload`.
pub(crate) const COLUMNS: usize = 4;
const PACKED: usize = COLUMNS - 1;
const META: usize = COLUMNS;
const PAYLOAD: usize = COLUMNS + 1;

/// Reads a row that matches its digest; answers the digests of the large columns too.
pub(crate) fn small(row: &Row<'_>) -> Result<(Small, Digests)> {
    small_of(row, number(row, 2)?)
}

/// As [`small`], of a session that the caller knows: a row of another does not match its digest.
pub(crate) fn small_of(row: &Row<'_>, session: u64) -> Result<(Small, Digests)> {
    let id = value(row, 1).and_then(to_raw_id)?;
    Small::open(number(row, 0)?, id, session, blob(row, PACKED)?)
}

/// Reads a row as far as it is legible, whatever its digest says.
pub(crate) fn guess(row: &Row<'_>) -> Result<Small> {
    let id = value(row, 1).and_then(to_raw_id)?;
    Small::guess(number(row, 0)?, id, number(row, 2)?, blob(row, PACKED)?)
}

/// Whether a row is damaged and was set aside.
pub(crate) fn is_damaged_aside(row: &Row<'_>) -> bool {
    blob(row, PACKED).is_ok_and(row::is_aside)
}

/// A row that matches its digest, with the parts that it was selected with.
pub(crate) fn decode(row: &Row<'_>, session: SessionId, parts: Parts) -> Result<Record> {
    let (small, digests) = small(row)?;
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
    let top = small.packed.top;
    fill(row, small.header(session), top, digests, parts)
}

/// As [`record`], none when its header is not what is asked for: then nobody is told what else of it is damaged.
pub(crate) fn record_if(
    row: &Row<'_>,
    small: Small,
    digests: &Digests,
    session: SessionId,
    query: &Query,
) -> Result<Option<Record>> {
    let top = small.packed.top;
    let header = small.header(session);
    if !query.filter.matches(&header) {
        return Ok(None);
    }
    fill(row, header, top, digests, query.parts).map(Some)
}

fn fill(
    row: &Row<'_>,
    header: Header,
    top: Option<ChunkId>,
    digests: &Digests,
    parts: Parts,
) -> Result<Record> {
    let meta = parts.meta.then(|| meta(row, digests)).transpose()?;
    let payload = parts.payload.then(|| payload(row, top, digests));
    Ok(Record {
        header: Box::new(header),
        meta,
        payload: payload.transpose()?,
    })
}

fn meta(row: &Row<'_>, digests: &Digests) -> Result<Bytes> {
    let bytes = blob(row, META)?;
    check_large(digests, 0, bytes, "meta")?;
    Ok(Bytes::copy_from_slice(bytes))
}

fn payload(row: &Row<'_>, top: Option<ChunkId>, digests: &Digests) -> Result<Payload> {
    if let Some(top) = top {
        return Ok(Payload::Tree(top));
    }
    let bytes = blob(row, PAYLOAD)?;
    check_large(digests, 1, bytes, "payload")?;
    Ok(Payload::Inline(Bytes::copy_from_slice(bytes)))
}

/// Reads a row that was selected with everything, and checks all of it.
pub(crate) fn whole(row: &Row<'_>) -> Result<Whole> {
    let (small, digests) = small(row)?;
    Ok(Whole {
        meta: meta(row, &digests)?,
        payload: payload(row, small.packed.top, &digests)?,
        small,
    })
}
