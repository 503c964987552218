//! Giving space back, in short transactions of the writer.

use checkpoint_core::engine::{
    ChunkAge, Recall, SessionRow, StoreRow, Sweep, Upkeep, Within, upkeep,
};
use checkpoint_core::{Budget, ChunkId, MaintainStep, Position, Result, Timestamp};
use rusqlite::Connection;

use crate::error::fault;
use crate::log::Log;
use crate::query::{checkpoint, chunk, control, feed, session, store, tombstone};
use crate::tables::SqliteTables;

/// One step: what all backends do, then free pages.
pub(crate) fn step(
    connection: &Connection,
    log: Option<&mut Log>,
    sweep: &mut Option<Sweep>,
    budget: &Budget,
    now: Timestamp,
) -> Result<MaintainStep> {
    let mut recall = Recall::default();
    let mut tables = SqliteTables::new(connection, &mut recall, true);
    let done = upkeep(&mut tables, sweep, budget, now)?;
    if !done.more && budget.compact && control::pages(connection)?.1 > 0 {
        control::vacuum(connection)?;
        if let Some(log) = log {
            log.empty(connection)?;
        }
    }
    Ok(done)
}

impl Upkeep for SqliteTables<'_> {
    fn transaction(&mut self, work: Within<'_, Self>) -> Result<()> {
        let connection = self.connection;
        control::begin_write(connection).map_err(fault)?;
        let result = work(self).and_then(|()| control::commit(connection).map_err(fault));
        control::rollback(connection);
        result
    }

    fn store(&mut self) -> Result<StoreRow> {
        store::store(self.connection)
    }

    fn put_store(&mut self, row: &StoreRow) -> Result<()> {
        store::put_store(self.connection, row)
    }

    fn to_purge(&mut self, after: u64) -> Result<Option<u64>> {
        session::to_purge(self.connection, after)
    }

    fn session_by_key(&mut self, key: u64) -> Result<Option<SessionRow>> {
        let found = session::by_key(self.connection, key)?;
        Ok(found.map(|stored| stored.row))
    }

    fn of_session(&mut self, key: u64, limit: usize) -> Result<Vec<u64>> {
        checkpoint::of_session(self.connection, key, limit)
    }

    fn bury_of(&mut self, session: u64, sequence: u64, deleted: Timestamp) -> Result<bool> {
        match checkpoint::small(self.connection, sequence) {
            Ok(Some((it, _))) if it.session != session => Ok(false),
            _ => self.bury(sequence, deleted),
        }
    }

    fn purged(&mut self, row: &SessionRow) -> Result<()> {
        let stored = session::Stored {
            row: row.clone(),
            purged: true,
        };
        session::put(self.connection, &stored)?;
        session::drop_old(self.connection, row.key)
    }

    fn oldest_changes(&mut self, limit: usize) -> Result<Vec<(Position, Position, Timestamp)>> {
        feed::oldest(self.connection, limit)
    }

    fn trim_changes(&mut self, end: Position) -> Result<usize> {
        feed::trim(self.connection, end)
    }

    fn trim_tombstones(
        &mut self,
        until: Timestamp,
        sequence: u64,
        limit: usize,
    ) -> Result<(usize, Option<Timestamp>)> {
        tombstone::trim(self.connection, until, sequence, limit)
    }

    fn forget(&mut self, until: Timestamp, limit: usize) -> Result<usize> {
        store::forget(self.connection, until, limit)
    }

    fn newest_change(&mut self) -> Result<Position> {
        feed::newest(self.connection)
    }

    fn tops(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, Option<ChunkId>)>> {
        checkpoint::tops(self.connection, after, limit)
    }

    fn changed_tops(&mut self, after: Position) -> Result<Vec<Option<ChunkId>>> {
        feed::changed_tops(self.connection, after)
    }

    fn last_chunk(&mut self) -> Result<u64> {
        chunk::last(self.connection)
    }

    fn needed_chunk(&mut self, id: &ChunkId) -> Result<u64> {
        chunk::needed_number_of(self.connection, id)
    }

    fn chunk_children(&mut self, no: u64) -> Result<Vec<u64>> {
        chunk::children(self.connection, no)
    }

    fn chunks_below(&mut self, no: u64, limit: usize) -> Result<Vec<u64>> {
        chunk::below(self.connection, no, limit)
    }

    fn chunks_above(&mut self, no: u64) -> Result<Vec<u64>> {
        chunk::above(self.connection, no)
    }

    fn chunk_age(&mut self, no: u64) -> Result<Option<ChunkAge>> {
        chunk::age(self.connection, no)
    }

    fn remove_chunk(&mut self, no: u64, id: Option<&ChunkId>) -> Result<()> {
        chunk::remove(self.connection, no, id)
    }
}
