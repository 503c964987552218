//! What is ready to be committed together.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;

use crate::backend::Backend;
use crate::commit::{Commit, NewChunk, Operation};
use crate::error::Result;
use crate::exchange::report::Received;
use crate::exchange::source::{Arrival, ArrivingState};
use crate::receipt::Receipt;
use crate::record::Attachment;

/// Bytes, operations and chunks after which a commit is sent.
pub(super) const BYTES: usize = 4 << 20;
const OPERATIONS: usize = 2_048;
const CHUNKS: usize = 8_192;

/// What is to be done for one checkpoint.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) what: What,
    pub(super) operations: Vec<Operation>,
    pub(super) chunks: Vec<NewChunk>,
    /// Bytes of its encoded state, if it is brought.
    pub(super) state: u64,
    /// Attachments to be put once it is done.
    pub(super) late: Vec<Attachment>,
}

/// What becomes of the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Made,
    Updated,
    Skipped,
}

impl Ready {
    /// Puts it into a commit.
    pub(super) fn join(&mut self, commit: &mut Commit) {
        commit.operations.append(&mut self.operations);
        commit.chunks.append(&mut self.chunks);
    }

    /// About as many bytes as it brings.
    pub(super) fn size(&self) -> usize {
        let chunks = self.chunks.iter();
        let chunks = chunks.map(|chunk| chunk.bytes.len() + 32 * chunk.children.len());
        let operations = self.operations.iter().map(|operation| match operation {
            Operation::Append(it) => it.meta.len() + it.payload.inline().map_or(0, |it| it.len()),
            Operation::Update(it) => it.meta.len(),
            Operation::Attach(it) => it.bytes.as_ref().map_or(0, |it| it.len()),
            _ => 0,
        });
        chunks.chain(operations).sum()
    }

    pub(super) fn count(&self, received: &mut Received) {
        let count = match self.what {
            What::Made => &mut received.checkpoints,
            What::Updated => &mut received.updated,
            What::Skipped => &mut received.skipped,
        };
        *count += 1;
        received.bytes += self.state;
    }
}

/// Checkpoints that share a commit.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) members: Vec<(Arrival, Ready)>,
    bytes: usize,
    operations: usize,
    chunks: usize,
}

impl Batch {
    pub(super) fn push(&mut self, arrival: Arrival, ready: Ready) {
        self.bytes += ready.size();
        // A state that was cut is held beside its chunks, for the case that the commit is refused.
        if let (ArrivingState::Whole(state), false) = (&arrival.state, ready.chunks.is_empty()) {
            self.bytes += state.len();
        }
        self.operations += ready.operations.len();
        self.chunks += ready.chunks.len();
        self.members.push((arrival, ready));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BYTES || self.operations >= OPERATIONS || self.chunks >= CHUNKS
    }

    /// All of it as one commit. The members stay, for the case that it is refused.
    pub(super) fn commit(&mut self, mut commit: Commit) -> Commit {
        commit.operations.reserve(self.operations);
        commit.chunks.reserve(self.chunks);
        for (_, ready) in &mut self.members {
            ready.join(&mut commit);
        }
        commit
    }
}

type Committing = Pin<Box<dyn Future<Output = Result<Receipt>> + Send>>;

/// A commit that is being done while the next is made ready.
pub(super) struct UnderWay {
    /// Locked by nobody: it makes this shareable between threads, which futures that borrow it must be.
    future: Mutex<Committing>,
    /// What it answered at once.
    done: Option<Result<Receipt>>,
    batch: Batch,
}

impl UnderWay {
    /// Starts it: a backend whose work is done elsewhere is at it when this returns.
    pub(super) async fn start(backend: Arc<dyn Backend>, commit: Commit, batch: Batch) -> Self {
        let mut future: Committing = Box::pin(async move { backend.commit(commit).await });
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        let done = match polled {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        };
        Self {
            future: Mutex::new(future),
            done,
            batch,
        }
    }

    /// Waits for it.
    pub(super) async fn end(self) -> (Batch, Result<Receipt>) {
        let done = match self.done {
            Some(done) => done,
            None => self.future.into_inner().await,
        };
        (self.batch, done)
    }
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnderWay({} checkpoints)", self.batch.members.len())
    }
}
