//! The backend.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use checkpoint_core::engine::{aside, page_limit};
use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, BackupDraft, Budget, CheckpointId, ChunkId, ChunkInfo,
    Commit, CommitId, Durability, Error, Feed, Item, MaintainStep, MetaRecord, Meter, Page, Parts,
    Position, Query, Receipt, Record, Result, SessionQuery, SessionRecord, Stats, StoreInfo,
    StoredChunk, files,
};
use rusqlite::Connection;

use crate::backup::{self, Draft};
use crate::config::SqliteOptions;
use crate::query::{agreement, chunk, scan, store};
use crate::read;
use crate::shared::Shared;
use crate::worker::Writer;

/// How often a waiting handle looks for what other processes wrote.
const POLL: Duration = Duration::from_millis(250);
/// Ids in one call above which it leaves the calling task.
const MANY: usize = 64;
/// Items of a page above which it leaves the calling task.
const MANY_ITEMS: usize = 500;

/// A store in an SQLite file, or in memory.
///
/// # Cancel safety
///
/// A commit that was sent to the writer is done, also when its future is dropped; one that was not is not.
pub struct SqliteBackend {
    shared: Arc<Shared>,
}

impl fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBackend")
            .field("label", &self.shared.info.label)
            .field("read_only", &self.shared.info.read_only)
            .finish_non_exhaustive()
    }
}

impl SqliteBackend {
    /// Opens a store, or creates it.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none and none may be created, `Denied` when it cannot be read or written, `Invalid`
    /// for a directory, `Unsupported` for a file of another program or a newer format, `Corrupt` for a damaged one,
    /// `Locked` when another program holds it. None of them changes the file.
    pub async fn open(options: SqliteOptions) -> Result<Self> {
        if !matches!(options.durability, Durability::Disk | Durability::Os) {
            return Err(Error::invalid("the durability of a file is disk or os")
                .with("durability", options.durability));
        }
        aside(move || Shared::open(options))
            .await
            .map(|shared| Self {
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
        let result = if large {
            let shared = Arc::clone(&self.shared);
            aside(move || work(&shared)).await
        } else {
            work(&self.shared)
        };
        result.map_err(|error| error.on(&self.shared.info.label))
    }

    fn writer(&self) -> Result<&Writer> {
        Writer::of(self.shared.writer.as_ref(), &self.shared.info)
    }

    fn page(&self, limit: usize) -> Result<usize> {
        page_limit(&self.shared.info, limit)
    }

    fn now_at(&self) -> Result<Position> {
        self.shared.readers.with(store::reached)
    }
}

#[async_trait]
impl Backend for SqliteBackend {
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
        if let [id] = ids {
            let item = self.shared.readers.with(|it| read::get(it, id, parts));
            return item
                .map(|item| vec![item])
                .map_err(|error| error.on(&self.shared.info.label));
        }
        let ids = ids.to_vec();
        self.read(ids.len() > MANY, move |shared| {
            shared.readers.snapshot(|connection| {
                ids.iter()
                    .map(|id| read::get(connection, id, parts))
                    .collect()
            })
        })
        .await
    }

    async fn scan(&self, query: &Query) -> Result<Page<Item<Record>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.read(limit > MANY_ITEMS, move |shared| {
            let page = |connection: &Connection| scan::scan(connection, &query, limit);
            shared.readers.snapshot(page)
        })
        .await
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.read(limit > MANY_ITEMS, move |shared| {
            let page = |connection: &Connection| read::sessions(connection, &query, limit);
            shared.readers.snapshot(page)
        })
        .await
    }

    async fn attachments(&self, query: &AttachmentQuery) -> Result<Page<Item<Attachment>>> {
        let (query, limit) = (query.clone(), self.page(query.limit)?);
        self.read(query.checkpoints.len() > MANY, move |shared| {
            let page = |connection: &Connection| read::attachments(connection, &query, limit);
            shared.readers.snapshot(page)
        })
        .await
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        let ids = ids.to_vec();
        self.read(ids.len() > MANY, move |shared| {
            shared
                .readers
                .snapshot(|connection| chunk::get(connection, &ids))
        })
        .await
    }

    async fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>> {
        let ids = ids.to_vec();
        self.read(ids.len() > 10 * MANY, move |shared| {
            shared.readers.snapshot(|connection| {
                ids.iter()
                    .map(|id| Ok(chunk::number_of(connection, id)?.is_some()))
                    .collect()
            })
        })
        .await
    }

    async fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>> {
        let limit = self.page(limit)?;
        self.read(limit > MANY, move |shared| {
            let page = |connection: &Connection| chunk::scan(connection, after, limit);
            shared.readers.snapshot(page)
        })
        .await
    }

    async fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        let prefix = prefix.to_owned();
        self.read(false, move |shared| {
            shared.readers.with(|it| store::records(it, &prefix))
        })
        .await
    }

    async fn changes(&self, after: Position, limit: usize) -> Result<Feed> {
        let limit = self.page(limit)?;
        self.read(limit > MANY_ITEMS, move |shared| {
            let page = |connection: &Connection| read::changes(connection, after, limit);
            shared.readers.snapshot(page)
        })
        .await
    }

    async fn changed(&self, after: Position, at_most: Duration) -> Result<Position> {
        let label = &self.shared.info.label;
        let begun = Instant::now();
        let mut own = self.shared.position.subscribe();
        loop {
            own.mark_unchanged();
            let position = self.now_at().map_err(|error| error.on(label))?;
            let left = at_most.saturating_sub(begun.elapsed());
            if position > after || left.is_zero() {
                return Ok(position);
            }
            // Whoever closes the store wakes who waits: the next look says that it is stopped.
            let _ = tokio::time::timeout(left.min(POLL), own.changed()).await;
        }
    }

    async fn check(&self) -> Result<Vec<Error>> {
        self.read(true, |shared| shared.readers.snapshot(agreement::findings))
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
            let log = shared.log_bytes();
            shared.readers.snapshot(|it| read::stats(it, log))
        })
        .await
    }

    async fn maintain(&self, budget: &Budget) -> Result<MaintainStep> {
        let label = &self.shared.info.label;
        let step = self.writer()?.maintain(*budget).await;
        step.and_then(|step| step).map_err(|error| error.on(label))
    }

    async fn flush(&self) -> Result<Receipt> {
        self.read(true, |shared| {
            let position = shared
                .readers
                .with(|connection| Ok(store::counters(connection)?.position))?;
            shared.sync()?;
            let durability = match shared.info.durability {
                Durability::Os => Durability::Disk,
                durability => durability,
            };
            let id = CommitId::from_uuid(shared.options.ids.next());
            Ok(Receipt::of_flush(id, position, durability))
        })
        .await
    }

    async fn close(&self) -> Result<()> {
        // Readers go first, so that the writer is the last to hold the file and can empty the log.
        self.shared.readers.close();
        self.shared.position.send_modify(|_| ());
        if let Some(writer) = &self.shared.writer {
            writer.close().await;
        }
        Ok(())
    }
}
