//! A backend that keeps chunks and nothing else, and states to put there.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::chunk::{IdMap, Shape, shape};
use crate::{
    Attachment, AttachmentQuery, Backend, Budget, CheckpointId, ChunkId, ChunkInfo, Commit, Error,
    Feed, Item, MaintainStep, MetaRecord, NewChunk, Page, Parts, Position, Query, Receipt, Record,
    Result, SessionQuery, SessionRecord, Stats, StoreInfo, StoredChunk,
};

/// Keeps the first stored form of each chunk and refuses one whose children are not there.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) chunks: Mutex<IdMap<StoredChunk>>,
    pub(crate) asked: AtomicUsize,
}

impl Place {
    pub(crate) fn take(&self, new: &[NewChunk]) {
        let mut chunks = self.chunks.lock();
        for chunk in new {
            for child in chunk.children.iter() {
                assert!(chunks.contains_key(child), "{child:?} is missing");
            }
            assert!(chunk.children.len() <= 64 && chunk.bytes.len() <= 32_769);
            chunks.entry(chunk.id).or_insert_with(|| StoredChunk {
                children: chunk.children.clone(),
                bytes: chunk.bytes.clone(),
            });
        }
    }

    pub(crate) fn put(&self, id: ChunkId, children: &[ChunkId], bytes: &[u8]) {
        let chunk = StoredChunk {
            children: children.into(),
            bytes: bytes.to_vec().into(),
        };
        self.chunks.lock().insert(id, chunk);
    }

    /// The length of the longest chain of deltas.
    pub(crate) fn deepest(&self) -> usize {
        let chunks = self.chunks.lock();
        let depth = |id: &ChunkId| {
            let (mut id, mut depth) = (*id, 0);
            while let Ok(Shape::Delta { base, .. }) = shape(&id, &chunks[&id]) {
                (id, depth) = (base, depth + 1);
            }
            depth
        };
        chunks.keys().map(depth).max().unwrap_or(0)
    }
}

/// What chunks cost in a store, about.
pub(crate) fn cost(new: &[NewChunk]) -> usize {
    new.iter()
        .map(|chunk| 80 + chunk.bytes.len() + 32 * chunk.children.len())
        .sum()
}

pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

/// Text like JSON, made of words and numbers.
pub(crate) fn text(seed: u64, length: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "\"role\":\"user\",",
        "\"content\":\"",
        "the ",
        "agent ",
        "called ",
        "a tool ",
        "with ",
        "arguments ",
        "and ",
        "then ",
        "returned ",
        "\"},{",
        "\"id\":",
        "\"status\":\"ok\",",
        "search ",
        "file ",
    ];
    let mut out = Vec::with_capacity(length + 32);
    let choices = noise(seed, length / 2 + 64);
    for choice in choices.chunks(2) {
        out.extend_from_slice(WORDS[usize::from(choice[0] % 16)].as_bytes());
        if choice[0] >= 128 {
            out.extend_from_slice(format!("{} ", u32::from(choice[1]) * 7_919).as_bytes());
        }
        if out.len() >= length {
            break;
        }
    }
    out.truncate(length);
    out
}

fn none<T>() -> Result<T> {
    Err(Error::unsupported("this backend keeps chunks only"))
}

#[async_trait]
impl Backend for Place {
    fn info(&self) -> &StoreInfo {
        unreachable!("this backend keeps chunks only")
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        self.asked.fetch_add(ids.len(), Ordering::Relaxed);
        let chunks = self.chunks.lock();
        let item = |id| match chunks.get(id) {
            Some(chunk) => Item::Found(chunk.clone()),
            None => Item::Absent,
        };
        Ok(ids.iter().map(item).collect())
    }

    async fn commit(&self, _: Commit) -> Result<Receipt> {
        none()
    }

    async fn get(&self, _: &[CheckpointId], _: Parts) -> Result<Vec<Item<Record>>> {
        none()
    }

    async fn scan(&self, _: &Query) -> Result<Page<Item<Record>>> {
        none()
    }

    async fn sessions(&self, _: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        none()
    }

    async fn attachments(&self, _: &AttachmentQuery) -> Result<Page<Item<Attachment>>> {
        none()
    }

    async fn present(&self, _: &[ChunkId]) -> Result<Vec<bool>> {
        none()
    }

    async fn scan_chunks(&self, _: Option<ChunkId>, _: usize) -> Result<Vec<Item<ChunkInfo>>> {
        none()
    }

    async fn records(&self, _: &str) -> Result<Vec<Item<MetaRecord>>> {
        none()
    }

    async fn changes(&self, _: Position, _: usize) -> Result<Feed> {
        none()
    }

    async fn changed(&self, _: Position, _: Duration) -> Result<Position> {
        none()
    }

    async fn stats(&self) -> Result<Stats> {
        none()
    }

    async fn maintain(&self, _: &Budget) -> Result<MaintainStep> {
        none()
    }

    async fn flush(&self) -> Result<Receipt> {
        none()
    }

    async fn close(&self) -> Result<()> {
        none()
    }
}
