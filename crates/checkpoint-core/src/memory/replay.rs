//! Rows as a state: the way back from what `rows` writes. Nothing that was read is trusted, but that it is whole.

use super::columns::{Columns, One};
use super::rows;
use super::state::{AttachmentRow, Birth, Checkpoint, ChunkRow, Grave, RecordRow, State};
use crate::engine::SessionRow;
use crate::error::{Error, Result};
use crate::feed::Change;
use crate::id::CheckpointId;
use crate::record::{Header, Origin, Payload, Position};
use crate::wire::FieldReader;

impl State {
    /// Puts the rows of a batch in their places, and takes away those that are gone.
    pub(super) fn put(&mut self, batch: &[u8]) -> Result<()> {
        let mut reader = FieldReader::new(batch);
        while let Some(field) = reader.next()? {
            let row = Columns::decode(field.value)?;
            match field.number {
                rows::PROGRESS => self.put_progress(row)?,
                rows::SESSION => self.put_session(row)?,
                rows::CHECKPOINT => self.put_checkpoint(row)?,
                rows::GRAVE => self.put_grave(row)?,
                rows::ATTACHMENT => self.put_attachment(row)?,
                rows::RECORD => self.put_record(row)?,
                rows::CHUNK => self.put_chunk(row)?,
                rows::COMMIT => self.put_commit(row)?,
                rows::CHANGE => self.put_change(row)?,
                rows::NO_CHECKPOINT => self.drop_checkpoint(row.sequence.need("sequence")?),
                rows::NO_ATTACHMENT => {
                    self.drop_attachment((row.sequence.need("sequence")?, row.n.need("n")?));
                }
                kind => {
                    let error = Error::corrupt("a row is of an unknown kind");
                    return Err(error.with("kind", kind));
                }
            }
        }
        Ok(())
    }

    fn put_progress(&mut self, row: Columns) -> Result<()> {
        self.counters.position = position(row.sequence, row.n)?;
        self.counters.committed_at = row.committed_at.option();
        self.floor = position(row.first, row.first_n)?;
        Ok(())
    }

    fn put_session(&mut self, row: Columns) -> Result<()> {
        let to_purge = row.to_purge.is_set();
        let row = SessionRow {
            key: row.session_key.need("session key")?,
            id: row.session.need("session")?,
            created_at: row.created_at.need("created at")?,
            revision: row.revision.need("revision")?,
            epoch: row.epoch.need("epoch")?,
            body: row.bytes.need("bytes")?,
            deleted: row.deleted_at.option(),
        };
        if to_purge {
            self.to_purge.insert(row.key, ());
        }
        let newest = self.session_keys.entry(row.id.clone()).or_default();
        *newest = row.key.max(*newest);
        self.sessions.insert(row.key, row);
        Ok(())
    }

    fn put_checkpoint(&mut self, row: Columns) -> Result<()> {
        let origin = match row.origin_sequence.option() {
            Some(sequence) => Some(Origin {
                sequence,
                committed_at: row.origin_committed_at.need("origin committed at")?,
            }),
            None => None,
        };
        let payload = match row.top.option() {
            Some(top) => Payload::Tree(top),
            None => Payload::Inline(row.inline.need("inline")?),
        };
        let sequence = row.sequence.need("sequence")?;
        let row = Checkpoint {
            header: Header {
                id: row.checkpoint.need("checkpoint")?,
                session: row.session.need("session")?,
                parent: row.parent.option(),
                enclosing: row.enclosing.option(),
                sequence,
                revision: row.revision.need("revision")?,
                created_at: row.created_at.need("created at")?,
                committed_at: row.committed_at.need("committed at")?,
                updated_at: row.updated_at.need("updated at")?,
                status: row.status.need("status")?,
                trigger: row.trigger.need("trigger")?,
                worker: row.worker.option(),
                tags: row.tags,
                step: row.step.option(),
                pinned: row.pinned.is_set(),
                quarantined: row.quarantined.is_set(),
                length: row.length.need("length")?,
                origin,
            },
            session: row.session_key.need("session key")?,
            meta: row.bytes.need("bytes")?,
            payload,
            born: Birth {
                fingerprint: row.fingerprint.need("fingerprint")?,
                first: row.first.need("first")?,
                status: row.born_status.need("first status")?,
                revision: row.born_revision.need("first revision")?,
            },
        };
        self.by_session.insert((row.session, sequence), ());
        self.name(&row.header.id, sequence);
        self.checkpoints.insert(sequence, row);
        Ok(())
    }

    fn put_grave(&mut self, row: Columns) -> Result<()> {
        let sequence = row.sequence.need("sequence")?;
        let row = Grave {
            id: row.checkpoint.need("checkpoint")?,
            session: row.session.need("session")?,
            parent: row.parent.option(),
            committed_at: row.committed_at.need("committed at")?,
            born: Birth {
                fingerprint: row.fingerprint.need("fingerprint")?,
                first: row.first.need("first")?,
                status: row.born_status.need("first status")?,
                revision: row.born_revision.need("first revision")?,
            },
            deleted: row.deleted_at.need("deleted at")?,
        };
        self.graves_by_age.insert((row.deleted, sequence), ());
        self.name(&row.id, sequence);
        self.graves.insert(sequence, row);
        Ok(())
    }

    /// Under an id counts what came last.
    fn name(&mut self, id: &CheckpointId, sequence: u64) {
        let newest = self.sequences.entry(id.clone()).or_default();
        *newest = sequence.max(*newest);
    }

    fn put_attachment(&mut self, row: Columns) -> Result<()> {
        let at = (row.sequence.need("sequence")?, row.n.need("n")?);
        let row = AttachmentRow {
            kind: row.kind.need("kind")?,
            key: row.key.need("key")?,
            bytes: row.bytes.need("bytes")?,
        };
        self.places
            .insert((at.0, row.kind.clone(), row.key.clone()), at.1);
        self.attachments.insert(at, row);
        Ok(())
    }

    fn put_record(&mut self, row: Columns) -> Result<()> {
        let row = RecordRow {
            name: row.name.need("name")?,
            version: row.version.need("version")?,
            bytes: row.bytes.option(),
        };
        self.records.insert(row.name.as_str().to_owned(), row);
        Ok(())
    }

    fn put_chunk(&mut self, row: Columns) -> Result<()> {
        let id = row.chunk.need("chunk")?;
        let row = ChunkRow {
            children: row.children.into(),
            bytes: row.bytes.need("bytes")?,
            since: row.since.need("since")?,
        };
        self.chunks.insert(id, row);
        Ok(())
    }

    fn put_commit(&mut self, row: Columns) -> Result<()> {
        let id = row.commit.need("commit")?;
        let time = row.committed_at.need("committed at")?;
        let before = self.remembered.insert(id, (row.bytes.need("bytes")?, time));
        if let Some((_, before)) = before {
            self.remembered_by_age.remove(&(before, id));
        }
        self.remembered_by_age.insert((time, id), ());
        Ok(())
    }

    fn put_change(&mut self, row: Columns) -> Result<()> {
        let row = Change {
            position: position(row.sequence, row.n)?,
            first: position(row.first, row.first_n)?,
            kind: row.change.need("change")?,
            committed_at: row.committed_at.need("committed at")?,
            commit: row.commit.option(),
            session: row.session.option(),
            checkpoint: row.checkpoint.option(),
            status: row.status.option(),
            revision: row.revision.option(),
        };
        self.changes.insert(row.position, row);
        Ok(())
    }

    fn drop_checkpoint(&mut self, sequence: u64) {
        if let Some(row) = self.checkpoints.remove(&sequence) {
            self.by_session.remove(&(row.session, sequence));
        }
    }

    fn drop_attachment(&mut self, at: (u64, u64)) {
        let Some(row) = self.attachments.remove(&at) else {
            return;
        };
        // The same commit may have put one of this name elsewhere.
        let of = (at.0, row.kind, row.key);
        if self.places.get(&of) == Some(&at.1) {
            self.places.remove(&of);
        }
    }
}

fn position(sequence: One<u64>, n: One<u64>) -> Result<Position> {
    Ok(Position {
        sequence: sequence.need("sequence")?,
        n: n.need("n")?,
    })
}
