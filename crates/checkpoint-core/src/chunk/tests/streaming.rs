//! States that come and go in pieces.

use bytes::Bytes;
use proptest::prelude::*;

use super::place::{Place, block, noise, text};
use super::{chunker, content};
use crate::chunk::stream::Finished;
use crate::chunk::{Known, StreamReader, StreamWriter};
use crate::error::Result;
use crate::hasher::ContentHasher;
use crate::id::ChunkId;

fn written(place: &Place, state: &[u8], piece: usize) -> Finished {
    let mut writer: StreamWriter = chunker().stream();
    for piece in state.chunks(piece) {
        if let Some(batch) = writer.push(piece) {
            place.take(&batch);
        }
    }
    let finished = writer.finish();
    place.take(&finished.new);
    finished
}

fn pieces(place: &Place, top: ChunkId, length: u64) -> Result<(Vec<u8>, [u8; 32])> {
    let mut reader = StreamReader::new(ContentHasher::plain(), top, length);
    assert_eq!(reader.length(), length);
    let mut state = Vec::new();
    while let Some(piece) = block(reader.next(place))? {
        state.extend_from_slice(&piece);
    }
    Ok((state, reader.digest()))
}

#[test]
fn a_large_state_is_sent_in_batches() {
    let place = Place::default();
    let state = noise(1, 20 << 20);
    let mut writer: StreamWriter = chunker().stream();
    let mut batches = 0;
    for piece in state.chunks(100_000) {
        if let Some(batch) = writer.push(piece) {
            let size: usize = batch.iter().map(|chunk| chunk.bytes.len()).sum();
            assert!((4 << 20..5 << 20).contains(&size));
            place.take(&batch);
            batches += 1;
        }
    }
    let finished = writer.finish();
    place.take(&finished.new);
    assert_eq!((batches, finished.length), (4, 20 << 20));
    let (read, digest) = pieces(&place, finished.top, finished.length).unwrap();
    assert!(read == state && digest == finished.digest);
}

#[test]
fn an_empty_state_has_no_pieces() {
    let place = Place::default();
    let finished = written(&place, b"", 1);
    let mut reader = StreamReader::new(ContentHasher::plain(), finished.top, 0);
    assert!(block(reader.next(&place)).unwrap().is_none());
    assert_eq!(reader.digest(), finished.digest);
}

#[test]
fn a_damaged_piece_is_never_given_out() {
    let place = Place::default();
    let state = text(2, 2 << 20);
    let finished = written(&place, &state, 50_000);
    let bad = finished.new[20].id;
    let leaf = [&[0][..], &noise(1, 4_096)].concat();
    place.put(bad, &[], &leaf);
    let mut reader = StreamReader::new(ContentHasher::plain(), finished.top, finished.length);
    let mut read = Vec::new();
    let error = loop {
        match block(reader.next(&place)) {
            Ok(Some(piece)) => read.extend_from_slice(&piece),
            Ok(None) => panic!("the end of a damaged state"),
            Err(error) => break crate::Error::from(error),
        }
    };
    assert!(state.starts_with(&read));
    assert!(error.to_string().contains(&bad.to_string()));
    assert!(block(reader.next(&place)).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pieces_make_the_tree_that_the_whole_makes(state in content(), piece in 1..200_000usize) {
        let place = Place::default();
        let finished = written(&place, &state, piece.max(state.len() / 500));
        let plan = chunker().plan(Bytes::from(state.clone()), None, Known::Previous);
        prop_assert_eq!(finished.top, plan.top);
        prop_assert_eq!(finished.length, state.len() as u64);
        prop_assert_eq!(finished.digest, *blake3::hash(&state).as_bytes());
        let (read, digest) = pieces(&place, finished.top, finished.length).unwrap();
        prop_assert!(read == state && digest == finished.digest);
    }
}
