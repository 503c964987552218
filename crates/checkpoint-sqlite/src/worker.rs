//! The thread that writes. It takes every commit that waits into one group, and tells each caller its own fate once the
//! group is on disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use checkpoint_core::{
    Budget, Clock, Commit, Durability, Error, MaintainStep, Position, Receipt, Result,
};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::stopped;
use crate::group::{Group, Member, transaction};
use crate::maintain::Sweep;
use crate::place::{Hold, beside};
use crate::query::control;
use crate::recall::Recall;
use crate::tables::order_chunks;

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
    /// The store's file, which has a log; none for one in memory.
    pub(crate) path: Option<PathBuf>,
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

#[derive(Debug)]
struct Work {
    setup: Setup,
    sweep: Option<Sweep>,
    groups: u32,
    recall: Recall,
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
        if self.setup.path.is_some()
            && let Err(error) = control::checkpoint(&self.setup.connection.lock())
        {
            tracing::debug!(%error, "the log stays for the next to open the store");
        }
    }

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
        let log = std::fs::metadata(beside(path, "-wal"));
        let length = log.map_or(0, |it| it.len());
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
        let group = transaction(&self.setup, &mut self.recall, &members);
        match group {
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
}

#[cfg(test)]
mod tests {
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
                path: Some(path),
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
