//! What is kept.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::commit::Fingerprint;
use crate::engine::{Counters, Existing, Lookup, SessionRow, Tombstone};
use crate::feed::{Change, ChangeKind};
use crate::id::{CheckpointId, ChunkId, CommitId, RecordName, SessionId};
use crate::record::{Head, Header, Payload, Position};
use crate::status::Status;

/// All that a store holds. The maps without values are indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) counters: Counters,
    /// Changes up to this position are no longer kept; it never splits a commit.
    pub(super) floor: Position,
    /// By key. The newest row under an id stays for ever, for its epoch.
    pub(super) sessions: BTreeMap<u64, SessionRow>,
    /// The key of the newest session under an id.
    pub(super) session_keys: BTreeMap<SessionId, u64>,
    /// Keys of deleted sessions of which there may be something left to purge.
    pub(super) to_purge: BTreeMap<u64, ()>,
    /// By sequence, also those of deleted sessions that are not purged yet.
    pub(super) checkpoints: BTreeMap<u64, Checkpoint>,
    /// By session key and sequence.
    pub(super) by_session: BTreeMap<(u64, u64), ()>,
    /// By sequence.
    pub(super) graves: BTreeMap<u64, Grave>,
    /// By deletion and sequence.
    pub(super) graves_by_age: BTreeMap<(Timestamp, u64), ()>,
    /// The sequence of the newest checkpoint or grave under an id.
    pub(super) sequences: BTreeMap<CheckpointId, u64>,
    /// By sequence and place among the attachments of a checkpoint.
    pub(super) attachments: BTreeMap<(u64, u64), AttachmentRow>,
    /// The place of an attachment: by sequence, kind and key.
    pub(super) places: BTreeMap<(u64, String, String), u64>,
    pub(super) records: BTreeMap<String, RecordRow>,
    pub(super) chunks: BTreeMap<ChunkId, ChunkRow>,
    pub(super) remembered: BTreeMap<CommitId, (Bytes, Timestamp)>,
    pub(super) remembered_by_age: BTreeMap<(Timestamp, CommitId), ()>,
    /// All but those of kind `Created`.
    pub(super) changes: BTreeMap<Position, Change>,
    /// While a sweep is under way: chunks that commits have come to rely on since it began.
    pub(super) barrier: Option<Vec<ChunkId>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checkpoint {
    pub(super) header: Header,
    /// The key of its session.
    pub(super) session: u64,
    pub(super) meta: Bytes,
    pub(super) payload: Payload,
    pub(super) born: Birth,
}

/// What is remembered of an append as it was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Birth {
    pub(super) fingerprint: Fingerprint,
    /// The first sequence of its commit.
    pub(super) first: u64,
    pub(super) status: Status,
    pub(super) revision: u64,
}

/// A deleted checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grave {
    pub(super) id: CheckpointId,
    pub(super) session: SessionId,
    pub(super) parent: Option<CheckpointId>,
    pub(super) committed_at: Timestamp,
    pub(super) born: Birth,
    pub(super) deleted: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct AttachmentRow {
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) bytes: Bytes,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct RecordRow {
    pub(super) name: RecordName,
    pub(super) version: u64,
    /// None: removed.
    pub(super) bytes: Option<Bytes>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ChunkRow {
    pub(super) children: Arc<[ChunkId]>,
    pub(super) bytes: Bytes,
    /// When its grace began.
    pub(super) since: Timestamp,
}

impl Checkpoint {
    pub(super) fn grave(&self, deleted: Timestamp) -> Grave {
        Grave {
            id: self.header.id.clone(),
            session: self.header.session.clone(),
            parent: self.header.parent.clone(),
            committed_at: self.header.committed_at,
            born: self.born,
            deleted,
        }
    }
}

impl State {
    /// The key and row of a session that is not deleted.
    pub(super) fn live_session(&self, id: &SessionId) -> Option<&SessionRow> {
        let row = self.sessions.get(self.session_keys.get(id)?)?;
        row.deleted.is_none().then_some(row)
    }

    pub(super) fn is_live(&self, checkpoint: &Checkpoint) -> bool {
        self.sessions
            .get(&checkpoint.session)
            .is_some_and(|row| row.deleted.is_none())
    }

    pub(super) fn live_checkpoint(&self, id: &CheckpointId) -> Option<&Checkpoint> {
        let row = self.checkpoints.get(self.sequences.get(id)?)?;
        self.is_live(row).then_some(row)
    }

    pub(super) fn lookup(&self, id: &CheckpointId) -> Lookup {
        let Some(&sequence) = self.sequences.get(id) else {
            return Lookup::Absent;
        };
        match (self.checkpoints.get(&sequence), self.graves.get(&sequence)) {
            (Some(row), _) if self.is_live(row) => Lookup::Live(Existing {
                sequence,
                session: row.session,
                parent: row.header.parent.clone(),
                committed_at: row.header.committed_at,
                revision: row.header.revision,
                status: row.header.status,
                fingerprint: row.born.fingerprint,
            }),
            (Some(row), _) => Lookup::Dead(Tombstone {
                sequence,
                parent: row.header.parent.clone(),
                committed_at: row.header.committed_at,
                fingerprint: row.born.fingerprint,
            }),
            (None, Some(grave)) => Lookup::Dead(Tombstone {
                sequence,
                parent: grave.parent.clone(),
                committed_at: grave.committed_at,
                fingerprint: grave.born.fingerprint,
            }),
            (None, None) => Lookup::Absent,
        }
    }

    pub(super) fn head(&self, session: u64) -> Option<Head> {
        let mut newest_first = self.by_session.range(whole(session)).rev();
        newest_first.find_map(|((_, sequence), ())| {
            let row = self.checkpoints.get(sequence)?;
            (!row.header.quarantined).then(|| Head {
                id: row.header.id.clone(),
                sequence: *sequence,
            })
        })
    }

    /// The append of a checkpoint as the feed tells it.
    pub(super) fn created(
        sequence: u64,
        id: &CheckpointId,
        session: &SessionId,
        committed_at: Timestamp,
        born: &Birth,
    ) -> Change {
        Change {
            position: Position::of(sequence),
            first: Position::of(born.first),
            kind: ChangeKind::Created,
            committed_at,
            commit: None,
            session: Some(session.clone()),
            checkpoint: Some(id.clone()),
            status: Some(born.status),
            revision: Some(born.revision),
        }
    }
}

/// All keys of an index whose first half is this one.
pub(super) const fn whole(first: u64) -> RangeInclusive<(u64, u64)> {
    (first, 0)..=(first, u64::MAX)
}
