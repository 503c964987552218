//! What the writer remembers from one transaction to the next, so that a save need not look it up again.
//!
//! It holds as long as nobody else wrote, which a version tells that the engine gives, read inside the transaction.
//! Whatever is rolled back, or written in a way that is not followed here, makes the writer forget all of it.

use std::collections::HashMap;

use super::apply::Counters;
use super::tables::SessionRow;
use crate::error::Result;
use crate::id::SessionId;
use crate::record::Head;

/// Sessions remembered at most; with more the writer starts afresh.
const SESSIONS: usize = 1024;
/// Bodies above this many bytes are read each time.
const BODY: usize = 1024;

/// What the newest transaction left.
#[derive(Debug, Default)]
pub struct Recall {
    version: Option<i64>,
    counters: Option<Counters>,
    sessions: HashMap<SessionId, SessionRow>,
    heads: HashMap<u64, Option<Head>>,
}

impl Recall {
    /// Begins a transaction: answers how far the store has come. `version` stays the same while only this one writes;
    /// `counters` reads what is not remembered.
    ///
    /// # Errors
    ///
    /// Those of `counters`.
    pub fn begin(
        &mut self,
        version: i64,
        counters: impl FnOnce() -> Result<Counters>,
    ) -> Result<Counters> {
        if self.version != Some(version) {
            self.forget();
            self.version = Some(version);
        }
        self.counters.take().map_or_else(counters, Ok)
    }

    /// The transaction is done, and the store has come so far.
    pub fn done(&mut self, counters: Counters) {
        self.counters = Some(counters);
    }

    /// Nothing is remembered any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The newest session under an id.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> Option<SessionRow> {
        self.sessions.get(id).cloned()
    }

    /// A session is so now.
    pub fn keep_session(&mut self, row: &SessionRow) {
        if row.body.len() > BODY {
            self.sessions.remove(&row.id);
            return;
        }
        if self.sessions.len() >= SESSIONS {
            self.sessions.clear();
        }
        self.sessions.insert(row.id.clone(), row.clone());
    }

    /// The head of a session, none when it is not remembered.
    #[must_use]
    pub fn head(&self, session: u64) -> Option<Option<Head>> {
        self.heads.get(&session).cloned()
    }

    /// A session has this head now.
    pub fn keep_head(&mut self, session: u64, head: Option<Head>) {
        if self.heads.len() >= SESSIONS {
            self.heads.clear();
        }
        self.heads.insert(session, head);
    }

    /// Something was taken from a session, or set aside.
    pub fn forget_heads(&mut self) {
        self.heads.clear();
    }
}
