//! Giving space back, in short transactions.

use checkpoint_core::engine::{
    ChunkAge, Recall, SessionRow, StoreRow, Sweep, Upkeep, Within, upkeep,
};
use checkpoint_core::{Budget, ChunkId, MaintainStep, Position, Result, Timestamp};

use crate::query::{checkpoint, chunk, feed, session, store, tombstone, top};
use crate::tables::{RowTables, Write};
use crate::view::{Snapshot, View};

/// One step of what all backends do, beginning with a state. `write` ends each transaction and answers the state after
/// it.
///
/// # Errors
///
/// Those of the storage, and of `write`.
pub fn step<S: Snapshot>(
    base: S,
    write: Write<'_, S>,
    sweep: &mut Option<Sweep>,
    budget: &Budget,
    now: Timestamp,
) -> Result<MaintainStep> {
    let (mut view, mut recall) = (View::new(base), Recall::default());
    let mut tables = RowTables::new(&mut view, &mut recall, true).writing(write);
    upkeep(&mut tables, sweep, budget, now)
}

impl<S: Snapshot> Upkeep for RowTables<'_, S> {
    fn transaction(&mut self, work: Within<'_, Self>) -> Result<()> {
        let done = work(self);
        if done.is_err() || self.view.staged.is_empty() {
            self.view.staged.roll_back(0);
            return done;
        }
        if let Some(write) = &mut self.write {
            *self.view = View::new(write(&self.view.staged)?);
        }
        Ok(())
    }

    fn store(&mut self) -> Result<StoreRow> {
        store::store(self.view)
    }

    fn put_store(&mut self, row: &StoreRow) -> Result<()> {
        store::put_store(&mut self.view.staged, row);
        Ok(())
    }

    fn to_purge(&mut self, after: u64) -> Result<Option<u64>> {
        session::to_purge(self.view, after)
    }

    fn session_by_key(&mut self, key: u64) -> Result<Option<SessionRow>> {
        session::by_key(self.view, key)
    }

    fn of_session(&mut self, key: u64, limit: usize) -> Result<Vec<u64>> {
        checkpoint::of_session(self.view, key, limit)
    }

    fn bury_of(&mut self, session: u64, sequence: u64, deleted: Timestamp) -> Result<bool> {
        let of = checkpoint::at(self.view, sequence, |row| {
            row.small().map(|(it, _)| it.session)
        });
        match of {
            Ok(Some(of)) if of != session => Ok(false),
            _ => self.bury(sequence, deleted),
        }
    }

    fn purged(&mut self, row: &SessionRow) -> Result<()> {
        session::purged(self.view, row)
    }

    fn oldest_changes(&mut self, limit: usize) -> Result<Vec<(Position, Position, Timestamp)>> {
        feed::oldest(self.view, limit)
    }

    fn trim_changes(&mut self, end: Position) -> Result<usize> {
        feed::trim(self.view, end)
    }

    fn trim_tombstones(
        &mut self,
        until: Timestamp,
        sequence: u64,
        limit: usize,
    ) -> Result<(usize, Option<Timestamp>)> {
        tombstone::trim(self.view, until, sequence, limit)
    }

    fn forget(&mut self, until: Timestamp, limit: usize) -> Result<usize> {
        store::forget(self.view, until, limit)
    }

    fn newest_change(&mut self) -> Result<Position> {
        feed::newest(self.view)
    }

    fn tops(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, Option<ChunkId>)>> {
        top::tops(self.view, after, limit)
    }

    fn changed_tops(&mut self, after: Position) -> Result<Vec<Option<ChunkId>>> {
        feed::changed_tops(self.view, after)
    }

    fn last_chunk(&mut self) -> Result<u64> {
        chunk::last(self.view)
    }

    fn needed_chunk(&mut self, id: &ChunkId) -> Result<u64> {
        chunk::needed_number_of(self.view, id)
    }

    fn chunk_children(&mut self, no: u64) -> Result<Vec<u64>> {
        chunk::children(self.view, no)
    }

    fn chunks_below(&mut self, no: u64, limit: usize) -> Result<Vec<u64>> {
        chunk::below(self.view, no, limit)
    }

    fn chunks_above(&mut self, no: u64) -> Result<Vec<u64>> {
        chunk::above(self.view, no)
    }

    fn chunk_age(&mut self, no: u64) -> Result<Option<ChunkAge>> {
        chunk::age(self.view, no)
    }

    fn remove_chunk(&mut self, no: u64, id: Option<&ChunkId>) -> Result<()> {
        chunk::remove(self.view, no, id)
    }
}
