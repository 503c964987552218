//! The tops of states, from which a sweep begins to mark.

use checkpoint_core::{CheckpointId, ChunkId, Error, Order, Result};

use super::chunk;
use crate::key;
use crate::lying::Lying;
use crate::table::Table;
use crate::view::{Snapshot, View};

/// Sequences above `after` with the tops of their states, checked, in order.
pub(crate) fn tops(
    view: &View<impl Snapshot>,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, Option<ChunkId>)>> {
    let Some(from) = after.checked_add(1) else {
        return Ok(Vec::new());
    };
    let rows = view.rows(
        Table::Checkpoint,
        &key::number(from),
        None,
        Order::Ascending,
    )?;
    rows.take(limit)
        .map(|row| {
            let (key, value) = row?;
            let sequence = key::last_number(&key)?;
            Ok((sequence, top(view, sequence, &value)?))
        })
        .collect()
}

/// The top of the state of a row. Of a damaged one that was set aside it is what can be read, if it can be.
pub(crate) fn top(
    view: &View<impl Snapshot>,
    sequence: u64,
    value: &[u8],
) -> Result<Option<ChunkId>> {
    let named = |error: Error| error.with("sequence", sequence);
    let row = Lying::new(sequence, value).map_err(named)?;
    match row.small() {
        Ok((small, _)) => Ok(small.packed.top),
        Err(_) if row.is_damaged_aside() => {
            let top = row.guess().ok().and_then(|small| small.packed.top);
            Ok(top.filter(|top| chunk::needed_number_of(view, top).is_ok()))
        }
        Err(error) => Err(named(match CheckpointId::from_raw(row.id) {
            Ok(id) => error.with("checkpoint", id),
            Err(_) => error,
        })),
    }
}
