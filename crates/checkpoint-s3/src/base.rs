//! One state of the log as the map that `checkpoint-rows` reads.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{Error, Order, Result};
use checkpoint_rows::{Snapshot, Table};

use crate::fetch::Fetcher;
use crate::layout::Name;
use crate::merge::{Cursor, Merge, Removals};
use crate::place::{Place, Spot};
use crate::row::{Change, Span};
use crate::segment::Reading;
use crate::state::State;

/// A state, and the way to what of it is not in memory.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) state: Arc<State>,
    pub(crate) fetcher: Fetcher,
    /// Stored forms that were fetched for this reading.
    pub(crate) fetched: Option<Arc<Fetched>>,
    /// Whether many rows are going to be looked up.
    pub(crate) many: bool,
}

/// Stored forms by where they lie; none for what is not there.
pub(crate) type Fetched = HashMap<Spot, Option<Bytes>>;

/// The number of a table in rows.
pub(crate) const fn number(table: Table) -> u8 {
    table.number() as u8
}

impl Base {
    pub(crate) const fn new(state: Arc<State>, fetcher: Fetcher) -> Self {
        Self {
            state,
            fetcher,
            fetched: None,
            many: false,
        }
    }

    /// What stands in a row, with no regard to what it means.
    pub(crate) fn raw(&self, table: u8, key: &[u8]) -> Result<Option<Bytes>> {
        let at = (table, key);
        for run in self.state.runs() {
            if let Some(found) = run.get(at) {
                return Ok(found);
            }
        }
        for segment in &self.state.tree.segments {
            let found = if self.many {
                segment.get_of_many(at)?
            } else {
                segment.get(at)?
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Rows of a range as they stand, newest counting.
    pub(crate) fn raw_rows(&self, span: &Span, order: Order, reading: Reading) -> Result<Merge> {
        let runs = self
            .state
            .runs()
            .map(|run| Cursor::from(run.cursor(span, order)));
        let segments = self.state.tree.segments.iter();
        let segments = segments
            .filter(|segment| segment.outline().meets(span))
            .map(|segment| Cursor::from(segment.cursor(span.clone(), order, reading)));
        Merge::new(runs.chain(segments).collect(), order, Removals::Drop)
    }

    /// The stored form of a chunk.
    fn resolve(&self, value: &Bytes) -> Result<Bytes> {
        match Place::decode(value)? {
            Place::Inline(bytes) => Ok(bytes),
            Place::Packed(spot) => self.packed(spot),
        }
    }

    fn packed(&self, spot: Spot) -> Result<Bytes> {
        if let Some(found) = self.fetched.as_ref().and_then(|it| it.get(&spot)) {
            return found.clone().ok_or_else(|| {
                Error::corrupt("the pack of a chunk is not there")
                    .with("object", Name::Pack(spot.pack))
            });
        }
        let asked = self
            .fetcher
            .objects()
            .range(Name::Pack(spot.pack), spot.range());
        self.fetcher.wait(asked)
    }
}

impl Snapshot for Base {
    type Bytes = Bytes;
    type Rows = Rows;

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>> {
        let found = self.raw(number(table), key)?;
        match found {
            Some(value) if table == Table::ChunkData => self.resolve(&value).map(Some),
            found => Ok(found),
        }
    }

    fn rows(&self, table: Table, low: &[u8], high: Option<&[u8]>, order: Order) -> Result<Rows> {
        let high = high.map(Bytes::copy_from_slice);
        let span = Span::keys(number(table), Bytes::copy_from_slice(low), high);
        Ok(Rows {
            rows: self.raw_rows(&span, order, Reading::Some)?,
            packs: (table == Table::ChunkData).then(|| self.clone()),
        })
    }
}

/// Rows of a table.
pub(crate) struct Rows {
    rows: Merge,
    /// Where values say where to look.
    packs: Option<Base>,
}

impl Iterator for Rows {
    type Item = Result<(Bytes, Bytes)>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.rows.next()?;
        Some(next.and_then(|Change { key, value, .. }| {
            let value = value.ok_or_else(|| Error::corrupt("a row was removed and is told"))?;
            match &self.packs {
                Some(base) => base.resolve(&value).map(|value| (key, value)),
                None => Ok((key, value)),
            }
        }))
    }
}
