//! A backend with one fault, and the harness that makes it.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, BackupDraft, Budget, Capabilities, CheckpointId, ChunkId,
    ChunkInfo, Commit, Error, FakeClock, Feed, Item, MaintainStep, MetaRecord, Meter, Page, Parts,
    Position, Query, Receipt, Record, Result, SessionQuery, SessionRecord, Stats, StoreInfo,
    StoredChunk,
};
use parking_lot::Mutex;

use crate::harness::{Damage, Fixture, Harness};
use crate::memory::Memory;

/// What is wrong with a backend: a call that does not do what it should. The others do.
///
/// One for each store, shared by its handles.
#[allow(missing_docs, reason = "each call is that of the backend")]
#[async_trait]
pub trait Fault: fmt::Debug + Send + Sync + 'static {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        inner.commit(commit).await
    }

    async fn get(
        &self,
        inner: &dyn Backend,
        ids: &[CheckpointId],
        parts: Parts,
    ) -> Result<Vec<Item<Record>>> {
        inner.get(ids, parts).await
    }

    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        inner.scan(query).await
    }

    async fn sessions(
        &self,
        inner: &dyn Backend,
        query: &SessionQuery,
    ) -> Result<Page<Item<SessionRecord>>> {
        inner.sessions(query).await
    }

    async fn chunks(&self, inner: &dyn Backend, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        inner.chunks(ids).await
    }

    async fn present(&self, inner: &dyn Backend, ids: &[ChunkId]) -> Result<Vec<bool>> {
        inner.present(ids).await
    }

    async fn records(&self, inner: &dyn Backend, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        inner.records(prefix).await
    }

    async fn changes(&self, inner: &dyn Backend, after: Position, limit: usize) -> Result<Feed> {
        inner.changes(after, limit).await
    }

    async fn changed(
        &self,
        inner: &dyn Backend,
        after: Position,
        at_most: Duration,
    ) -> Result<Position> {
        inner.changed(after, at_most).await
    }

    async fn check(&self, inner: &dyn Backend) -> Result<Vec<Error>> {
        inner.check().await
    }

    async fn backup(
        &self,
        inner: &dyn Backend,
        to: &Path,
        meter: &Meter,
    ) -> Result<Box<dyn BackupDraft>> {
        inner.backup(to, meter).await
    }

    async fn maintain(&self, inner: &dyn Backend, budget: &Budget) -> Result<MaintainStep> {
        inner.maintain(budget).await
    }

    async fn close(&self, inner: &dyn Backend) -> Result<()> {
        inner.close().await
    }

    /// What is left of the store when it is opened again; none: all.
    fn left(&self) -> Option<Vec<Commit>> {
        None
    }

    /// Whether it pretends to be damaged.
    fn damage(&self, _what: &Damage) -> bool {
        false
    }
}

/// A backend that is as right as another, but for one fault.
#[must_use]
pub fn with_fault(inner: Arc<dyn Backend>, fault: Arc<dyn Fault>) -> Arc<dyn Backend> {
    Arc::new(Broken {
        inner,
        fault,
        closed: AtomicBool::new(false),
    })
}

/// A backend that is right but for one fault.
#[derive(Debug)]
struct Broken {
    inner: Arc<dyn Backend>,
    fault: Arc<dyn Fault>,
    closed: AtomicBool,
}

#[async_trait]
impl Backend for Broken {
    fn info(&self) -> &StoreInfo {
        self.inner.info()
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt> {
        self.fault.commit(&*self.inner, commit).await
    }

    async fn get(&self, ids: &[CheckpointId], parts: Parts) -> Result<Vec<Item<Record>>> {
        self.fault.get(&*self.inner, ids, parts).await
    }

    async fn scan(&self, query: &Query) -> Result<Page<Item<Record>>> {
        self.fault.scan(&*self.inner, query).await
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        self.fault.sessions(&*self.inner, query).await
    }

    async fn attachments(&self, query: &AttachmentQuery) -> Result<Page<Item<Attachment>>> {
        self.inner.attachments(query).await
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        self.fault.chunks(&*self.inner, ids).await
    }

    async fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>> {
        self.fault.present(&*self.inner, ids).await
    }

    async fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>> {
        self.inner.scan_chunks(after, limit).await
    }

    async fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        self.fault.records(&*self.inner, prefix).await
    }

    async fn changes(&self, after: Position, limit: usize) -> Result<Feed> {
        self.fault.changes(&*self.inner, after, limit).await
    }

    async fn changed(&self, after: Position, at_most: Duration) -> Result<Position> {
        self.fault.changed(&*self.inner, after, at_most).await
    }

    async fn stats(&self) -> Result<Stats> {
        self.inner.stats().await
    }

    async fn check(&self) -> Result<Vec<Error>> {
        self.fault.check(&*self.inner).await
    }

    async fn backup(&self, to: &Path, meter: &Meter) -> Result<Box<dyn BackupDraft>> {
        self.fault.backup(&*self.inner, to, meter).await
    }

    async fn maintain(&self, budget: &Budget) -> Result<MaintainStep> {
        self.fault.maintain(&*self.inner, budget).await
    }

    async fn flush(&self) -> Result<Receipt> {
        self.inner.flush().await
    }

    async fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::SeqCst);
        self.fault.close(&*self.inner).await
    }
}

/// Makes stores with one fault, on top of others.
struct BrokenHarness {
    name: &'static str,
    base: Arc<dyn Harness>,
    fault: fn() -> Arc<dyn Fault>,
}

#[async_trait]
impl Harness for BrokenHarness {
    fn name(&self) -> &str {
        self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.base.capabilities()
    }

    fn reopens(&self) -> bool {
        true
    }

    fn chunk_overhead(&self) -> u64 {
        self.base.chunk_overhead()
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        Ok(Box::new(BrokenPlace {
            inner: Mutex::new(self.base.make(clock.clone()).await?.into()),
            base: Arc::clone(&self.base),
            handles: Mutex::default(),
            fault: (self.fault)(),
            clock,
        }))
    }
}

struct BrokenPlace {
    handles: Mutex<Vec<Weak<Broken>>>,
    inner: Mutex<Arc<dyn Fixture>>,
    base: Arc<dyn Harness>,
    fault: Arc<dyn Fault>,
    clock: FakeClock,
}

impl BrokenPlace {
    /// Whether there were handles, and all were closed or dropped.
    fn was_left(&self) -> bool {
        let handles = self.handles.lock();
        let open = |handle: &Weak<Broken>| {
            let handle = handle.upgrade();
            handle.is_some_and(|handle| !handle.closed.load(Ordering::SeqCst))
        };
        !handles.is_empty() && !handles.iter().any(open)
    }
}

#[async_trait]
impl Fixture for BrokenPlace {
    async fn open(&self) -> Result<Arc<dyn Backend>> {
        if self.was_left()
            && let Some(left) = self.fault.left()
        {
            let fresh: Arc<dyn Fixture> = self.base.make(self.clock.clone()).await?.into();
            let handle = fresh.open().await?;
            for commit in left {
                handle.commit(commit).await?;
            }
            *self.inner.lock() = fresh;
        }
        let inner = Arc::clone(&*self.inner.lock());
        let handle = Arc::new(Broken {
            inner: inner.open().await?,
            fault: Arc::clone(&self.fault),
            closed: AtomicBool::new(false),
        });
        self.handles.lock().push(Arc::downgrade(&handle));
        Ok(handle)
    }

    async fn open_read_only(&self) -> Result<Option<Arc<dyn Backend>>> {
        let inner = Arc::clone(&*self.inner.lock());
        inner.open_read_only().await
    }

    async fn open_backup(&self, at: &Path) -> Result<Arc<dyn Backend>> {
        let inner = Arc::clone(&*self.inner.lock());
        inner.open_backup(at).await
    }

    async fn damage(&self, what: &Damage) -> Result<bool> {
        if self.fault.damage(what) {
            return Ok(true);
        }
        let inner = Arc::clone(&*self.inner.lock());
        inner.damage(what).await
    }
}

/// A backend that is broken on purpose, and what is there to catch it.
#[derive(Clone, Copy)]
pub struct Control {
    /// What is wrong with it.
    pub name: &'static str,
    /// Each of these cases, or machines, must fail on it.
    pub caught_by: &'static [&'static str],
    /// Makes the fault, one for each store.
    pub fault: fn() -> Arc<dyn Fault>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Control({})", self.name)
    }
}

impl Control {
    /// Makes stores in memory that are broken in this way.
    #[must_use]
    pub fn harness(&self) -> Arc<dyn Harness> {
        self.on(Arc::new(Memory))
    }

    /// Makes stores that are broken in this way, on top of others: for a fault in what the store in memory does not do.
    #[must_use]
    pub fn on(&self, base: Arc<dyn Harness>) -> Arc<dyn Harness> {
        Arc::new(BrokenHarness {
            name: self.name,
            base,
            fault: self.fault,
        })
    }

    /// The same store without its fault, on which every case must pass: what a control proves, the fault proves.
    #[must_use]
    pub fn sound() -> Arc<dyn Harness> {
        Arc::new(BrokenHarness {
            name: "sound",
            base: Arc::new(Memory),
            fault: || Arc::new(NoFault),
        })
    }
}

#[derive(Debug)]
struct NoFault;

impl Fault for NoFault {}
