//! What the writer remembers from one transaction to the next, so that a save need not look it up again.
//!
//! It holds as long as nobody else wrote: the engine's data version tells, read inside the transaction. Whatever is
//! rolled back, or written in a way that is not followed here, makes the writer forget all of it.

use std::collections::HashMap;

use checkpoint_core::engine::{Counters, SessionRow};
use checkpoint_core::{Head, Result, SessionId};
use rusqlite::Connection;

use crate::query::{control, store};

/// Sessions remembered at most; with more the writer starts afresh.
const SESSIONS: usize = 1024;
/// Bodies above this many bytes are read each time.
const BODY: usize = 1024;

/// What the newest transaction left.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    version: Option<i64>,
    counters: Option<Counters>,
    sessions: HashMap<SessionId, SessionRow>,
    heads: HashMap<u64, Option<Head>>,
}

impl Recall {
    /// Begins a transaction: answers how far the store has come.
    pub(crate) fn begin(&mut self, connection: &Connection) -> Result<Counters> {
        let version = control::data_version(connection)?;
        if self.version != Some(version) {
            self.forget();
            self.version = Some(version);
        }
        self.counters
            .take()
            .map_or_else(|| store::counters(connection), Ok)
    }

    /// The transaction is done, and the store has come so far.
    pub(crate) fn done(&mut self, counters: Counters) {
        self.counters = Some(counters);
    }

    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn session(&self, id: &SessionId) -> Option<SessionRow> {
        self.sessions.get(id).cloned()
    }

    pub(crate) fn keep_session(&mut self, row: &SessionRow) {
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
    pub(crate) fn head(&self, session: u64) -> Option<Option<Head>> {
        self.heads.get(&session).cloned()
    }

    pub(crate) fn keep_head(&mut self, session: u64, head: Option<Head>) {
        if self.heads.len() >= SESSIONS {
            self.heads.clear();
        }
        self.heads.insert(session, head);
    }

    /// Something was taken from a session, or set aside.
    pub(crate) fn forget_heads(&mut self) {
        self.heads.clear();
    }
}
