//! States and ranges of states, read into one buffer.

use std::ops::Range;

use bytes::Bytes;

use super::assemble::{Assembled, Assembly};
use super::decode::Decoder;
use super::fetch::{Fetched, ReadError, Source, Span};
use super::stored::{Stored, corrupt, parse};
use super::write::Previous;
use crate::backend::Backend;
use crate::error::Result;
use crate::hasher::ContentHasher;
use crate::id::ChunkId;
use crate::record::StoredChunk;

/// Nodes asked for in one request.
const NODES: usize = 512;
/// Leaves asked for in the first request, so that there is soon something to decode; twice as many in each further
/// one, up to the last number.
const FIRST_LEAVES: usize = 32;
const LEAVES: usize = 256;

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
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    source: Source<'a>,
    decoder: Decoder,
}

/// A state or a range of one, and its BLAKE3 without a key.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    pub(crate) digest: [u8; 32],
}

impl Read {
    /// Of bytes that are at hand.
    pub(crate) fn of(bytes: Bytes) -> Self {
        let digest = *blake3::hash(&bytes).as_bytes();
        Self { bytes, digest }
    }
}

impl<'a> Reader<'a> {
    /// A reader that finds damage only where something does not decode or fit; the digest of the state finds the rest.
    pub(crate) fn new(backend: &'a dyn Backend, hasher: &ContentHasher) -> Self {
        let decoder = Decoder {
            hasher: hasher.clone(),
            verify: false,
        };
        Self {
            source: Source::Backend(backend),
            decoder,
        }
    }

    /// Comparing each chunk with its id too, so that the first damaged one is named.
    pub(crate) fn verifying(mut self) -> Self {
        self.decoder.verify = true;
        self
    }

    /// Reads a state without a word for the next. `length` bytes of memory are taken, so the caller limits it first.
    #[cfg(test)]
    pub(crate) async fn read(&self, top: ChunkId, length: u64) -> Result<Bytes, ReadError> {
        Ok(self.read_range(top, length, 0..length).await?.bytes)
    }

    /// Reads a state, and what the next state of its session is compared with. `length` bytes of memory are taken, so
    /// the caller limits it first.
    pub(crate) async fn read_known(
        &self,
        top: ChunkId,
        length: u64,
    ) -> Result<(Read, Previous), ReadError> {
        let (Assembled { read, leaves }, nodes) = self.gather(top, length, 0..length).await?;
        let previous = Previous::from_read(read.bytes.clone(), &leaves, nodes);
        Ok((read, previous))
    }

    /// Reads a range of a state, fetching only what it lies in. What is outside the state is left out.
    pub(crate) async fn read_range(
        &self,
        top: ChunkId,
        length: u64,
        range: Range<u64>,
    ) -> Result<Read, ReadError> {
        let range = range.start.min(length)..range.end.min(length);
        Ok(self.gather(top, length, range).await?.0.read)
    }

    /// A range with the leaves that it lies in, and the nodes above them.
    async fn gather(
        &self,
        top: ChunkId,
        length: u64,
        range: Range<u64>,
    ) -> Result<(Assembled, Vec<ChunkId>), ReadError> {
        let top = Span {
            id: top,
            start: 0,
            length,
        };
        let mut fetched = Fetched::default();
        let mut nodes = Vec::new();
        let spans = self.descend(top, &range, &mut fetched, &mut nodes).await?;
        let mut assembly = Assembly::new(self.decoder.clone(), range);
        let (mut rest, mut size) = (&spans[..], FIRST_LEAVES);
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            if let Err(error) = self.source.leaves(batch, &mut fetched).await {
                // What stands before it is to be blamed first.
                assembly.done().await?;
                return Err(error);
            }
            assembly.add(batch, std::mem::take(&mut fetched)).await?;
            (rest, size) = (later, LEAVES.min(2 * size));
        }
        Ok((assembly.finish().await?, nodes))
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
            for batch in spans.chunks(NODES) {
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
                    let members = self.decoder.members(span, &node, level, top.length)?;
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
}

fn overlaps(span: &Span, range: &Range<u64>) -> bool {
    span.start < range.end && range.start < span.start + span.length
}

fn chunk<'a>(span: &Span, fetched: &'a Fetched) -> Result<&'a StoredChunk> {
    fetched
        .get(&span.id)
        .ok_or_else(|| corrupt(&span.id, "a chunk was not fetched"))
}
