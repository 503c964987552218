//! The backend.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use checkpoint_core::engine::{aside, or_damage, page_limit};
use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, BackupDraft, Budget, CheckpointId, ChunkId, ChunkInfo,
    Commit, CommitId, Error, Feed, Item, MaintainStep, MetaRecord, Meter, Page, Parts, Position,
    Query, Receipt, Record, Result, SessionQuery, SessionRecord, Stats, StoreInfo, StoredChunk,
    files,
};
use checkpoint_rows::findings;

use crate::backup::{self, Draft};
use crate::base::View;
use crate::config::RedbOptions;
use crate::error::stopped;
use crate::shared::Shared;
use crate::worker::Writer;

/// Ids in one call above which it leaves the calling task.
const MANY: usize = 64;
/// Items of a page above which it leaves the calling task.
const MANY_ITEMS: usize = 500;

/// A store in a redb file.
///
/// # Cancel safety
///
/// A commit that was sent to the writer is done, also when its future is dropped; one that was not is not.
pub struct RedbBackend {
    shared: Arc<Shared>,
}

impl fmt::Debug for RedbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbBackend")
            .field("label", &self.shared.info.label)
            .field("read_only", &self.shared.info.read_only)
            .finish_non_exhaustive()
    }
}

impl RedbBackend {
    /// Opens a store, or creates it.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none and none may be created, `Denied` when it cannot be read or written, `Invalid`
    /// for a directory, `Unsupported` for a file of another program or a newer format, `Corrupt` for a damaged one,
    /// `Locked` when another handle has it, in this process or another. None of them changes the file.
    pub async fn open(options: RedbOptions) -> Result<Self> {
        let shared = aside(move || Shared::open(options)).await?;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        large: bool,
        work: impl FnOnce(&Shared) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        // Who reads much, a little at a time, lets others have their turn, and can be given up meanwhile.
        tokio::task::consume_budget().await;
        // Who has the file alone may have it for long.
        let result = if large || self.shared.held.is_busy() {
            let shared = Arc::clone(&self.shared);
            aside(move || work(&shared)).await
        } else {
            work(&self.shared)
        };
        result.map_err(|error| error.on(&self.shared.info.label))
    }

    async fn view<T: Send + 'static>(
        &self,
        large: bool,
        work: impl Fn(&View) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.read(large, |shared| shared.held.view(work)).await
    }

    /// As [`view`](Self::view), for what says what is missing where pages cannot be read.
    async fn around<T: Send + 'static>(
        &self,
        large: bool,
        work: impl Fn(&View) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.read(large, |shared| shared.held.around(work)).await
    }

    fn writer(&self) -> Result<&Writer> {
        Writer::of(self.shared.writer.as_ref(), &self.shared.info)
    }

    fn page(&self, limit: usize) -> Result<usize> {
        page_limit(&self.shared.info, limit)
    }
}

#[async_trait]
impl Backend for RedbBackend {
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
        if let [id] = ids
            && !self.shared.held.is_busy()
        {
            let item = self.shared.held.around(|it| it.checkpoint(id, parts));
            return item
                .map(|item| vec![item])
                .map_err(|error| error.on(&self.shared.info.label));
        }
        let ids = ids.to_vec();
        self.around(ids.len() > MANY, move |view| {
            let items = ids.iter().map(|id| view.checkpoint(id, parts));
            items.collect()
        })
        .await
    }

    async fn scan(&self, query: &Query) -> Result<Page<Item<Record>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.around(limit > MANY_ITEMS, move |view| view.scan(&query, limit))
            .await
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.around(limit > MANY_ITEMS, move |view| view.sessions(&query, limit))
            .await
    }

    async fn attachments(&self, query: &AttachmentQuery) -> Result<Page<Item<Attachment>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.around(query.checkpoints.len() > MANY, move |view| {
            view.attachments(&query, limit)
        })
        .await
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        let ids = ids.to_vec();
        self.view(ids.len() > MANY, move |view| view.chunks(&ids))
            .await
    }

    async fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>> {
        let ids = ids.to_vec();
        self.view(ids.len() > 10 * MANY, move |view| view.present(&ids))
            .await
    }

    async fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>> {
        let limit = self.page(limit)?;
        self.view(limit > MANY, move |view| view.scan_chunks(after, limit))
            .await
    }

    async fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        let prefix = prefix.to_owned();
        self.around(false, move |view| view.records(&prefix)).await
    }

    async fn changes(&self, after: Position, limit: usize) -> Result<Feed> {
        let limit = self.page(limit)?;
        self.view(limit > MANY_ITEMS, move |view| view.changes(after, limit))
            .await
    }

    async fn changed(&self, after: Position, at_most: Duration) -> Result<Position> {
        let mut seen = self.shared.position.subscribe();
        let closed = || self.shared.held.is_closed();
        if !at_most.is_zero() {
            // Who closes the store wakes who waits.
            let wait = seen.wait_for(|position| *position > after || closed());
            let _ = tokio::time::timeout(at_most, wait).await;
        }
        if closed() {
            return Err(stopped().on(&self.shared.info.label));
        }
        Ok(*self.shared.position.borrow())
    }

    async fn check(&self) -> Result<Vec<Error>> {
        self.read(true, |shared| {
            let mut found =
                or_damage(shared.held.view(findings))?.unwrap_or_else(|error| vec![error]);
            let _pen = shared.held.pen();
            match shared.held.integrity() {
                Ok(true) => {}
                Ok(false) => found.push(Error::corrupt(
                    "the engine finds the file damaged; it mends what it can when it is opened",
                )),
                Err(error) if error.is_corrupt() => found.push(error),
                Err(error) => return Err(error),
            }
            Ok(found)
        })
        .await
    }

    async fn backup(&self, to: &Path, meter: &Meter) -> Result<Box<dyn BackupDraft>> {
        let waiting = files::Waiting::default();
        let (to, meter, given_up) = (to.to_owned(), meter.clone(), waiting.given_up());
        let made = self
            .read(true, move |shared| {
                backup::copy(shared, &to, &meter, &given_up)
            })
            .await?;
        let copy = Self::open(made.options()).await?;
        Ok(Box::new(Draft::new(Arc::new(copy), made.bench, made.path)))
    }

    async fn stats(&self) -> Result<Stats> {
        self.read(true, |shared| {
            let length = shared.held.length();
            shared.held.view(|view| {
                let mut stats = view.stats()?;
                stats.stored_bytes = length;
                stats.free_bytes = length.saturating_sub(view.base.bytes()?);
                Ok(stats)
            })
        })
        .await
    }

    async fn maintain(&self, budget: &Budget) -> Result<MaintainStep> {
        let label = &self.shared.info.label;
        let step = self.writer()?.maintain(*budget).await;
        step.and_then(|step| step).map_err(|error| error.on(label))
    }

    async fn flush(&self) -> Result<Receipt> {
        if self.shared.held.is_closed() {
            return Err(stopped().on(&self.shared.info.label));
        }
        let id = CommitId::from_uuid(self.shared.options.ids.next());
        let position = *self.shared.position.borrow();
        Ok(Receipt::of_flush(id, position, self.shared.info.durability))
    }

    async fn close(&self) -> Result<()> {
        if let Some(writer) = &self.shared.writer {
            writer.close().await;
        }
        let shared = Arc::clone(&self.shared);
        // Waits for reads that are under way.
        let closed = aside(move || {
            shared.held.close();
            Ok(())
        });
        closed.await?;
        self.shared.position.send_modify(|_| ());
        Ok(())
    }
}
