//! A store in memory: the whole contract but durability.
//!
//! - `state`: what is kept, and its indexes.
//! - `tables`: the tables of the judgement; `transaction`: the way back when a commit fails.
//! - `read`: answers to questions.
//! - `maintain`: purging, trimming, sweeping.
//! - `log`: what a backend needs that keeps its state here and a log of its own; `rows`, `columns` and `replay` are
//!   the state as bytes and back.

mod columns;
mod log;
mod maintain;
mod read;
mod replay;
mod rows;
mod state;
mod tables;
#[cfg(test)]
mod tests;
mod transaction;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::RwLock;
use tokio::sync::{Mutex, oneshot, watch};

use self::maintain::{Rows, Sweep};
use self::state::State;
use crate::backend::{Backend, Budget, Capabilities, Format, MaintainStep, Stats, StoreInfo};
use crate::clock::{Clock, IdSource, SystemClock, SystemIds};
use crate::commit::Commit;
use crate::engine::within;
use crate::error::{Error, ErrorKind, Result};
use crate::feed::Feed;
use crate::hasher::ContentHasher;
use crate::id::{CheckpointId, ChunkId, CommitId, StoreId};
use crate::limits::Limits;
use crate::query::{AttachmentQuery, Page, Query, SessionQuery};
use crate::receipt::Receipt;
use crate::record::{
    Attachment, ChunkInfo, Item, MetaRecord, Parts, Position, Record, SessionRecord, StoredChunk,
};
use crate::status::Durability;

/// A store in memory, gone with its last handle.
///
/// A clone is a further handle on the same store, open even when this one was closed.
///
/// [`changed`](Backend::changed) waits by the timer of the tokio runtime it is called in, which must have one; outside
/// of any runtime a thread keeps the time.
///
/// ```
/// use checkpoint_core::{Backend, Durability, MemoryBackend};
///
/// let store = MemoryBackend::new();
/// assert_eq!(store.info().durability, Durability::Memory);
/// ```
pub struct MemoryBackend {
    shared: Arc<Shared>,
    stopped: AtomicBool,
}

struct Shared {
    info: StoreInfo,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    state: RwLock<State>,
    newest: watch::Sender<Position>,
    /// Held by who maintains.
    maintaining: Mutex<()>,
}

/// Makes a [`MemoryBackend`] that is not as by default.
#[derive(Clone, Debug)]
pub struct MemoryBuilder {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    limits: Limits,
    info: Option<StoreInfo>,
}

impl MemoryBuilder {
    /// With this said of the store instead of what is true of memory alone, limits included: for a backend that makes
    /// the state durable itself, by [`MemoryBackend::commit_logged`], and commits in no other way.
    #[must_use]
    pub fn described(mut self, info: StoreInfo) -> Self {
        self.info = Some(info);
        self
    }

    /// With another clock than that of the system.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With another source for the id of the store.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }

    /// With other limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// A new, empty store.
    #[must_use]
    pub fn build(self) -> MemoryBackend {
        let info = self.info.unwrap_or_else(|| StoreInfo {
            label: Arc::from("memory:"),
            id: StoreId::from_uuid(self.ids.next()),
            format: Format {
                version: 1,
                min_reader: 1,
                min_writer: 1,
            },
            limits: self.limits,
            capabilities: Capabilities::default().with_shared(true),
            hasher: ContentHasher::plain(),
            gear_seed: 0,
            durability: Durability::Memory,
            read_only: false,
        });
        MemoryBackend {
            shared: Arc::new(Shared {
                info,
                clock: self.clock,
                ids: self.ids,
                state: RwLock::default(),
                newest: watch::Sender::new(Position::START),
                maintaining: Mutex::new(()),
            }),
            stopped: AtomicBool::new(false),
        }
    }
}

impl MemoryBackend {
    /// A new, empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A new, empty store with a clock, ids or limits of one's own.
    #[must_use]
    pub fn builder() -> MemoryBuilder {
        MemoryBuilder {
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            limits: Limits::default(),
            info: None,
        }
    }

    fn running(&self) -> Result<()> {
        if self.stopped.load(Ordering::SeqCst) {
            let error = Error::new(ErrorKind::Stopped, "the store was closed; open it again");
            return Err(error.on(&self.shared.info.label));
        }
        Ok(())
    }

    fn read<T>(&self, f: impl FnOnce(&State) -> Result<T>) -> Result<T> {
        self.running()?;
        f(&self.shared.state.read()).map_err(|error| error.on(&self.shared.info.label))
    }

    fn page_within(&self, limit: usize) -> Result<()> {
        within(
            "page, in entries,",
            limit as u64,
            self.shared.info.limits.page,
        )
    }

    /// Wakes who waits for a change.
    fn tell(&self, position: Position) {
        self.shared.newest.send_if_modified(|newest| {
            let newer = position > *newest;
            *newest = position.max(*newest);
            newer
        });
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for MemoryBackend {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            stopped: AtomicBool::new(false),
        }
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend")
            .field("id", &self.shared.info.id)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    fn info(&self) -> &StoreInfo {
        &self.shared.info
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt> {
        self.commit_now(&commit)
    }

    async fn get(&self, ids: &[CheckpointId], parts: Parts) -> Result<Vec<Item<Record>>> {
        self.read(|state| Ok(ids.iter().map(|id| state.get(id, parts)).collect()))
    }

    async fn scan(&self, query: &Query) -> Result<Page<Item<Record>>> {
        self.read(|state| {
            self.page_within(query.limit)?;
            state.scan(query)
        })
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        self.read(|state| {
            self.page_within(query.limit)?;
            state.list_sessions(query)
        })
    }

    async fn attachments(&self, query: &AttachmentQuery) -> Result<Page<Item<Attachment>>> {
        self.read(|state| {
            self.page_within(query.limit)?;
            state.list_attachments(query)
        })
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        self.read(|state| Ok(ids.iter().map(|id| state.chunk(id)).collect()))
    }

    async fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>> {
        self.read(|state| Ok(ids.iter().map(|id| state.chunks.contains_key(id)).collect()))
    }

    async fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>> {
        self.read(|state| {
            self.page_within(limit)?;
            Ok(state.list_chunks(after, limit))
        })
    }

    async fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        self.read(|state| Ok(state.list_records(prefix)))
    }

    async fn changes(&self, after: Position, limit: usize) -> Result<Feed> {
        self.read(|state| {
            self.page_within(limit)?;
            state.feed(after, limit)
        })
    }

    async fn changed(&self, after: Position, at_most: Duration) -> Result<Position> {
        let mut newest = self.shared.newest.subscribe();
        if !at_most.is_zero() {
            let wait = async {
                while !self.stopped.load(Ordering::SeqCst) && *newest.borrow_and_update() <= after {
                    if newest.changed().await.is_err() {
                        return;
                    }
                }
            };
            wait_at_most(at_most, wait).await;
        }
        self.read(|state| Ok(state.counters.position))
    }

    async fn stats(&self) -> Result<Stats> {
        self.read(|state| Ok(state.count()))
    }

    async fn maintain(&self, budget: &Budget) -> Result<MaintainStep> {
        let _alone = self.shared.maintaining.lock().await;
        let now = self.shared.clock.now();
        let (mut rows, mut step) = (Rows::of(budget), MaintainStep::default());
        {
            let mut state = self.shared.state.write();
            self.running()?;
            state.tidy(budget, now, &mut rows, &mut step);
        }
        if rows.used_up() {
            step.more = true;
        } else {
            let sweep = Sweep::begin(&self.shared.state, budget, now);
            sweep.run(&mut step).await;
        }
        Ok(step)
    }

    async fn flush(&self) -> Result<Receipt> {
        let position = self.read(|state| Ok(state.counters.position))?;
        let id = CommitId::from_uuid(self.shared.ids.next());
        Ok(Receipt::of_flush(id, position, self.shared.info.durability))
    }

    async fn close(&self) -> Result<()> {
        self.stopped.store(true, Ordering::SeqCst);
        // Who writes has the lock; who comes after sees the flag.
        drop(self.shared.state.write());
        self.shared.newest.send_modify(|_| ());
        Ok(())
    }
}

/// Waits for a future, not longer than told.
async fn wait_at_most(at_most: Duration, wait: impl Future<Output = ()>) {
    if tokio::runtime::Handle::try_current().is_ok() {
        // Too late is no error: who waited looks for himself.
        let _ = tokio::time::timeout(at_most, wait).await;
        return;
    }
    // The thread ends when the time is up or when `stop` is dropped with this future; without it the wait is over.
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (ring, rang) = oneshot::channel::<()>();
    let _ = std::thread::Builder::new()
        .name("checkpoint-wait".to_owned())
        .spawn(move || {
            let _ = stopped.recv_timeout(at_most);
            drop(ring);
        });
    let (mut wait, mut rang) = (pin!(wait), pin!(rang));
    poll_fn(|cx| {
        let over = wait.as_mut().poll(cx).is_ready() || rang.as_mut().poll(cx).is_ready();
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    drop(stop);
}
