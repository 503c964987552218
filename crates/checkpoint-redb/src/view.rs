//! One state of the store, with what is staged on top of it.

use std::collections::btree_map;
use std::iter::Peekable;
use std::ops::{Bound, Deref};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use checkpoint_core::{Order, Result};
use redb::{
    AccessGuard, Database, Range, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTableMetadata, StorageError,
};

use crate::error::{begin_fault, fault, table_fault};
use crate::query::salvage::Lost;
use crate::schema::{TABLES, Table};
use crate::staged::Staged;

type Open = ReadOnlyTable<&'static [u8], &'static [u8]>;
type Guard = AccessGuard<'static, &'static [u8]>;

/// What is read and written in one transaction.
pub(crate) struct View {
    tables: [OnceLock<Open>; TABLES],
    transaction: ReadTransaction,
    pub(crate) staged: Staged,
    /// The engine could not read a page.
    hurt: AtomicBool,
    lost: Option<Arc<Lost>>,
}

/// Bytes of a key or a value, where they lie.
pub(crate) enum Piece<'v> {
    Page(Guard),
    Staged(&'v [u8]),
}

impl Deref for Piece<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Page(guard) => guard.value(),
            Self::Staged(bytes) => bytes,
        }
    }
}

impl View {
    /// Begins to read what the database holds now.
    pub(crate) fn begin(database: &Database) -> Result<Self> {
        database.begin_read().map(Self::new).map_err(begin_fault)
    }

    fn new(transaction: ReadTransaction) -> Self {
        Self {
            tables: Default::default(),
            transaction,
            staged: Staged::default(),
            hurt: AtomicBool::new(false),
            lost: None,
        }
    }

    /// A view of what is left, from which what cannot be read is missing.
    pub(crate) fn salvaged(database: &Database, lost: Arc<Lost>) -> Result<Self> {
        Ok(Self {
            lost: Some(lost),
            ..Self::begin(database)?
        })
    }

    /// What is missing, where pages of any of these tables are.
    pub(crate) fn lost(&self, tables: &[Table]) -> Option<&Lost> {
        let lost = self.lost.as_deref()?;
        tables
            .iter()
            .any(|table| lost.is_of(*table))
            .then_some(lost)
    }

    /// Whether the engine could not read a page that was asked for.
    pub(crate) fn is_hurt(&self) -> bool {
        self.hurt.load(Ordering::Acquire)
    }

    fn told<T>(&self, answer: Result<T, StorageError>) -> Result<T> {
        told(&self.hurt, answer)
    }

    fn table(&self, table: Table) -> Result<&Open> {
        let cell = &self.tables[table.number()];
        if let Some(open) = cell.get() {
            return Ok(open);
        }
        let open = self.transaction.open_table(table.definition());
        let open = open
            .map_err(table_fault)
            .inspect_err(|_| self.hurt.store(true, Ordering::Release))?;
        Ok(cell.get_or_init(|| open))
    }

    /// The value under a key.
    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Piece<'_>>> {
        if let Some(staged) = self.staged.get(table, key) {
            return Ok(staged.as_ref().map(|value| Piece::Staged(value)));
        }
        let found = self.told(self.table(table)?.get(key))?;
        Ok(found.map(Piece::Page))
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
    pub(crate) fn rows(
        &self,
        table: Table,
        low: &[u8],
        high: Option<&[u8]>,
        order: Order,
    ) -> Result<Rows<'_>> {
        if high.is_some_and(|high| high < low) {
            return Ok(Rows {
                base: None,
                ahead: None,
                staged: None,
                order,
                hurt: &self.hurt,
            });
        }
        let end = high.map_or(Bound::Unbounded, Bound::Included);
        let range = (Bound::Included(low), end);
        let base = self.told(self.table(table)?.range::<&[u8]>(range))?;
        let writes = self.staged.of(table);
        let staged = (!writes.is_empty())
            .then(|| Changes::new(writes.range::<[u8], _>(range), order).peekable());
        Ok(Rows {
            base: Some(base),
            ahead: None,
            staged,
            order,
            hurt: &self.hurt,
        })
    }

    /// All rows of a table.
    pub(crate) fn all(&self, table: Table, order: Order) -> Result<Rows<'_>> {
        self.rows(table, &[], None, order)
    }

    /// The last row.
    pub(crate) fn last(&self, table: Table) -> Result<Option<Row<'_>>> {
        self.all(table, Order::Descending)?.next().transpose()
    }

    /// How many rows there are, where nothing is staged.
    pub(crate) fn count(&self, table: Table) -> Result<u64> {
        self.told(self.table(table)?.len())
    }

    /// The bytes of the pages that a table takes.
    pub(crate) fn bytes(&self, table: Table) -> Result<u64> {
        let stats = self.told(self.table(table)?.stats())?;
        Ok(stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes())
    }
}

/// An answer of the engine; that it could not read a page is kept.
fn told<T>(hurt: &AtomicBool, answer: Result<T, StorageError>) -> Result<T> {
    answer.map_err(fault).inspect_err(|error| {
        hurt.fetch_or(error.is_corrupt(), Ordering::AcqRel);
    })
}

type Write<'v> = (&'v Vec<u8>, &'v Option<Bytes>);

/// What is staged of a range, in either order.
pub(crate) struct Changes<'v> {
    range: btree_map::Range<'v, Vec<u8>, Option<Bytes>>,
    order: Order,
}

impl<'v> Changes<'v> {
    fn new(range: btree_map::Range<'v, Vec<u8>, Option<Bytes>>, order: Order) -> Self {
        Self { range, order }
    }
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
pub(crate) type Row<'v> = (Piece<'v>, Piece<'v>);

/// Rows in their order.
pub(crate) struct Rows<'v> {
    base: Option<Range<'static, &'static [u8], &'static [u8]>>,
    /// The next row of the engine, where it was looked at and not yet given.
    ahead: Option<(Guard, Guard)>,
    staged: Option<Peekable<Changes<'v>>>,
    order: Order,
    hurt: &'v AtomicBool,
}

impl<'v> Rows<'v> {
    fn next_of_base(&mut self) -> Result<Option<(Guard, Guard)>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let Some(base) = &mut self.base else {
            return Ok(None);
        };
        let next = match self.order {
            Order::Ascending => base.next(),
            Order::Descending => base.next_back(),
        };
        told(self.hurt, next.transpose())
    }

    fn step(&mut self) -> Result<Option<Row<'v>>> {
        loop {
            let base = self.next_of_base()?;
            let Some(staged) = &mut self.staged else {
                return Ok(base.map(whole));
            };
            let (Some((staged_key, _)), order) = (staged.peek(), self.order) else {
                return Ok(base.map(whole));
            };
            let compared = base.as_ref().map(|(key, _)| {
                let compared = key.value().cmp(staged_key.as_slice());
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

fn whole<'v>((key, value): (Guard, Guard)) -> Row<'v> {
    (Piece::Page(key), Piece::Page(value))
}

impl<'v> Iterator for Rows<'v> {
    type Item = Result<Row<'v>>;

    fn next(&mut self) -> Option<Result<Row<'v>>> {
        let next = self.step();
        if next.is_err() {
            // The engine does not say what comes after what it could not read.
            (self.base, self.staged) = (None, None);
        }
        next.transpose()
    }
}
