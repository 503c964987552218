//! Chunks from a backend, or from anywhere else.

use std::fmt::Debug;

use async_trait::async_trait;

use super::decode::leaf;
use super::stored::{Stored, corrupt};
use super::{IdMap, MAX_DEPTH};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::record::{Item, StoredChunk};

/// Why a state could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// A chunk is not there. If the checkpoint was deleted meanwhile, that is why; else the store is damaged.
    Absent(ChunkId),
    /// Anything else.
    Failed(Error),
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Absent(id) => corrupt(&id, "a chunk is missing"),
            ReadError::Failed(error) => error,
        }
    }
}

/// Where a chunk stands in a state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) id: ChunkId,
    pub(super) start: u64,
    pub(super) length: u64,
}

/// Chunks that were fetched, by id.
pub(super) type Fetched = IdMap<StoredChunk>;

/// A place other than a backend that has chunks.
#[async_trait]
pub(crate) trait Chunks: Debug + Send + Sync {
    /// Chunks by id, one answer for each, in the order asked for.
    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>>;
}

/// Where chunks come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// A store.
    Backend(&'a dyn Backend),
    /// Anything else.
    Other(&'a dyn Chunks),
}

impl Source<'_> {
    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        match self {
            Self::Backend(backend) => backend.chunks(ids).await,
            Self::Other(other) => other.chunks(ids).await,
        }
    }

    /// Fetches the chunks that `into` does not have.
    pub(super) async fn fetch(
        &self,
        ids: impl Iterator<Item = ChunkId>,
        into: &mut Fetched,
    ) -> Result<(), ReadError> {
        let mut asked: IdMap<()> = IdMap::default();
        let ids: Vec<_> = ids
            .filter(|id| !into.contains_key(id) && asked.insert(*id, ()).is_none())
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let items = self.chunks(&ids).await?;
        if items.len() != ids.len() {
            return Err(Error::storage("the backend did not answer for each chunk").into());
        }
        into.reserve(ids.len());
        for (id, item) in ids.into_iter().zip(items) {
            match item {
                Item::Found(chunk) => into.insert(id, chunk),
                Item::Absent | Item::Deleted => return Err(ReadError::Absent(id)),
                Item::Corrupt(error) => return Err(ReadError::Failed(error)),
            };
        }
        Ok(())
    }

    /// Fetches leaves and, as far as they are deltas, what they were written against.
    pub(super) async fn leaves(
        &self,
        spans: &[Span],
        leaves: &mut Fetched,
    ) -> Result<(), ReadError> {
        let mut wanted: Vec<_> = spans.iter().map(|span| span.id).collect();
        for _ in 0..=MAX_DEPTH {
            self.fetch(wanted.iter().copied(), leaves).await?;
            wanted = bases(&wanted, leaves)?;
            if wanted.is_empty() {
                return Ok(());
            }
        }
        Err(corrupt(&wanted[0], "a chain of deltas is too long").into())
    }
}

/// The bases of those leaves that are deltas and whose bases are not there yet.
fn bases(leaves: &[ChunkId], fetched: &Fetched) -> Result<Vec<ChunkId>> {
    let mut bases = Vec::new();
    for id in leaves {
        if let Stored::Delta(delta) = leaf(id, fetched)?
            && !fetched.contains_key(&delta.base)
        {
            bases.push(delta.base);
        }
    }
    Ok(bases)
}
