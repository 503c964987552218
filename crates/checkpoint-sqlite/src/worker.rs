//! What the thread that writes does: every commit that waits in one group, each caller told its own fate once the group
//! is on disk.

use std::sync::Arc;

use checkpoint_core::engine::{Recall, Sweep};
use checkpoint_core::files::Named;
use checkpoint_core::{
    Budget, Clock, Commit, Durability, MaintainStep, Position, Receipt, Result, engine,
};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::watch;

use crate::group::{Member, transaction};
use crate::log::Log;
use crate::place::Hold;
use crate::query::control;

/// Groups after which the log is extended, so that a store that is opened for one commit does not pay for it.
const EXTEND_AFTER: u32 = 2;

/// The way to the writer.
pub(crate) type Writer = engine::Writer<Work>;

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) connection: Arc<Mutex<Connection>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) durability: Durability,
    pub(crate) position: watch::Sender<Position>,
    /// None for a store in memory.
    pub(crate) log: Option<Log>,
    /// Likewise.
    pub(crate) named: Option<Named>,
    /// Outlives the connection.
    pub(crate) _hold: Option<Arc<Hold>>,
}

impl Setup {
    /// Wakes who waits for a change.
    fn tell(&self, position: Position) {
        self.position.send_if_modified(|seen| {
            let moves = *seen != position;
            *seen = position;
            moves
        });
    }
}

/// Starts the thread.
pub(crate) fn start(setup: Setup) -> Result<Writer> {
    Writer::start(Work {
        setup,
        sweep: None,
        groups: 0,
        recall: Recall::default(),
    })
}

/// The thread's own.
#[derive(Debug)]
pub(crate) struct Work {
    setup: Setup,
    sweep: Option<Sweep>,
    groups: u32,
    recall: Recall,
}

impl engine::Work for Work {
    type Commit = Box<Commit>;
    type Fate = Result<Receipt>;
    type Budget = Budget;
    type Step = Result<MaintainStep>;

    fn group(&mut self, members: Vec<Member>) {
        self.groups = self
            .groups
            .saturating_add(u32::from(self.groups < EXTEND_AFTER));
        let (setup, recall) = (&self.setup, &mut self.recall);
        let mut transaction = |members: &[Member]| transaction(setup, recall, members);
        engine::settle(members, &mut transaction, &|position| setup.tell(position));
        self.with_log(Log::tend);
    }

    fn maintain(&mut self, budget: &Budget) -> Result<MaintainStep> {
        let connection = self.setup.connection.lock();
        let now = self.setup.clock.now();
        self.recall.forget();
        let log = self.setup.log.as_mut();
        let step = crate::maintain::step(&connection, log, &mut self.sweep, budget, now);
        control::rollback(&connection);
        drop(connection);
        self.with_log(Log::tend);
        step
    }

    /// The log is extended once, lazily.
    fn rest(&mut self) {
        if self.groups == EXTEND_AFTER {
            self.groups += 1;
            self.with_log(Log::extend);
        }
    }

    fn end(&mut self) {
        self.with_log(|log, connection| {
            if let Err(error) = log.empty(connection) {
                tracing::debug!(%error, "the log stays for the next to open the store");
            }
        });
    }
}

impl Work {
    fn with_log(&mut self, work: impl FnOnce(&mut Log, &Connection)) {
        if let Some(log) = &mut self.setup.log {
            work(log, &self.setup.connection.lock());
        }
    }
}

#[cfg(test)]
mod tests {
    use checkpoint_core::{
        ChunkId, CommitId, ErrorKind, IdSource, NewChunk, Purpose, SeededIds, StoreId, SystemClock,
    };

    use super::*;
    use crate::config::SqliteOptions;
    use crate::log::Doubt;
    use crate::query::store;

    fn chunk(size: usize, ids: &SeededIds) -> Box<Commit> {
        let bytes = vec![size as u8; size];
        let id = checkpoint_core::ContentHasher::plain().digest(Purpose::Leaf, &bytes);
        let mut commit = Commit::new(CommitId::from_uuid(ids.next()));
        commit.chunks.push(NewChunk {
            id: ChunkId::from_bytes(id),
            children: Arc::new([]),
            bytes: bytes.into(),
        });
        Box::new(commit)
    }

    #[tokio::test]
    async fn a_member_for_which_the_disk_is_too_small_takes_no_other_with_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("full.db");
        let options = SqliteOptions::at(&path);
        let opened = crate::open::writer(&options, &path).expect("a store");
        let connection = Arc::new(Mutex::new(opened.connection));
        connection
            .lock()
            .execute_batch("PRAGMA max_page_count = 120")
            .expect("a small disk");
        let work = Work {
            setup: Setup {
                connection: Arc::clone(&connection),
                clock: Arc::new(SystemClock),
                durability: Durability::Disk,
                position: watch::channel(Position::START).0,
                named: Named::now(Arc::clone(&options.files), &path),
                log: Some(Log::new(&options, path, Doubt::default())),
                _hold: Some(opened.hold),
            },
            sweep: None,
            groups: 0,
            recall: Recall::default(),
        };
        let (asker, queue) = engine::queue(8);
        let ids = SeededIds::new(1);
        let send = |size| asker.commit(chunk(size, &ids));
        // All four wait before anybody serves them, so that they are one group.
        let (first, second, large, last, ()) = tokio::join!(
            send(1_000),
            send(2_000),
            send(900_000),
            send(3_000),
            async { drop(std::thread::spawn(move || queue.serve(work))) }
        );
        for fate in [first, second, last] {
            fate.expect("an answer").expect("room");
        }
        let error = large.expect("an answer").expect_err("no room");
        assert_eq!(*error.kind(), ErrorKind::Storage, "{error}");
        assert_ne!(
            store::store(&connection.lock()).expect("a row").id,
            StoreId::from_bytes([0; 16])
        );
    }
}
