//! What a state has in common with the one before it.

use bytes::Bytes;

use super::IdMap;
use super::cut::Cutter;
use super::write::{Leaf, Previous};
use crate::id::ChunkId;

/// How many old leaves behind and ahead of the expected one are compared.
const BEHIND: usize = 8;
const AHEAD: usize = 24;

/// Walks along the previous encoding while a new one is cut.
///
/// Old bytes are found again where they would lie if what changed had kept its length, or near by; else a leaf is cut
/// and hashed, and its id tells where the walk goes on.
pub(super) struct Aligner<'a> {
    old: &'a Previous,
    ids: IdMap<usize>,
    /// The old leaf after the last that was found again.
    next: usize,
    /// Where the bytes after that leaf begin in the new encoding.
    from: usize,
}

impl<'a> Aligner<'a> {
    pub(super) fn new(old: &'a Previous) -> Self {
        let mut ids = IdMap::default();
        ids.reserve(old.leaves.len());
        for (n, leaf) in old.leaves.iter().enumerate() {
            ids.entry(leaf.id).or_insert(n);
        }
        Self {
            old,
            ids,
            next: 0,
            from: 0,
        }
    }

    /// The old leaf that `encoded` has at `start`, cut there as it was before.
    pub(super) fn reuse(&mut self, encoded: &Bytes, start: usize) -> Option<&'a Leaf> {
        let rest = &encoded[start..];
        let near = self.near(start);
        let candidates = near.saturating_sub(BEHIND).max(self.next)..self.old.leaves.len();
        let candidates = std::iter::once(near).chain(candidates.take(BEHIND + AHEAD));
        for n in candidates {
            let Some(leaf) = self.old.leaves.get(n) else {
                continue;
            };
            if Cutter::same(rest, &self.old.encoded[leaf.start..], leaf.length) {
                self.found(n, start + leaf.length);
                return Some(leaf);
            }
        }
        None
    }

    /// The old leaf with this id, that was just cut out of the new encoding up to `end`.
    pub(super) fn known(&mut self, id: &ChunkId, end: usize) -> Option<&'a Leaf> {
        let n = *self.ids.get(id)?;
        self.found(n, end);
        self.old.leaves.get(n)
    }

    /// The old leaf that most of `length` bytes from `start` would lie in if what changed had kept its length.
    pub(super) fn replaced(&self, start: usize, length: usize) -> Option<&'a Leaf> {
        let from = self.expected(start);
        let overlap = |leaf: &&Leaf| {
            let end = (leaf.start + leaf.length).min(from + length);
            end.saturating_sub(leaf.start.max(from))
        };
        let later = self.old.leaves.get(self.near(start)..)?;
        let covering = later
            .iter()
            .take_while(|leaf| leaf.start < from + length)
            .max_by_key(overlap);
        covering.or(self.old.leaves.last())
    }

    fn found(&mut self, n: usize, end: usize) {
        self.next = n + 1;
        self.from = end;
    }

    /// The old leaf that `start` would lie in.
    fn near(&self, start: usize) -> usize {
        let expected = self.expected(start);
        let later = &self.old.leaves[self.next..];
        self.next + later.partition_point(|leaf| leaf.start + leaf.length <= expected)
    }

    fn expected(&self, start: usize) -> usize {
        let next = self.old.leaves.get(self.next);
        next.map_or(self.old.encoded.len(), |leaf| leaf.start) + (start - self.from)
    }
}
