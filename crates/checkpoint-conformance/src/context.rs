//! What a case works with: a fresh store, its clock, and numbers that never come twice.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use checkpoint_core::{Backend, Capabilities, Commit, Error, FakeClock};
use parking_lot::Mutex;

use crate::case::{Failure, Verdict};
use crate::harness::{Damage, Fixture, Harness};
use crate::samples;

/// The time at which every case begins.
pub(crate) const BEGINNING: &str = "2026-11-20T10:00:00Z";

/// A fresh store for one case.
pub struct Context {
    harness: Arc<dyn Harness>,
    clock: FakeClock,
    fixture: Box<dyn Fixture>,
    capabilities: Capabilities,
    reopens: bool,
    handles: Mutex<Vec<Arc<dyn Backend>>>,
    counter: AtomicU64,
    inputs: AtomicU64,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("clock", &self.clock)
            .field("handles", &self.handles)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// Makes a store and opens the first handle on it.
    ///
    /// # Errors
    ///
    /// What the harness answers.
    pub async fn new(harness: Arc<dyn Harness>) -> Result<Self, Error> {
        let clock = FakeClock::at(BEGINNING)?;
        let fixture = harness.make(clock.clone()).await?;
        let first = fixture.open().await?;
        Ok(Self {
            clock,
            fixture,
            capabilities: harness.capabilities(),
            reopens: harness.reopens(),
            harness,
            handles: Mutex::new(vec![first]),
            counter: AtomicU64::new(1),
            inputs: AtomicU64::new(0),
        })
    }

    /// The clock of the store.
    #[must_use]
    pub fn clock(&self) -> &FakeClock {
        &self.clock
    }

    /// What the harness says that the backend can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The handle opened last.
    #[must_use]
    pub fn db(&self) -> Arc<dyn Backend> {
        let handles = self.handles.lock();
        Arc::clone(&handles[handles.len() - 1])
    }

    /// Opens one more handle on the store; the others stay open.
    pub(crate) async fn another(&self) -> Verdict<Arc<dyn Backend>> {
        if !self.capabilities.shared {
            let why = "the backend takes one handle at a time (not shared)";
            return Err(Failure::Skipped(why.into()));
        }
        let handle = self.fixture.open().await?;
        self.handles.lock().push(Arc::clone(&handle));
        Ok(handle)
    }

    /// A handle that may be closed: one more, or the only one that there can be.
    pub(crate) async fn own(&self) -> Verdict<Arc<dyn Backend>> {
        if self.capabilities.shared {
            self.another().await
        } else {
            self.restart().await
        }
    }

    /// Opens one more handle, whatever the backend says that it can do.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Backend>, Error> {
        let handle = self.fixture.open().await?;
        self.handles.lock().push(Arc::clone(&handle));
        Ok(handle)
    }

    /// Opens the store so that nothing can be written, if there is a way to.
    pub(crate) async fn open_read_only(&self) -> Result<Option<Arc<dyn Backend>>, Error> {
        self.fixture.open_read_only().await
    }

    /// Opens a file that a backup made.
    pub(crate) async fn open_backup(&self, at: &Path) -> Result<Arc<dyn Backend>, Error> {
        self.fixture.open_backup(at).await
    }

    /// Closes all handles and opens the store again.
    pub(crate) async fn restart(&self) -> Verdict<Arc<dyn Backend>> {
        if !self.reopens {
            let why = "the store does not outlive its handles (not persistent)";
            return Err(Failure::Skipped(why.into()));
        }
        self.close_all().await?;
        Ok(self.open().await?)
    }

    /// Lets go of all handles without closing them, and opens the store again.
    pub(crate) async fn drop_and_open(&self) -> Verdict<Arc<dyn Backend>> {
        if !self.reopens {
            let why = "the store does not outlive its handles (not persistent)";
            return Err(Failure::Skipped(why.into()));
        }
        self.handles.lock().clear();
        // A backend with a worker lets go when that has seen that nobody is left.
        let mut tries = 0;
        loop {
            match self.open().await {
                Err(error) if error.is_retryable() && tries < 100 => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                answer => return Ok(answer?),
            }
        }
    }

    /// Spoils something in the store and answers a handle that has not read it yet, if there can be one.
    pub(crate) async fn damaged(&self, what: &Damage) -> Verdict<Arc<dyn Backend>> {
        if self.reopens {
            self.close_all().await?;
        }
        if !self.fixture.damage(what).await? {
            let why = format!("the harness has no way to damage {what}");
            return Err(Failure::Skipped(why));
        }
        if self.reopens {
            Ok(self.open().await?)
        } else {
            Ok(self.db())
        }
    }

    /// Closes and forgets every handle, damages, and answers what opening says.
    pub(crate) async fn open_damaged(
        &self,
        what: &Damage,
    ) -> Verdict<Result<Arc<dyn Backend>, Error>> {
        if !self.reopens {
            let why = "the store does not outlive its handles (not persistent)";
            return Err(Failure::Skipped(why.into()));
        }
        self.close_all().await?;
        if !self.fixture.damage(what).await? {
            let why = format!("the harness has no way to damage {what}");
            return Err(Failure::Skipped(why));
        }
        Ok(self.fixture.open().await)
    }

    /// A context with another store of the same kind.
    pub(crate) async fn sibling(&self) -> Result<Self, Error> {
        Self::new(Arc::clone(&self.harness)).await
    }

    /// Closes every handle.
    pub(crate) async fn close_all(&self) -> Result<(), Error> {
        let handles = std::mem::take(&mut *self.handles.lock());
        for handle in handles {
            handle.close().await?;
        }
        Ok(())
    }

    /// An empty commit with an id of its own.
    pub(crate) fn commit(&self) -> Commit {
        Commit::new(samples::commit_id(self.number()))
    }

    /// A number that was not given before in this case.
    pub(crate) fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts one bad or hostile input that was tried.
    pub(crate) fn tried(&self) {
        self.inputs.fetch_add(1, Ordering::Relaxed);
    }

    /// How many inputs were tried.
    pub(crate) fn inputs(&self) -> u64 {
        self.inputs.load(Ordering::Relaxed)
    }
}
