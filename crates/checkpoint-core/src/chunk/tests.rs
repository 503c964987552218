//! What is written and what it costs; `reading` has reads, `streaming` pieces, `hostile` what nobody should have
//! written, and `place` a backend that keeps chunks.

mod hostile;
mod place;
mod reading;
mod streaming;

use std::collections::HashSet;

use bytes::Bytes;
use proptest::prelude::*;

use self::place::{Place, block, cost, noise, text};
use super::write::WRITE_DEPTH;
use super::{Chunker, Known, Previous, Reader};
use crate::commit::NewChunk;
use crate::hasher::ContentHasher;
use crate::id::ChunkId;

pub(super) fn chunker() -> Chunker {
    Chunker::new(ContentHasher::plain(), 7)
}

/// Saves states one after the other, each read back; answers what each sent.
fn saves(place: &Place, states: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<NewChunk>> {
    let chunker = chunker();
    let mut previous: Option<Previous> = None;
    let mut sent = Vec::new();
    for state in states {
        let plan = chunker.plan(Bytes::from(state), previous.as_ref(), Known::Previous);
        place.take(&plan.new);
        assert_reads(place, plan.top, plan.next.encoded());
        sent.push(plan.new);
        previous = Some(plan.next);
    }
    sent
}

fn assert_reads(place: &Place, top: ChunkId, state: &Bytes) {
    let hasher = ContentHasher::plain();
    let reader = Reader::new(place, &hasher).verifying();
    let read = block(reader.read(top, state.len() as u64)).unwrap();
    assert!(read == state, "another state was read");
}

/// What an agent keeps: messages of 2 KiB, hex, so that they compress to half.
fn turn(n: u64) -> String {
    let hex = noise(n, 1_000).iter().fold(String::new(), |mut hex, byte| {
        hex.push_str(&format!("{byte:02x}"));
        hex
    });
    format!(r#"{{"role":"user","turn":{n},"text":"{hex}"}}"#)
}

#[test]
fn an_unchanged_state_sends_nothing() {
    let place = Place::default();
    let state = text(1, 1 << 20);
    let sent = saves(&place, [state.clone(), state]);
    assert!(sent[0].len() > 16);
    assert_eq!(sent[1].len(), 0);
}

#[test]
fn an_empty_state_is_one_empty_leaf() {
    let place = Place::default();
    let sent = saves(&place, [vec![], vec![1], vec![]]);
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(sent[0][0].id, sent[2][0].id);
}

#[test]
fn equal_leaves_are_sent_once() {
    let place = Place::default();
    let sent = saves(&place, [vec![0; 4 << 20]]);
    let ids: HashSet<_> = sent[0].iter().map(|chunk| chunk.id).collect();
    assert_eq!(ids.len(), sent[0].len());
    assert!(sent[0].len() < 6, "{} chunks", sent[0].len());
}

#[test]
fn with_nothing_known_all_is_sent_and_refers_to_nothing_else() {
    let chunker = chunker();
    let mut state = text(3, 400_000);
    let first = chunker.plan(Bytes::from(state.clone()), None, Known::Previous);
    state[200_000] ^= 1;
    let state = Bytes::from(state);
    let delta = chunker.plan(state.clone(), Some(&first.next), Known::Previous);
    assert!(delta.new.iter().any(|chunk| chunk.bytes[0] == 2));
    let all = chunker.plan(state.clone(), Some(&delta.next), Known::Nothing);
    let empty = Place::default();
    empty.take(&all.new);
    assert_eq!(all.top, delta.top);
    assert_reads(&empty, all.top, &state);
}

#[test]
fn chains_of_deltas_stay_short() {
    let place = Place::default();
    let mut state = text(4, 100_000);
    saves(
        &place,
        (0..40).map(|n| {
            state[50_000 + n] ^= 1;
            state.clone()
        }),
    );
    assert_eq!(place.deepest(), usize::from(WRITE_DEPTH));
}

#[test]
fn a_change_of_one_percent_costs_about_as_much() {
    let original = text(5, 1 << 20);
    let mut piece = original.clone();
    piece.splice(400_000..410_000, text(6, 10_000));
    let mut scattered = original.clone();
    for n in 0..100usize {
        let at = n * 10_000 + 77;
        scattered.splice(at..at + 100, text(1_000 + n as u64, 100));
    }
    for changed in [piece, scattered] {
        let sent = saves(&Place::default(), [original.clone(), changed]);
        let cost = cost(&sent[1]);
        println!("1 %: {cost} bytes in {} chunks", sent[1].len());
        assert!(cost <= (1 << 20) * 25 / 1_000, "{cost} bytes");
    }
}

#[test]
fn two_hundred_turns_cost_little_more_than_their_text() {
    let mut messages = String::new();
    let states = (0..200).map(|n| {
        let comma = if n == 0 { "" } else { "," };
        messages.push_str(comma);
        messages.push_str(&turn(n));
        format!(r#"{{"messages":[{messages}],"step":{n},"status":"running"}}"#).into_bytes()
    });
    let sent = saves(&Place::default(), states);
    let cost: usize = sent.iter().map(|sent| cost(sent)).sum();
    let chunks: usize = sent.iter().map(Vec::len).sum();
    println!("200 turns: {cost} bytes in {chunks} chunks");
    assert!(cost <= 450_000, "{cost} bytes");
}

#[test]
fn keys_and_seeds_change_ids() {
    let state = Bytes::from(text(8, 300_000));
    let top = |hasher, seed| {
        Chunker::new(hasher, seed)
            .plan(state.clone(), None, Known::Previous)
            .top
    };
    let tops: HashSet<_> = [
        top(ContentHasher::plain(), 0),
        top(ContentHasher::plain(), 1),
        top(ContentHasher::keyed([1; 32]), 0),
        top(ContentHasher::keyed([2; 32]), 0),
    ]
    .into();
    assert_eq!(tops.len(), 4);
}

#[test]
fn the_size_of_what_is_kept_counts_the_encoding() {
    let plan = chunker().plan(Bytes::from(text(9, 100_000)), None, Known::Previous);
    assert!((100_000..110_000).contains(&plan.next.size()));
}

/// A cut is made by the bytes around it, and by the end of the state.
#[test]
fn cuts_are_kept_only_where_they_would_be_made_again() {
    let chunker = chunker();
    let state = noise(10, 300_000);
    let before = chunker.plan(Bytes::from(state.clone()), None, Known::Previous);
    let check = |state: Vec<u8>| {
        let state = Bytes::from(state);
        let plan = chunker.plan(state.clone(), Some(&before.next), Known::Previous);
        let alone = chunker.plan(state, None, Known::Previous);
        assert_eq!(plan.top, alone.top);
    };
    for leaf in &before.next.leaves {
        let end = leaf.start + leaf.length;
        for at in end - 1..(end + 3).min(state.len()) {
            let mut changed = state.clone();
            changed[at] = !changed[at];
            check(changed);
            check(state[..at].to_vec());
        }
    }
}

/// How one state becomes the next.
#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, usize),
    Delete(usize, usize),
    Change(usize, usize),
    Append(usize),
    Repeat(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = 0..400_000usize;
    let length = prop_oneof![4 => 1..300usize, 1 => 1..150_000usize];
    prop_oneof![
        (place.clone(), length.clone()).prop_map(|(at, n)| Edit::Insert(at, n)),
        (place.clone(), length.clone()).prop_map(|(at, n)| Edit::Delete(at, n)),
        (place.clone(), length.clone()).prop_map(|(at, n)| Edit::Change(at, n)),
        length.clone().prop_map(Edit::Append),
        (place, length).prop_map(|(at, n)| Edit::Repeat(at, n)),
    ]
}

fn apply(state: &mut Vec<u8>, edit: &Edit, seed: u64) {
    let clamp = |at: usize| at.min(state.len());
    match *edit {
        Edit::Insert(at, n) => drop(state.splice(clamp(at)..clamp(at), text(seed, n))),
        Edit::Delete(at, n) => drop(state.drain(clamp(at)..clamp(at + n))),
        Edit::Change(at, n) => drop(state.splice(clamp(at)..clamp(at + n), text(seed, n))),
        Edit::Append(n) => state.extend(text(seed, n)),
        Edit::Repeat(at, n) => {
            let again = state[clamp(at)..clamp(at + n)].to_vec();
            state.extend(again);
        }
    }
}

pub(super) fn content() -> impl Strategy<Value = Vec<u8>> {
    let size = prop_oneof![
        0..40usize,
        4_000..4_200usize,
        32_700..32_800usize,
        0..400_000usize,
    ];
    (size, any::<u64>(), 0..3u8).prop_map(|(size, seed, kind)| match kind {
        0 => text(seed, size),
        1 => noise(seed, size),
        _ => vec![seed.to_le_bytes()[0]; size],
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What is known of the previous state saves work and never changes the tree.
    #[test]
    fn edited_states_round_trip_and_have_the_tree_of_their_content(
        mut state in content(),
        edits in prop::collection::vec(edit(), 1..6),
    ) {
        let (place, chunker) = (Place::default(), chunker());
        let mut previous: Option<Previous> = None;
        for (n, edit) in edits.iter().enumerate() {
            apply(&mut state, edit, n as u64);
            let state = Bytes::from(state.clone());
            let plan = chunker.plan(state.clone(), previous.as_ref(), Known::Previous);
            place.take(&plan.new);
            assert_reads(&place, plan.top, &state);
            let alone = chunker.plan(state, None, Known::Previous);
            prop_assert_eq!(alone.top, plan.top);
            previous = Some(plan.next);
        }
        prop_assert!(place.deepest() <= usize::from(WRITE_DEPTH));
    }
}
