//! The backend.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use checkpoint_core::engine::page_limit;
use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, Budget, CheckpointId, ChunkId, ChunkInfo, Commit,
    CommitId, Error, Feed, Item, MaintainStep, MetaRecord, Page, Parts, Position, Query, Receipt,
    Record, Result, SessionQuery, SessionRecord, Stats, StoreInfo, StoredChunk,
};
use checkpoint_rows::{View, findings};

use crate::base::Base;
use crate::chunks;
use crate::config::ObjectOptions;
use crate::error::stopped;
use crate::room::room;
use crate::shared::Shared;
use crate::worker::Writer;

/// Ids in one call above which it leaves the calling task.
const MANY: usize = 64;
/// Items of a page above which it leaves the calling task.
const MANY_ITEMS: usize = 500;
/// How soon one looks again who waits for a change, and at most how late.
const SOON: Duration = Duration::from_millis(250);
const LATE: Duration = Duration::from_secs(5);

/// A store in a bucket or directory, which many machines may have open at once.
///
/// # Cancel safety
///
/// A commit that was sent to the writer is done, also when its future is dropped; one that was not is not.
pub struct ObjectBackend {
    shared: Arc<Shared>,
}

impl fmt::Debug for ObjectBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectBackend")
            .field("label", &self.shared.info.label)
            .field("read_only", &self.shared.info.read_only)
            .finish_non_exhaustive()
    }
}

impl ObjectBackend {
    /// Opens a store, or creates it.
    ///
    /// Requests are made on the runtime of who asks and on one of the library's. A client whose connections live on the
    /// runtime on which they were made should be given one that outlives the store and whose threads do not wait; those of
    /// [`client`](crate::client) are.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no store, or no bucket, and none may be created; `Denied` for credentials that are not
    /// taken, have expired or allow too little; `Invalid` for a bucket of another region; `Unsupported` for a service
    /// that ignores the condition of a put, or a newer format; `Corrupt` for damaged objects; `Unavailable` when the
    /// service does not answer.
    pub async fn open(options: ObjectOptions) -> Result<Self> {
        Ok(Self {
            shared: Arc::new(Shared::open(options).await?),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        large: bool,
        work: impl Fn(&View<Base>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        self.shared.read(large, work).await
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn writer(&self) -> Result<&Writer> {
        Writer::of(self.shared.writer.as_ref(), &self.shared.info)
    }

    fn page(&self, limit: usize) -> Result<usize> {
        page_limit(&self.shared.info, limit)
    }

    /// How far the store has come.
    async fn look(&self) -> Result<Position> {
        let position = self
            .read(false, |view| Ok(view.counters()?.position))
            .await?;
        self.shared.position.send_if_modified(|seen| {
            let moves = *seen < position;
            *seen = position.max(*seen);
            moves
        });
        Ok(position)
    }
}

#[async_trait]
impl Backend for ObjectBackend {
    fn info(&self) -> &StoreInfo {
        &self.shared.info
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt> {
        let label = &self.shared.info.label;
        let writer = self.writer()?;
        commit
            .check(&self.shared.info.limits)
            .map_err(|error| error.on(label))?;
        let fate = writer.commit(Box::new(commit)).await;
        fate.and_then(|fate| fate).map_err(|error| error.on(label))
    }

    async fn get(&self, ids: &[CheckpointId], parts: Parts) -> Result<Vec<Item<Record>>> {
        let ids = ids.to_vec();
        self.read(ids.len() > MANY, move |view| {
            ids.iter().map(|id| view.checkpoint(id, parts)).collect()
        })
        .await
    }

    async fn scan(&self, query: &Query) -> Result<Page<Item<Record>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.read(limit > MANY_ITEMS, move |view| view.scan(&query, limit))
            .await
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.read(limit > MANY_ITEMS, move |view| view.sessions(&query, limit))
            .await
    }

    async fn attachments(&self, query: &AttachmentQuery) -> Result<Page<Item<Attachment>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.read(query.checkpoints.len() > MANY, move |view| {
            view.attachments(&query, limit)
        })
        .await
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        let found = chunks::get(&self.shared, ids).await;
        found.map_err(|error| error.on(&self.shared.info.label))
    }

    async fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>> {
        let ids = ids.to_vec();
        self.read(ids.len() > MANY, move |view| view.present(&ids))
            .await
    }

    async fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>> {
        let limit = self.page(limit)?;
        self.read(limit > MANY, move |view| view.scan_chunks(after, limit))
            .await
    }

    async fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        let prefix = prefix.to_owned();
        self.read(false, move |view| view.records(&prefix)).await
    }

    async fn changes(&self, after: Position, limit: usize) -> Result<Feed> {
        let limit = self.page(limit)?;
        self.read(limit > MANY_ITEMS, move |view| view.changes(after, limit))
            .await
    }

    async fn changed(&self, after: Position, at_most: Duration) -> Result<Position> {
        let until = tokio::time::Instant::now().checked_add(at_most);
        let mut seen = self.shared.position.subscribe();
        let mut pause = SOON;
        loop {
            let position = self.look().await?;
            let left = until.map_or(LATE, |until| {
                until.saturating_duration_since(tokio::time::Instant::now())
            });
            if position > after || left.is_zero() {
                return Ok(position);
            }
            // Another machine's changes are seen by looking, and this handle's at once.
            let closed = || self.shared.is_closed();
            let moved = seen.wait_for(|position| *position > after || closed());
            let _ = tokio::time::timeout(pause.min(left), moved).await;
            pause = (pause * 2).min(LATE);
        }
    }

    async fn check(&self) -> Result<Vec<Error>> {
        self.read(true, findings).await
    }

    async fn stats(&self) -> Result<Stats> {
        let mut stats = self.read(true, View::stats).await?;
        let room = room(&self.shared).await;
        let (stored, needed) = room.map_err(|error| error.on(&self.shared.info.label))?;
        stats.stored_bytes = stored;
        stats.free_bytes = stored.saturating_sub(needed);
        stats.requests = self.shared.log.objects.requests().made();
        Ok(stats)
    }

    async fn maintain(&self, budget: &Budget) -> Result<MaintainStep> {
        let label = &self.shared.info.label;
        let step = self.writer()?.maintain(*budget).await;
        step.and_then(|step| step).map_err(|error| error.on(label))
    }

    async fn flush(&self) -> Result<Receipt> {
        if self.shared.is_closed() {
            return Err(stopped().on(&self.shared.info.label));
        }
        let id = CommitId::from_uuid(self.shared.options.ids.next());
        let mut position = *self.shared.position.borrow();
        if position == Position::START {
            position = self.look().await?;
        }
        Ok(Receipt::of_flush(id, position, self.shared.info.durability))
    }

    async fn close(&self) -> Result<()> {
        self.shared.begin_to_close();
        if let Some(writer) = &self.shared.writer {
            writer.close().await;
        }
        self.shared.close();
        self.shared.position.send_modify(|_| ());
        Ok(())
    }
}
