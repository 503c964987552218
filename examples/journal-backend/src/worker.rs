//! The thread that writes. Commits that wait together share an entry and a sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use checkpoint_core::{Commit, Error, MemoryBackend, Receipt, Result};
use tokio::sync::oneshot;

use crate::error::stopped;
use crate::journal::Journal;

/// Commits that are written together at most.
const GROUP: usize = 256;

type Reply<T> = oneshot::Sender<Result<T>>;

/// What the thread is asked for.
enum Work {
    Commit(Commit, Reply<Receipt>),
    /// Answer when all before is done.
    Flush(Reply<()>),
    Rewrite(Reply<()>),
    Check(Reply<()>),
    Close(Reply<()>),
}

/// The thread, and the way to it.
#[derive(Debug)]
pub(crate) struct Worker {
    queue: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    size: Arc<AtomicU64>,
    /// What the size was after the journal was rewritten last.
    rewritten: AtomicU64,
}

impl Worker {
    pub(crate) fn start(memory: MemoryBackend, journal: Journal) -> Result<Self> {
        let (queue, works) = channel();
        let size = Arc::new(AtomicU64::new(journal.size()));
        let desk = Desk {
            memory,
            journal,
            size: Arc::clone(&size),
        };
        let thread = std::thread::Builder::new()
            .name("checkpoint-journal".to_owned())
            .spawn(move || desk.run(&works))
            .map_err(|error| Error::storage("cannot start a thread").because(error))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            size,
            rewritten: AtomicU64::new(0),
        })
    }

    /// Bytes of the journal.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Receipt> {
        self.ask(|reply| Work::Commit(commit, reply)).await
    }

    pub(crate) async fn flush(&self) -> Result<()> {
        self.ask(Work::Flush).await
    }

    /// Bytes that it had when this handle rewrote it last; 0 when it did not.
    pub(crate) fn rewritten(&self) -> u64 {
        self.rewritten.load(Ordering::Relaxed)
    }

    pub(crate) async fn rewrite(&self) -> Result<()> {
        self.ask(Work::Rewrite).await?;
        self.rewritten.store(self.size(), Ordering::Relaxed);
        Ok(())
    }

    pub(crate) async fn check(&self) -> Result<()> {
        self.ask(Work::Check).await
    }

    pub(crate) async fn close(&self) -> Result<()> {
        self.ask(Work::Close).await
    }

    /// What is in the queue is done whether anybody waits for the answer or not. A thread that has ended was closed.
    async fn ask<T>(&self, work: impl FnOnce(Reply<T>) -> Work) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(work(reply)).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// Waits for what is in the queue, so that the lock is free when the handle is gone.
impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, that was told where it happened.
            let _ = thread.join();
        }
    }
}

/// What the thread works on.
struct Desk {
    memory: MemoryBackend,
    journal: Journal,
    size: Arc<AtomicU64>,
}

impl Desk {
    fn run(mut self, works: &Receiver<Work>) {
        let mut next = None;
        while let Some(work) = next.take().or_else(|| works.recv().ok()) {
            // Nobody may wait for the answer any more; that changes nothing.
            match work {
                Work::Commit(commit, reply) => next = self.commit(commit, reply, works),
                Work::Flush(reply) => drop(reply.send(self.journal.usable())),
                Work::Rewrite(reply) => {
                    let done = self.journal.rewrite(|log| self.memory.snapshot(log));
                    self.measure();
                    drop(reply.send(done));
                }
                Work::Check(reply) => drop(reply.send(self.journal.check())),
                Work::Close(reply) => {
                    drop(self);
                    let _ = reply.send(Ok(()));
                    return;
                }
            }
        }
    }

    /// Before the answer: who gets it may ask for the size.
    fn measure(&self) {
        self.size.store(self.journal.size(), Ordering::Relaxed);
    }

    /// Commits this one and those that wait behind it; answers what came after them.
    fn commit(
        &mut self,
        first: Commit,
        reply: Reply<Receipt>,
        works: &Receiver<Work>,
    ) -> Option<Work> {
        let (mut commits, mut replies, mut next) = (vec![first], vec![reply], None);
        while commits.len() < GROUP && next.is_none() {
            match works.try_recv() {
                Ok(Work::Commit(commit, reply)) => {
                    commits.push(commit);
                    replies.push(reply);
                }
                Ok(other) => next = Some(other),
                Err(_) => break,
            }
        }
        let journal = &mut self.journal;
        let done = match journal.usable() {
            Ok(()) => self
                .memory
                .commit_logged(&commits, |rows| journal.append(rows)),
            Err(error) => commits.iter().map(|_| Err(error.clone())).collect(),
        };
        self.measure();
        for (reply, done) in replies.into_iter().zip(done) {
            let _ = reply.send(done);
        }
        next
    }
}
