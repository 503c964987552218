//! What must be written for a state.

use std::sync::Arc;

use bytes::Bytes;

use super::IdMap;
use super::align::Aligner;
use super::cut::Cutter;
use super::fetch::Span;
use super::node::{Builder, Member, Unwritten};
use super::pack::{Base, Packer};
use super::stream::StreamWriter;
use crate::commit::NewChunk;
use crate::hasher::{ContentHasher, Purpose};
use crate::id::ChunkId;

/// How long a chain of deltas may become. A leaf that grows by a turn of 2 KiB at a time is rewritten four or five times:
/// with 2, a conversation saved at each turn takes a third more; with 6, little less, and more is read for each leaf.
pub(crate) const WRITE_DEPTH: u8 = 4;
/// Of a leaf whose stored form somebody else made: not to be used as a base.
const UNKNOWN_DEPTH: u8 = u8::MAX;

/// Cuts the states of one store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Chunker {
    pub(super) hasher: ContentHasher,
    pub(super) cutter: Arc<Cutter>,
}

impl std::fmt::Debug for Chunker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunker")
            .field("hasher", &self.hasher)
            .finish_non_exhaustive()
    }
}

/// Which chunks need not be sent.
#[derive(Clone, Copy)]
pub(crate) enum Known {
    /// None: all are sent, and none as a delta, so that what is sent refers to nothing else.
    Nothing,
    /// Those of the previous state.
    Previous,
}

/// The previous encoding of a session and what its chunks are.
pub(crate) struct Previous {
    pub(super) encoded: Bytes,
    pub(super) leaves: Vec<Leaf>,
    nodes: Vec<ChunkId>,
}

/// A leaf in its place.
#[derive(Clone)]
pub(super) struct Leaf {
    pub(super) id: ChunkId,
    pub(super) start: usize,
    pub(super) length: usize,
    depth: u8,
    anchor: Option<Anchor>,
}

/// What a leaf that is too deep to be a base was written against.
#[derive(Clone)]
struct Anchor {
    id: ChunkId,
    depth: u8,
    plain: Bytes,
}

/// What to write for a state.
pub(crate) struct Planned {
    /// The top of its tree.
    pub(crate) top: ChunkId,
    /// The chunks to send, children before parents, each once.
    pub(crate) new: Vec<NewChunk>,
    /// What the next state of the session is compared with, once this one is committed.
    pub(crate) next: Previous,
}

impl std::fmt::Debug for Previous {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Previous")
            .field("length", &self.encoded.len())
            .field("leaves", &self.leaves.len())
            .finish_non_exhaustive()
    }
}

impl Previous {
    /// A whole state that was read, with its leaves in order and how deep each is.
    pub(super) fn from_read(encoded: Bytes, leaves: &[(Span, usize)], nodes: Vec<ChunkId>) -> Self {
        let mut start = 0;
        let leaf = |(span, depth): &(Span, usize)| {
            // What was read lies in memory.
            let length = usize::try_from(span.length).unwrap_or(usize::MAX);
            let leaf = Leaf {
                id: span.id,
                start,
                length,
                depth: u8::try_from(*depth).unwrap_or(UNKNOWN_DEPTH),
                anchor: None,
            };
            start += length;
            leaf
        };
        Self {
            leaves: leaves.iter().map(leaf).collect(),
            encoded,
            nodes,
        }
    }

    /// Bytes of memory that it holds, about.
    pub(crate) fn size(&self) -> usize {
        let anchors = self.leaves.iter().filter_map(|leaf| leaf.anchor.as_ref());
        self.encoded.len()
            + self.leaves.capacity() * size_of::<Leaf>()
            + self.nodes.capacity() * size_of::<ChunkId>()
            + anchors.map(|anchor| anchor.plain.len()).sum::<usize>()
    }

    /// The encoding.
    #[cfg(test)]
    pub(crate) fn encoded(&self) -> &Bytes {
        &self.encoded
    }

    fn base(&self, leaf: &Leaf) -> Option<(ChunkId, u8, Bytes)> {
        if leaf.depth < WRITE_DEPTH {
            let plain = self.encoded.slice(leaf.start..leaf.start + leaf.length);
            return Some((leaf.id, leaf.depth, plain));
        }
        let anchor = leaf.anchor.as_ref()?;
        Some((anchor.id, anchor.depth, anchor.plain.clone()))
    }
}

impl Chunker {
    /// For a store that names chunks with this hasher and cuts with this seed.
    pub(crate) fn new(hasher: ContentHasher, gear_seed: u64) -> Self {
        Self {
            hasher,
            cutter: Arc::new(Cutter::new(gear_seed)),
        }
    }

    /// What to write for a state, given the state before it. Takes time in proportion to the state; does no I/O.
    pub(crate) fn plan(
        &self,
        encoded: Bytes,
        previous: Option<&Previous>,
        known: Known,
    ) -> Planned {
        let mut plan = Plan::new(self, previous, known);
        let leaves = plan.leaves(&encoded);
        let (top, nodes) = plan.tree(&leaves);
        Planned {
            top,
            new: plan.new,
            next: Previous {
                encoded,
                leaves,
                nodes,
            },
        }
    }

    /// A writer for a state that comes in pieces.
    pub(crate) fn stream(&self) -> StreamWriter {
        StreamWriter::new(self.clone())
    }
}

struct Plan<'a> {
    chunker: &'a Chunker,
    previous: Option<&'a Previous>,
    known: Known,
    aligner: Option<Aligner<'a>>,
    packer: Packer,
    new: Vec<NewChunk>,
    /// Where in the list of leaves one stands that is sent.
    sent: IdMap<usize>,
}

impl<'a> Plan<'a> {
    fn new(chunker: &'a Chunker, previous: Option<&'a Previous>, known: Known) -> Self {
        Self {
            chunker,
            previous,
            known,
            aligner: previous.map(Aligner::new),
            packer: Packer::default(),
            new: Vec::new(),
            sent: IdMap::default(),
        }
    }

    fn leaves(&mut self, encoded: &Bytes) -> Vec<Leaf> {
        let expected = self
            .previous
            .map_or(encoded.len() / super::cut::AVERAGE, |old| old.leaves.len());
        let mut leaves = Vec::with_capacity(expected + 4);
        let mut start = 0;
        while start < encoded.len() || leaves.is_empty() {
            let reused = self
                .aligner
                .as_mut()
                .and_then(|aligner| aligner.reuse(encoded, start));
            let leaf = match reused {
                Some(leaf) => self.again(encoded, start, leaf, leaves.len()),
                None => self.fresh(encoded, start, &leaves),
            };
            start += leaf.length;
            leaves.push(leaf);
        }
        leaves
    }

    /// A leaf that the previous state had.
    fn again(&mut self, encoded: &Bytes, start: usize, leaf: &Leaf, at: usize) -> Leaf {
        let mut leaf = Leaf {
            start,
            ..leaf.clone()
        };
        if matches!(self.known, Known::Nothing) {
            // What it was written against may be gone too. How deep it is may still hold, if it is not gone itself.
            leaf.anchor = None;
            if !self.sent.contains_key(&leaf.id) {
                self.send(&encoded[start..start + leaf.length], leaf.id, None, at);
            }
        }
        leaf
    }

    fn fresh(&mut self, encoded: &Bytes, start: usize, leaves: &[Leaf]) -> Leaf {
        let length = self.chunker.cutter.cut(&encoded[start..]);
        let old = self.aligner.as_ref();
        let replaced = old.and_then(|old| old.replaced(start, length));
        let plain = &encoded[start..start + length];
        let id = self.chunker.hasher.chunk_id(Purpose::Leaf, plain);
        let old = self.aligner.as_mut();
        if let Some(leaf) = old.and_then(|old| old.known(&id, start + length)) {
            return self.again(encoded, start, leaf, leaves.len());
        }
        if let Some(n) = self.sent.get(&id) {
            return Leaf {
                start,
                ..leaves[*n].clone()
            };
        }
        let mut leaf = Leaf {
            id,
            start,
            length,
            depth: UNKNOWN_DEPTH,
            anchor: None,
        };
        (leaf.depth, leaf.anchor) = self.send(plain, id, replaced, leaves.len());
        leaf
    }

    /// Builds the tree above the leaves, sending its new nodes; answers the top and all nodes.
    fn tree(&mut self, leaves: &[Leaf]) -> (ChunkId, Vec<ChunkId>) {
        let hasher = &self.chunker.hasher;
        let old = self.old_nodes();
        let mut nodes = Vec::with_capacity(old.len() + 4);
        let (new, sent) = (&mut self.new, &mut self.sent);
        let mut done = |id, node: Unwritten<'_>| {
            nodes.push(id);
            if !old.contains_key(&id) && sent.insert(id, 0).is_none() {
                new.push(node.write(id));
            }
        };
        let mut builder = Builder::default();
        for leaf in leaves {
            let member = Member {
                id: leaf.id,
                length: leaf.length as u64,
            };
            builder.push(member, hasher, &mut done);
        }
        let top = builder.finish(hasher, &mut done);
        let top = top.unwrap_or_else(|| hasher.chunk_id(Purpose::Leaf, &[]));
        (top, nodes)
    }

    fn old_nodes(&self) -> IdMap<()> {
        let old = match self.known {
            Known::Nothing => None,
            Known::Previous => self.previous,
        };
        let nodes = old.map_or(&[][..], |old| &old.nodes);
        nodes.iter().map(|id| (*id, ())).collect()
    }

    /// Sends a leaf, answering how deep it is and, if it is too deep to be a base, what it was written against.
    fn send(
        &mut self,
        plain: &[u8],
        id: ChunkId,
        replaced: Option<&Leaf>,
        at: usize,
    ) -> (u8, Option<Anchor>) {
        let base = match (self.known, self.previous, replaced) {
            (Known::Previous, Some(old), Some(leaf)) => old.base(leaf),
            _ => None,
        };
        let against = base.as_ref().map(|(_, _, plain)| Base { plain });
        let (bytes, delta) = self.packer.pack(plain, against);
        let base = base.filter(|_| delta);
        self.sent.insert(id, at);
        self.new.push(NewChunk {
            id,
            children: base.iter().map(|(id, _, _)| *id).collect(),
            bytes: Bytes::from(bytes),
        });
        let Some((id, depth, plain)) = base else {
            return (0, None);
        };
        // A copy, since a slice would keep the whole encoding that it is of.
        let anchor = (depth + 1 == WRITE_DEPTH).then(|| Anchor {
            id,
            depth,
            plain: Bytes::copy_from_slice(&plain),
        });
        (depth + 1, anchor)
    }
}
