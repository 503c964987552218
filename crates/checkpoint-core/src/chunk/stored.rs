//! What a stored form says.

use bytes::Bytes;

use super::node::Member;
use super::{MAX_DEPTH, MAX_LEAF, MAX_MEMBERS};
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::record::StoredChunk;

pub(super) const RAW: u8 = 0;
pub(super) const ZSTD: u8 = 1;
pub(super) const DELTA: u8 = 2;
pub(super) const NODE: u8 = 3;
pub(super) const REPEATING_NODE: u8 = 4;

/// A stored form, looked into as far as its first bytes.
#[derive(Debug)]
pub(super) enum Stored<'a> {
    Raw(&'a [u8]),
    Zstd(&'a [u8]),
    Delta(Delta<'a>),
    Node(Node),
}

#[derive(Debug)]
pub(super) struct Delta<'a> {
    pub(super) base: ChunkId,
    pub(super) base_length: usize,
    pub(super) frame: &'a [u8],
}

/// A node, its members all there but not compared with anything outside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) level: u8,
    pub(super) members: Vec<Member>,
}

/// The error for a chunk that is not what it must be.
pub(super) fn corrupt(id: &ChunkId, message: &'static str) -> Error {
    Error::corrupt(message).with("chunk", id)
}

/// Reads a stored form.
pub(super) fn parse<'a>(id: &ChunkId, chunk: &'a StoredChunk) -> Result<Stored<'a>> {
    parts(&chunk.children, &chunk.bytes).map_err(|message| corrupt(id, message))
}

fn parts<'a>(children: &[ChunkId], bytes: &'a Bytes) -> Result<Stored<'a>, &'static str> {
    let (kind, rest) = bytes
        .split_first()
        .ok_or("the stored form of a chunk is empty")?;
    match (*kind, children) {
        (RAW, []) => Ok(Stored::Raw(rest)),
        (ZSTD, []) => Ok(Stored::Zstd(rest)),
        (DELTA, [base]) => delta(*base, rest).map(Stored::Delta),
        (RAW | ZSTD | DELTA, _) => Err("a leaf has another number of children than its kind has"),
        (NODE | REPEATING_NODE, children) => {
            let (level, rest) = rest.split_first().ok_or("a node ends before its level")?;
            if *level == 0 || usize::from(*level) > MAX_DEPTH {
                return Err("the level of a node is out of range");
            }
            let members = if *kind == NODE {
                distinct(children, rest)
            } else {
                repeating(children, rest)
            }?;
            let level = *level;
            Ok(Stored::Node(Node { level, members }))
        }
        _ => Err("a chunk is of an unknown kind"),
    }
}

fn delta(base: ChunkId, mut rest: &[u8]) -> Result<Delta<'_>, &'static str> {
    let length = varint(&mut rest).ok_or("a delta does not tell the length of its base")?;
    let base_length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_LEAF)
        .ok_or("the base of a delta is too long")?;
    Ok(Delta {
        base,
        base_length,
        frame: rest,
    })
}

fn distinct(children: &[ChunkId], mut rest: &[u8]) -> Result<Vec<Member>, &'static str> {
    if children.is_empty() || children.len() > MAX_MEMBERS {
        return Err("a node has no members or too many");
    }
    let mut members = Vec::with_capacity(children.len());
    for id in children {
        let length = varint(&mut rest).ok_or("a node has fewer lengths than children")?;
        members.push(Member { id: *id, length });
    }
    if !rest.is_empty() {
        return Err("a node has more bytes than members");
    }
    Ok(members)
}

fn repeating(children: &[ChunkId], mut rest: &[u8]) -> Result<Vec<Member>, &'static str> {
    let mut members = Vec::new();
    let mut mentioned = 0;
    while !rest.is_empty() {
        let place = varint(&mut rest).ok_or("a node ends within a member")?;
        let length = varint(&mut rest).ok_or("a node ends within a member")?;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if place > mentioned || members.len() == MAX_MEMBERS {
            return Err("a node has too many members or mentions them out of order");
        }
        mentioned = mentioned.max(place + 1);
        let id = *children
            .get(place)
            .ok_or("a node mentions a child that it does not have")?;
        members.push(Member { id, length });
    }
    if mentioned == 0 || mentioned != children.len() {
        return Err("a node does not mention each of its children");
    }
    Ok(members)
}

/// Writes a number as LEB128.
pub(super) fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n > 0x7f {
        out.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
}

/// Takes a number off the front; none when it is cut short, too large, or longer than needed.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part || (*byte == 0 && shift > 0) {
            return None;
        }
        n |= part << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}
