//! Chunks on their way from one store to another, as they are stored.

use bytes::Bytes;

use super::IdMap;
use super::decode::Decoder;
use super::fetch::{Fetched, Span};
use super::pack::Packer;
use super::stored::{Stored, parse};
use crate::commit::NewChunk;
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::record::StoredChunk;

/// Chunks that were read from elsewhere. Each was compared with its id.
#[derive(Debug)]
pub(crate) struct Passing {
    decoder: Decoder,
    leaves: Fetched,
    /// Plain bytes of each leaf, and what it was written against.
    known: IdMap<Leaf>,
    nodes: Vec<NewChunk>,
}

#[derive(Clone, Copy, Debug)]
struct Leaf {
    length: usize,
    base: Option<ChunkId>,
}

impl Passing {
    pub(super) fn new(decoder: Decoder) -> Self {
        Self {
            decoder,
            leaves: Fetched::default(),
            known: IdMap::default(),
            nodes: Vec::new(),
        }
    }

    /// Adds what was read for these spans: nodes, or leaves and the bases of those that are deltas.
    pub(super) fn add(&mut self, spans: &[Span], fetched: Fetched, nodes: bool) -> Result<()> {
        if nodes {
            let new = spans.iter().filter_map(|span| {
                let chunk = fetched.get(&span.id)?;
                Some(as_stored(span.id, chunk))
            });
            self.nodes.extend(new);
            return Ok(());
        }
        for span in spans {
            let (mut id, mut length) =
                (span.id, usize::try_from(span.length).unwrap_or(usize::MAX));
            while !self.known.contains_key(&id) {
                let Some(chunk) = fetched.get(&id) else { break };
                let below = match parse(&id, chunk)? {
                    Stored::Delta(delta) => Some((delta.base, delta.base_length)),
                    _ => None,
                };
                let base = below.map(|(base, _)| base);
                self.known.insert(id, Leaf { length, base });
                match below {
                    Some(below) => (id, length) = below,
                    None => break,
                }
            }
        }
        self.leaves.extend(fetched);
        Ok(())
    }

    /// The nodes, parents before their members.
    pub(crate) fn take_nodes(&mut self) -> Vec<NewChunk> {
        std::mem::take(&mut self.nodes)
    }

    /// The leaves, and the bases of those that are deltas.
    pub(crate) fn leaves(&self) -> Vec<ChunkId> {
        self.known.keys().copied().collect()
    }

    /// What a leaf was written against, if it is a delta.
    pub(crate) fn base(&self, id: &ChunkId) -> Option<ChunkId> {
        self.known.get(id)?.base
    }

    /// A leaf as it is stored there.
    ///
    /// # Errors
    ///
    /// `Storage` when it is none of the leaves.
    pub(crate) fn as_stored(&self, id: &ChunkId) -> Result<NewChunk> {
        let chunk = self.leaves.get(id).ok_or_else(|| not_read(id))?;
        Ok(as_stored(*id, chunk))
    }

    /// A leaf stored anew, so that it needs no other.
    ///
    /// # Errors
    ///
    /// `Storage` when it is none of the leaves.
    pub(crate) fn alone(&self, id: &ChunkId) -> Result<NewChunk> {
        let leaf = self.known.get(id).ok_or_else(|| not_read(id))?;
        let mut plain = vec![0; leaf.length];
        self.decoder.decode(*id, &self.leaves, &mut plain)?;
        let (bytes, _) = Packer::default().pack(&plain, None);
        Ok(NewChunk {
            id: *id,
            children: [].into(),
            bytes: Bytes::from(bytes),
        })
    }
}

fn as_stored(id: ChunkId, chunk: &StoredChunk) -> NewChunk {
    NewChunk {
        id,
        children: chunk.children.clone(),
        bytes: chunk.bytes.clone(),
    }
}

fn not_read(id: &ChunkId) -> Error {
    Error::storage("a chunk that was not read cannot be moved").with("chunk", id)
}
