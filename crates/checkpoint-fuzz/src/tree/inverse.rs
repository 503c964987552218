//! What is saved is read back; what was damaged since is told, or read back.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{CheckpointId, Item, Reseal, Sealed, StoredChunk};

use crate::input::Input;
use crate::mutation::Random;
use crate::store::{Bench, damaged, ok, streamed, wait};

const TYPE: &str = "application/octet-stream";
/// Bytes of the longest state.
const LONGEST: usize = 200 << 10;

/// A state, and where it was saved.
type Saved = (CheckpointId, Vec<u8>);

pub(super) fn body(input: &mut Input<'_>) {
    let (how, versions) = (input.byte(), 1 + input.byte() % 3);
    let damage = (input.word(), input.byte(), input.number(4));
    let bench = Bench::new();
    let mut saved: Vec<Saved> = Vec::new();
    let store = bench.store();
    let session = ok(wait(store.session("s")), "making a session");
    let mut state = Vec::new();
    for n in 0..versions {
        change(&mut state, input);
        let save = if how >> n & 1 == 1 {
            ok(
                wait(session.save_reader(TYPE, &state[..])),
                "sending a state",
            )
        } else {
            session.save_bytes(TYPE, state.clone())
        };
        let done = ok(wait(save), "saving");
        saved.push((done.id, state.clone()));
    }
    assert_eq!(
        whole(&bench, &saved),
        saved.len(),
        "what was saved cannot be read"
    );
    assert!(ok(wait(store.verify()), "verifying").is_clean());
    spoil(&bench, &saved, damage);
}

/// How many of the states can be read. None is another than was saved.
fn whole(bench: &Bench, saved: &[Saved]) -> usize {
    let mut whole = 0;
    for (id, state) in saved {
        let store = bench.store();
        let Some(checkpoint) = ok(wait(store.get(id)), "reading a header") else {
            panic!("{id} is not there");
        };
        let read = wait(checkpoint.bytes());
        whole += usize::from(read.is_ok());
        match read {
            Ok(bytes) => assert!(bytes == *state, "another state"),
            Err(error) => damaged(&error),
        }
        match streamed(&checkpoint) {
            Ok(pieces) => assert!(pieces == *state, "another stream"),
            Err(error) => damaged(&error),
        }
    }
    whole
}

/// Damages one chunk: a bit flipped, its end lost, or another's bytes in its place.
fn spoil(bench: &Bench, saved: &[Saved], (which, how, at): (usize, u8, u64)) {
    let infos = ok(
        wait(bench.backend.scan_chunks(None, 1_000)),
        "listing chunks",
    );
    let ids: Vec<_> = infos
        .into_iter()
        .filter_map(|item| item.into_option().ok().flatten())
        .map(|info| info.id)
        .collect();
    if ids.is_empty() {
        return;
    }
    let id = ids[which % ids.len()];
    let sound = chunk(bench, id);
    let mut bytes = sound.bytes.to_vec();
    let place = at as usize % bytes.len().max(1);
    match how % 8 {
        0 => bytes.truncate(place),
        1 => bytes = chunk(bench, ids[place % ids.len()]).bytes.to_vec(),
        _ => bytes.iter_mut().skip(place).take(1).for_each(|byte| {
            *byte ^= 1 << (how / 8 % 8);
        }),
    }
    let spoiled = bytes != sound.bytes;
    let reseal = Reseal {
        target: Sealed::Chunk(id),
        replaces: *blake3::hash(&sound.bytes).as_bytes(),
        bytes: Bytes::from(bytes),
    };
    ok(
        wait(bench.backend.commit(bench.commit().with(reseal))),
        "spoiling",
    );
    let whole = whole(bench, saved);
    assert!(spoiled || whole == saved.len());
    let report = ok(wait(bench.store().verify()), "verifying");
    assert_eq!(
        report.valid, whole as u64,
        "verifying sees what reading sees"
    );
}

fn chunk(bench: &Bench, id: checkpoint_core::ChunkId) -> StoredChunk {
    match ok(wait(bench.backend.chunks(&[id])), "reading a chunk").pop() {
        Some(Item::Found(chunk)) => StoredChunk {
            children: Arc::clone(&chunk.children),
            bytes: chunk.bytes,
        },
        other => panic!("{id:?} is {other:?}"),
    }
}

/// What becomes of a state from one version to the next.
fn change(state: &mut Vec<u8>, input: &mut Input<'_>) {
    for _ in 0..1 + input.byte() % 8 {
        let at = input.number(3) as usize % (state.len() + 1);
        match input.byte() % 6 {
            0 => insert(state, at, input.short()),
            1 => {
                let (byte, length) = (input.byte(), input.word());
                insert(state, at, &vec![byte; length]);
            }
            2 => {
                let mut random = Random::new(input.number(2));
                let length = input.word();
                let noise: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
                insert(state, at, &noise);
            }
            3 => {
                let end = (at + input.word()).min(state.len());
                let again = state[at..end].to_vec();
                insert(state, at, &again);
            }
            4 => {
                let end = (at + input.word()).min(state.len());
                state.drain(at..end);
            }
            _ => {
                let new = input.short();
                let end = (at + new.len()).min(state.len());
                state[at..end].copy_from_slice(&new[..end - at]);
            }
        }
    }
    state.truncate(LONGEST);
}

fn insert(state: &mut Vec<u8>, at: usize, more: &[u8]) {
    state.splice(at..at, more.iter().copied());
}
