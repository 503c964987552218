//! The tree above the leaves.

use std::sync::Arc;

use bytes::Bytes;

use super::IdMap;
use super::stored::{NODE, REPEATING_NODE, put_varint};
use crate::commit::NewChunk;
use crate::hasher::{ContentHasher, Purpose};
use crate::id::ChunkId;

const MIN_MEMBERS: usize = 4;
const MAX_MEMBERS: usize = 64;
const ENDS: u8 = 0b1111;

/// A member of a node: a chunk of the level below, with the bytes of state it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) id: ChunkId,
    pub(super) length: u64,
}

/// Groups chunks into nodes, level by level, holding what is not grouped yet.
#[derive(Debug, Default)]
pub(super) struct Builder {
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    open: Vec<Member>,
    grouped: bool,
}

impl Builder {
    /// Adds the next leaf, giving each node that is complete to `done`.
    pub(super) fn push(
        &mut self,
        leaf: Member,
        hasher: &ContentHasher,
        done: &mut impl FnMut(ChunkId, Unwritten<'_>),
    ) {
        let mut member = leaf;
        for at in 0.. {
            if at == self.levels.len() {
                self.levels.push(Level::default());
            }
            let level = &mut self.levels[at];
            level.open.push(member);
            if !ends(&member.id, level.open.len()) {
                return;
            }
            member = level.close(at, hasher, done);
        }
    }

    /// Completes the tree, answering its top; none when there was no leaf.
    pub(super) fn finish(
        mut self,
        hasher: &ContentHasher,
        done: &mut impl FnMut(ChunkId, Unwritten<'_>),
    ) -> Option<ChunkId> {
        let mut at = 0;
        while at < self.levels.len() {
            let level = &mut self.levels[at];
            if let ([only], false) = (&level.open[..], level.grouped) {
                return Some(only.id);
            }
            if !level.open.is_empty() {
                let member = level.close(at, hasher, done);
                if at + 1 == self.levels.len() {
                    self.levels.push(Level::default());
                }
                self.levels[at + 1].open.push(member);
            }
            at += 1;
        }
        None
    }
}

fn ends(id: &ChunkId, members: usize) -> bool {
    members == MAX_MEMBERS || (members >= MIN_MEMBERS && id.as_bytes()[0] & ENDS == 0)
}

impl Level {
    fn close(
        &mut self,
        at: usize,
        hasher: &ContentHasher,
        done: &mut impl FnMut(ChunkId, Unwritten<'_>),
    ) -> Member {
        // Each level has at most half as many chunks as the one below, and a last one.
        let level = u8::try_from(at + 1).unwrap_or(u8::MAX);
        let id = node_id(hasher, level, &self.open);
        let length = self.open.iter().map(|member| member.length).sum();
        done(
            id,
            Unwritten {
                level,
                members: &self.open,
            },
        );
        self.open.clear();
        self.grouped = true;
        Member { id, length }
    }
}

/// The id of a node.
pub(super) fn node_id(hasher: &ContentHasher, level: u8, members: &[Member]) -> ChunkId {
    let mut canonical = Vec::with_capacity(1 + members.len() * 36);
    canonical.push(level);
    for member in members {
        canonical.extend_from_slice(member.id.as_bytes());
        put_varint(&mut canonical, member.length);
    }
    hasher.chunk_id(Purpose::Node, &canonical)
}

/// A node whose stored form is made only if it is needed.
pub(super) struct Unwritten<'a> {
    level: u8,
    members: &'a [Member],
}

impl Unwritten<'_> {
    pub(super) fn write(&self, id: ChunkId) -> NewChunk {
        let mut places: IdMap<usize> = IdMap::default();
        let mut children = Vec::with_capacity(self.members.len());
        let mut mentions = Vec::with_capacity(self.members.len());
        for member in self.members {
            let place = *places.entry(member.id).or_insert_with(|| {
                children.push(member.id);
                children.len() - 1
            });
            mentions.push((place, member.length));
        }
        let repeats = children.len() < mentions.len();
        let mut bytes = Vec::with_capacity(2 + mentions.len() * 4);
        bytes.push(if repeats { REPEATING_NODE } else { NODE });
        bytes.push(self.level);
        for (place, length) in mentions {
            if repeats {
                put_varint(&mut bytes, place as u64);
            }
            put_varint(&mut bytes, length);
        }
        NewChunk {
            id,
            children: Arc::from(children),
            bytes: Bytes::from(bytes),
        }
    }
}
