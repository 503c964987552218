//! A store, those who work on it, and a watch over them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use checkpoint_conformance::{Fixture, Harness};
use checkpoint_core::{Error, FakeClock, Result, Session, Store};
use futures::executor::block_on;
use tokio::runtime::{Builder, Runtime};

use super::Report;
use super::board::Board;
use super::ledger::Ledger;
use crate::load::Seed;

/// How often the watch looks around.
const GLANCE: Duration = Duration::from_millis(50);

pub(super) struct Scene {
    stores: Vec<Store>,
    pub(super) seed: Seed,
    pub(super) board: Board,
    pub(super) ledger: Ledger,
    patience: Duration,
    stuck: AtomicBool,
    /// Keeps the place of the store.
    _fixture: Box<dyn Fixture>,
}

/// What one of those who work does.
pub(super) type Job = Box<dyn FnOnce(&Worker) -> Result<()> + Send>;

/// One of those who work, on a thread of its own.
pub(super) struct Worker {
    pub(super) scene: Arc<Scene>,
    pub(super) name: String,
    pub(super) store: Store,
    /// Some wait on a runtime of their own, some on nothing but their thread.
    runtime: Option<Runtime>,
}

impl Worker {
    /// Does one operation, and is watched meanwhile.
    pub(super) fn does<T>(
        &self,
        what: &str,
        operation: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let _doing = self.scene.board.begins(format!("{what} by {}", self.name));
        let answer = match &self.runtime {
            Some(runtime) => runtime.block_on(operation),
            None => block_on(operation),
        };
        answer.map_err(|error| error.with("while", what))
    }

    pub(super) fn session(&self, id: &str) -> Result<Session> {
        self.does("open session", async { self.store.session(id).await })
    }

    pub(super) fn wrong(&self, what: impl std::fmt::Display) {
        self.scene.board.wrong(format!("{}: {what}", self.name));
    }
}

impl Scene {
    pub(super) fn new(harness: &dyn Harness, seed: Seed, patience: Duration) -> Result<Arc<Self>> {
        let clock = FakeClock::at("2026-11-20T10:00:00Z")?;
        let handles = if harness.capabilities().shared { 2 } else { 1 };
        let (fixture, stores) = runtime(2)?.block_on(async {
            let fixture = harness.make(clock).await?;
            let mut stores = Vec::new();
            for _ in 0..handles {
                stores.push(Store::new(fixture.open().await?));
            }
            Ok::<_, Error>((fixture, stores))
        })?;
        Ok(Arc::new(Self {
            stores,
            seed,
            board: Board::default(),
            ledger: Ledger::default(),
            patience,
            stuck: AtomicBool::new(false),
            _fixture: fixture,
        }))
    }

    /// The handle of the one with this number.
    pub(super) fn store(&self, number: usize) -> &Store {
        &self.stores[number % self.stores.len()]
    }

    /// Has all of them work at once, each on a thread of its own, until the last is done or one hangs.
    pub(super) fn play(self: &Arc<Self>, jobs: Vec<(String, Job)>) {
        let (running, done) = channel::<()>();
        for (number, (name, job)) in jobs.into_iter().enumerate() {
            let (scene, running) = (Arc::clone(self), running.clone());
            let work = move || {
                scene.works(number, name, job);
                drop(running);
            };
            if let Err(error) = std::thread::Builder::new().spawn(work) {
                self.board
                    .wrong(format!("no thread could be started: {error}"));
            }
        }
        drop(running);
        while let Err(RecvTimeoutError::Timeout) = done.recv_timeout(GLANCE) {
            let hanging = self.board.hanging(self.patience);
            if !hanging.is_empty() {
                // Nobody can end a thread that hangs: it is left behind.
                self.stuck.store(true, Ordering::SeqCst);
                hanging.into_iter().for_each(|what| self.board.wrong(what));
                return;
            }
        }
    }

    fn works(self: &Arc<Self>, number: usize, name: String, job: Job) {
        let scene = Arc::clone(self);
        let work = || {
            let runtime = number.is_multiple_of(2).then(|| runtime(1)).transpose()?;
            let store = scene.store(number / 2).clone();
            job(&Worker {
                store,
                name: name.clone(),
                runtime,
                scene,
            })
        };
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.board.wrong(format!("{name}: {error}")),
            Err(_) => self.board.wrong(format!("{name} panicked")),
        }
    }

    /// Whether nobody hangs.
    pub(super) fn goes_on(&self) -> bool {
        !self.stuck.load(Ordering::SeqCst)
    }

    pub(super) fn report(&self, machine: &'static str) -> Report {
        Report {
            machine,
            operations: self.board.operations.load(Ordering::Relaxed),
            dropped: self.board.dropped.load(Ordering::Relaxed),
            acknowledged: self.ledger.acknowledged(),
            wrong: self.board.findings(),
        }
    }
}

/// A runtime; of one thread, it is the thread that waits.
pub(super) fn runtime(threads: usize) -> Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    let built = builder.enable_all().build();
    built.map_err(|error| Error::storage("no runtime").because(error))
}
