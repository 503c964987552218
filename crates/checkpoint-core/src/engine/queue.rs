//! The queue before a writer: many ask, one thread does, and what waits together is done together.
//!
//! Nothing that was sent is lost. It is done and answered, or it is not done and who asked is told so; this holds for
//! what is sent while the queue is closed, and for what waits when the writer panics. Only what the writer panicked over
//! may be done or not, and who asked for it is told that. A caller who no longer waits changes nothing: what was sent is
//! done.
//!
//! `tests/queue.rs` compiles this file once more and tries every ordering.

use std::fmt;

use super::sync::{mpsc, oneshot};

/// What a writer does with what it is asked for.
pub trait Work {
    /// A commit as it is sent.
    type Commit;
    /// What became of it.
    type Fate;
    /// How much upkeep to do.
    type Budget;
    /// What was done of it.
    type Step;

    /// Does commits that waited together, in their order, and answers each.
    fn group(&mut self, members: Vec<Member<Self>>);

    /// Called before a group when nothing else waits, with how many are in it: where to do a group takes long, it may wait
    /// a little for those who have just been answered and ask again. Whether it did, so that the queue is looked at once
    /// more.
    fn lingers(&mut self, members: usize) -> bool {
        let _ = members;
        false
    }

    /// Does a part of the upkeep, between two groups.
    fn maintain(&mut self, budget: &Self::Budget) -> Self::Step;

    /// Called when all that waited is done.
    fn rest(&mut self);

    /// Lets go of what is held. Nothing else is called afterwards; it is dropped before anybody is told of the end.
    fn end(&mut self);
}

/// A commit, and who waits for its fate.
pub type Member<W> = (<W as Work>::Commit, Answer<<W as Work>::Fate>);

/// The way back to who asked. Dropping it says that nobody knows what became of the question.
#[derive(Debug)]
pub struct Answer<T>(oneshot::Sender<Result<T, Unanswered>>);

impl<T> Answer<T> {
    /// Answers; who no longer waits misses it.
    pub fn send(self, answer: T) {
        let _ = self.0.send(Ok(answer));
    }

    fn stop(self) {
        let _ = self.0.send(Err(Unanswered::Stopped));
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The writer has stopped, and has not done it.
    Stopped,
    /// The writer panicked over it: it may be done or not.
    Lost,
}

enum Job<W: Work + ?Sized> {
    Commit(W::Commit, Answer<W::Fate>),
    Maintain(W::Budget, Answer<W::Step>),
    Close(Answer<()>),
}

impl<W: Work + ?Sized> Job<W> {
    fn stop(self) {
        match self {
            Self::Commit(_, answer) => answer.stop(),
            Self::Maintain(_, answer) => answer.stop(),
            Self::Close(answer) => answer.send(()),
        }
    }
}

/// The way to the writer.
pub struct Asker<W: Work>(mpsc::Sender<Job<W>>);

impl<W: Work> fmt::Debug for Asker<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}

/// A queue with room for as many; those beyond wait to get in.
pub fn queue<W: Work>(room: usize) -> (Asker<W>, Queue<W>) {
    let (asker, jobs) = mpsc::channel(room);
    (Asker(asker), Queue { jobs, room })
}

impl<W: Work> Asker<W> {
    /// Sends a commit and waits for its fate.
    ///
    /// # Errors
    ///
    /// [`Unanswered`], which says whether it may be done.
    ///
    /// # Cancel safety
    ///
    /// A commit that was sent is done, also when this is dropped; one that waits to get in is not.
    pub async fn commit(&self, commit: W::Commit) -> Result<W::Fate, Unanswered> {
        self.ask(|answer| Job::Commit(commit, answer)).await
    }

    /// Asks for upkeep; otherwise as [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// [`Unanswered`], which says whether it may be done.
    pub async fn maintain(&self, budget: W::Budget) -> Result<W::Step, Unanswered> {
        self.ask(|answer| Job::Maintain(budget, answer)).await
    }

    /// Has the commits done that were sent before, and the writer end. Whoever closes as well waits for the same end.
    pub async fn close(&self) {
        // One who is stopped already has ended.
        let _ = self.ask(Job::Close).await;
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job<W>) -> Result<T, Unanswered> {
        let (answer, answered) = oneshot::channel();
        let job = job(Answer(answer));
        let sent = self.0.send(job).await;
        sent.map_err(|_| Unanswered::Stopped)?;
        answered.await.map_err(|_| Unanswered::Lost)?
    }
}

/// The writer's end of the queue.
pub struct Queue<W: Work> {
    jobs: mpsc::Receiver<Job<W>>,
    room: usize,
}

impl<W: Work> fmt::Debug for Queue<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl<W: Work> Queue<W> {
    /// Stops what still comes. What was granted a place may arrive after the queue was closed and seen empty: only the
    /// last answer of a closed queue says that nothing comes any more. Without it such a job would lie there for as long
    /// as anybody could ask, and who sent it would wait as long.
    fn close(&mut self) {
        self.jobs.close();
        while let Some(job) = self.jobs.blocking_recv() {
            job.stop();
        }
    }
}

/// Tells who still waits, however the writer ends.
struct Open<W: Work>(Queue<W>);

impl<W: Work> Drop for Open<W> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<W: Work> Queue<W> {
    /// Does what is asked for until the queue is closed, or nobody is left who could ask. Blocks.
    ///
    /// The queue takes in until all is done and let go of, so that whoever finds it closed finds the end.
    pub fn serve(self, mut work: W) {
        let mut open = Open(self);
        let mut closing = None;
        while closing.is_none()
            && let Some(first) = open.0.jobs.blocking_recv()
        {
            closing = open.0.turn(first, &mut work);
        }
        work.end();
        drop(work);
        drop(open);
        if let Some(answer) = closing {
            answer.send(());
        }
    }

    /// Everything that waits, beginning with this; answers who wants it closed.
    fn turn(&mut self, first: Job<W>, work: &mut W) -> Option<Answer<()>> {
        let mut members = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                Job::Commit(commit, answer) => members.push((commit, answer)),
                Job::Maintain(budget, answer) => {
                    group(work, &mut members);
                    answer.send(work.maintain(&budget));
                }
                Job::Close(answer) => {
                    group(work, &mut members);
                    return Some(answer);
                }
            }
            while next.is_none() && members.len() < self.room {
                next = self.jobs.try_recv().ok();
                if next.is_none() && (members.is_empty() || !work.lingers(members.len())) {
                    break;
                }
            }
        }
        group(work, &mut members);
        work.rest();
        None
    }
}

fn group<W: Work>(work: &mut W, members: &mut Vec<Member<W>>) {
    if !members.is_empty() {
        work.group(std::mem::take(members));
    }
}
