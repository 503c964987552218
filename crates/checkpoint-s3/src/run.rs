//! Sorted rows in one piece of memory: those of an entry, of several, or of a block of a segment.
//!
//! A row is its table, the lengths of its key and its value, and these two, as `docs/format.md` says. So a run that is
//! written is this memory compressed, and what is read is gone through once; after that no row can be wrong.

mod builder;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::engine::row::{take, take_array};
use checkpoint_core::engine::take_varint;
use checkpoint_core::{Error, Order, Result};

pub(crate) use self::builder::{Builder, out_of_order, room};
use crate::row::{Change, Key, Span};

/// Bytes that the rows of a run may take.
pub(crate) const MOST: usize = 1 << 30;

/// Sorted rows, each key once. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Run {
    bytes: Bytes,
    places: Arc<[Place]>,
}

/// Where a row lies.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    key: u32,
    value: u32,
    end: u32,
    table: u8,
    removed: bool,
}

impl Run {
    /// Sorts changes; of several to one row the last counts.
    ///
    /// # Errors
    ///
    /// `TooLarge` for more than [`MOST`] bytes.
    pub(crate) fn of(mut changes: Vec<Change>) -> Result<Self> {
        changes.sort_by(|one, other| one.at().cmp(&other.at()));
        let mut builder = Builder::default();
        for (n, change) in changes.iter().enumerate() {
            let again = changes
                .get(n + 1)
                .is_some_and(|next| next.at() == change.at());
            if !again {
                builder.push(change.at(), change.value.as_deref())?;
            }
        }
        Ok(builder.finish())
    }

    /// Takes rows as they were written.
    ///
    /// # Errors
    ///
    /// `Corrupt` when they are cut off, or out of order.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self> {
        if bytes.len() > MOST {
            return Err(Error::corrupt("a run is larger than any that is written")
                .with("bytes", bytes.len())
                .with("limit", MOST));
        }
        let mut places: Vec<Place> = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let place = take_place(&mut rest, bytes.len())?;
            let last = places.last().map(|last| last.at(&bytes));
            if last.is_some_and(|last| last >= place.at(&bytes)) {
                return Err(Error::corrupt("rows are out of order").with("row", places.len()));
            }
            places.push(place);
        }
        Ok(Self {
            places: places.into(),
            bytes,
        })
    }

    /// The rows as they are written.
    pub(crate) const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// How many of them say that a row was removed.
    #[cfg(test)]
    pub(crate) fn removals(&self) -> usize {
        self.places.iter().filter(|place| place.removed).count()
    }

    /// Bytes of memory.
    pub(crate) fn held(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + self.places.len() * size_of::<Place>()
    }

    /// Where the n-th row stands.
    ///
    /// # Panics
    ///
    /// When there are fewer, as of the next two.
    #[cfg(test)]
    pub(crate) fn at(&self, n: usize) -> Key<'_> {
        self.places[n].at(&self.bytes)
    }

    /// The value of the n-th row; none: it was removed.
    pub(crate) fn value(&self, n: usize) -> Option<Bytes> {
        let place = self.places[n];
        (!place.removed).then(|| self.bytes.slice(place.value as usize..place.end as usize))
    }

    /// The n-th row.
    pub(crate) fn change(&self, n: usize) -> Change {
        let place = self.places[n];
        Change {
            table: place.table,
            key: self.bytes.slice(place.key as usize..place.value as usize),
            value: self.value(n),
        }
    }

    /// The number of a row, or the number that it would have.
    pub(crate) fn find(&self, at: Key<'_>) -> Result<usize, usize> {
        self.places
            .binary_search_by(|place| place.at(&self.bytes).cmp(&at))
    }

    /// What became of a row: its value, none when it was removed; none at all when nothing is said of it.
    pub(crate) fn get(&self, at: Key<'_>) -> Option<Option<Bytes>> {
        self.find(at).ok().map(|n| self.value(n))
    }

    /// The numbers of the rows of a range.
    pub(crate) fn window(&self, span: &Span) -> Range<usize> {
        let place = |place: &Place| place.at(&self.bytes);
        let from = self
            .places
            .partition_point(|it| span.begins_behind(place(it)));
        let to = self
            .places
            .partition_point(|it| !span.ends_before(place(it)));
        from..to.max(from)
    }

    /// The rows of a range.
    pub(crate) fn cursor(&self, span: &Span, order: Order) -> RunCursor {
        RunCursor {
            left: self.window(span),
            run: self.clone(),
            order,
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("rows", &self.len())
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl Place {
    fn at(self, bytes: &[u8]) -> Key<'_> {
        (self.table, &bytes[self.key as usize..self.value as usize])
    }
}

fn take_place(rest: &mut &[u8], length: usize) -> Result<Place> {
    let [table] = take_array(rest)?;
    let key = take_length(rest)?;
    let value = take_length(rest)?;
    let from = length - rest.len();
    take(rest, key)?;
    // No length is one more than that of the value, so that 0 can say that there is none.
    take(rest, value.saturating_sub(1))?;
    Ok(Place {
        key: from as u32,
        value: (from + key) as u32,
        end: (length - rest.len()) as u32,
        table,
        removed: value == 0,
    })
}

fn take_length(rest: &mut &[u8]) -> Result<usize> {
    let length = take_varint(rest)?;
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= MOST)
        .ok_or_else(|| {
            Error::corrupt("a row is longer than any that is written").with("bytes", length)
        })
}

/// Goes through rows of a run.
#[derive(Debug)]
pub(crate) struct RunCursor {
    run: Run,
    left: Range<usize>,
    order: Order,
}

impl Iterator for RunCursor {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        let n = match self.order {
            Order::Ascending => self.left.next(),
            Order::Descending => self.left.next_back(),
        };
        n.map(|n| self.run.change(n))
    }
}

#[cfg(test)]
mod tests;
