//! States and ranges of states, read into one buffer.

use std::ops::Range;

use bytes::Bytes;

use super::fetch::{Fetched, ReadError, Source, Span, leaf_length};
use super::stored::{Stored, corrupt, parse};
use super::write::Previous;
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::hasher::ContentHasher;
use crate::id::ChunkId;
use crate::record::StoredChunk;

/// Leaves, and nodes, asked for in one request.
const BATCH: usize = 512;

/// What a stored chunk is within a tree, as far as its own bytes tell.
#[cfg(test)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A leaf that needs no other chunk.
    Leaf,
    /// A leaf that needs its base, which has this many plain bytes.
    Delta {
        /// What it was written against.
        base: ChunkId,
        /// Plain bytes of the base.
        length: u64,
    },
    /// A node.
    Node {
        /// 1 above leaves.
        level: u8,
        /// The members in order, with their plain lengths.
        members: Vec<(ChunkId, u64)>,
    },
}

/// Looks into a stored chunk, without looking at any other.
///
/// # Errors
///
/// `Corrupt`, naming the chunk.
#[cfg(test)]
pub(crate) fn shape(id: &ChunkId, chunk: &StoredChunk) -> Result<Shape> {
    Ok(match parse(id, chunk)? {
        Stored::Raw(_) | Stored::Zstd(_) => Shape::Leaf,
        Stored::Delta(delta) => Shape::Delta {
            base: delta.base,
            length: delta.base_length as u64,
        },
        Stored::Node(node) => Shape::Node {
            level: node.level,
            members: node.members.iter().map(|m| (m.id, m.length)).collect(),
        },
    })
}

/// Reads states whose digests the caller compares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    source: Source<'a>,
}

/// A range of a state with the leaves that it lies in, each with its depth, and the nodes above them.
struct Gathered {
    state: Bytes,
    leaves: Vec<(Span, usize)>,
    nodes: Vec<ChunkId>,
}

impl<'a> Reader<'a> {
    /// A reader that finds damage only where something does not decode or fit; the digest of the state finds the rest.
    pub(crate) fn new(backend: &'a dyn Backend, hasher: &'a ContentHasher) -> Self {
        let source = Source {
            backend,
            hasher,
            verify: false,
        };
        Self { source }
    }

    /// Comparing each chunk with its id too, so that the first damaged one is named.
    pub(crate) fn verifying(mut self) -> Self {
        self.source.verify = true;
        self
    }

    /// Reads a state without a word for the next. `length` bytes of memory are taken, so the caller limits it first.
    #[cfg(test)]
    pub(crate) async fn read(&self, top: ChunkId, length: u64) -> Result<Bytes, ReadError> {
        Ok(self.gather(top, length, 0..length).await?.state)
    }

    /// Reads a state, and what the next state of its session is compared with. `length` bytes of memory are taken, so
    /// the caller limits it first.
    pub(crate) async fn read_known(
        &self,
        top: ChunkId,
        length: u64,
    ) -> Result<(Bytes, Previous), ReadError> {
        let gathered = self.gather(top, length, 0..length).await?;
        let state = gathered.state;
        let previous = Previous::from_read(state.clone(), &gathered.leaves, gathered.nodes);
        Ok((state, previous))
    }

    /// Reads a range of a state, fetching only what it lies in. What is outside the state is left out.
    pub(crate) async fn read_range(
        &self,
        top: ChunkId,
        length: u64,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        let range = range.start.min(length)..range.end.min(length);
        Ok(self.gather(top, length, range).await?.state)
    }

    async fn gather(
        &self,
        top: ChunkId,
        length: u64,
        range: Range<u64>,
    ) -> Result<Gathered, ReadError> {
        let top = Span {
            id: top,
            start: 0,
            length,
        };
        let mut fetched = Fetched::default();
        let mut nodes = Vec::new();
        let spans = self.descend(top, &range, &mut fetched, &mut nodes).await?;
        let size = range.end.saturating_sub(range.start);
        let size =
            usize::try_from(size).map_err(|_| Error::too_large("a range", size, u64::MAX))?;
        let mut state = Vec::new();
        let mut leaves = Vec::with_capacity(spans.len());
        for batch in spans.chunks(BATCH) {
            self.source.leaves(batch, &mut fetched).await?;
            if state.is_empty() {
                state = vec![0; size];
            }
            for span in batch {
                leaves.push((*span, self.place(span, &range, &fetched, &mut state)?));
            }
            fetched.clear();
        }
        Ok(Gathered {
            state: Bytes::from(state),
            leaves,
            nodes,
        })
    }

    /// The leaves that a range lies in. When the top is the only one it stays in `fetched`.
    async fn descend(
        &self,
        top: Span,
        range: &Range<u64>,
        fetched: &mut Fetched,
        nodes: &mut Vec<ChunkId>,
    ) -> Result<Vec<Span>, ReadError> {
        self.source.fetch(std::iter::once(top.id), fetched).await?;
        let mut level = None;
        let mut spans = vec![top];
        loop {
            let mut below = Vec::new();
            for batch in spans.chunks(BATCH) {
                let ids = batch.iter().map(|span| span.id);
                self.source.fetch(ids, fetched).await?;
                for span in batch {
                    let node = match parse(&span.id, chunk(span, fetched)?)? {
                        Stored::Node(node) => node,
                        _ if level.is_none() => return Ok(spans),
                        _ => {
                            return Err(corrupt(&span.id, "a leaf stands where a node must").into());
                        }
                    };
                    let members = self.source.members(span, &node, level, top.length)?;
                    level = Some(node.level);
                    nodes.push(span.id);
                    below.extend(members.into_iter().filter(|span| overlaps(span, range)));
                }
                fetched.clear();
            }
            spans = below;
            // All nodes of one level were checked to be of the level of the first.
            level = level.map(|level| level - 1);
            if level == Some(0) || spans.is_empty() {
                return Ok(spans);
            }
        }
    }

    /// Decodes a leaf to where it belongs, by way of a buffer of its own only if a part of it is wanted. Answers how
    /// many deltas it took.
    fn place(
        &self,
        span: &Span,
        range: &Range<u64>,
        fetched: &Fetched,
        out: &mut [u8],
    ) -> Result<usize> {
        let length = leaf_length(span)?;
        let from = span.start.max(range.start);
        let to = (span.start + span.length).min(range.end).max(from);
        let at = |n: u64, origin: u64| usize::try_from(n - origin).unwrap_or(usize::MAX);
        let wanted = out
            .get_mut(at(from, range.start)..at(to, range.start))
            .ok_or_else(|| corrupt(&span.id, "a leaf lies outside its state"))?;
        if wanted.len() == length {
            return self.source.decode(span.id, fetched, wanted);
        }
        let mut whole = vec![0; length];
        let depth = self.source.decode(span.id, fetched, &mut whole)?;
        wanted.copy_from_slice(&whole[at(from, span.start)..at(to, span.start)]);
        Ok(depth)
    }
}

fn overlaps(span: &Span, range: &Range<u64>) -> bool {
    span.start < range.end && range.start < span.start + span.length
}

fn chunk<'a>(span: &Span, fetched: &'a Fetched) -> Result<&'a StoredChunk> {
    fetched
        .get(&span.id)
        .ok_or_else(|| corrupt(&span.id, "a chunk was not fetched"))
}
