//! The backend: writes go to the worker, reads to what is in memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, Budget, Capabilities, CheckpointId, ChunkId, ChunkInfo,
    Commit, ContentHasher, Durability, Error, Feed, Format, Item, Limits, MaintainStep,
    MemoryBackend, MetaRecord, Page, Parts, Position, Query, Receipt, Record, Result, SessionQuery,
    SessionRecord, Stats, StoreInfo, StoredChunk,
};

use crate::config::JournalOptions;
use crate::journal::Journal;
use crate::layout::VERSION;
use crate::worker::Worker;

/// A store in a directory: all of it in memory, and a journal from which it is made again.
///
/// Dropping the handle does what waits in its queue and lets go of the directory, which takes as long as a sync;
/// [`close`](Backend::close) does the same without blocking a thread.
#[derive(Debug)]
pub struct JournalBackend {
    memory: MemoryBackend,
    worker: Worker,
    rewrite_from: u64,
}

impl JournalBackend {
    /// Opens the store, or makes it when it is not there. Reads the whole journal, and blocks meanwhile.
    ///
    /// # Errors
    ///
    /// `Locked` when it is open already, here or in another process; `Unsupported` for a newer format, or a file that
    /// is no journal; `Corrupt` when an entry is damaged that was acknowledged.
    pub fn open(options: JournalOptions) -> Result<Self> {
        let label: Arc<str> = format!("journal:{}", options.directory.display()).into();
        let (journal, contents) = Journal::open(&options).map_err(|error| error.on(&label))?;
        let info = StoreInfo {
            label: Arc::clone(&label),
            id: journal.id(),
            format: Format {
                version: VERSION,
                min_reader: 1,
                min_writer: 1,
            },
            limits: Limits::default(),
            capabilities: Capabilities::default().with_persistent(true),
            hasher: ContentHasher::plain(),
            gear_seed: 0,
            durability: Durability::Disk,
            read_only: false,
        };
        let memory = MemoryBackend::builder()
            .clock(options.clock)
            .described(info)
            .build();
        for rows in contents.entries() {
            memory.replay(rows).map_err(|error| error.on(&label))?;
        }
        // A further handle on the same memory: closing one leaves the worker's open until it is done.
        let worker = Worker::start(memory.clone(), journal)?;
        Ok(Self {
            memory,
            worker,
            rewrite_from: options.rewrite_from,
        })
    }

    fn on_this(&self, error: Error) -> Error {
        error.on(&self.info().label)
    }
}

#[async_trait]
impl Backend for JournalBackend {
    fn info(&self) -> &StoreInfo {
        self.memory.info()
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt> {
        let done = self.worker.commit(commit).await;
        done.map_err(|error| self.on_this(error))
    }

    async fn get(&self, ids: &[CheckpointId], parts: Parts) -> Result<Vec<Item<Record>>> {
        self.memory.get(ids, parts).await
    }

    async fn scan(&self, query: &Query) -> Result<Page<Item<Record>>> {
        self.memory.scan(query).await
    }

    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        self.memory.sessions(query).await
    }

    async fn attachments(&self, query: &AttachmentQuery) -> Result<Page<Item<Attachment>>> {
        self.memory.attachments(query).await
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        self.memory.chunks(ids).await
    }

    async fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>> {
        self.memory.present(ids).await
    }

    async fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>> {
        self.memory.scan_chunks(after, limit).await
    }

    async fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        self.memory.records(prefix).await
    }

    async fn changes(&self, after: Position, limit: usize) -> Result<Feed> {
        self.memory.changes(after, limit).await
    }

    async fn changed(&self, after: Position, at_most: Duration) -> Result<Position> {
        self.memory.changed(after, at_most).await
    }

    async fn stats(&self) -> Result<Stats> {
        let mut stats = self.memory.stats().await?;
        stats.stored_bytes = self.worker.size();
        Ok(stats)
    }

    /// Reads the journal again and compares it with its digests: what is in memory is not what the next open reads.
    async fn check(&self) -> Result<Vec<Error>> {
        match self.worker.check().await {
            Err(error) if error.is_corrupt() => Ok(vec![self.on_this(error)]),
            other => other
                .map(|()| Vec::new())
                .map_err(|error| self.on_this(error)),
        }
    }

    /// What is given back in memory is given back on disk when the journal is rewritten: when that is asked for, or
    /// when it has doubled since, so that rewriting costs no more than writing did.
    async fn maintain(&self, budget: &Budget) -> Result<MaintainStep> {
        let step = self.memory.maintain(budget).await?;
        let (size, rewritten) = (self.worker.size(), self.worker.rewritten());
        let grown = size >= self.rewrite_from && size > 2 * rewritten;
        if !step.more && (budget.compact || grown) {
            let done = self.worker.rewrite().await;
            done.map_err(|error| self.on_this(error))?;
        }
        Ok(step)
    }

    /// What was acknowledged is on disk already; what is under way when this is called is when it returns.
    async fn flush(&self) -> Result<Receipt> {
        let done = self.worker.flush().await;
        done.map_err(|error| self.on_this(error))?;
        self.memory.flush().await
    }

    async fn close(&self) -> Result<()> {
        // One that is closed already has nothing left to do.
        let _ = self.worker.close().await;
        self.memory.close().await
    }
}
