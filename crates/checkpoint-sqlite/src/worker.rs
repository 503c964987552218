//! What the thread that writes does: every commit that waits in one group, each caller told its own fate once the group
//! is on disk.

use std::path::PathBuf;
use std::sync::Arc;

use checkpoint_core::engine::{Recall, Sweep};
use checkpoint_core::files::{Files, beside};
use checkpoint_core::{
    Budget, Clock, Commit, Durability, MaintainStep, Position, Receipt, Result, engine,
};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::watch;

use crate::group::{Member, transaction};
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
    /// The store's file, which has a log; none for one in memory.
    pub(crate) path: Option<PathBuf>,
    pub(crate) files: Arc<dyn Files>,
    /// How far the log is extended ahead, in bytes.
    pub(crate) extension: u64,
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
    }

    fn maintain(&mut self, budget: &Budget) -> Result<MaintainStep> {
        let connection = self.setup.connection.lock();
        let now = self.setup.clock.now();
        self.recall.forget();
        let step = crate::maintain::step(&connection, &mut self.sweep, budget, now);
        control::rollback(&connection);
        step
    }

    fn rest(&mut self) {
        self.extend_log();
    }

    fn end(&mut self) {
        if self.setup.path.is_some()
            && let Err(error) = control::checkpoint(&self.setup.connection.lock())
        {
            tracing::debug!(%error, "the log stays for the next to open the store");
        }
    }
}

impl Work {
    /// Extends the log once, lazily: growing it doubles the cost of each of the first hundreds of commits.
    fn extend_log(&mut self) {
        let Some(path) = self
            .setup
            .path
            .as_ref()
            .filter(|_| self.groups == EXTEND_AFTER)
        else {
            return;
        };
        self.groups += 1;
        let connection = self.setup.connection.lock();
        let log = self.setup.files.metadata(&beside(path, "-wal"));
        let length = log.map_or(0, |it| it.len());
        if length < self.setup.extension
            && let Err(error) = control::extend_log(&connection, self.setup.extension)
        {
            control::rollback(&connection);
            // What it did take may be the last room on the disk.
            let given_back = control::checkpoint(&connection).is_ok();
            tracing::debug!(%error, given_back, "the log was not extended");
        }
    }
}

#[cfg(test)]
mod tests {
    use checkpoint_core::files::SystemFiles;
    use checkpoint_core::{
        ChunkId, CommitId, ErrorKind, IdSource, NewChunk, Purpose, SeededIds, StoreId, SystemClock,
    };

    use super::*;
    use crate::config::SqliteOptions;
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
        let opened = crate::open::writer(&SqliteOptions::at(&path), &path).expect("a store");
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
                path: Some(path),
                files: Arc::new(SystemFiles),
                extension: control::extension(2_000),
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
