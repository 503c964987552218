//! What a backend needs that keeps its state here and makes it durable by a log of its own.

use super::MemoryBackend;
use super::rows::Batch;
use super::transaction::{Savepoint, Transaction};
use crate::commit::Commit;
use crate::engine::{self, Counters};
use crate::error::{Error, Result};
use crate::receipt::Receipt;

/// How large a piece of a snapshot may grow before the next begins.
const PIECE: usize = 1 << 20;

impl MemoryBackend {
    /// Does commits in their order, each whole or not at all, and gives what they wrote to `log` before anybody can
    /// read it. For a backend that keeps its state in memory and makes it durable itself.
    ///
    /// `log` is called once for all of them, or not at all when they wrote nothing. What it is given are rows, as
    /// bytes for [`replay`](Self::replay): the outcome of the commits and not the commits, so that reading them back
    /// judges nothing again. When it fails, all is taken back, and every commit that would have been done has its error. Readers wait meanwhile.
    pub fn commit_logged(
        &self,
        commits: &[Commit],
        log: impl FnOnce(&[u8]) -> Result<()>,
    ) -> Vec<Result<Receipt>> {
        let mut done = Vec::new();
        let logged = self.transact(|tables, counters| {
            let attempts = commits.iter();
            done.extend(attempts.map(|commit| self.attempt(tables, counters, commit)));
            match tables.rows(counters) {
                Some(rows) => log(&rows),
                None => Ok(()),
            }
        });
        if let Err(error) = logged {
            let promised = done.iter_mut().filter(|one| one.is_ok());
            promised.for_each(|one| *one = Err(error.clone()));
        }
        let on_this = |error: Error| error.on(&self.shared.info.label);
        done.into_iter().map(|one| one.map_err(on_this)).collect()
    }

    /// Does again what was given to a log, in the order in which it was. Rows of a [`snapshot`](Self::snapshot) come
    /// first, into an empty store.
    ///
    /// # Errors
    ///
    /// `Corrupt` for what no log was given; the store may have a part of it then, and is of no more use.
    pub fn replay(&self, rows: &[u8]) -> Result<()> {
        let position = {
            let mut state = self.shared.state.write();
            state.put(rows)?;
            state.counters.position
        };
        self.tell(position);
        Ok(())
    }

    /// Gives all that the store holds to `log`, in pieces of about 1 MiB for [`replay`](Self::replay): the start of a
    /// new log, after which the old one may go.
    ///
    /// Nothing is committed meanwhile. What [`maintain`](crate::Backend::maintain) took away stays away from then on; until
    /// then it comes back when the old log is replayed, and is taken away again.
    ///
    /// # Errors
    ///
    /// Those of `log`.
    pub fn snapshot(&self, mut log: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let state = self.shared.state.read();
        let mut keys = state.keys().peekable();
        loop {
            let mut batch = Batch::new(&state, &state.counters);
            while batch.size() < PIECE
                && let Some(key) = keys.next()
            {
                batch.add(&state, &key);
            }
            log(&batch.finish())?;
            if keys.peek().is_none() {
                return Ok(());
            }
        }
    }

    /// All of it without a pause, so that nobody can drop it half done.
    pub(super) fn commit_now(&self, commit: &Commit) -> Result<Receipt> {
        self.transact(|tables, counters| self.attempt(tables, counters, commit))
            .map_err(|error| error.on(&self.shared.info.label))
    }

    /// Does what `work` does, or nothing of it when it fails.
    fn transact<T>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>, &mut Counters) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.shared.state.write();
        let mut counters = state.counters;
        let mut transaction = Transaction::new(&mut state);
        let done = work(&mut transaction, &mut counters);
        if done.is_err() {
            transaction.roll_back(&Savepoint::default());
        }
        drop(transaction);
        if done.is_ok() {
            state.counters = counters;
        }
        let position = state.counters.position;
        drop(state);
        self.tell(position);
        done
    }

    fn attempt(
        &self,
        transaction: &mut Transaction<'_>,
        counters: &mut Counters,
        commit: &Commit,
    ) -> Result<Receipt> {
        commit.check(&self.shared.info.limits)?;
        // Asked under the lock: after `close` returned nothing is written.
        self.running()?;
        let (start, before) = (transaction.savepoint(), *counters);
        let (now, durability) = (self.shared.clock.now(), self.shared.info.durability);
        let done = engine::apply(transaction, counters, commit, now, durability);
        if done.is_err() {
            transaction.roll_back(&start);
            *counters = before;
        }
        done
    }
}
