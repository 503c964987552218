//! Chunks that lie: about their lengths, their members, their bases, and how much comes out of them.

use std::collections::HashSet;

use bytes::Bytes;
use checkpoint_core::{ChunkId, ContentHasher, ErrorKind, NewChunk, Payload, Purpose, Result};

use crate::fields::{Fields, digest, varint};
use crate::input::Input;
use crate::store::{Bench, LARGEST, checkpoint_id, damaged, ok, shown, streamed, wait};

/// Chunks in one input.
const MOST: usize = 80;

/// A chunk, and what comes out of it if it keeps to the format.
struct Made {
    chunk: NewChunk,
    length: u64,
    plain: Option<Vec<u8>>,
    /// Whether its id is that of its content.
    honest: bool,
}

pub(super) fn body(input: &mut Input<'_>) {
    let form = input.byte();
    let lie = input.number(4);
    let mut made: Vec<Made> = Vec::new();
    while !input.is_empty() && made.len() < MOST {
        let next = chunk(input, &made);
        made.push(next);
    }
    let Some(top) = made.last() else { return };
    let length = if form & 1 == 1 { lie } else { top.length };
    let mut meta = Fields::default();
    meta.put(8, b"application/octet-stream");
    if let (Some(plain), true) = (&top.plain, form & 2 == 2) {
        meta.put(9, &digest(plain));
    }
    let bench = Bench::new();
    let append = bench.append(meta.finish(), Payload::Tree(top.chunk.id), length);
    let mut commit = bench.commit().with(bench.session(b"")).with(append);
    let mut ids = HashSet::new();
    let chunks = made.iter().map(|made| made.chunk.clone());
    commit.chunks = chunks.filter(|chunk| ids.insert(chunk.id)).collect();
    if let Err(error) = wait(bench.backend.commit(commit)) {
        let refused = matches!(
            error.kind(),
            ErrorKind::TooLarge { .. } | ErrorKind::MissingChunks(_)
        );
        assert!(refused, "{}", shown(&error));
        return;
    }
    let plain = top.plain.as_deref().filter(|_| form & 1 == 0);
    read(&bench, plain, made.iter().all(|made| made.honest));
}

/// Reads the state in every way. What is answered is the state, as far as it is known.
fn read(bench: &Bench, plain: Option<&[u8]>, honest: bool) {
    let store = bench.store();
    let checkpoint = match ok(wait(store.get(&checkpoint_id())), "reading a header") {
        Some(checkpoint) => checkpoint,
        None => panic!("the checkpoint is not there"),
    };
    let bytes = judged(wait(checkpoint.bytes()));
    let pieces = judged(streamed(&checkpoint));
    if let Some(pieces) = &pieces {
        // A stream compares each chunk with its id.
        assert_eq!(
            Some(&pieces[..]),
            bytes.as_deref(),
            "only a stream could be read"
        );
    }
    if let (Some(bytes), Some(plain)) = (&bytes, plain) {
        assert!(bytes == plain, "another state");
        assert!(
            !honest || pieces.is_some(),
            "a sound state cannot be streamed"
        );
    }
    assert!(bytes.is_none_or(|bytes| bytes.len() as u64 == checkpoint.header().length));
    let report = ok(wait(store.verify()), "verifying");
    assert_eq!(report.total(), 1);
}

fn judged<T>(answer: Result<T>) -> Option<T> {
    answer.map_err(|error| damaged(&error)).ok()
}

fn chunk(input: &mut Input<'_>, made: &[Made]) -> Made {
    let kind = input.byte();
    match kind % 8 {
        0 => raw(input.short()),
        1 => raw(input.long()),
        2 => run(input),
        3 | 4 => node(input, made, kind & 8 == 8),
        5 => delta(input, made),
        _ => anything(input, made),
    }
}

fn id_of(n: usize) -> ChunkId {
    ChunkId::from_bytes([n as u8; 32])
}

fn leaf(plain: Vec<u8>, children: Vec<ChunkId>, bytes: Vec<u8>) -> Made {
    let id = ContentHasher::plain().chunk_id(Purpose::Leaf, &plain);
    Made {
        chunk: stored(id, children, bytes),
        length: plain.len() as u64,
        plain: Some(plain),
        honest: true,
    }
}

fn stored(id: ChunkId, children: Vec<ChunkId>, bytes: Vec<u8>) -> NewChunk {
    NewChunk {
        id,
        children: children.into(),
        bytes: Bytes::from(bytes),
    }
}

fn raw(plain: &[u8]) -> Made {
    let bytes = [&[0], plain].concat();
    leaf(plain.to_vec(), Vec::new(), bytes)
}

/// A zstd frame of one byte many times, without its magic number.
fn frame(byte: u8, length: usize) -> Vec<u8> {
    let mut frame = vec![0xa0];
    frame.extend_from_slice(&(length as u32).to_le_bytes());
    let mut left = length;
    loop {
        let block = left.min(128 << 10);
        left -= block;
        let header = (block as u32) << 3 | 2 | u32::from(left == 0);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(byte);
        if left == 0 {
            return frame;
        }
    }
}

fn run(input: &mut Input<'_>) -> Made {
    let (byte, length) = (input.byte(), input.number(3) as usize % (2 << 20));
    let bytes = [vec![1], frame(byte, length)].concat();
    leaf(vec![byte; length], Vec::new(), bytes)
}

/// A run again, written against another chunk.
fn delta(input: &mut Input<'_>, made: &[Made]) -> Made {
    let (byte, length) = (input.byte(), input.word());
    let lie = input.byte();
    let (base, base_length) = match made.get(made.len().wrapping_sub(1 + input.below(4))) {
        Some(base) => (base.chunk.id, base.length),
        None => (id_of(0), 9),
    };
    let mut bytes = vec![2];
    let told = if lie & 1 == 1 {
        input.number(4)
    } else {
        base_length
    };
    varint(&mut bytes, told);
    bytes.extend(frame(byte, length));
    let honest = leaf(vec![byte; length], vec![base], bytes);
    if lie & 2 == 0 {
        return honest;
    }
    let chunk = NewChunk {
        id: id_of(made.len()),
        ..honest.chunk
    };
    Made {
        chunk,
        honest: false,
        ..honest
    }
}

/// A node of chunks before it.
fn node(input: &mut Input<'_>, made: &[Made], lies: bool) -> Made {
    let level = input.byte() % 70;
    let count = input.below(40);
    let (mut children, mut mentions) = (Vec::new(), Vec::new());
    let (mut canonical, mut length) = (vec![level], 0_u64);
    let mut plain = Some(Vec::new());
    for _ in 0..count {
        let Some(member) = made.get(made.len().wrapping_sub(1 + input.below(16))) else {
            continue;
        };
        let told = if lies { input.number(3) } else { member.length };
        let id = member.chunk.id;
        let place = children.iter().position(|child| *child == id);
        let place = place.unwrap_or_else(|| {
            children.push(id);
            children.len() - 1
        });
        varint(&mut mentions, place as u64);
        varint(&mut mentions, told);
        canonical.extend_from_slice(id.as_bytes());
        varint(&mut canonical, told);
        length = length.saturating_add(told);
        plain = joined(plain, member.plain.as_deref().filter(|_| !lies));
    }
    let id = ContentHasher::plain().chunk_id(Purpose::Node, &canonical);
    Made {
        chunk: stored(id, children, [vec![4, level], mentions].concat()),
        length,
        plain,
        honest: !lies,
    }
}

/// Both, unless one is not known or it gets too long for any state.
fn joined(plain: Option<Vec<u8>>, more: Option<&[u8]>) -> Option<Vec<u8>> {
    let (mut plain, more) = plain.zip(more)?;
    plain.extend_from_slice(more);
    (plain.len() as u64 <= LARGEST).then_some(plain)
}

/// Any form, over any chunks, also itself and those that come after it.
fn anything(input: &mut Input<'_>, made: &[Made]) -> Made {
    let count = input.below(8);
    let mut children = Vec::new();
    for _ in 0..count {
        let at = input.below(MOST);
        let known = made.get(at).map(|made| made.chunk.id);
        let child = known.unwrap_or_else(|| id_of(made.len()));
        if !children.contains(&child) {
            children.push(child);
        }
    }
    let bytes = input.short().to_vec();
    Made {
        chunk: stored(id_of(made.len()), children, bytes),
        length: input.number(3),
        plain: None,
        honest: false,
    }
}
