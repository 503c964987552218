//! Members out of nodes, and leaves out of their stored forms.

use super::fetch::{Fetched, Span};
use super::node::{Member, node_id};
use super::pack::decompress;
use super::stored::{Node, Stored, corrupt, parse};
use super::{MAX_DEPTH, MAX_LEAF, MIN_MEMBER};
use crate::error::Result;
use crate::hasher::{ContentHasher, Purpose};
use crate::id::ChunkId;

/// Decodes chunks, and compares them with their ids if it is to.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    pub(super) hasher: ContentHasher,
    pub(super) verify: bool,
}

impl Decoder {
    /// The members of a node as spans, its place in the state and its level compared with what is expected.
    pub(super) fn members(
        &self,
        span: &Span,
        node: &Node,
        level: Option<u8>,
        end: u64,
    ) -> Result<Vec<Span>> {
        if level.is_some_and(|level| level != node.level) {
            return Err(corrupt(
                &span.id,
                "a node is not of the level it must be of",
            ));
        }
        let mut start = span.start;
        let mut spans = Vec::with_capacity(node.members.len());
        for Member { id, length } in &node.members {
            let (id, length) = (*id, *length);
            let left = span.start + span.length - start;
            if length == 0 || length > left || (length < MIN_MEMBER && start + length != end) {
                return Err(corrupt(&span.id, "the lengths in a node are wrong"));
            }
            spans.push(Span { id, start, length });
            start += length;
        }
        if start != span.start + span.length {
            return Err(corrupt(&span.id, "the lengths in a node are wrong"));
        }
        if self.verify && node_id(&self.hasher, node.level, &node.members) != span.id {
            return Err(corrupt(
                &span.id,
                "a node does not have the content of its id",
            ));
        }
        Ok(spans)
    }

    /// Writes the plain bytes of a leaf, as many as `out` takes; it and its bases must have been fetched. Answers how
    /// many deltas it took.
    pub(super) fn decode(&self, id: ChunkId, leaves: &Fetched, out: &mut [u8]) -> Result<usize> {
        let chain = chain(id, leaves)?;
        let mut below = Vec::new();
        for (n, link) in chain.iter().enumerate().rev() {
            let Some(above) = n.checked_sub(1).and_then(|n| chain.get(n)) else {
                break;
            };
            let length = match &above.stored {
                Stored::Delta(delta) => delta.base_length,
                _ => 0,
            };
            let mut plain = vec![0; length];
            self.expand(link, &below, &mut plain)?;
            below = plain;
        }
        if let Some(link) = chain.first() {
            self.expand(link, &below, out)?;
        }
        Ok(chain.len().saturating_sub(1))
    }

    fn expand(&self, link: &Link<'_>, below: &[u8], out: &mut [u8]) -> Result<()> {
        let expanded = match &link.stored {
            Stored::Raw(bytes) => {
                let fits = bytes.len() == out.len();
                if fits {
                    out.copy_from_slice(bytes);
                }
                fits
            }
            Stored::Zstd(frame) => decompress(frame, None, out),
            Stored::Delta(delta) => decompress(delta.frame, Some(below), out),
            Stored::Node(_) => false,
        };
        if !expanded {
            return Err(corrupt(
                &link.id,
                "a chunk does not give a leaf of its length",
            ));
        }
        if self.verify && self.hasher.chunk_id(Purpose::Leaf, out) != link.id {
            return Err(corrupt(
                &link.id,
                "a leaf does not have the content of its id",
            ));
        }
        Ok(())
    }
}

/// A leaf, or what it or its base was written against.
struct Link<'a> {
    id: ChunkId,
    stored: Stored<'a>,
}

/// From a leaf down to the base that is no delta.
fn chain(id: ChunkId, leaves: &Fetched) -> Result<Vec<Link<'_>>> {
    let mut chain = Vec::with_capacity(1);
    let mut at = id;
    while chain.len() <= MAX_DEPTH {
        let stored = leaf(&at, leaves)?;
        let base = match &stored {
            Stored::Delta(delta) => Some(delta.base),
            _ => None,
        };
        chain.push(Link { id: at, stored });
        match base {
            Some(base) => at = base,
            None => return Ok(chain),
        }
    }
    Err(corrupt(&id, "a chain of deltas is too long"))
}

/// The stored form of a leaf that was fetched.
pub(super) fn leaf<'a>(id: &ChunkId, fetched: &'a Fetched) -> Result<Stored<'a>> {
    let chunk = fetched
        .get(id)
        .ok_or_else(|| corrupt(id, "a chunk was not fetched"))?;
    parse(id, chunk)
}

/// Refuses a leaf longer than any writer makes, before memory is taken for it.
pub(super) fn leaf_length(span: &Span) -> Result<usize> {
    usize::try_from(span.length)
        .ok()
        .filter(|length| *length <= MAX_LEAF)
        .ok_or_else(|| corrupt(&span.id, "a leaf is too long"))
}
