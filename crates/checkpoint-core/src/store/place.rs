//! Where a state goes: into the checkpoint when it is small, else into chunks.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::backend::StoreInfo;
use crate::chunk::{Chunker, Known, Planned, Previous, StreamWriter};
use crate::commit::NewChunk;
use crate::error::{Error, Result};
use crate::id::SessionId;
use crate::record::Payload;

/// States up to this many bytes lie in the checkpoint itself: a chunk of their own would cost more pages than it saves.
const INLINE: usize = 1_536;

/// From this many bytes on, cutting, hashing and compressing leave the executor.
const OFFLOAD: usize = 64 << 10;

/// Places states, and keeps the newest of each session within a budget of memory.
#[derive(Debug)]
pub(crate) struct Placer {
    chunker: Chunker,
    budget: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    states: HashMap<SessionId, (u64, Arc<Previous>)>,
    size: usize,
    /// Counts uses, so that the one used longest ago goes first.
    uses: u64,
}

/// A state in its place, not sent yet.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) payload: Payload,
    pub(crate) chunks: Vec<NewChunk>,
    /// To be kept when the commit is done.
    pub(crate) next: Option<Previous>,
}

impl Placer {
    pub(crate) fn new(info: &StoreInfo, budget: usize) -> Self {
        let chunker = Chunker::new(info.hasher.clone(), info.gear_seed);
        Self {
            chunker,
            budget,
            kept: Mutex::default(),
        }
    }

    /// Places a state. With `all` nothing is assumed to be in the store.
    pub(crate) async fn place(
        &self,
        session: &SessionId,
        encoded: Bytes,
        all: bool,
    ) -> Result<Placed> {
        if encoded.len() <= INLINE {
            return Ok(Placed {
                payload: Payload::Inline(encoded),
                chunks: Vec::new(),
                next: None,
            });
        }
        let previous = if all { None } else { self.previous(session) };
        let chunker = self.chunker.clone();
        let large = encoded.len() >= OFFLOAD;
        let plan = move || {
            let known = if all { Known::Nothing } else { Known::Previous };
            chunker.plan(encoded, previous.as_deref(), known)
        };
        let planned = if large { offload(plan).await? } else { plan() };
        let Planned { top, new, next } = planned;
        Ok(Placed {
            payload: Payload::Tree(top),
            chunks: new,
            next: Some(next),
        })
    }

    /// A writer for a state that comes in pieces.
    pub(crate) fn stream(&self) -> StreamWriter {
        self.chunker.stream()
    }

    fn previous(&self, session: &SessionId) -> Option<Arc<Previous>> {
        let mut kept = self.kept.lock();
        kept.uses += 1;
        let now = kept.uses;
        let (used, previous) = kept.states.get_mut(session)?;
        *used = now;
        Some(Arc::clone(previous))
    }

    /// Keeps a state that is in the store now.
    pub(crate) fn keep(&self, session: &SessionId, next: Previous) {
        let size = next.size();
        self.forget(session);
        if size > self.budget {
            return;
        }
        let mut kept = self.kept.lock();
        while kept.size + size > self.budget {
            let oldest = kept
                .states
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(id, _)| id.clone());
            let Some((_, gone)) = oldest.and_then(|id| kept.states.remove(&id)) else {
                break;
            };
            kept.size -= gone.size();
        }
        kept.uses += 1;
        let used = kept.uses;
        kept.size += size;
        kept.states.insert(session.clone(), (used, Arc::new(next)));
    }

    /// Keeps a state that was read, unless one of the session is kept already, which is newer or as good.
    pub(super) fn keep_first(&self, session: &SessionId, next: Previous) {
        if !self.kept.lock().states.contains_key(session) {
            self.keep(session, next);
        }
    }

    /// Forgets what a session had.
    pub(crate) fn forget(&self, session: &SessionId) {
        let mut kept = self.kept.lock();
        if let Some((_, gone)) = kept.states.remove(session) {
            kept.size -= gone.size();
        }
    }
}

/// Runs work off the executor where there is one.
pub(crate) async fn offload<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::storage("a state could not be cut into chunks").because(error))
}
