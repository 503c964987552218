//! What a transaction has written and not yet given to the engine.
//!
//! The engine undoes a whole transaction or nothing, short of savepoints, which must be taken before any table is open.
//! So what the members of a group write is kept here until all are judged: undoing one is forgetting what it staged.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::table::{TABLES, Table};

/// What is staged of one table: values, and none for what is removed.
pub type Writes = BTreeMap<Vec<u8>, Option<Bytes>>;

/// What is staged.
#[derive(Debug, Default)]
pub struct Staged {
    tables: [Writes; TABLES],
    undo: Vec<(Table, Vec<u8>, Option<Option<Bytes>>)>,
}

impl Staged {
    /// Stages a value.
    pub fn put(&mut self, table: Table, key: &[u8], value: impl Into<Bytes>) {
        self.set(table, key, Some(value.into()));
    }

    /// Stages that there is no value any more.
    pub fn remove(&mut self, table: Table, key: &[u8]) {
        self.set(table, key, None);
    }

    fn set(&mut self, table: Table, key: &[u8], value: Option<Bytes>) {
        let before = self.tables[table.number()].insert(key.to_vec(), value);
        self.undo.push((table, key.to_vec(), before));
    }

    /// What is staged under a key.
    #[must_use]
    pub fn get(&self, table: Table, key: &[u8]) -> Option<&Option<Bytes>> {
        self.of(table).get(key)
    }

    /// What is staged of a table, by its keys.
    #[must_use]
    pub fn of(&self, table: Table) -> &Writes {
        &self.tables[table.number()]
    }

    /// Whether nothing is staged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.undo.is_empty()
    }

    /// A moment to go back to.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Forgets what was staged since a moment.
    pub fn roll_back(&mut self, mark: usize) {
        for (table, key, before) in self.undo.drain(mark..).rev() {
            let writes = &mut self.tables[table.number()];
            match before {
                Some(before) => writes.insert(key, before),
                None => writes.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_leaves_what_was_there_before() {
        let mut staged = Staged::default();
        staged.put(Table::Record, b"a", vec![1]);
        staged.remove(Table::Record, b"b");
        let before = staged.of(Table::Record).clone();
        let mark = staged.mark();
        staged.put(Table::Record, b"a", vec![2]);
        staged.remove(Table::Record, b"a");
        staged.put(Table::Record, b"b", vec![3]);
        staged.put(Table::Record, b"c", vec![4]);
        staged.put(Table::Store, b"c", vec![4]);
        staged.roll_back(mark);
        assert_eq!(*staged.of(Table::Record), before);
        assert!(staged.of(Table::Store).is_empty());
        staged.roll_back(0);
        assert!(staged.is_empty() && staged.of(Table::Record).is_empty());
    }
}
