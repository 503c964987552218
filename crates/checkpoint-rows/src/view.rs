//! One state of a map, with what is staged on top of it.

use std::collections::btree_map;
use std::fmt;
use std::iter::Peekable;
use std::ops::{Bound, Deref};

use bytes::Bytes;
use checkpoint_core::{Order, Result};

use crate::query::salvage::Lost;
use crate::staged::Staged;
use crate::table::Table;

/// One state of an ordered map from bytes to bytes for each [`Table`], which nobody changes.
pub trait Snapshot {
    /// Bytes where they lie.
    type Bytes: Deref<Target = [u8]>;
    /// Rows in an order. After an error none follows.
    type Rows: Iterator<Item = Result<(Self::Bytes, Self::Bytes)>>;

    /// The value under a key.
    ///
    /// # Errors
    ///
    /// This and all others: those of the storage; `Corrupt` for what is damaged.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Self::Bytes>>;

    /// Rows from one key to another, both included; none: without end.
    fn rows(
        &self,
        table: Table,
        low: &[u8],
        high: Option<&[u8]>,
        order: Order,
    ) -> Result<Self::Rows>;

    /// How many rows a table has.
    fn count(&self, table: Table) -> Result<u64> {
        let rows = self.rows(table, &[], None, Order::Ascending)?;
        rows.map(|row| row.map(|_| 1)).sum()
    }

    /// What is missing, where something cannot be read.
    fn lost(&self) -> Option<&Lost> {
        None
    }
}

/// What is read and written in one transaction.
pub struct View<S> {
    /// The state below.
    pub base: S,
    /// What was written since.
    pub staged: Staged,
}

impl<S> fmt::Debug for View<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

/// Bytes of a key or a value, where they lie.
#[derive(Debug)]
pub enum Piece<'v, B> {
    /// In the state below.
    Base(B),
    /// In what is staged.
    Staged(&'v [u8]),
}

impl<B: Deref<Target = [u8]>> Deref for Piece<'_, B> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Base(bytes) => bytes,
            Self::Staged(bytes) => bytes,
        }
    }
}

impl<S: Snapshot> View<S> {
    /// A state on which nothing is staged.
    pub fn new(base: S) -> Self {
        Self {
            base,
            staged: Staged::default(),
        }
    }

    /// What is missing, where rows of any of these tables are.
    pub(crate) fn lost(&self, tables: &[Table]) -> Option<&Lost> {
        let lost = self.base.lost()?;
        tables
            .iter()
            .any(|table| lost.is_of(*table))
            .then_some(lost)
    }

    /// The value under a key.
    ///
    /// # Errors
    ///
    /// This and all others: those of the state below.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Piece<'_, S::Bytes>>> {
        if let Some(staged) = self.staged.get(table, key) {
            return Ok(staged.as_ref().map(|value| Piece::Staged(value)));
        }
        Ok(self.base.get(table, key)?.map(Piece::Base))
    }

    /// Reads the value under a key.
    pub(crate) fn read<T>(
        &self,
        table: Table,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<Option<T>> {
        self.get(table, key)?.map(|value| read(&value)).transpose()
    }

    pub(crate) fn has(&self, table: Table, key: &[u8]) -> Result<bool> {
        Ok(self.get(table, key)?.is_some())
    }

    /// Rows from one key to another, both included; none: without end.
    pub fn rows(
        &self,
        table: Table,
        low: &[u8],
        high: Option<&[u8]>,
        order: Order,
    ) -> Result<Rows<'_, S>> {
        if high.is_some_and(|high| high < low) {
            return Ok(Rows::none(order));
        }
        let base = self.base.rows(table, low, high, order)?;
        let end = high.map_or(Bound::Unbounded, Bound::Included);
        let writes = self.staged.of(table);
        let staged = (!writes.is_empty()).then(|| {
            let range = writes.range::<[u8], _>((Bound::Included(low), end));
            Changes { range, order }.peekable()
        });
        Ok(Rows {
            base: Some(base),
            ahead: None,
            staged,
            order,
        })
    }

    /// All rows of a table.
    pub fn all(&self, table: Table, order: Order) -> Result<Rows<'_, S>> {
        self.rows(table, &[], None, order)
    }

    /// The last row.
    pub(crate) fn last(&self, table: Table) -> Result<Option<Row<'_, S>>> {
        self.all(table, Order::Descending)?.next().transpose()
    }
}

type Write<'v> = (&'v Vec<u8>, &'v Option<Bytes>);

/// What is staged of a range, in either order.
struct Changes<'v> {
    range: btree_map::Range<'v, Vec<u8>, Option<Bytes>>,
    order: Order,
}

impl<'v> Iterator for Changes<'v> {
    type Item = Write<'v>;

    fn next(&mut self) -> Option<Write<'v>> {
        match self.order {
            Order::Ascending => self.range.next(),
            Order::Descending => self.range.next_back(),
        }
    }
}

/// A key and its value.
pub type Row<'v, S> = (
    Piece<'v, <S as Snapshot>::Bytes>,
    Piece<'v, <S as Snapshot>::Bytes>,
);

/// A row of the state below.
type Below<S> = (<S as Snapshot>::Bytes, <S as Snapshot>::Bytes);

/// Rows in their order.
pub struct Rows<'v, S: Snapshot> {
    base: Option<S::Rows>,
    /// The next row below, where it was looked at and not yet given.
    ahead: Option<Below<S>>,
    staged: Option<Peekable<Changes<'v>>>,
    order: Order,
}

impl<S: Snapshot> fmt::Debug for Rows<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

impl<'v, S: Snapshot> Rows<'v, S> {
    fn none(order: Order) -> Self {
        Self {
            base: None,
            ahead: None,
            staged: None,
            order,
        }
    }

    fn next_of_base(&mut self) -> Result<Option<Below<S>>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        self.base.as_mut().and_then(Iterator::next).transpose()
    }

    fn step(&mut self) -> Result<Option<Row<'v, S>>> {
        loop {
            let base = self.next_of_base()?;
            let Some(staged) = &mut self.staged else {
                return Ok(base.map(whole));
            };
            let (Some((staged_key, _)), order) = (staged.peek(), self.order) else {
                return Ok(base.map(whole));
            };
            let compared = base.as_ref().map(|(key, _)| {
                let compared = key[..].cmp(staged_key.as_slice());
                match order {
                    Order::Ascending => compared,
                    Order::Descending => compared.reverse(),
                }
            });
            match compared {
                Some(std::cmp::Ordering::Less) => return Ok(base.map(whole)),
                // What is staged stands in the place of what is there.
                Some(std::cmp::Ordering::Equal) => {}
                _ => self.ahead = base,
            }
            if let Some((key, Some(value))) = staged.next() {
                return Ok(Some((Piece::Staged(key), Piece::Staged(value))));
            }
        }
    }
}

fn whole<'v, B>((key, value): (B, B)) -> (Piece<'v, B>, Piece<'v, B>) {
    (Piece::Base(key), Piece::Base(value))
}

impl<'v, S: Snapshot> Iterator for Rows<'v, S> {
    type Item = Result<Row<'v, S>>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step();
        if next.is_err() {
            // Nobody knows what comes after what could not be read.
            (self.base, self.staged) = (None, None);
        }
        next.transpose()
    }
}
