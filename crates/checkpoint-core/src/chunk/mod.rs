//! States as trees of chunks.
//!
//! `cut` divides an encoded state where its content says so, `align` finds what the previous encoding of the session
//! had already, `pack` makes stored forms, `node` builds the tree, `write` puts these together and `stream` does it
//! with bounded memory. `stored` reads stored forms; `fetch` gets chunks and the bases of their deltas, `decode`
//! makes leaves out of them, `assemble` states out of leaves; `read` gives a state or a range of it back, and `stream`
//! a state piece by piece.
//!
//! Architecture invariant: nothing here recurses, no length that was read is trusted before it was compared with
//! what is there, and the tree depends on nothing but the content and the store's hasher and seed.
//!
//! # Format
//!
//! An encoded state is cut into *leaves* by FastCDC (W. Xia et al., "FastCDC: a Fast and Efficient Content-Defined
//! Chunking Approach for Data Deduplication", USENIX ATC 2016; and "The Design of Fast Content-Defined Chunking for
//! Data Deduplication Based Storage Systems", IEEE TPDS 31(9), 2020, whose form with two bytes a step this is), with
//! the store's gear seed, normalization level 2, at least 4 KiB a leaf, at most 32 KiB, and 8 KiB as the size from
//! which cuts are likelier. An empty state is one empty leaf.
//!
//! The leaves are level 0. The chunks of a level are grouped in order: a group ends with a chunk whose id has the
//! lowest 4 bits of its first byte zero, once the group has 4 members, and with its 64th member. Each group becomes a
//! *node* of the level above, and so on until a level has one chunk: the top. Readers depend on none of these sizes.
//!
//! A varint is LEB128: seven bits a byte, lowest first, the highest bit set on all but the last byte, no more bytes
//! than needed, at most ten.
//!
//! The id of a leaf is the digest of its bytes (`Purpose::Leaf`). The id of a node is the digest (`Purpose::Node`) of
//! its level, one byte, and then for each member in order its id, 32 bytes, and its plain length, a varint. The plain
//! length of a node is the sum of its members'.
//!
//! The stored form of a chunk starts with a byte that says which it is:
//!
//! | kind | what follows | children |
//! |---|---|---|
//! | 0 | a leaf as it is | none |
//! | 1 | a leaf as one zstd frame (RFC 8878) without its magic number | none |
//! | 2 | a leaf as a delta: the plain length of its base, a varint; then a zstd frame as in 1, made with the plain bytes of the base as raw dictionary | the base, a leaf |
//! | 3 | a node whose members differ: level, one byte; then the plain length of each child, a varint | the members in order |
//! | 4 | a node: level, one byte; then for each member its place in the list of children and its plain length, two varints | the members, each once, in the order of their first mention |
//!
//! Frames carry their content size. A level is 1 to 64, and the members of a node are of the level just below. A node
//! has 1 to 4,096 members; none is empty, and none but the one with which the state ends is shorter than 64 bytes. A
//! leaf has at most 1 MiB. Writers make chains of at most 4 deltas, as far as they know; readers follow 64.

mod align;
mod assemble;
mod cut;
mod decode;
mod fetch;
mod node;
mod pack;
mod passing;
mod read;
mod stored;
mod stream;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use fetch::{Chunks, ReadError, Source};
pub(crate) use passing::Passing;
pub(crate) use read::{Read, Reader};
#[cfg(test)]
pub(crate) use read::{Shape, shape};
pub(crate) use stream::{StreamReader, StreamWriter};
pub(crate) use write::{Chunker, Known, Planned, Previous, WRITE_DEPTH};

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::id::ChunkId;

/// The highest level of a node, and the longest chain of deltas that is followed.
const MAX_DEPTH: usize = 64;
/// Bytes of the longest leaf that is read.
const MAX_LEAF: usize = 1 << 20;
/// Members of the largest node that is read.
const MAX_MEMBERS: usize = 4_096;
/// Bytes of the shortest member that is read, but for the last of a state: bounds how many there are.
const MIN_MEMBER: u64 = 64;

/// A map by chunk id. The ids are digests already and need no further hashing.
type IdMap<V> = HashMap<ChunkId, V, BuildHasherDefault<FirstBytes>>;

#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}
