//! What changes a state, and the way back.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Batch, Key};
use super::state::State;
use crate::engine::Counters;

type Undo = Box<dyn FnOnce(&mut State)>;

/// A state that is being changed, and what it takes to change it back.
pub(super) struct Transaction<'a> {
    pub(super) state: &'a mut State,
    undo: Vec<Undo>,
    /// The rows that were written, in that order.
    pub(super) touched: Vec<Key>,
}

/// A moment of a transaction; the default is its start.
#[derive(Default)]
pub(super) struct Savepoint {
    undo: usize,
    touched: usize,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(state: &'a mut State) -> Self {
        Self {
            state,
            undo: Vec::new(),
            touched: Vec::new(),
        }
    }

    pub(super) fn savepoint(&self) -> Savepoint {
        Savepoint {
            undo: self.undo.len(),
            touched: self.touched.len(),
        }
    }

    /// Makes the state what it was.
    pub(super) fn roll_back(&mut self, to: &Savepoint) {
        self.touched.truncate(to.touched);
        for undo in self.undo.drain(to.undo..).rev() {
            undo(self.state);
        }
    }

    /// What was written so far, as rows; none when nothing was.
    pub(super) fn rows(&self, counters: &Counters) -> Option<Vec<u8>> {
        let keys: BTreeSet<_> = self.touched.iter().collect();
        if keys.is_empty() {
            return None;
        }
        let mut batch = Batch::new(self.state, counters);
        for key in keys {
            batch.add(self.state, key);
        }
        Some(batch.finish())
    }

    /// Sets or removes one row; every write goes through here.
    pub(super) fn set<K, V>(
        &mut self,
        table: fn(&mut State) -> &mut BTreeMap<K, V>,
        key: K,
        value: Option<V>,
    ) where
        K: Ord + Clone + 'static,
        V: 'static,
    {
        let before = replace(table(self.state), key.clone(), value);
        self.undo.push(Box::new(move |state| {
            replace(table(state), key, before);
        }));
    }
}

fn replace<K: Ord, V>(table: &mut BTreeMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => table.insert(key, value),
        None => table.remove(&key),
    }
}
