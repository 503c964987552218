//! The tables inside one transaction, as the judgement of commits sees them.

use bytes::Bytes;
use checkpoint_core::engine::row::Whole;
use checkpoint_core::engine::{Lookup, NewCheckpoint, Recall, SessionRow, Tables};
use checkpoint_core::{
    Change, CheckpointId, ChunkId, CommitId, Error, Fingerprint, Head, Item, NewChunk, RecordName,
    Result, Sealed, SessionId, Timestamp, Update,
};
use rusqlite::{Connection, ErrorCode};

use crate::error::fault;
use crate::query::tombstone::NewTombstone;
use crate::query::{attachment, checkpoint, chunk, feed, session, store, tombstone, write};

/// The tables of a connection that is inside a transaction.
#[derive(Debug)]
pub(crate) struct SqliteTables<'c> {
    pub(crate) connection: &'c Connection,
    /// Damaged rows are taken as far as they are legible: for commits that only delete and set aside.
    lenient: bool,
    recall: &'c mut Recall,
    /// Whether anything was written.
    pub(crate) wrote: bool,
    /// The session that was looked up last of those whose body is damaged: key, revision, and what is wrong.
    damaged: Option<(u64, u64, Error)>,
    /// The checkpoint that was looked up last.
    found: Option<(u64, CheckpointId)>,
    /// The highest number given to a chunk, once it was looked up.
    last_chunk: Option<u64>,
}

impl<'c> SqliteTables<'c> {
    pub(crate) fn new(connection: &'c Connection, recall: &'c mut Recall, lenient: bool) -> Self {
        Self {
            connection,
            lenient,
            recall,
            wrote: false,
            damaged: None,
            found: None,
            last_chunk: None,
        }
    }

    fn sequence(&self, id: &CheckpointId) -> Result<Option<u64>> {
        checkpoint::sequence_of(self.connection, id)
    }

    fn stored(&self, sequence: u64) -> Result<Whole> {
        checkpoint::stored(self.connection, sequence)?
            .ok_or_else(|| Error::corrupt("a row is gone").with("sequence", sequence))
    }

    /// Removes the rows of a checkpoint and leaves a tombstone; answers whether it was there. What is in a deleted session
    /// was deleted with it.
    pub(crate) fn bury(&mut self, sequence: u64, now: Timestamp) -> Result<bool> {
        self.wrote = true;
        self.recall.forget_heads();
        let found = checkpoint::small(self.connection, sequence);
        let there = !matches!(found, Ok(None));
        match found {
            Ok(Some((it, _))) => {
                let (name, deleted) = session::name(self.connection, it.session)?
                    .ok_or_else(|| Error::corrupt("the session of a checkpoint is missing"))?;
                let new = NewTombstone {
                    sequence,
                    id: &it.id,
                    session: &name,
                    parent: it.packed.parent.as_ref(),
                    back: it.packed.back,
                    appended: it.packed.appended,
                    committed: it.packed.committed,
                    deleted: deleted.unwrap_or(now),
                    fingerprint: it.packed.fingerprint,
                };
                tombstone::insert(self.connection, &new)?;
                write::remove(self.connection, sequence, Some(&it.packed.tags))?;
            }
            Ok(None) => {}
            Err(error) if self.lenient && error.is_corrupt() => self.bury_damaged(sequence, now)?,
            Err(error) => return Err(error),
        }
        attachment::remove_of(self.connection, sequence)?;
        Ok(there)
    }

    /// Of a damaged row only what the index and the lookup told is believed.
    fn bury_damaged(&mut self, sequence: u64, now: Timestamp) -> Result<()> {
        if let Some((found, id)) = self.found.clone()
            && found == sequence
            && let Some(existing) = checkpoint::existing(self.connection, &id, true)?
            && let Some((name, deleted)) = session::name(self.connection, existing.session)?
        {
            let new = NewTombstone {
                sequence,
                id: &id,
                session: &name,
                parent: None,
                back: 0,
                appended: existing.revision << 8 | u64::from(existing.status.number()),
                committed: existing.committed_at,
                deleted: deleted.unwrap_or(now),
                fingerprint: Fingerprint([0; 16]),
            };
            tombstone::insert(self.connection, &new)?;
        }
        write::remove(self.connection, sequence, None)
    }
}

impl Tables for SqliteTables<'_> {
    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRow>> {
        if let Some(row) = self.recall.session(id) {
            return Ok(Some(row));
        }
        let found = session::newest(self.connection, id)?;
        Ok(found.map(|(row, damage)| {
            match damage {
                None => self.recall.keep_session(&row),
                Some(error) => self.damaged = Some((row.key, row.revision, error)),
            }
            row
        }))
    }

    fn insert_session(&mut self, row: &SessionRow) -> Result<u64> {
        let key = session::next_key(self.connection)?;
        self.update_session(&SessionRow { key, ..row.clone() })?;
        Ok(key)
    }

    fn update_session(&mut self, row: &SessionRow) -> Result<()> {
        // Name and metadata that are damaged may be replaced or go, but not be written back as if they were whole.
        if let Some((key, revision, error)) = self.damaged.take()
            && (key, revision, None) == (row.key, row.revision, row.deleted)
        {
            return Err(error);
        }
        self.wrote = true;
        self.recall.keep_session(row);
        let stored = session::Stored {
            row: row.clone(),
            purged: false,
        };
        session::put(self.connection, &stored)
    }

    fn head(&mut self, session: u64) -> Result<Option<Head>> {
        if let Some(head) = self.recall.head(session) {
            return Ok(head);
        }
        let head = checkpoint::head(self.connection, session)?;
        let head = head.map(|(sequence, id)| Head { id, sequence });
        self.recall.keep_head(session, head.clone());
        Ok(head)
    }

    fn checkpoint(&mut self, id: &CheckpointId) -> Result<Lookup> {
        if !checkpoint::is_known(self.connection, id)? {
            return Ok(Lookup::Absent);
        }
        if let Some(it) = checkpoint::existing(self.connection, id, self.lenient)? {
            self.found = Some((it.sequence, id.clone()));
            let name = session::name(self.connection, it.session)?
                .ok_or_else(|| Error::corrupt("the session of a checkpoint is missing"))?;
            if name.1.is_none() {
                return Ok(Lookup::Live(it));
            }
            return Ok(Lookup::Dead(checkpoint_core::engine::Tombstone {
                sequence: it.sequence,
                parent: it.parent,
                committed_at: it.committed_at,
                fingerprint: it.fingerprint,
            }));
        }
        let dead = tombstone::newest(self.connection, id)?;
        Ok(dead.map_or(Lookup::Absent, Lookup::Dead))
    }

    fn insert_checkpoint(&mut self, new: &NewCheckpoint<'_>) -> Result<()> {
        self.wrote = true;
        let head = Head {
            id: new.append.id.clone(),
            sequence: new.sequence,
        };
        self.recall.keep_head(new.session, Some(head));
        let error = match write::insert(self.connection, new) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
            return Err(fault(error));
        }
        // The id belongs to a deleted session that is not purged yet: that checkpoint goes now.
        let before = self.sequence(&new.append.id)?;
        let before = before.ok_or_else(|| fault(error))?;
        self.bury(before, new.committed_at)?;
        write::insert(self.connection, new).map_err(fault)
    }

    fn update_checkpoint(&mut self, sequence: u64, update: &Update, revision: u64) -> Result<()> {
        self.wrote = true;
        let it = self.stored(sequence)?;
        write::update(self.connection, it, update, revision)
    }

    fn delete_checkpoint(&mut self, sequence: u64, now: Timestamp) -> Result<()> {
        self.bury(sequence, now).map(drop)
    }

    fn quarantine(&mut self, sequence: u64, aside: bool) -> Result<bool> {
        self.wrote = true;
        self.recall.forget_heads();
        match checkpoint::small(self.connection, sequence) {
            Ok(Some((small, _))) if small.packed.aside == aside => Ok(false),
            Ok(Some((mut small, digests))) => {
                small.packed.aside = aside;
                write::write_small(self.connection, &small, digests)?;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) if error.is_corrupt() => {
                write::set_damaged_aside(self.connection, sequence, aside)
            }
            Err(error) => Err(error),
        }
    }

    fn attach(
        &mut self,
        sequence: u64,
        kind: &str,
        key: &str,
        bytes: Option<&Bytes>,
    ) -> Result<bool> {
        self.wrote = true;
        attachment::attach(self.connection, sequence, kind, key, bytes)
    }

    fn record(&mut self, name: &RecordName) -> Result<Option<(u64, bool)>> {
        store::record(self.connection, name)
    }

    fn put_record(&mut self, name: &RecordName, version: u64, bytes: Option<&Bytes>) -> Result<()> {
        self.wrote = true;
        store::put_record(self.connection, name, version, bytes)
    }

    fn chunk_present(&mut self, id: &ChunkId) -> Result<bool> {
        Ok(chunk::number_of(self.connection, id)?.is_some())
    }

    fn insert_chunk(&mut self, new: &NewChunk, now: Timestamp) -> Result<()> {
        self.wrote = true;
        let last = match self.last_chunk {
            Some(last) => last,
            None => chunk::last(self.connection)?,
        };
        let inserted = chunk::insert(self.connection, new, last + 1, now)?;
        self.last_chunk = Some(last + u64::from(inserted));
        Ok(())
    }

    fn renew_chunk(&mut self, id: &ChunkId, now: Timestamp) -> Result<()> {
        self.wrote = true;
        chunk::renew(self.connection, id, now)
    }

    fn remembered(&mut self, id: &CommitId) -> Result<Option<Bytes>> {
        store::remembered(self.connection, id)
    }

    fn remember(&mut self, id: &CommitId, receipt: &[u8], now: Timestamp) -> Result<()> {
        self.wrote = true;
        store::remember(self.connection, id, receipt, now)
    }

    fn insert_change(&mut self, change: &Change) -> Result<()> {
        self.wrote = true;
        feed::insert(self.connection, change)
    }

    fn sealed(&mut self, target: &Sealed) -> Result<Option<Bytes>> {
        match target {
            Sealed::Meta(id) | Sealed::Inline(id) => {
                let Lookup::Live(it) = self.checkpoint(id)? else {
                    return Ok(None);
                };
                let it = self.stored(it.sequence)?;
                Ok(match target {
                    Sealed::Meta(_) => Some(it.meta),
                    _ => it.payload.inline().cloned(),
                })
            }
            Sealed::Chunk(id) => match chunk::get(self.connection, &[*id])?.pop() {
                Some(Item::Found(chunk)) => Ok(Some(chunk.bytes)),
                Some(Item::Corrupt(error)) => Err(error),
                Some(Item::Absent | Item::Deleted) | None => Ok(None),
            },
            Sealed::Attachment(id, kind, key) => match self.checkpoint(id)? {
                Lookup::Live(it) => attachment::content(self.connection, it.sequence, kind, key),
                Lookup::Dead(_) | Lookup::Absent => Ok(None),
            },
            Sealed::Session(id) => {
                let row = session::newest_whole(self.connection, id)?;
                Ok(row.filter(|row| row.deleted.is_none()).map(|row| row.body))
            }
            Sealed::Record(name) => store::content(self.connection, name),
            _ => Err(unknown(target)),
        }
    }

    fn reseal(&mut self, target: &Sealed, bytes: &Bytes) -> Result<()> {
        self.wrote = true;
        match target {
            Sealed::Meta(id) | Sealed::Inline(id) => {
                let Some(sequence) = self.sequence(id)? else {
                    return Ok(());
                };
                let mut it = self.stored(sequence)?;
                let inline = matches!(target, Sealed::Inline(_));
                if inline {
                    it.payload = checkpoint_core::Payload::Inline(bytes.clone());
                } else {
                    it.meta = bytes.clone();
                }
                write::write(self.connection, &it, inline)
            }
            Sealed::Chunk(id) => chunk::reseal(self.connection, id, bytes),
            Sealed::Attachment(id, kind, key) => {
                let Some(sequence) = self.sequence(id)? else {
                    return Ok(());
                };
                attachment::attach(self.connection, sequence, kind, key, Some(bytes)).map(drop)
            }
            Sealed::Session(id) => {
                let Some(mut row) = session::newest_whole(self.connection, id)? else {
                    return Ok(());
                };
                row.body = bytes.clone();
                self.update_session(&row)
            }
            Sealed::Record(name) => match self.record(name)? {
                Some((version, _)) => self.put_record(name, version, Some(bytes)),
                None => Ok(()),
            },
            _ => Err(unknown(target)),
        }
    }
}

fn unknown(target: &Sealed) -> Error {
    Error::unsupported("this version knows no such sealed object")
        .with("object", format_args!("{target:?}"))
}
