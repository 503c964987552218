//! A state as rows: what a log keeps of the tables. The way back is in `replay`.
//!
//! A batch of rows is written as fields: the number of a field is the kind of a row, its value the row's columns.
//! Indexes are not written, since they follow from the rows.

use super::columns::{Columns, One};
use super::state::{AttachmentRow, Birth, Checkpoint, Grave, State};
use crate::engine::{Counters, SessionRow};
use crate::feed::Change;
use crate::id::{ChunkId, CommitId};
use crate::record::Position;
use crate::wire::Fields;

/// A row that was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Session(u64),
    Checkpoint(u64),
    Grave(u64),
    Attachment(u64, u64),
    Record(String),
    Chunk(ChunkId),
    Commit(CommitId),
    Change(Position),
}

pub(super) const PROGRESS: u64 = 1;
pub(super) const SESSION: u64 = 2;
pub(super) const CHECKPOINT: u64 = 3;
pub(super) const GRAVE: u64 = 4;
pub(super) const ATTACHMENT: u64 = 5;
pub(super) const RECORD: u64 = 6;
pub(super) const CHUNK: u64 = 7;
pub(super) const COMMIT: u64 = 8;
pub(super) const CHANGE: u64 = 9;
pub(super) const NO_CHECKPOINT: u64 = 16;
pub(super) const NO_ATTACHMENT: u64 = 17;

/// Rows that are being put together, each with its kind.
#[derive(Default)]
pub(super) struct Batch {
    rows: Vec<(u64, Vec<u8>)>,
    size: usize,
}

impl Batch {
    /// One that tells how far the store has come, and nothing else yet.
    pub(super) fn new(state: &State, counters: &Counters) -> Self {
        let mut batch = Self::default();
        batch.push(state.progress(counters));
        batch
    }

    /// With what a row holds now, or that it is gone.
    pub(super) fn add(&mut self, state: &State, key: &Key) {
        if let Some(row) = state.row(key).or_else(|| gone(key)) {
            self.push(row);
        }
    }

    fn push(&mut self, (kind, columns): (u64, Columns)) {
        let row = columns.encode();
        self.size += row.len();
        self.rows.push((kind, row));
    }

    pub(super) const fn size(&self) -> usize {
        self.size
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.rows.sort_by_key(|(kind, _)| *kind);
        let mut fields = Fields::new();
        for (kind, row) in self.rows {
            fields.present(kind, &row);
        }
        fields.finish()
    }
}

impl State {
    /// Every row that is there.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        let sessions = self.sessions.keys().copied().map(Key::Session);
        let checkpoints = self.checkpoints.keys().copied().map(Key::Checkpoint);
        let graves = self.graves.keys().copied().map(Key::Grave);
        let attachments = self.attachments.keys();
        let attachments = attachments.map(|(sequence, place)| Key::Attachment(*sequence, *place));
        let records = self.records.keys().cloned().map(Key::Record);
        let chunks = self.chunks.keys().copied().map(Key::Chunk);
        let commits = self.remembered.keys().copied().map(Key::Commit);
        let changes = self.changes.keys().copied().map(Key::Change);
        let first = sessions.chain(checkpoints).chain(graves);
        let second = attachments.chain(records).chain(chunks);
        first.chain(second).chain(commits).chain(changes)
    }

    fn progress(&self, counters: &Counters) -> (u64, Columns) {
        let columns = Columns {
            sequence: counters.position.sequence.into(),
            n: counters.position.n.into(),
            committed_at: counters.committed_at.into(),
            first: self.floor.sequence.into(),
            first_n: self.floor.n.into(),
            ..Columns::default()
        };
        (PROGRESS, columns)
    }

    fn row(&self, key: &Key) -> Option<(u64, Columns)> {
        Some(match key {
            Key::Session(key) => {
                let to_purge = self.to_purge.contains_key(key);
                (SESSION, session(self.sessions.get(key)?, to_purge))
            }
            Key::Checkpoint(at) => (CHECKPOINT, checkpoint(self.checkpoints.get(at)?)),
            Key::Grave(at) => (GRAVE, grave(*at, self.graves.get(at)?)),
            Key::Attachment(at, place) => {
                let row = self.attachments.get(&(*at, *place))?;
                (ATTACHMENT, attachment(*at, *place, row))
            }
            Key::Record(name) => {
                let row = self.records.get(name)?;
                let columns = Columns {
                    name: row.name.clone().into(),
                    version: row.version.into(),
                    bytes: row.bytes.clone().into(),
                    ..Columns::default()
                };
                (RECORD, columns)
            }
            Key::Chunk(id) => {
                let row = self.chunks.get(id)?;
                let columns = Columns {
                    chunk: (*id).into(),
                    children: row.children.to_vec(),
                    since: row.since.into(),
                    bytes: row.bytes.clone().into(),
                    ..Columns::default()
                };
                (CHUNK, columns)
            }
            Key::Commit(id) => {
                let (receipt, time) = self.remembered.get(id)?;
                let columns = Columns {
                    commit: (*id).into(),
                    committed_at: (*time).into(),
                    bytes: receipt.clone().into(),
                    ..Columns::default()
                };
                (COMMIT, columns)
            }
            Key::Change(position) => (CHANGE, change(self.changes.get(position)?)),
        })
    }
}

/// That a row is gone, for those that commits take away.
fn gone(key: &Key) -> Option<(u64, Columns)> {
    let at = |sequence: u64| Columns {
        sequence: sequence.into(),
        ..Columns::default()
    };
    match key {
        Key::Checkpoint(sequence) => Some((NO_CHECKPOINT, at(*sequence))),
        Key::Attachment(sequence, place) => {
            let columns = Columns {
                n: (*place).into(),
                ..at(*sequence)
            };
            Some((NO_ATTACHMENT, columns))
        }
        _ => None,
    }
}

fn session(row: &SessionRow, to_purge: bool) -> Columns {
    Columns {
        session: row.id.clone().into(),
        session_key: row.key.into(),
        created_at: row.created_at.into(),
        revision: row.revision.into(),
        epoch: row.epoch.into(),
        deleted_at: row.deleted.into(),
        to_purge: One::flag(to_purge),
        bytes: row.body.clone().into(),
        ..Columns::default()
    }
}

fn checkpoint(row: &Checkpoint) -> Columns {
    let header = &row.header;
    Columns {
        checkpoint: header.id.clone().into(),
        session: header.session.clone().into(),
        session_key: row.session.into(),
        parent: header.parent.clone().into(),
        enclosing: header.enclosing.clone().into(),
        sequence: header.sequence.into(),
        revision: header.revision.into(),
        created_at: header.created_at.into(),
        committed_at: header.committed_at.into(),
        updated_at: header.updated_at.into(),
        status: header.status.into(),
        trigger: header.trigger.into(),
        worker: header.worker.clone().into(),
        tags: header.tags.clone(),
        step: header.step.into(),
        pinned: One::flag(header.pinned),
        quarantined: One::flag(header.quarantined),
        length: header.length.into(),
        origin_sequence: header.origin.map(|origin| origin.sequence).into(),
        origin_committed_at: header.origin.map(|origin| origin.committed_at).into(),
        bytes: row.meta.clone().into(),
        inline: row.payload.inline().cloned().into(),
        top: row.payload.top().into(),
        ..birth(&row.born)
    }
}

fn grave(sequence: u64, row: &Grave) -> Columns {
    Columns {
        checkpoint: row.id.clone().into(),
        session: row.session.clone().into(),
        parent: row.parent.clone().into(),
        sequence: sequence.into(),
        committed_at: row.committed_at.into(),
        deleted_at: row.deleted.into(),
        ..birth(&row.born)
    }
}

fn birth(born: &Birth) -> Columns {
    Columns {
        fingerprint: born.fingerprint.into(),
        first: born.first.into(),
        born_status: born.status.into(),
        born_revision: born.revision.into(),
        ..Columns::default()
    }
}

fn attachment(sequence: u64, place: u64, row: &AttachmentRow) -> Columns {
    Columns {
        sequence: sequence.into(),
        n: place.into(),
        kind: row.kind.clone().into(),
        key: row.key.clone().into(),
        bytes: row.bytes.clone().into(),
        ..Columns::default()
    }
}

fn change(row: &Change) -> Columns {
    Columns {
        sequence: row.position.sequence.into(),
        n: row.position.n.into(),
        first: row.first.sequence.into(),
        first_n: row.first.n.into(),
        change: row.kind.into(),
        committed_at: row.committed_at.into(),
        commit: row.commit.into(),
        session: row.session.clone().into(),
        checkpoint: row.checkpoint.clone().into(),
        status: row.status.into(),
        revision: row.revision.into(),
        ..Columns::default()
    }
}
