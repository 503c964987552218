//! One state of the database, as a read transaction shows it.

use std::ops::{Bound, Deref};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use checkpoint_core::{Order, Result};
use checkpoint_rows::{Lost, Snapshot, Table};
use redb::{
    AccessGuard, Database, Range, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTableMetadata, StorageError, TableDefinition,
};

use crate::error::{begin_fault, fault, table_fault};

/// Keys and values are bytes.
pub(crate) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

type Open = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// What is read and written on top of a state.
pub(crate) type View = checkpoint_rows::View<Base>;

/// The engine's name for a table.
pub(crate) const fn definition(table: Table) -> Definition {
    TableDefinition::new(table.name())
}

/// A state of the database.
pub(crate) struct Base {
    tables: [OnceLock<Open>; Table::ALL.len()],
    transaction: ReadTransaction,
    /// The engine could not read a page.
    hurt: Arc<AtomicBool>,
    lost: Option<Arc<Lost>>,
}

/// Begins to read what the database holds now.
pub(crate) fn begin(database: &Database) -> Result<View> {
    Base::begin(database).map(View::new)
}

impl Base {
    pub(crate) fn begin(database: &Database) -> Result<Self> {
        Ok(Self {
            tables: Default::default(),
            transaction: database.begin_read().map_err(begin_fault)?,
            hurt: Arc::default(),
            lost: None,
        })
    }

    /// A view of what is left, from which what cannot be read is missing.
    pub(crate) fn salvaged(database: &Database, lost: Arc<Lost>) -> Result<View> {
        Ok(View::new(Self {
            lost: Some(lost),
            ..Self::begin(database)?
        }))
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
        let open = self.transaction.open_table(definition(table));
        let open = open
            .map_err(table_fault)
            .inspect_err(|_| self.hurt.store(true, Ordering::Release))?;
        Ok(cell.get_or_init(|| open))
    }

    /// The bytes of the pages that the tables take.
    pub(crate) fn bytes(&self) -> Result<u64> {
        let bytes = Table::ALL.iter().map(|table| {
            let stats = self.told(self.table(*table)?.stats())?;
            Ok(stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes())
        });
        bytes.sum()
    }
}

/// Bytes on a page.
pub(crate) struct Lying(AccessGuard<'static, &'static [u8]>);

impl Deref for Lying {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.value()
    }
}

impl Snapshot for Base {
    type Bytes = Lying;
    type Rows = Rows;

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Lying>> {
        let found = self.told(self.table(table)?.get(key))?;
        Ok(found.map(Lying))
    }

    fn rows(&self, table: Table, low: &[u8], high: Option<&[u8]>, order: Order) -> Result<Rows> {
        let end = high.map_or(Bound::Unbounded, Bound::Included);
        let range = (Bound::Included(low), end);
        let range = self.told(self.table(table)?.range::<&[u8]>(range))?;
        Ok(Rows {
            range,
            order,
            hurt: Arc::clone(&self.hurt),
        })
    }

    fn count(&self, table: Table) -> Result<u64> {
        self.told(self.table(table)?.len())
    }

    fn lost(&self) -> Option<&Lost> {
        self.lost.as_deref()
    }
}

/// An answer of the engine; that it could not read a page is kept.
fn told<T>(hurt: &AtomicBool, answer: Result<T, StorageError>) -> Result<T> {
    answer.map_err(fault).inspect_err(|error| {
        hurt.fetch_or(error.is_corrupt(), Ordering::AcqRel);
    })
}

/// Rows of a table in an order.
pub(crate) struct Rows {
    range: Range<'static, &'static [u8], &'static [u8]>,
    order: Order,
    hurt: Arc<AtomicBool>,
}

impl Iterator for Rows {
    type Item = Result<(Lying, Lying)>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.order {
            Order::Ascending => self.range.next(),
            Order::Descending => self.range.next_back(),
        };
        let next = told(&self.hurt, next.transpose()).transpose()?;
        Some(next.map(|(key, value)| (Lying(key), Lying(value))))
    }
}
