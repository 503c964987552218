//! The tables inside one transaction.

use bytes::Bytes;

use super::rows::Key;
use super::state::{AttachmentRow, Birth, Checkpoint, ChunkRow, RecordRow, whole};
use super::transaction::Transaction;
use crate::clock::Timestamp;
use crate::commit::{NewChunk, Sealed, Update};
use crate::engine::{Lookup, NewCheckpoint, SessionRow, Tables};
use crate::error::{Error, Result};
use crate::feed::Change;
use crate::id::{CheckpointId, ChunkId, CommitId, RecordName, SessionId};
use crate::record::{Head, Payload};

impl Transaction<'_> {
    fn row(&self, sequence: u64) -> Result<Checkpoint> {
        let row = self.state.checkpoints.get(&sequence).cloned();
        row.ok_or_else(|| Error::storage("no such checkpoint").with("sequence", sequence))
    }

    fn set_row(&mut self, row: Checkpoint) {
        self.touched.push(Key::Checkpoint(row.header.sequence));
        self.set(
            |state| &mut state.checkpoints,
            row.header.sequence,
            Some(row),
        );
    }

    /// Tells a sweep that is under way.
    fn rely_on(&mut self, id: ChunkId) {
        if let Some(barrier) = &mut self.state.barrier {
            barrier.push(id);
        }
    }

    fn remove_attachments(&mut self, sequence: u64) {
        let rows = self.state.attachments.range(whole(sequence));
        let all: Vec<_> = rows
            .map(|((_, place), row)| (*place, row.kind.clone(), row.key.clone()))
            .collect();
        for (place, kind, key) in all {
            self.touched.push(Key::Attachment(sequence, place));
            self.set(|state| &mut state.attachments, (sequence, place), None);
            self.set(|state| &mut state.places, (sequence, kind, key), None);
        }
    }

    fn reseal_checkpoint(
        &mut self,
        id: &CheckpointId,
        change: impl FnOnce(&mut Checkpoint),
    ) -> Result<()> {
        let row = self.state.live_checkpoint(id).cloned();
        let mut row = row.ok_or_else(gone)?;
        change(&mut row);
        self.set_row(row);
        Ok(())
    }

    fn attachment(
        &self,
        id: &CheckpointId,
        kind: &str,
        key: &str,
    ) -> Option<((u64, u64), &AttachmentRow)> {
        let sequence = self.state.live_checkpoint(id)?.header.sequence;
        let of = (sequence, kind.to_owned(), key.to_owned());
        let at = (sequence, *self.state.places.get(&of)?);
        Some((at, self.state.attachments.get(&at)?))
    }
}

fn gone() -> Error {
    Error::storage("the object to be sealed anew is gone")
}

impl Tables for Transaction<'_> {
    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRow>> {
        let key = self.state.session_keys.get(id);
        Ok(key.and_then(|key| self.state.sessions.get(key)).cloned())
    }

    fn insert_session(&mut self, row: &SessionRow) -> Result<u64> {
        // The last row is never removed, so that no key is given twice.
        let last = self.state.sessions.last_key_value();
        let key = last.map_or(1, |(key, _)| key + 1);
        let row = SessionRow { key, ..row.clone() };
        if let Some(&older) = self.state.session_keys.get(&row.id) {
            self.touched.push(Key::Session(older));
            self.set(|state| &mut state.to_purge, older, Some(()));
        }
        self.touched.push(Key::Session(key));
        self.set(|state| &mut state.session_keys, row.id.clone(), Some(key));
        self.set(|state| &mut state.sessions, key, Some(row));
        Ok(key)
    }

    fn update_session(&mut self, row: &SessionRow) -> Result<()> {
        self.touched.push(Key::Session(row.key));
        if row.deleted.is_some() {
            self.set(|state| &mut state.to_purge, row.key, Some(()));
        }
        self.set(|state| &mut state.sessions, row.key, Some(row.clone()));
        Ok(())
    }

    fn head(&mut self, session: u64) -> Result<Option<Head>> {
        Ok(self.state.head(session))
    }

    fn checkpoint(&mut self, id: &CheckpointId) -> Result<Lookup> {
        Ok(self.state.lookup(id))
    }

    fn insert_checkpoint(&mut self, new: &NewCheckpoint<'_>) -> Result<()> {
        let row = checkpoint(new);
        if let Some(top) = row.payload.top() {
            self.rely_on(top);
        }
        let (id, sequence) = (row.header.id.clone(), new.sequence);
        self.set(|state| &mut state.sequences, id, Some(sequence));
        let index = (new.session, sequence);
        self.set(|state| &mut state.by_session, index, Some(()));
        self.set_row(row);
        Ok(())
    }

    fn update_checkpoint(&mut self, sequence: u64, update: &Update, revision: u64) -> Result<()> {
        let mut row = self.row(sequence)?;
        let header = &mut row.header;
        header.revision = revision;
        header.updated_at = update.updated_at;
        header.status = update.status;
        header.worker.clone_from(&update.worker);
        header.tags.clone_from(&update.tags);
        header.step = update.step;
        header.pinned = update.pinned;
        row.meta = update.meta.clone();
        if let Some(state) = &update.state {
            header.length = state.length;
            row.payload = state.payload.clone();
            if let Some(top) = row.payload.top() {
                self.rely_on(top);
            }
        }
        self.set_row(row);
        Ok(())
    }

    fn delete_checkpoint(&mut self, sequence: u64, now: Timestamp) -> Result<()> {
        let row = self.row(sequence)?;
        self.remove_attachments(sequence);
        self.touched
            .extend([Key::Checkpoint(sequence), Key::Grave(sequence)]);
        self.set(|state| &mut state.checkpoints, sequence, None);
        let index = (row.session, sequence);
        self.set(|state| &mut state.by_session, index, None);
        self.set(|state| &mut state.graves, sequence, Some(row.grave(now)));
        let index = (now, sequence);
        self.set(|state| &mut state.graves_by_age, index, Some(()));
        Ok(())
    }

    fn quarantine(&mut self, sequence: u64, aside: bool) -> Result<bool> {
        let mut row = self.row(sequence)?;
        let changes = row.header.quarantined != aside;
        row.header.quarantined = aside;
        self.set_row(row);
        Ok(changes)
    }

    fn attach(
        &mut self,
        sequence: u64,
        kind: &str,
        key: &str,
        bytes: Option<&Bytes>,
    ) -> Result<bool> {
        let of = (sequence, kind.to_owned(), key.to_owned());
        let there = self.state.places.get(&of).copied();
        let last = self.state.attachments.range(whole(sequence)).next_back();
        let next = last.map_or(0, |((_, place), _)| place + 1);
        let at = (sequence, there.unwrap_or(next));
        if there.is_some() || bytes.is_some() {
            let row = bytes.map(|bytes| AttachmentRow {
                kind: kind.to_owned(),
                key: key.to_owned(),
                bytes: bytes.clone(),
            });
            let place = row.is_some().then_some(at.1);
            self.touched.push(Key::Attachment(at.0, at.1));
            self.set(|state| &mut state.attachments, at, row);
            self.set(|state| &mut state.places, of, place);
        }
        Ok(there.is_some())
    }

    fn record(&mut self, name: &RecordName) -> Result<Option<(u64, bool)>> {
        let row = self.state.records.get(name.as_str());
        Ok(row.map(|row| (row.version, row.bytes.is_some())))
    }

    fn put_record(&mut self, name: &RecordName, version: u64, bytes: Option<&Bytes>) -> Result<()> {
        let row = RecordRow {
            name: name.clone(),
            version,
            bytes: bytes.cloned(),
        };
        self.touched.push(Key::Record(name.as_str().to_owned()));
        self.set(
            |state| &mut state.records,
            name.as_str().to_owned(),
            Some(row),
        );
        Ok(())
    }

    fn chunk_present(&mut self, id: &ChunkId) -> Result<bool> {
        Ok(self.state.chunks.contains_key(id))
    }

    fn insert_chunk(&mut self, chunk: &NewChunk, now: Timestamp) -> Result<()> {
        let row = ChunkRow {
            children: chunk.children.clone(),
            bytes: chunk.bytes.clone(),
            since: now,
        };
        self.touched.push(Key::Chunk(chunk.id));
        self.set(|state| &mut state.chunks, chunk.id, Some(row));
        self.rely_on(chunk.id);
        Ok(())
    }

    fn renew_chunk(&mut self, id: &ChunkId, now: Timestamp) -> Result<()> {
        let row = self.state.chunks.get(id).cloned();
        if let Some(row) = row {
            let since = now.max(row.since);
            self.touched.push(Key::Chunk(*id));
            self.set(
                |state| &mut state.chunks,
                *id,
                Some(ChunkRow { since, ..row }),
            );
            self.rely_on(*id);
        }
        Ok(())
    }

    fn remembered(&mut self, id: &CommitId) -> Result<Option<Bytes>> {
        Ok(self
            .state
            .remembered
            .get(id)
            .map(|(bytes, _)| bytes.clone()))
    }

    fn remember(&mut self, id: &CommitId, receipt: &[u8], now: Timestamp) -> Result<()> {
        let row = (Bytes::copy_from_slice(receipt), now);
        self.touched.push(Key::Commit(*id));
        self.set(|state| &mut state.remembered, *id, Some(row));
        self.set(|state| &mut state.remembered_by_age, (now, *id), Some(()));
        Ok(())
    }

    fn insert_change(&mut self, change: &Change) -> Result<()> {
        self.touched.push(Key::Change(change.position));
        self.set(
            |state| &mut state.changes,
            change.position,
            Some(change.clone()),
        );
        Ok(())
    }

    fn sealed(&mut self, target: &Sealed) -> Result<Option<Bytes>> {
        let state = &*self.state;
        Ok(match target {
            Sealed::Meta(id) => state.live_checkpoint(id).map(|row| row.meta.clone()),
            Sealed::Inline(id) => state
                .live_checkpoint(id)
                .and_then(|row| row.payload.inline().cloned()),
            Sealed::Chunk(id) => state.chunks.get(id).map(|row| row.bytes.clone()),
            Sealed::Attachment(id, kind, key) => {
                let found = self.attachment(id, kind, key);
                found.map(|(_, row)| row.bytes.clone())
            }
            Sealed::Session(id) => state.live_session(id).map(|row| row.body.clone()),
            Sealed::Record(name) => {
                let row = state.records.get(name.as_str());
                row.and_then(|row| row.bytes.clone())
            }
        })
    }

    fn reseal(&mut self, target: &Sealed, bytes: &Bytes) -> Result<()> {
        let bytes = bytes.clone();
        match target {
            Sealed::Meta(id) => self.reseal_checkpoint(id, |row| row.meta = bytes)?,
            Sealed::Inline(id) => {
                self.reseal_checkpoint(id, |row| row.payload = Payload::Inline(bytes))?;
            }
            Sealed::Chunk(id) => {
                let row = self.state.chunks.get(id).cloned().ok_or_else(gone)?;
                self.touched.push(Key::Chunk(*id));
                self.set(
                    |state| &mut state.chunks,
                    *id,
                    Some(ChunkRow { bytes, ..row }),
                );
            }
            Sealed::Attachment(id, kind, key) => {
                let (at, row) = self.attachment(id, kind, key).ok_or_else(gone)?;
                let row = AttachmentRow {
                    bytes,
                    ..row.clone()
                };
                self.touched.push(Key::Attachment(at.0, at.1));
                self.set(|state| &mut state.attachments, at, Some(row));
            }
            Sealed::Session(id) => {
                let row = self.state.live_session(id).cloned().ok_or_else(gone)?;
                let row = SessionRow { body: bytes, ..row };
                self.touched.push(Key::Session(row.key));
                self.set(|state| &mut state.sessions, row.key, Some(row));
            }
            Sealed::Record(name) => {
                let (version, _) = self.record(name)?.ok_or_else(gone)?;
                self.put_record(name, version, Some(&bytes))?;
            }
        }
        Ok(())
    }
}

fn checkpoint(new: &NewCheckpoint<'_>) -> Checkpoint {
    let append = new.append;
    Checkpoint {
        header: new.header(),
        session: new.session,
        meta: append.meta.clone(),
        payload: append.payload.clone(),
        born: Birth {
            fingerprint: append.fingerprint,
            first: new.first,
            status: append.status,
            revision: append.revision,
        },
    }
}
