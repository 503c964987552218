//! Checkpoints: writes.

use checkpoint_core::engine::NewCheckpoint;
use checkpoint_core::{Payload, Result, Tag, Update};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params, params_from_iter};

use super::run;
use crate::checkpoint::{Small, Whole, seal};
use crate::row::{binds, large_digests};

const INSERT: &str = "INSERT INTO checkpoint VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const UPDATE: &str =
    "UPDATE checkpoint SET status = ?2, worker = ?3, packed = ?4, digest = ?5 WHERE sequence = ?1";
const SET_META: &str = "UPDATE checkpoint SET meta = ?2 WHERE sequence = ?1";
const SET_PAYLOAD: &str = "UPDATE checkpoint SET payload = ?2 WHERE sequence = ?1";
const SET_DIGEST: &str = "UPDATE checkpoint SET digest = ?2 WHERE sequence = ?1";
const DELETE: &str = "DELETE FROM checkpoint WHERE sequence = ?1";
const TAG: &str = "INSERT INTO tag(tag, sequence) VALUES(?1, ?2)";
const UNTAG: &str = "DELETE FROM tag WHERE tag = ?1 AND sequence = ?2";
const UNTAG_ALL: &str = "DELETE FROM tag WHERE sequence = ?1";

/// Adds a checkpoint with its tags. The engine's own error, since an id that is taken can mean two things.
pub(crate) fn insert(connection: &Connection, new: &NewCheckpoint<'_>) -> rusqlite::Result<()> {
    let append = new.append;
    let small = Small::new(new);
    let packed = small.packed.encode();
    let values = small.values(&packed);
    let payload: &[u8] = append.payload.inline().map_or(&[], |bytes| bytes);
    let digest = seal(&values, &large_digests([&append.meta, payload]));
    let large = [
        ValueRef::Blob(&digest),
        ValueRef::Blob(&append.meta),
        match append.payload {
            Payload::Inline(_) => ValueRef::Blob(payload),
            Payload::Tree(_) => ValueRef::Null,
        },
    ];
    let mut statement = connection.prepare_cached(INSERT)?;
    statement.execute(params_from_iter(binds(&values).chain(binds(&large))))?;
    for tag in &append.tags {
        let mut statement = connection.prepare_cached(TAG)?;
        statement.execute(params![tag.as_str(), new.sequence.cast_signed()])?;
    }
    Ok(())
}

/// Overwrites what an update brings.
pub(crate) fn update(
    connection: &Connection,
    mut it: Whole,
    update: &Update,
    revision: u64,
) -> Result<()> {
    let small = &mut it.small;
    retag(connection, small.sequence, &small.packed.tags, &update.tags)?;
    small.status = update.status;
    small.worker.clone_from(&update.worker);
    let packed = &mut small.packed;
    packed.revision = revision;
    packed.updated = update.updated_at;
    packed.tags.clone_from(&update.tags);
    packed.step = update.step;
    packed.pinned = update.pinned;
    if let Some(state) = &update.state {
        packed.length = state.length;
        packed.top = state.payload.top();
        it.payload = state.payload.clone();
    }
    it.meta = update.meta.clone();
    write(connection, &it, update.state.is_some())
}

fn retag(connection: &Connection, sequence: u64, before: &[Tag], after: &[Tag]) -> Result<()> {
    for tag in before.iter().filter(|tag| !after.contains(tag)) {
        run(
            connection,
            UNTAG,
            params![tag.as_str(), sequence.cast_signed()],
        )?;
    }
    for tag in after.iter().filter(|tag| !before.contains(tag)) {
        run(
            connection,
            TAG,
            params![tag.as_str(), sequence.cast_signed()],
        )?;
    }
    Ok(())
}

/// Writes a row that was read back, its state only where it is new.
pub(crate) fn write(connection: &Connection, it: &Whole, new_state: bool) -> Result<()> {
    let payload = it.payload.inline().map(|bytes| &bytes[..]);
    let digests = large_digests([&it.meta, payload.unwrap_or(&[])]);
    write_small(connection, &it.small, &digests)?;
    let sequence = it.small.sequence.cast_signed();
    run(connection, SET_META, params![sequence, &it.meta[..]])?;
    if new_state {
        run(connection, SET_PAYLOAD, params![sequence, payload])?;
    }
    Ok(())
}

/// Writes the small columns alone, over the digests of the large ones as they stand.
pub(crate) fn write_small(connection: &Connection, small: &Small, digests: &[u8]) -> Result<()> {
    let packed = small.packed.encode();
    let values = small.values(&packed);
    let digest = seal(&values, digests);
    let [sequence, _, _, status, worker, packed] = values;
    let values = [sequence, status, worker, packed, ValueRef::Blob(&digest)];
    run(connection, UPDATE, params_from_iter(binds(&values))).map(drop)
}

/// Sets a row aside whose digest vouches for nothing, or takes it back; it stays damaged.
pub(crate) fn set_damaged_aside(connection: &Connection, sequence: u64, aside: bool) -> Result<()> {
    let digest: &[u8] = if aside { &[] } else { &[0] };
    run(
        connection,
        SET_DIGEST,
        params![sequence.cast_signed(), digest],
    )
    .map(drop)
}

/// Removes the row and its tags; of a damaged row nobody knows which, so all are looked at.
pub(crate) fn remove(connection: &Connection, sequence: u64, tags: Option<&[Tag]>) -> Result<()> {
    match tags {
        Some(tags) => retag(connection, sequence, tags, &[])?,
        None => drop(run(connection, UNTAG_ALL, [sequence.cast_signed()])?),
    }
    run(connection, DELETE, [sequence.cast_signed()]).map(drop)
}
