//! The thread that writes, behind its queue.

use std::fmt;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::queue::{Asker, Unanswered, Work, queue};
use crate::backend::StoreInfo;
use crate::error::{Applied, Error, ErrorKind, Result};

/// Commits that may wait; the next ones wait to get in.
const ROOM: usize = 1024;

/// A thread that writes, for a backend with one writer. It takes every commit that waits into one group.
///
/// Dropping it lets the thread finish what was sent, and end.
pub struct Writer<W: Work> {
    asker: Asker<W>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<W: Work> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl<W: Work> Writer<W> {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// `Storage` when there can be no more threads.
    pub fn start(work: W) -> Result<Self>
    where
        W: Send + 'static,
        W::Commit: Send,
        W::Fate: Send,
        W::Budget: Send,
        W::Step: Send,
    {
        let (asker, queue) = queue(ROOM);
        let thread = std::thread::Builder::new()
            .name("checkpoint-writer".to_owned())
            .spawn(move || queue.serve(work))
            .map_err(|error| Error::storage("no thread could be started").because(error))?;
        Ok(Self {
            asker,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The writer of a store that has one.
    ///
    /// # Errors
    ///
    /// `Denied` when there is none, since the store is open for reading alone.
    pub fn of<'w>(writer: Option<&'w Self>, info: &StoreInfo) -> Result<&'w Self> {
        writer.ok_or_else(|| {
            let problem = "the store is open for reading alone; open it for writing";
            Error::new(ErrorKind::Denied, problem).on(&info.label)
        })
    }

    /// Sends a commit and waits for its fate. Once it is sent it is done, also when nobody waits any more.
    ///
    /// # Errors
    ///
    /// `Stopped` when it was not done, `Unavailable` when nobody knows since the writer panicked.
    pub async fn commit(&self, commit: W::Commit) -> Result<W::Fate> {
        self.asker.commit(commit).await.map_err(unanswered)
    }

    /// Asks for a part of the upkeep and waits for it.
    ///
    /// # Errors
    ///
    /// `Stopped` when it was not done, `Unavailable` when nobody knows since the writer panicked.
    pub async fn maintain(&self, budget: W::Budget) -> Result<W::Step> {
        self.asker.maintain(budget).await.map_err(unanswered)
    }

    /// Finishes the commits that were sent before, and ends the thread.
    pub async fn close(&self) {
        self.asker.close().await;
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer thread panicked");
        }
    }
}

fn unanswered(why: Unanswered) -> Error {
    match why {
        Unanswered::Stopped => Error::new(
            ErrorKind::Stopped,
            "the store was closed; open it again to go on",
        ),
        Unanswered::Lost => Error::new(
            ErrorKind::Unavailable {
                applied: Applied::Unknown,
            },
            "the writer panicked; open the store again and send the same commit",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::Member;
    use super::*;

    /// Answers each commit with itself, and panics over the second of a group.
    struct Panics;

    impl Work for Panics {
        type Commit = usize;
        type Fate = usize;
        type Budget = ();
        type Step = ();

        fn group(&mut self, members: Vec<Member<Self>>) {
            for (n, (commit, answer)) in members.into_iter().enumerate() {
                assert_eq!(n, 0, "a group of more than one, over which it was to panic");
                answer.send(commit);
            }
        }

        fn maintain(&mut self, (): &()) {}

        fn rest(&mut self) {}

        fn end(&mut self) {}
    }

    /// Loom cannot try this one: its threads may not switch while one of them unwinds.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_panic_of_the_writer_leaves_nobody_waiting() {
        for _ in 0..50 {
            let writer = std::sync::Arc::new(Writer::start(Panics).expect("a thread"));
            let ask = |n: usize| {
                let writer = std::sync::Arc::clone(&writer);
                tokio::spawn(async move { (n, writer.commit(n).await) })
            };
            for asked in (0..64).map(ask).collect::<Vec<_>>() {
                let (n, fate) = asked.await.expect("no panic here");
                match fate {
                    Ok(answer) => assert_eq!(answer, n),
                    Err(error) => assert!(
                        matches!(
                            error.kind(),
                            ErrorKind::Stopped
                                | ErrorKind::Unavailable {
                                    applied: Applied::Unknown
                                }
                        ),
                        "{error}"
                    ),
                }
            }
            writer.close().await;
        }
    }
}
