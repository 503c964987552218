//! Commits and their parts from plain numbers and words.
//!
//! Words must be legal ids or tags: these functions panic when they are not.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{
    Append, Attach, CheckpointId, ChunkId, CommitId, ContentHasher, CreateSession, Delete,
    Fingerprint, NewChunk, Parent, PatchSession, Payload, Purpose, PutRecord, Quarantine,
    RecordName, SessionId, Status, Tag, Timestamp, Trigger, Update, WorkerId,
};

/// The id of a checkpoint.
#[must_use]
pub fn id(text: &str) -> CheckpointId {
    CheckpointId::new(text).expect("a legal checkpoint id")
}

/// The id of a session.
#[must_use]
pub fn session(text: &str) -> SessionId {
    SessionId::new(text).expect("a legal session id")
}

/// A tag.
#[must_use]
pub fn tag(text: &str) -> Tag {
    Tag::new(text).expect("a legal tag")
}

/// Tags, sorted.
#[must_use]
pub fn tags(texts: &[&str]) -> Vec<Tag> {
    let mut tags: Vec<Tag> = texts.iter().map(|text| tag(text)).collect();
    tags.sort();
    tags.dedup();
    tags
}

/// A worker.
#[must_use]
pub fn worker(text: &str) -> WorkerId {
    WorkerId::new(text).expect("a legal worker id")
}

/// The name of a record.
#[must_use]
pub fn name(text: &str) -> RecordName {
    RecordName::new(text).expect("a legal record name")
}

/// The id of the commit with this number.
#[must_use]
pub fn commit_id(n: u64) -> CommitId {
    CommitId::from_bytes(sixteen(&format!("commit {n}")))
}

/// A time: this many seconds after the first of 2026.
#[must_use]
pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_767_225_600 + seconds) * 1_000_000).expect("a time in range")
}

/// What a checkpoint says of itself when made by [`append`].
#[must_use]
pub fn meta(id: &str) -> Bytes {
    Bytes::from(format!("description of {id}"))
}

/// The state of a checkpoint made by [`append`].
#[must_use]
pub fn state(id: &str) -> Bytes {
    Bytes::from(format!("state of {id}: {}", "step ".repeat(20)))
}

/// The fingerprint of what these words say.
#[must_use]
pub fn fingerprint(text: &str) -> Fingerprint {
    Fingerprint(sixteen(text))
}

/// An append with a small state on the head of its session; everything in it follows from its id.
#[must_use]
pub fn append(in_session: &str, new: &str) -> Append {
    let state = state(new);
    Append {
        id: id(new),
        session: session(in_session),
        parent: Parent::Head,
        enclosing: None,
        revision: 1,
        created_at: time(1),
        updated_at: time(1),
        status: Status::Created,
        trigger: Trigger::Manual,
        worker: None,
        tags: Vec::new(),
        step: None,
        pinned: false,
        length: state.len() as u64,
        origin: None,
        made: None,
        revive: false,
        fingerprint: fingerprint(new),
        meta: meta(new),
        payload: Payload::Inline(state),
    }
}

/// An append whose state is a tree.
#[must_use]
pub fn append_tree(in_session: &str, new: &str, top: ChunkId) -> Append {
    Append {
        payload: Payload::Tree(top),
        ..append(in_session, new)
    }
}

/// An update that keeps everything of [`append`] but says that the work is active.
#[must_use]
pub fn update(in_session: &str, of: &str, revision: u64) -> Update {
    Update {
        session: session(in_session),
        id: id(of),
        revision,
        becomes: None,
        updated_at: time(100 + i64::try_from(revision).unwrap_or(0)),
        status: Status::Active,
        worker: None,
        tags: Vec::new(),
        step: None,
        pinned: false,
        meta: Bytes::from(format!("description of {of} after {revision}")),
        state: None,
    }
}

/// Deletes a checkpoint.
#[must_use]
pub fn delete(in_session: &str, of: &str) -> Delete {
    Delete {
        session: session(in_session),
        id: id(of),
    }
}

/// Creates a session, or finds it.
#[must_use]
pub fn create(new: &str) -> CreateSession {
    CreateSession {
        id: session(new),
        created_at: time(0),
        body: Bytes::from(format!("body of {new}")),
        epoch: 0,
        must_be_new: false,
    }
}

/// Replaces the body of a session.
#[must_use]
pub fn patch(of: &str, revision: u64, body: &str) -> PatchSession {
    PatchSession {
        id: session(of),
        revision,
        body: Bytes::from(body.to_owned()),
    }
}

/// Puts an attachment of the kind `note`, or removes it.
#[must_use]
pub fn attach(in_session: &str, to: &str, key: &str, content: Option<&str>) -> Attach {
    Attach {
        session: session(in_session),
        checkpoint: id(to),
        kind: "note".to_owned(),
        key: key.to_owned(),
        bytes: content.map(|text| Bytes::from(text.to_owned())),
    }
}

/// Puts a record, or removes it.
#[must_use]
pub fn record(named: &str, content: Option<&str>) -> PutRecord {
    PutRecord {
        name: name(named),
        bytes: content.map(|text| Bytes::from(text.to_owned())),
    }
}

/// Sets a checkpoint aside, or takes it back.
#[must_use]
pub fn quarantine(in_session: &str, of: &str, aside: bool) -> Quarantine {
    Quarantine {
        session: session(in_session),
        id: id(of),
        aside,
    }
}

/// A chunk without children, named by its content.
#[must_use]
pub fn leaf(content: &str) -> NewChunk {
    let bytes = Bytes::from(content.to_owned());
    NewChunk {
        id: ContentHasher::plain().chunk_id(Purpose::Leaf, &bytes),
        children: Arc::new([]),
        bytes,
    }
}

/// A chunk that refers to others.
#[must_use]
pub fn node(content: &str, children: &[ChunkId]) -> NewChunk {
    let bytes = Bytes::from(format!("node {content}"));
    NewChunk {
        id: ContentHasher::plain().chunk_id(Purpose::Node, &bytes),
        children: children.into(),
        bytes,
    }
}

fn sixteen(text: &str) -> [u8; 16] {
    let digest = ContentHasher::plain().digest(Purpose::Fingerprint, text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}
