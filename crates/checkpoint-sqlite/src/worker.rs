//! The thread that writes. It takes every commit that waits into one transaction, each in a savepoint of its own, and
//! tells each caller its own fate once the transaction is on disk.

use std::sync::Arc;
use std::thread::JoinHandle;

use checkpoint_core::engine::{Counters, apply};
use checkpoint_core::{
    Budget, Clock, Commit, Durability, Error, ErrorKind, MaintainStep, Operation, Position,
    Receipt, Result,
};
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{commit_fault, fault, stopped};
use crate::maintain::Sweep;
use crate::place::Hold;
use crate::query::control;
use crate::recall::Recall;
use crate::tables::{SqliteTables, order_chunks};

/// Commits that may wait; the next ones wait to get in.
const QUEUE: usize = 1024;
/// Groups after which the log is extended, so that a store that is opened for one commit does not pay for it.
const EXTEND_AFTER: u32 = 2;

/// What the writer is asked for.
#[derive(Debug)]
pub(crate) enum Job {
    Commit(Box<Commit>, oneshot::Sender<Result<Receipt>>),
    Maintain(Budget, oneshot::Sender<Result<MaintainStep>>),
    Close(oneshot::Sender<()>),
}

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) connection: Arc<Mutex<Connection>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) durability: Durability,
    pub(crate) position: watch::Sender<Position>,
    /// Whether there is a log to be extended.
    pub(crate) file: bool,
    /// Outlives the connection.
    pub(crate) _hold: Option<Arc<Hold>>,
}

impl Writer {
    pub(crate) fn start(setup: Setup) -> Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let work = Work {
            setup,
            sweep: None,
            groups: 0,
            recall: Recall::default(),
        };
        let thread = std::thread::Builder::new()
            .name("checkpoint-writer".to_owned())
            .spawn(move || work.run(queue))
            .map_err(|error| Error::storage("no thread could be started").because(error))?;
        Ok(Self {
            jobs,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Sends a job and waits for its answer. Once it is sent it is done, also when nobody waits any more.
    pub(crate) async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(job(answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())
    }

    /// Finishes what was sent before and ends the thread.
    pub(crate) async fn close(&self) {
        let closed = self.ask(Job::Close).await;
        let thread = self.thread.lock().take();
        if let (Ok(()), Some(thread)) = (closed, thread)
            && thread.join().is_err()
        {
            tracing::error!("the writer thread panicked");
        }
    }
}

type Member = (Box<Commit>, oneshot::Sender<Result<Receipt>>);

#[derive(Debug)]
struct Work {
    setup: Setup,
    sweep: Option<Sweep>,
    groups: u32,
    recall: Recall,
}

/// What became of a group.
enum Group {
    /// On disk; the fate of each member, in their order.
    Done(Vec<Result<Receipt>>, Position),
    /// Nothing of it is written, for this reason that all share.
    Failed(Error),
    /// Nothing of it is written, for a reason that may be one member's alone.
    Apart(Error),
}

impl Work {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut members: Vec<Member> = Vec::new();
        while let Some(job) = queue.blocking_recv() {
            let mut next = Some(job);
            while let Some(job) = next.take() {
                match job {
                    Job::Commit(commit, answer) => members.push((commit, answer)),
                    Job::Maintain(budget, answer) => {
                        self.group(std::mem::take(&mut members));
                        let _ = answer.send(self.maintain(&budget));
                    }
                    Job::Close(answer) => {
                        queue.close();
                        while let Ok(job) = queue.try_recv() {
                            if let Job::Commit(commit, answer) = job {
                                members.push((commit, answer));
                            }
                        }
                        self.group(std::mem::take(&mut members));
                        self.let_go();
                        let _ = answer.send(());
                        return;
                    }
                }
                if members.len() < QUEUE {
                    next = queue.try_recv().ok();
                }
            }
            self.group(std::mem::take(&mut members));
            self.extend_log();
        }
        self.let_go();
    }

    fn let_go(&self) {
        if self.setup.file
            && let Err(error) = control::checkpoint(&self.setup.connection.lock())
        {
            tracing::debug!(%error, "the log stays for the next to open the store");
        }
    }

    /// Extends the log once, lazily: growing it doubles the cost of each of the first hundreds of commits.
    fn extend_log(&mut self) {
        if !self.setup.file || self.groups != EXTEND_AFTER {
            return;
        }
        self.groups += 1;
        let connection = self.setup.connection.lock();
        let log = connection
            .path()
            .map(|path| crate::place::beside(path.as_ref(), "-wal"));
        let length = log
            .and_then(|log| std::fs::metadata(log).ok())
            .map_or(0, |it| it.len());
        if length < control::EXTENSION
            && let Err(error) = control::extend_log(&connection)
        {
            control::rollback(&connection);
            // What it did take may be the last room on the disk.
            let given_back = control::checkpoint(&connection).is_ok();
            tracing::debug!(%error, given_back, "the log was not extended");
        }
    }

    fn maintain(&mut self, budget: &Budget) -> Result<MaintainStep> {
        let connection = self.setup.connection.lock();
        let now = self.setup.clock.now();
        self.recall.forget();
        let step = crate::maintain::step(&connection, &mut self.sweep, budget, now);
        control::rollback(&connection);
        step
    }

    fn group(&mut self, mut members: Vec<Member>) {
        if members.is_empty() {
            return;
        }
        self.groups = self
            .groups
            .saturating_add(u32::from(self.groups < EXTEND_AFTER));
        for (commit, _) in &mut members {
            order_chunks(&mut commit.chunks);
        }
        match self.transaction(&members) {
            Group::Done(fates, position) => self.tell(members, fates, position),
            Group::Failed(error) => {
                for (_, answer) in members {
                    let _ = answer.send(Err(error.clone()));
                }
            }
            Group::Apart(error) if members.len() == 1 => {
                for (_, answer) in members {
                    let _ = answer.send(Err(error.clone()));
                }
            }
            Group::Apart(_) => {
                for member in members {
                    self.group(vec![member]);
                }
            }
        }
    }

    fn tell(&self, members: Vec<Member>, fates: Vec<Result<Receipt>>, position: Position) {
        let moved = |seen: &mut Position| {
            let moves = *seen != position;
            *seen = position;
            moves
        };
        self.setup.position.send_if_modified(moved);
        for ((_, answer), fate) in members.into_iter().zip(fates) {
            let _ = answer.send(fate);
        }
    }

    /// All members in one transaction.
    fn transaction(&mut self, members: &[Member]) -> Group {
        let connection = Arc::clone(&self.setup.connection);
        let connection = connection.lock();
        if let Err(error) = control::begin_write(&connection) {
            return Group::Failed(fault(error));
        }
        let group = self.inside(&connection, members);
        if !matches!(group, Group::Done(..)) {
            self.recall.forget();
        }
        control::rollback(&connection);
        group
    }

    fn inside(&mut self, connection: &Connection, members: &[Member]) -> Group {
        let mut counters = match self.recall.begin(connection) {
            Ok(counters) => counters,
            Err(error) => return Group::Failed(error),
        };
        let mut fates = Vec::with_capacity(members.len());
        for (commit, _) in members {
            match self.member(connection, &mut counters, commit, members.len() == 1) {
                Ok(fate) => fates.push(fate),
                Err(error) => return Group::Apart(error),
            }
        }
        match control::commit(connection) {
            Ok(()) => {
                self.recall.done(counters);
                Group::Done(fates, counters.position)
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                Group::Apart(fault(error))
            }
            Err(error) => Group::Failed(commit_fault(error)),
        }
    }

    /// One member. The outer error is one after which the transaction is no more: what the engine cannot undo in part
    /// it undoes in whole.
    fn member(
        &mut self,
        connection: &Connection,
        counters: &mut Counters,
        commit: &Commit,
        alone: bool,
    ) -> Result<Result<Receipt>> {
        let can_undo = !alone && !is_simple(commit);
        if can_undo {
            control::savepoint(connection)?;
        }
        let before = *counters;
        let mut tables = SqliteTables::new(connection, &mut self.recall, is_lenient(commit));
        let now = self.setup.clock.now();
        match apply(&mut tables, counters, commit, now, self.setup.durability) {
            Ok(receipt) => {
                if can_undo {
                    control::release(connection)?;
                }
                Ok(Ok(receipt))
            }
            Err(error) => {
                *counters = before;
                // A member that is alone takes the transaction with it; a fatal error took it already.
                if alone || connection.is_autocommit() {
                    return Err(error);
                }
                if can_undo {
                    self.recall.forget();
                    control::undo(connection)?;
                } else if tables.wrote {
                    return Err(error);
                }
                match error.kind() {
                    ErrorKind::Storage => Err(error),
                    _ => Ok(Err(error)),
                }
            }
        }
    }
}

/// Commits of one operation and no chunk are refused, as a rule, before they write; so they need no savepoint, which
/// copies each page that they touch.
fn is_simple(commit: &Commit) -> bool {
    commit.operations.len() <= 1 && commit.chunks.is_empty() && commit.relies_on.is_empty()
}

/// Commits that do nothing but delete and set aside may touch damaged rows.
fn is_lenient(commit: &Commit) -> bool {
    commit
        .operations
        .iter()
        .all(|operation| matches!(operation, Operation::Delete(_) | Operation::Quarantine(_)))
}

#[cfg(test)]
mod tests {
    use checkpoint_core::{
        ChunkId, CommitId, IdSource, NewChunk, Purpose, SeededIds, StoreId, SystemClock,
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

    #[test]
    fn a_member_for_which_the_disk_is_too_small_takes_no_other_with_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("full.db");
        let opened = crate::open::writer(&SqliteOptions::at(&path), &path).expect("a store");
        let connection = opened.connection;
        connection
            .execute_batch("PRAGMA max_page_count = 120")
            .expect("a small disk");
        let ids = SeededIds::new(1);
        let mut work = Work {
            setup: Setup {
                connection: Arc::new(Mutex::new(connection)),
                clock: Arc::new(SystemClock),
                durability: Durability::Disk,
                position: watch::channel(Position::START).0,
                file: true,
                _hold: Some(opened.hold),
            },
            sweep: None,
            groups: 0,
            recall: Recall::default(),
        };
        let (mut members, mut answers) = (Vec::new(), Vec::new());
        for size in [1_000, 2_000, 900_000, 3_000] {
            let (answer, answered) = oneshot::channel();
            members.push((chunk(size, &ids), answer));
            answers.push(answered);
        }
        work.group(members);
        let fates: Vec<_> = answers
            .into_iter()
            .map(|answer| answer.blocking_recv().expect("an answer"))
            .collect();
        assert!(
            fates[0].is_ok() && fates[1].is_ok() && fates[3].is_ok(),
            "{fates:?}"
        );
        let error = fates[2].as_ref().expect_err("no room");
        assert_eq!(*error.kind(), ErrorKind::Storage, "{error}");
        assert_ne!(
            store::store(&work.setup.connection.lock())
                .expect("a row")
                .id,
            StoreId::from_bytes([0; 16])
        );
    }
}
