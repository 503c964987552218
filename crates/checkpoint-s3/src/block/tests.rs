use proptest::prelude::*;

use super::*;
use crate::row::Change;
use crate::testing::{changes, each_damage, noise};

/// A block of this kind that has its digest.
fn forged(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut out = [&[0; DIGEST][..], &[kind], rest].concat();
    put_digest(&mut out, 5);
    out
}

fn frame_of(plain: &[u8], length: u64) -> Vec<u8> {
    let mut rest = Vec::new();
    put_varint(&mut rest, length);
    let mut frame = Vec::with_capacity(compress_bound(plain.len()));
    CCtx::create().compress(&mut frame, plain, LEVEL).unwrap();
    rest.extend_from_slice(&frame);
    rest
}

proptest! {
    #[test]
    fn blocks_are_read_as_they_were_written(changes in changes(40), seed: u64) {
        let run = Run::of(changes).unwrap();
        let stored = encode(&run, seed);
        prop_assert!(stored.len() <= run.bytes().len() + DIGEST + 1);
        prop_assert_eq!(decode(&stored, seed).unwrap(), run);
        prop_assert!(decode(&stored, seed ^ 1).unwrap_err().is_corrupt());
    }

    #[test]
    fn any_bytes_with_a_digest_are_a_run_or_corrupt(
        kind in 0_u8..3,
        rest in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Err(error) = decode(&forged(kind, &rest), 5) {
            prop_assert!(error.is_corrupt());
        }
        prop_assert!(decode(&rest, 5).unwrap_err().is_corrupt());
    }

    #[test]
    fn damage_of_a_frame_with_a_new_digest_is_a_run_or_corrupt(
        changes in changes(20),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut stored = encode(&Run::of(changes).unwrap(), 5);
        let at = DIGEST + at.index(stored.len() - DIGEST);
        stored[at] = byte;
        put_digest(&mut stored, 5);
        if let Err(error) = decode(&stored, 5) {
            prop_assert!(error.is_corrupt());
        }
    }
}

#[test]
fn each_changed_byte_is_noticed() {
    for value in [noise(40, 3), vec![b'a'; 400]] {
        let stored = encode(
            &Run::of(vec![Change::put(1, &b"key"[..], value)]).unwrap(),
            5,
        );
        each_damage(&stored, |bytes| {
            decode(bytes, 5).is_err_and(|error| error.is_corrupt())
        });
    }
}

#[test]
fn what_shrinks_is_compressed_and_what_does_not_is_not() {
    let text = b"a state is any value ".repeat(40);
    let run = Run::of(vec![Change::put(1, &b"k"[..], text)]).unwrap();
    let stored = encode(&run, 0);
    assert_eq!(stored[DIGEST], ZSTD);
    assert!(stored.len() < run.bytes().len() / 8);
    let run = Run::of(vec![Change::put(1, &b"k"[..], noise(4_000, 9))]).unwrap();
    let stored = encode(&run, 0);
    assert_eq!(stored[DIGEST], PLAIN);
}

#[test]
fn a_bomb_is_refused_before_it_is_decompressed() {
    // 64 MiB in some two kilobytes.
    let plain = vec![0; 64 << 20];
    let rest = frame_of(&plain, plain.len() as u64);
    assert!(rest.len() < 8 << 10, "{}", rest.len());
    let error = decode(&forged(ZSTD, &rest), 5).unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("larger"),
        "{error}"
    );
    // One that says it is small gets no more memory than that.
    for said in [0, 1, 1_000, 1 << 20] {
        let error = decode(&forged(ZSTD, &frame_of(&plain, said)), 5).unwrap_err();
        assert!(
            error.is_corrupt() && error.to_string().contains("decompressed"),
            "{error}"
        );
    }
    // What would be one is stored as it is.
    let run = Run::of(vec![Change::put(1, &b"k"[..], vec![0; 4 << 20])]).unwrap();
    let stored = encode(&run, 5);
    assert_eq!(stored[DIGEST], PLAIN);
    assert_eq!(decode(&stored, 5).unwrap(), run);
}

#[test]
fn an_absurd_length_is_refused() {
    for length in [u64::MAX, MOST as u64, 1 << 20] {
        let error = decode(&forged(ZSTD, &frame_of(b"small", length)), 5).unwrap_err();
        assert!(error.is_corrupt(), "{error}");
    }
    // More than the frame has, and less.
    for length in [4, 6] {
        let error = decode(&forged(ZSTD, &frame_of(b"small", length)), 5).unwrap_err();
        assert!(error.is_corrupt(), "{error}");
    }
}

#[test]
fn a_row_as_large_as_a_store_takes_is_read_back() {
    let limits = checkpoint_core::Limits::default();
    let large = (limits.attachment + checkpoint_core::Limits::SEALING) as usize;
    for value in [noise(large, 1), b"0123456789abcde\n".repeat(large / 16)] {
        let run = Run::of(vec![Change::put(1, &b"k"[..], value)]).unwrap();
        assert!(decode(&encode(&run, 1), 1).unwrap() == run);
    }
}
