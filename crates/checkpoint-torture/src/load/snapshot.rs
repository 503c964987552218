//! All that a store holds, read once.

use std::collections::{BTreeMap, BTreeSet};

use checkpoint_core::{Change, Checkpoint, ChunkId, Item, Position, Result, SessionQuery, Store};

/// Items read in one step.
const PAGE: usize = 500;

/// What a store holds.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Live checkpoints by id.
    pub(crate) checkpoints: BTreeMap<String, Seen>,
    /// The epoch of each live session.
    pub(crate) sessions: BTreeMap<String, u64>,
    /// Since the beginning.
    pub(crate) changes: Vec<Change>,
    /// Chunks, each with its children.
    pub(crate) chunks: BTreeMap<ChunkId, Vec<ChunkId>>,
    /// What could not be read.
    pub(crate) wrong: Vec<String>,
}

/// A checkpoint.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) session: String,
    pub(crate) sequence: u64,
    pub(crate) revision: u64,
    pub(crate) parent: Option<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) notes: Vec<String>,
    /// The state, or why it cannot be read.
    pub(crate) state: Result<String>,
}

impl Snapshot {
    /// Reads a store to which nobody writes.
    pub(crate) async fn read(store: &Store) -> Result<Self> {
        let mut snapshot = Self {
            checkpoints: BTreeMap::new(),
            sessions: BTreeMap::new(),
            changes: Vec::new(),
            chunks: BTreeMap::new(),
            wrong: Vec::new(),
        };
        snapshot.read_checkpoints(store).await?;
        snapshot.read_sessions(store).await?;
        snapshot.read_changes(store).await?;
        snapshot.read_chunks(store).await?;
        Ok(snapshot)
    }

    async fn read_checkpoints(&mut self, store: &Store) -> Result<()> {
        let mut after = None;
        loop {
            let page = store.list().oldest_first().limit(PAGE).after(after).await?;
            self.wrong
                .extend(page.damaged.iter().map(ToString::to_string));
            for checkpoint in &page.checkpoints {
                let seen = see(store, checkpoint).await?;
                let id = checkpoint.id().to_string();
                if self.checkpoints.insert(id.clone(), seen).is_some() {
                    self.wrong.push(format!("{id} is listed twice"));
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn read_sessions(&mut self, store: &Store) -> Result<()> {
        let mut query = SessionQuery {
            limit: PAGE,
            ..SessionQuery::default()
        };
        loop {
            let page = store.backend().sessions(&query).await?;
            for item in page.items {
                match item {
                    Item::Found(session) => {
                        self.sessions.insert(session.id.to_string(), session.epoch);
                    }
                    Item::Corrupt(error) => self.wrong.push(error.to_string()),
                    Item::Absent | Item::Deleted => {}
                }
            }
            query.after = page.next;
            if query.after.is_none() {
                return Ok(());
            }
        }
    }

    async fn read_changes(&mut self, store: &Store) -> Result<()> {
        let mut after = Position::START;
        loop {
            let page = store.changes(after, PAGE).await?;
            self.wrong
                .extend(page.damaged.iter().map(ToString::to_string));
            if page.changes.is_empty() && page.damaged.is_empty() {
                return Ok(());
            }
            self.changes.extend(page.changes);
            after = page.end;
        }
    }

    async fn read_chunks(&mut self, store: &Store) -> Result<()> {
        let mut after = None;
        loop {
            let page = store.backend().scan_chunks(after, PAGE).await?;
            let (before, more) = (after, page.len() == PAGE);
            for item in page {
                match item {
                    Item::Found(chunk) => {
                        after = Some(chunk.id);
                        self.chunks.insert(chunk.id, chunk.children.to_vec());
                    }
                    Item::Corrupt(error) => self.wrong.push(error.to_string()),
                    Item::Absent | Item::Deleted => {}
                }
            }
            if !more || after == before {
                return Ok(());
            }
        }
    }
}

async fn see(store: &Store, checkpoint: &Checkpoint) -> Result<Seen> {
    let session = store.session(checkpoint.session()).existing().await;
    let notes = match session {
        Ok(session) => session.annotations(checkpoint.id()).await?,
        // The comparison of sessions tells.
        Err(error) if error.is_not_found() => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(Seen {
        session: checkpoint.session().to_string(),
        sequence: checkpoint.sequence(),
        revision: checkpoint.revision(),
        parent: checkpoint.parent().map(ToString::to_string),
        tags: checkpoint.tags().iter().map(ToString::to_string).collect(),
        notes: notes.into_iter().map(|it| it.note).collect(),
        state: checkpoint.state().await,
    })
}
