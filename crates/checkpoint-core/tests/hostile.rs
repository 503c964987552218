//! What a program reads when someone else wrote the store.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{
    Append, Attach, Backend, CheckpointId, Clock, Commit, CommitId, CreateSession, Error,
    Fingerprint, IdSource, MemoryBackend, Parent, Payload, SessionId, Status, Store, SystemClock,
    SystemIds, Trigger,
};

/// A store with the session `s` and in it the checkpoint `c`, with these opaque bytes.
async fn store(body: &[u8], meta: &[u8], annotation: &[u8]) -> Store {
    store_of(body, meta, annotation, 4).await
}

async fn store_of(body: &[u8], meta: &[u8], annotation: &[u8], length: u64) -> Store {
    let (session, id) = (SessionId::new("s"), CheckpointId::new("c"));
    let (session, id) = (session.expect("an id"), id.expect("an id"));
    let now = SystemClock.now();
    let create = CreateSession {
        id: session.clone(),
        created_at: now,
        body: Bytes::copy_from_slice(body),
        epoch: 0,
        must_be_new: true,
    };
    let append = Append {
        id: id.clone(),
        session: session.clone(),
        parent: Parent::Head,
        enclosing: None,
        revision: 1,
        created_at: now,
        updated_at: now,
        status: Status::Active,
        trigger: Trigger::Manual,
        worker: None,
        tags: Vec::new(),
        step: None,
        pinned: false,
        length,
        origin: None,
        made: None,
        revive: false,
        fingerprint: Fingerprint([0; 16]),
        meta: Bytes::copy_from_slice(meta),
        payload: Payload::Inline(Bytes::from_static(b"true")),
    };
    let attach = Attach {
        session,
        checkpoint: id,
        kind: "annotation".into(),
        key: "k".into(),
        bytes: Some(Bytes::copy_from_slice(annotation)),
    };
    let backend = MemoryBackend::new();
    let commit = Commit::new(CommitId::from_uuid(SystemIds.next()));
    let commit = commit.with(create).with(append).with(attach);
    backend
        .commit(commit)
        .await
        .expect("opaque bytes are taken as they are");
    Store::new(Arc::new(backend))
}

fn corrupt(error: &Error, named: &str) {
    let text = error.to_string();
    assert!(error.is_corrupt() && text.contains(named), "{text}");
}

/// A section with the name and this length.
fn section(name: u8, length: &[u8]) -> Vec<u8> {
    let mut section = vec![1, 1, name, 3, length.len() as u8];
    section.extend_from_slice(length);
    section.extend_from_slice(&[4, 33, 1]);
    section.extend_from_slice(&[0; 32]);
    let mut field = vec![10, section.len() as u8];
    field.extend(section);
    field
}

#[tokio::test]
async fn sections_that_add_up_to_more_than_a_number_holds_are_corrupt() {
    let most = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    let meta = [
        section(b'a', &most),
        section(b'b', &most),
        section(b'c', &[1]),
    ]
    .concat();
    let store = store(b"", &meta, b"").await;
    let checkpoint = store.get("c").await.expect("read").expect("there");
    for name in ["a", "b", "c"] {
        let error = checkpoint.section::<bool>(name).await.expect_err("outside");
        corrupt(&error, "checkpoint: c");
    }
    corrupt(
        &checkpoint.value().await.expect_err("outside"),
        "section: a",
    );
}

#[tokio::test]
async fn an_annotation_with_an_impossible_time_is_corrupt_and_named() {
    let time = [4, 10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    for annotation in [&time[..], &[2, 1, 9], &[1, 9, 1]] {
        let store = store(b"", b"", annotation).await;
        let session = store.session("s").await.expect("there");
        let id = CheckpointId::new("c").expect("an id");
        let error = session.annotations(&id).await.expect_err("damaged");
        corrupt(&error, "annotation: k, checkpoint: c");
    }
}

#[tokio::test]
async fn a_fork_point_that_is_no_id_is_corrupt_and_its_session_named() {
    for body in [&[3, 1, 0][..], &[3, 0], &[3, 1, 255]] {
        let store = store(body, b"", b"").await;
        let session = store.session("s").await.expect("there");
        corrupt(&session.info().await.expect_err("damaged"), "session: s");
        let listing = store.sessions(9, None).await.expect("listed");
        assert_eq!((listing.sessions.len(), listing.damaged.len()), (0, 1));
    }
}

#[tokio::test]
async fn a_state_of_another_length_than_its_header_says_is_corrupt() {
    for length in [0, 3, 5] {
        let store = store_of(b"", b"", b"", length).await;
        let checkpoint = store.get("c").await.expect("read").expect("there");
        corrupt(&checkpoint.bytes().await.expect_err("cut"), "checkpoint: c");
    }
}
