//! Checkpoints: writes.

use checkpoint_core::engine::NewCheckpoint;
use checkpoint_core::engine::row::{Digests, Small, Whole, digests, is_aside, is_rare, set_aside};
use checkpoint_core::{Result, Tag, Update};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params, params_from_iter};

use super::{checkpoint, run};
use crate::row::{binds, int, maybe, raw};

const INSERT: &str = "INSERT INTO checkpoint VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const UPDATE: &str =
    "UPDATE checkpoint SET status = ?2, worker = ?3, packed = ?4 WHERE sequence = ?1";
const SET_META: &str = "UPDATE checkpoint SET meta = ?2 WHERE sequence = ?1";
const SET_PAYLOAD: &str = "UPDATE checkpoint SET payload = ?2 WHERE sequence = ?1";
const SET_PACKED: &str = "UPDATE checkpoint SET packed = ?2 WHERE sequence = ?1";
const DELETE: &str = "DELETE FROM checkpoint WHERE sequence = ?1";
const TAG: &str = "INSERT INTO tag(tag, sequence) VALUES(?1, ?2)";
const UNTAG: &str = "DELETE FROM tag WHERE tag = ?1 AND sequence = ?2";
const UNTAG_ALL: &str = "DELETE FROM tag WHERE sequence = ?1";

/// Adds a checkpoint with its tags. The engine's own error, since an id that is taken can mean two things.
pub(crate) fn insert(connection: &Connection, new: &NewCheckpoint<'_>) -> rusqlite::Result<()> {
    let append = new.append;
    let small = Small::new(new);
    let payload = append.payload.inline();
    let packed = small.seal(digests(&append.meta, payload));
    let [status, worker] = indexed(&small);
    let values = [
        int(small.sequence),
        raw(small.id.raw()),
        int(small.session),
        status,
        worker,
        ValueRef::Blob(&packed),
        ValueRef::Blob(&append.meta),
        maybe(payload, |bytes| ValueRef::Blob(bytes)),
    ];
    let mut statement = connection.prepare_cached(INSERT)?;
    statement.execute(params_from_iter(binds(&values)))?;
    for tag in &append.tags {
        let mut statement = connection.prepare_cached(TAG)?;
        statement.execute(params![tag.as_str(), new.sequence.cast_signed()])?;
    }
    Ok(())
}

/// The columns that stand there for their indexes alone: a status that is rare, and the worker.
pub(crate) fn indexed(small: &Small) -> [ValueRef<'_>; 2] {
    let status = small.packed.status;
    [
        maybe(is_rare(status).then_some(status), |it| {
            int(it.number().into())
        }),
        maybe(small.packed.worker.as_ref(), |it| {
            ValueRef::Text(it.as_str().as_bytes())
        }),
    ]
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
    small.packed.update(update, revision);
    if let Some(state) = &update.state {
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
    let payload = it.payload.inline();
    write_small(connection, &it.small, it.digests())?;
    let sequence = it.small.sequence.cast_signed();
    run(connection, SET_META, params![sequence, &it.meta[..]])?;
    if new_state {
        let payload = payload.map(|bytes| &bytes[..]);
        run(connection, SET_PAYLOAD, params![sequence, payload])?;
    }
    Ok(())
}

/// Writes what is not large alone, over the digests of the large ones as they stand.
pub(crate) fn write_small(connection: &Connection, small: &Small, digests: Digests) -> Result<()> {
    let packed = small.seal(digests);
    let [status, worker] = indexed(small);
    let values = [int(small.sequence), status, worker, ValueRef::Blob(&packed)];
    run(connection, UPDATE, params_from_iter(binds(&values))).map(drop)
}

/// Sets a row aside whose digest vouches for nothing, or takes it back; it stays damaged. Answers whether that changed
/// anything.
pub(crate) fn set_damaged_aside(
    connection: &Connection,
    sequence: u64,
    aside: bool,
) -> Result<bool> {
    match checkpoint::packed(connection, sequence)? {
        Some(column) if is_aside(&column) != aside => {
            let column = set_aside(&column, aside);
            let values = params![sequence.cast_signed(), column];
            run(connection, SET_PACKED, values)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Removes the row and its tags; of a damaged row nobody knows which, so all are looked at.
pub(crate) fn remove(connection: &Connection, sequence: u64, tags: Option<&[Tag]>) -> Result<()> {
    match tags {
        Some(tags) => retag(connection, sequence, tags, &[])?,
        None => drop(run(connection, UNTAG_ALL, [sequence.cast_signed()])?),
    }
    run(connection, DELETE, [sequence.cast_signed()]).map(drop)
}
