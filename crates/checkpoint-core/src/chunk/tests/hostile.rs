//! What nobody should have written is refused, at little cost.

use bytes::Bytes;
use proptest::prelude::*;

use super::chunker;
use super::place::{Place, block, text};
use crate::chunk::stored::{put_varint, varint};
use crate::chunk::{Known, Reader, StreamReader, shape};
use crate::error::{Error, Result};
use crate::hasher::ContentHasher;
use crate::id::ChunkId;
use crate::record::StoredChunk;

fn id(n: u8) -> ChunkId {
    ChunkId::from_bytes([n; 32])
}

/// Reads a state in each way there is; all must agree that it is refused.
fn refused(place: &Place, top: ChunkId, length: u64) {
    let hasher = ContentHasher::plain();
    let reader = Reader::new(place, &hasher);
    let error = Error::from(block(reader.read(top, length)).unwrap_err());
    assert!(error.is_corrupt(), "{error}");
    assert!(block(reader.verifying().read(top, length)).is_err());
    let mut stream = StreamReader::new(hasher.clone(), top, length);
    assert!(end(&mut stream, place).is_err());
}

fn end(stream: &mut StreamReader, place: &Place) -> Result<()> {
    while block(stream.next(place))?.is_some() {}
    Ok(())
}

#[test]
fn unknown_kinds_and_empty_forms_are_refused() {
    let place = Place::default();
    for form in [
        &[][..],
        &[5],
        &[255, 1],
        &[3],
        &[3, 0],
        &[3, 65, 1],
        &[4, 1],
    ] {
        place.put(id(1), &[id(2)], form);
        refused(&place, id(1), 100);
    }
}

#[test]
fn a_node_that_holds_itself_is_refused() {
    let place = Place::default();
    place.put(id(1), &[id(1)], &[3, 1, 100]);
    refused(&place, id(1), 100);
    place.put(id(1), &[id(1)], &[3, 2, 100]);
    refused(&place, id(1), 100);
}

#[test]
fn a_delta_against_itself_is_refused() {
    let place = Place::default();
    place.put(id(1), &[id(1)], &[2, 100, 0, 0, 0]);
    refused(&place, id(1), 100);
}

#[test]
fn too_long_a_chain_of_deltas_is_refused_and_a_shorter_one_followed() {
    let place = Place::default();
    let plain = [7u8; 100];
    // One run-length block as long as the state, under a header that tells the content size.
    let frame = [
        0x20,
        100,
        (100 << 3 | 3) as u8,
        (100u32 << 3 >> 8) as u8,
        0,
        7,
    ];
    place.put(id(0), &[], &[&[0], &plain[..]].concat());
    for n in 1..=65 {
        place.put(id(n), &[id(n - 1)], &[&[2, 100][..], &frame].concat());
    }
    let hasher = ContentHasher::plain();
    let reader = Reader::new(&place, &hasher);
    assert_eq!(block(reader.read(id(64), 100)).unwrap(), plain[..]);
    refused(&place, id(65), 100);
}

#[test]
fn nodes_that_multiply_are_refused_before_they_take_memory() {
    let place = Place::default();
    // 4,096 times the same member at each of many levels.
    let mut bytes = vec![4, 1];
    for _ in 0..4_096 {
        bytes.extend_from_slice(&[0, 1]);
    }
    place.put(id(1), &[id(0)], &bytes);
    place.put(id(0), &[], &[0, 9]);
    refused(&place, id(1), 4_096);
    let huge = [3, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    place.put(id(1), &[id(0)], &huge);
    refused(&place, id(1), 100);
}

#[test]
fn varints_have_one_form_each() {
    for n in [
        0,
        1,
        127,
        128,
        300,
        u64::from(u32::MAX),
        u64::MAX - 1,
        u64::MAX,
    ] {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, n);
        let mut rest = &bytes[..];
        assert_eq!((varint(&mut rest), rest.len()), (Some(n), 0));
    }
    for bytes in [&[][..], &[128], &[128, 0], &[255; 10], &[255; 11]] {
        assert_eq!(varint(&mut &*bytes), None, "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn nothing_panics_on_any_stored_form(
        kind in 0..6u8,
        rest in prop::collection::vec(any::<u8>(), 0..80),
        children in 0..5u8,
        length in 0..3_000u64,
    ) {
        let place = Place::default();
        let children: Vec<_> = (0..children).map(id).collect();
        place.put(id(0), &[], &[&[0][..], &rest].concat());
        place.put(id(1), &children, &[&[kind][..], &rest].concat());
        place.put(id(2), &[id(1)], &[&[2, 80][..], &rest].concat());
        let hasher = ContentHasher::plain();
        for top in [id(0), id(1), id(2)] {
            let chunk = place.chunks.lock()[&top].clone();
            let _ = shape(&top, &chunk);
            let reader = Reader::new(&place, &hasher);
            let _ = block(reader.read(top, length));
            let _ = block(reader.verifying().read_range(top, length, 10..50));
            let _ = end(&mut StreamReader::new(hasher.clone(), top, length), &place);
        }
    }

    #[test]
    fn nothing_panics_on_any_damage(
        at in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let place = Place::default();
        let chunker = chunker();
        let mut state = text(1, 120_000);
        let first = chunker.plan(Bytes::from(state.clone()), None, Known::Previous);
        state[60_000] ^= 1;
        let second = chunker.plan(Bytes::from(state), Some(&first.next), Known::Previous);
        place.take(&first.new);
        place.take(&second.new);
        let ids: Vec<_> = place.chunks.lock().keys().copied().collect();
        let damaged = *at.get(&ids);
        let StoredChunk { children, bytes } = place.chunks.lock()[&damaged].clone();
        let mut bytes = bytes.to_vec();
        *byte.get_mut(&mut bytes) = value;
        place.put(damaged, &children, &bytes);
        let hasher = ContentHasher::plain();
        let reader = Reader::new(&place, &hasher);
        let _ = block(reader.read(second.top, 120_000));
        if let Ok(read) = block(reader.verifying().read(second.top, 120_000)) {
            prop_assert!(read == second.next.encoded());
        }
    }
}
