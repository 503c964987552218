//! What each operation does to the tables.

use std::vec::IntoIter;

use super::apply::Counters;
use super::tables::{Existing, Lookup, NewCheckpoint, SessionRow, Tables};
use crate::clock::Timestamp;
use crate::commit::{
    Append, Attach, Delete, Expectation, Note, NoteKind, Operation, Parent, PutRecord, Quarantine,
    Reseal, Update,
};
use crate::error::{Actual, Error, ErrorKind, Result};
use crate::feed::{Change, ChangeKind};
use crate::id::{CheckpointId, CommitId, SessionId};
use crate::receipt::{Appended, Outcome};
use crate::record::{Origin, Position};
use crate::status::Status;

/// A commit that is being applied.
pub(super) struct Applying<'a, T: Tables + ?Sized> {
    pub(super) tables: &'a mut T,
    counters: Counters,
    commit: CommitId,
    /// The time of the commit.
    pub(super) time: Timestamp,
    /// The store's clock, which may lie behind.
    now: Timestamp,
    /// The sequence of the first append.
    first: Option<u64>,
    /// Something was deleted, so that what was looked up before may no longer hold.
    pub(super) deleted: bool,
    /// Changes that are no appends; their positions are given at the end, after all appends.
    changes: Vec<Change>,
}

impl<'a, T: Tables + ?Sized> Applying<'a, T> {
    pub(super) fn new(
        tables: &'a mut T,
        counters: Counters,
        commit: CommitId,
        time: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            tables,
            counters,
            commit,
            time,
            now,
            first: None,
            deleted: false,
            changes: Vec::new(),
        }
    }

    /// `lookups` holds what was found under the ids of the appends, in their order.
    pub(super) fn operation(
        &mut self,
        operation: &Operation,
        lookups: &mut IntoIter<Lookup>,
    ) -> Result<Outcome> {
        match operation {
            Operation::Append(append) => {
                let lookup = match lookups.next() {
                    Some(lookup) if !self.deleted => lookup,
                    _ => self.tables.checkpoint(&append.id)?,
                };
                self.append(append, &lookup).map(Outcome::Appended)
            }
            Operation::Update(update) => self.update(update),
            Operation::Delete(delete) => self.delete(delete),
            Operation::Attach(attach) => self.attach(attach),
            Operation::CreateSession(create) => self.create_session(create),
            Operation::PatchSession(patch) => self.patch_session(patch),
            Operation::ClaimSession(session) => self.claim_session(session),
            Operation::DeleteSession(session) => self.delete_session(session),
            Operation::Note(note) => self.note(note),
            Operation::PutRecord(put) => self.put_record(put),
            Operation::Reseal(reseal) => self.reseal(reseal),
            Operation::Quarantine(quarantine) => self.quarantine(quarantine),
            Operation::Advance(sequence) => Ok(self.advance(*sequence)),
        }
    }

    /// Writes the changes; answers where the first change of the commit stands, and how far the store has come.
    pub(super) fn finish(self) -> Result<(Position, Counters)> {
        let Self {
            tables,
            mut counters,
            first,
            changes,
            ..
        } = self;
        let position = &mut counters.position;
        let first = match first {
            Some(sequence) => Position::of(sequence),
            None if changes.is_empty() => *position,
            None => Position {
                sequence: position.sequence,
                n: position.n + 1,
            },
        };
        for mut change in changes {
            position.n += 1;
            change.position = *position;
            change.first = first;
            tables.insert_change(&change)?;
        }
        Ok((first, counters))
    }

    fn append(&mut self, append: &Append, lookup: &Lookup) -> Result<Appended> {
        if let Some(appended) = lookup.answer(append) {
            return Ok(appended);
        }
        let taken = match lookup {
            Lookup::Live(_) => true,
            Lookup::Dead(_) => !append.revive,
            Lookup::Absent => false,
        };
        if taken {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "another checkpoint has this id; choose a new one",
            )
            .with("checkpoint", &append.id));
        }
        let session = self.live_session(&append.session)?;
        let parent = match &append.parent {
            Parent::None => None,
            Parent::Head => self.tables.head(session.key)?.map(|head| head.id),
            Parent::Id(id) => Some(id.clone()),
        };
        let (sequence, committed_at, origin) = self.place(append)?;
        let first = *self.first.get_or_insert(sequence);
        let parent_ref = parent.as_ref();
        self.tables.insert_checkpoint(&NewCheckpoint {
            append,
            session: session.key,
            parent: parent_ref,
            sequence,
            committed_at,
            origin,
            first,
        })?;
        self.counters.position = Position::of(sequence);
        self.counters.committed_at = Some(committed_at);
        Ok(Appended {
            sequence,
            committed_at,
            parent,
            deleted: false,
        })
    }

    /// Sequence and time of the next append. Those of its origin are kept where they fit: above all that is there, and
    /// not in the future. What is not kept is remembered, unless there is an older origin to remember.
    fn place(&self, append: &Append) -> Result<(u64, Timestamp, Option<Origin>)> {
        let highest = self.counters.position.sequence;
        let next = highest
            .checked_add(1)
            .ok_or_else(|| Error::storage("all sequences are used up"))?;
        let Some(origin) = append.origin else {
            return Ok((next, self.time, append.made));
        };
        let sequence = if origin.sequence > highest {
            origin.sequence
        } else {
            next
        };
        let newest = self.counters.committed_at.unwrap_or(Timestamp::MIN);
        let keeps_time = (newest..=self.now).contains(&origin.committed_at);
        let committed_at = if keeps_time {
            origin.committed_at
        } else {
            self.time
        };
        let kept = sequence == origin.sequence && keeps_time;
        let beside = append.made.or((!kept).then_some(origin));
        Ok((sequence, committed_at, beside))
    }

    fn update(&mut self, update: &Update) -> Result<Outcome> {
        let (_, it) = self.live_checkpoint(&update.session, &update.id)?;
        if it.revision != update.revision {
            let expected = Expectation::Revision(update.id.clone(), update.revision);
            return Err(Error::conflict(
                expected,
                Actual::Revision(Some(it.revision)),
            ));
        }
        let revision = update.becomes.unwrap_or(it.revision + 1);
        self.tables
            .update_checkpoint(it.sequence, update, revision)?;
        let kind = ChangeKind::of_update(it.status, update.status);
        self.change(
            kind,
            Some(&update.session),
            Some((&update.id, update.status)),
            Some(revision),
        );
        Ok(Outcome::Updated { revision })
    }

    fn delete(&mut self, delete: &Delete) -> Result<Outcome> {
        let Some((_, it)) = self.find(&delete.session, &delete.id)? else {
            return Ok(Outcome::Deleted { existed: false });
        };
        self.tables.delete_checkpoint(it.sequence, self.time)?;
        self.deleted = true;
        self.change(
            ChangeKind::Deleted,
            Some(&delete.session),
            Some((&delete.id, it.status)),
            Some(it.revision),
        );
        Ok(Outcome::Deleted { existed: true })
    }

    fn attach(&mut self, attach: &Attach) -> Result<Outcome> {
        let (_, it) = self.live_checkpoint(&attach.session, &attach.checkpoint)?;
        let existed = self.tables.attach(
            it.sequence,
            &attach.kind,
            &attach.key,
            attach.bytes.as_ref(),
        )?;
        if existed || attach.bytes.is_some() {
            let about = Some((&attach.checkpoint, it.status));
            self.change(
                ChangeKind::Attached,
                Some(&attach.session),
                about,
                Some(it.revision),
            );
        }
        Ok(Outcome::Attached { existed })
    }

    fn note(&mut self, note: &Note) -> Result<Outcome> {
        let kind = match note.kind {
            NoteKind::Restored => ChangeKind::Restored,
            NoteKind::Compacted => ChangeKind::SessionCompacted,
        };
        match &note.checkpoint {
            Some(id) => {
                let (_, it) = self.live_checkpoint(&note.session, id)?;
                self.change(
                    kind,
                    Some(&note.session),
                    Some((id, it.status)),
                    Some(it.revision),
                );
            }
            None => {
                self.live_session(&note.session)?;
                self.change(kind, Some(&note.session), None, None);
            }
        }
        Ok(Outcome::Noted)
    }

    fn put_record(&mut self, put: &PutRecord) -> Result<Outcome> {
        let before = self.tables.record(&put.name)?;
        let there = before.is_some_and(|(_, there)| there);
        let version = before.map_or(0, |(version, _)| version);
        if put.bytes.is_none() && !there {
            return Ok(Outcome::RecordPut { version });
        }
        let version = if put.bytes.is_some() {
            version + 1
        } else {
            version
        };
        self.tables
            .put_record(&put.name, version, put.bytes.as_ref())?;
        if !put.name.is_silent() {
            self.change(ChangeKind::RecordPut, None, None, Some(version));
        }
        Ok(Outcome::RecordPut { version })
    }

    fn reseal(&mut self, reseal: &Reseal) -> Result<Outcome> {
        let Some(stored) = self.tables.sealed(&reseal.target)? else {
            return Ok(Outcome::Resealed { existed: false });
        };
        if stored == reseal.bytes {
            return Ok(Outcome::Resealed { existed: true });
        }
        if *blake3::hash(&stored).as_bytes() != reseal.replaces {
            let expected = Expectation::Sealed(reseal.target.clone(), reseal.replaces);
            return Err(Error::conflict(expected, Actual::Digest));
        }
        self.tables.reseal(&reseal.target, &reseal.bytes)?;
        Ok(Outcome::Resealed { existed: true })
    }

    fn quarantine(&mut self, quarantine: &Quarantine) -> Result<Outcome> {
        let Some((_, it)) = self.find(&quarantine.session, &quarantine.id)? else {
            return Ok(Outcome::Quarantined { existed: false });
        };
        if self.tables.quarantine(it.sequence, quarantine.aside)? {
            let about = Some((&quarantine.id, it.status));
            self.change(
                ChangeKind::Quarantined,
                Some(&quarantine.session),
                about,
                Some(it.revision),
            );
        }
        Ok(Outcome::Quarantined { existed: true })
    }

    /// A counter follows from what is in the feed, so the change stands at the sequence itself.
    fn advance(&mut self, sequence: u64) -> Outcome {
        let highest = &mut self.counters.position;
        if sequence > highest.sequence {
            *highest = Position::of(sequence);
            self.change(ChangeKind::Advanced, None, None, None);
        }
        Outcome::Advanced {
            sequence: self.counters.position.sequence,
        }
    }

    pub(super) fn live_session(&mut self, id: &SessionId) -> Result<SessionRow> {
        let row = self.tables.session(id)?.filter(|row| row.deleted.is_none());
        row.ok_or_else(|| Error::not_found("no such session; create it first").with("session", id))
    }

    fn find(
        &mut self,
        session: &SessionId,
        id: &CheckpointId,
    ) -> Result<Option<(SessionRow, Existing)>> {
        let Some(row) = self
            .tables
            .session(session)?
            .filter(|row| row.deleted.is_none())
        else {
            return Ok(None);
        };
        match self.tables.checkpoint(id)? {
            Lookup::Live(it) if it.session == row.key => Ok(Some((row, it))),
            _ => Ok(None),
        }
    }

    fn live_checkpoint(
        &mut self,
        session: &SessionId,
        id: &CheckpointId,
    ) -> Result<(SessionRow, Existing)> {
        self.find(session, id)?.ok_or_else(|| {
            Error::not_found("no such checkpoint in this session")
                .with("checkpoint", id)
                .with("session", session)
        })
    }

    pub(super) fn change(
        &mut self,
        kind: ChangeKind,
        session: Option<&SessionId>,
        checkpoint: Option<(&CheckpointId, Status)>,
        revision: Option<u64>,
    ) {
        self.changes.push(Change {
            position: Position::START,
            first: Position::START,
            kind,
            committed_at: self.time,
            commit: Some(self.commit),
            session: session.cloned(),
            checkpoint: checkpoint.map(|(id, _)| id.clone()),
            status: checkpoint.map(|(_, status)| status),
            revision,
        });
    }
}

impl Operation {
    /// The chunk at the top of the state that it brings.
    pub(super) fn top(&self) -> Option<crate::ChunkId> {
        match self {
            Self::Append(append) => append.payload.top(),
            Self::Update(update) => update.state.as_ref().and_then(|state| state.payload.top()),
            _ => None,
        }
    }
}
