//! Stores in memory, and what every body does with them.

use std::fmt::Display;
use std::future::IntoFuture;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{
    Append, Backend, Checkpoint, CheckpointId, Clock as _, Commit, CommitId, CreateSession, Error,
    ErrorKind, FakeClock, Fingerprint, IdSource as _, Limits, MemoryBackend, Parent, Payload,
    Result, SeededIds, SessionId, Status, Store, Trigger,
};
use tokio::runtime::Runtime;

thread_local! {
    static RUNTIME: Runtime = ok(
        tokio::runtime::Builder::new_current_thread().enable_time().build(),
        "starting a runtime",
    );
}

/// Waits for an answer, on this thread.
pub(crate) fn wait<F: IntoFuture>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future.into_future()))
}

/// The answer of what cannot fail. That it did is a finding.
#[track_caller]
pub(crate) fn ok<T, E: Display>(result: Result<T, E>, doing: &str) -> T {
    match result {
        Ok(answer) => answer,
        Err(error) => panic!("{doing}: {error}"),
    }
}

pub(crate) fn clock() -> FakeClock {
    ok(FakeClock::at("2026-11-20T10:00:00Z"), "making a clock")
}

/// Bytes of the largest state: hostile lengths get no further.
pub(crate) const LARGEST: u64 = 1 << 20;

/// A store in memory that takes what no `Store` would send.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) ids: SeededIds,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let ids = SeededIds::new(1);
        let backend = MemoryBackend::builder()
            .clock(Arc::new(clock()))
            .ids(Arc::new(ids.clone()))
            .limits(Limits::default().with_state(LARGEST))
            .build();
        Self {
            backend: Arc::new(backend),
            ids,
        }
    }

    /// A handle of its own, which remembers nothing.
    pub(crate) fn store(&self) -> Store {
        Store::builder(Arc::clone(&self.backend))
            .clock(clock())
            .ids(self.ids.clone())
            .build()
    }

    pub(crate) fn commit(&self) -> Commit {
        Commit::new(CommitId::from_uuid(self.ids.next()))
    }

    /// The session `s`, with this body.
    pub(crate) fn session(&self, body: &[u8]) -> CreateSession {
        CreateSession {
            id: session_id(),
            created_at: clock().now(),
            body: Bytes::copy_from_slice(body),
            epoch: 0,
            must_be_new: false,
        }
    }

    /// The checkpoint `c` in it.
    pub(crate) fn append(&self, meta: Vec<u8>, payload: Payload, length: u64) -> Append {
        Append {
            id: checkpoint_id(),
            session: session_id(),
            parent: Parent::Head,
            enclosing: None,
            revision: 1,
            created_at: clock().now(),
            updated_at: clock().now(),
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
            meta: meta.into(),
            payload,
        }
    }
}

pub(crate) fn session_id() -> SessionId {
    ok(SessionId::new("s"), "naming a session")
}

pub(crate) fn checkpoint_id() -> CheckpointId {
    ok(CheckpointId::new("c"), "naming a checkpoint")
}

/// Every piece of a state that is streamed, none after an error.
pub(crate) fn streamed(checkpoint: &Checkpoint) -> Result<Vec<u8>> {
    wait(async {
        let mut reader = checkpoint.reader().await?;
        let (mut all, most) = (Vec::new(), checkpoint.header().length);
        while let Some(piece) = reader.next().await? {
            assert!(!piece.is_empty(), "an empty piece");
            all.extend_from_slice(&piece);
            assert!(all.len() as u64 <= most, "more was streamed than is there");
        }
        assert!(reader.next().await?.is_none(), "a piece after the end");
        Ok(all)
    })
}

/// What must hold of every error: one that can be shown, and that says no more than it must.
#[track_caller]
pub(crate) fn shown(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    assert!(text.len() < 8 << 10, "an error of {} bytes", text.len());
    assert!(!format!("{error:?}").is_empty());
    text
}

/// What a hostile store may answer: that it is damaged, or made by someone who knows more.
#[track_caller]
pub(crate) fn damaged(error: &Error) {
    let text = shown(error);
    assert!(
        matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported),
        "damage is told as something else: {text} [{:?}]",
        error.kind()
    );
    assert!(
        error.context().next().is_some(),
        "what is damaged is not named: {text}"
    );
}
