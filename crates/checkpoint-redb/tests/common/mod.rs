//! What the tests of this crate share.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::Path;

use bytes::Bytes;
use checkpoint_core::{
    Append, CheckpointId, Commit, CommitId, CreateSession, Fingerprint, IdSource, Parent, Payload,
    SessionId, Status, SystemIds, Tag, Timestamp, Trigger,
};
use checkpoint_redb::{RedbBackend, RedbOptions};

pub(crate) fn time() -> Timestamp {
    Timestamp::parse("2026-11-20T10:00:00Z").unwrap()
}

pub(crate) fn commit() -> Commit {
    Commit::new(CommitId::from_uuid(SystemIds.next()))
}

pub(crate) fn session(name: &str) -> Commit {
    commit().with(CreateSession {
        id: SessionId::new(name).unwrap(),
        created_at: time(),
        body: Bytes::from_static(b"body"),
        epoch: 0,
        must_be_new: false,
    })
}

pub(crate) fn append(session: &str, id: &str, state: Vec<u8>) -> Append {
    let mut fingerprint = [0; 16];
    let length = id.len().min(16);
    fingerprint[..length].copy_from_slice(&id.as_bytes()[..length]);
    Append {
        id: CheckpointId::new(id).unwrap(),
        session: SessionId::new(session).unwrap(),
        parent: Parent::Head,
        enclosing: None,
        revision: 1,
        created_at: time(),
        updated_at: time(),
        status: Status::Active,
        trigger: Trigger::Manual,
        worker: None,
        tags: vec![Tag::new("plan").unwrap()],
        step: Some(7),
        pinned: false,
        length: state.len() as u64,
        origin: None,
        made: None,
        revive: false,
        fingerprint: Fingerprint(fingerprint),
        meta: Bytes::from(format!("meta of {id}")),
        payload: Payload::Inline(state.into()),
    }
}

pub(crate) fn state(n: usize) -> Vec<u8> {
    format!("state {n} ").repeat(40).into_bytes()
}

pub(crate) async fn open(path: &Path) -> RedbBackend {
    RedbBackend::open(RedbOptions::at(path)).await.unwrap()
}

/// A number that looks random and is the same in each run.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
