//! Whole states and ranges.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use proptest::prelude::*;

use super::place::{Place, block, noise, text};
use super::{chunker, content};
use crate::chunk::write::WRITE_DEPTH;
use crate::chunk::{Known, Planned, ReadError, Reader, Shape, shape};
use crate::error::Error;
use crate::hasher::ContentHasher;

fn stored(state: Vec<u8>) -> (Place, Planned) {
    let place = Place::default();
    let plan = chunker().plan(Bytes::from(state), None, Known::Previous);
    place.take(&plan.new);
    (place, plan)
}

#[test]
fn a_range_fetches_only_what_it_lies_in() {
    let (place, plan) = stored(noise(1, 4 << 20));
    let hasher = ContentHasher::plain();
    let reader = Reader::new(&place, &hasher);
    let read = block(reader.read_range(plan.top, 4 << 20, 2_000_000..2_000_100))
        .unwrap()
        .bytes;
    assert_eq!(read, plan.next.encoded()[2_000_000..2_000_100]);
    let asked = place.asked.load(Ordering::Relaxed);
    assert!(asked < 8, "{asked} chunks were asked for");
}

#[test]
fn what_was_read_is_known_when_the_next_state_is_saved() {
    let (place, plan) = stored(text(6, 700_000));
    let hasher = ContentHasher::plain();
    let reader = Reader::new(&place, &hasher);
    let (state, read) = block(reader.read_known(plan.top, 700_000)).unwrap();
    let state = state.bytes;
    let again = chunker().plan(state.clone(), Some(&read), Known::Previous);
    assert_eq!((again.top, again.new.len()), (plan.top, 0));

    let mut previous = read;
    let mut state = state.to_vec();
    for n in 0..10 {
        state[300_000 + n] ^= 1;
        let plan = chunker().plan(Bytes::from(state.clone()), Some(&previous), Known::Previous);
        place.take(&plan.new);
        (_, previous) = block(reader.read_known(plan.top, 700_000)).unwrap();
    }
    assert_eq!(place.deepest(), usize::from(WRITE_DEPTH));
}

#[test]
fn a_missing_chunk_is_named() {
    let (place, plan) = stored(text(2, 500_000));
    let gone = plan.new[5].id;
    place.chunks.lock().remove(&gone);
    let hasher = ContentHasher::plain();
    let error = block(Reader::new(&place, &hasher).read(plan.top, 500_000)).unwrap_err();
    assert!(matches!(error, ReadError::Absent(id) if id == gone));
    let error = Error::from(error);
    assert!(error.is_corrupt() && error.to_string().contains(&gone.to_string()));
}

#[test]
fn another_length_is_refused() {
    let hasher = ContentHasher::plain();
    for size in [0, 100, 500_000u64] {
        let (place, plan) = stored(text(3, usize::try_from(size).unwrap()));
        for length in [size.wrapping_sub(1), size + 1, 2 * size + 5] {
            let reader = Reader::new(&place, &hasher);
            if length <= 2_000_000 {
                let error = block(reader.read(plan.top, length)).unwrap_err();
                assert!(Error::from(error).is_corrupt());
            }
        }
    }
}

#[test]
fn the_shape_of_a_tree_adds_up() {
    let (place, plan) = stored(text(4, 900_000));
    let chunks = place.chunks.lock();
    let mut total = 0;
    let mut todo = vec![(plan.top, 900_000)];
    while let Some((id, length)) = todo.pop() {
        match shape(&id, &chunks[&id]).unwrap() {
            Shape::Node { members, .. } => {
                assert_eq!(members.iter().map(|member| member.1).sum::<u64>(), length);
                todo.extend(members);
            }
            _ => total += length,
        }
    }
    assert_eq!(total, 900_000);
}

/// With a digest of the whole, a read either gives the state or fails; comparing ids names what is damaged.
#[test]
fn flipped_bytes_are_refused_and_named() {
    let (place, plan) = stored([text(5, 200_000), noise(5, 100_000)].concat());
    let hasher = ContentHasher::plain();
    for (n, chunk) in plan.new.iter().enumerate() {
        let at = n * 31 % chunk.bytes.len();
        let mut bytes = chunk.bytes.to_vec();
        bytes[at] ^= 1 << (n % 8);
        place.put(chunk.id, &chunk.children, &bytes);
        let reader = Reader::new(&place, &hasher);
        // A flipped bit of a frame's header may mean the same; then the state is right.
        match block(reader.verifying().read(plan.top, 300_000)) {
            Ok(state) => assert!(state == plan.next.encoded()),
            Err(error) => {
                let error = Error::from(error);
                assert!(error.is_corrupt() && error.to_string().contains(&chunk.id.to_string()));
            }
        }
        place.put(chunk.id, &chunk.children, &chunk.bytes);
    }
}

/// Leaves are decoded by several jobs, which end in any order.
#[test]
fn a_state_of_many_jobs_is_joined_in_order() {
    let (place, plan) = stored([noise(7, 1 << 20), text(7, 2 << 20)].concat());
    let reader = Reader::new(&place, &ContentHasher::plain());
    for _ in 0..8 {
        let (read, _) = block(reader.read_known(plan.top, 3 << 20)).unwrap();
        assert!(read.bytes == plan.next.encoded());
        assert_eq!(read.digest, *blake3::hash(&read.bytes).as_bytes());
    }
}

#[test]
fn without_a_runtime_a_state_is_there_at_the_first_poll() {
    let (place, plan) = stored(text(8, 1 << 20));
    let reader = Reader::new(&place, &ContentHasher::plain());
    let read = std::pin::pin!(reader.read(plan.top, 1 << 20));
    let read = read.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(read, Poll::Ready(Ok(read)) if read == plan.next.encoded()));
}

#[test]
fn of_much_damage_what_stands_first_is_named() {
    let (place, plan) = stored(noise(9, 3 << 20));
    let first = &plan.new[30];
    for chunk in [first, &plan.new[60]] {
        let mut bytes = chunk.bytes.to_vec();
        bytes[100] ^= 1;
        place.put(chunk.id, &chunk.children, &bytes);
    }
    place.chunks.lock().remove(&plan.new[40].id);
    let reader = Reader::new(&place, &ContentHasher::plain()).verifying();
    let error = Error::from(block(reader.read(plan.top, 3 << 20)).unwrap_err());
    assert!(error.is_corrupt() && error.to_string().contains(&first.id.to_string()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ranges_equal_slices(
        state in content(),
        ranges in prop::collection::vec((0..400_000u64, 0..100_000u64), 1..8),
    ) {
        let (place, plan) = stored(state.clone());
        let hasher = ContentHasher::plain();
        let reader = Reader::new(&place, &hasher);
        let length = state.len() as u64;
        for (from, size) in ranges {
            let read = block(reader.read_range(plan.top, length, from..from + size)).unwrap();
            let clamp = |n: u64| usize::try_from(n.min(length)).unwrap();
            let expected = &state[clamp(from)..clamp(from + size)];
            prop_assert_eq!(&read.bytes[..], expected);
            prop_assert_eq!(read.digest, *blake3::hash(expected).as_bytes());
        }
    }
}
