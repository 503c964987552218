//! The tables inside one transaction, as the judgement of commits sees them.

use std::fmt;

use bytes::Bytes;
use checkpoint_core::engine::{Lookup, NewCheckpoint, Recall, SessionRow, Tables, Tombstone};
use checkpoint_core::{
    Change, CheckpointId, ChunkId, CommitId, Error, Fingerprint, Head, NewChunk, Payload,
    RecordName, Result, Sealed, SessionId, Timestamp, Update,
};

use crate::query::checkpoint::{self, Place};
use crate::query::tombstone::Buried;
use crate::query::{attachment, chunk, feed, session, store, tombstone};
use crate::staged::Staged;
use crate::view::{Snapshot, View};

/// Writes what is staged in one transaction, and answers the state after it.
pub type Write<'t, S> = &'t mut dyn FnMut(&Staged) -> Result<S>;

/// The tables of a view, which stages what is written.
pub struct RowTables<'t, S> {
    pub(crate) view: &'t mut View<S>,
    /// Where upkeep writes.
    pub(crate) write: Option<Write<'t, S>>,
    /// Damaged rows are taken as far as they are legible: for commits that only delete and set aside.
    lenient: bool,
    recall: &'t mut Recall,
    /// The session that was looked up last of those whose body is damaged: key, revision, and what is wrong.
    damaged: Option<(u64, u64, Error)>,
    /// The checkpoint that was looked up last.
    found: Option<(u64, CheckpointId)>,
    /// The highest number given to a chunk, once it was looked up.
    last_chunk: Option<u64>,
}

impl<S> fmt::Debug for RowTables<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowTables").finish_non_exhaustive()
    }
}

impl<'t, S: Snapshot> RowTables<'t, S> {
    /// The tables of a view; lenient: for a commit that may go on with damaged rows.
    pub fn new(view: &'t mut View<S>, recall: &'t mut Recall, lenient: bool) -> Self {
        Self {
            view,
            write: None,
            lenient,
            recall,
            damaged: None,
            found: None,
            last_chunk: None,
        }
    }

    /// With what ends its transactions.
    pub(crate) fn writing(mut self, write: Write<'t, S>) -> Self {
        self.write = Some(write);
        self
    }

    /// Removes the rows of a checkpoint and leaves a tombstone; answers whether it was there. What is in a deleted session
    /// was deleted with it.
    pub(crate) fn bury(&mut self, sequence: u64, now: Timestamp) -> Result<bool> {
        self.recall.forget_heads();
        let small = checkpoint::at(self.view, sequence, |row| row.small().map(|(it, _)| it));
        let there = !matches!(small, Ok(None));
        match small {
            Ok(Some(it)) => {
                let (name, deleted) = session::name_of(self.view, it.session)?;
                let buried = Buried {
                    sequence,
                    id: it.id.clone(),
                    session: name,
                    parent: it.packed.parent.clone(),
                    back: it.packed.back,
                    appended: it.packed.appended,
                    committed: it.packed.committed,
                    deleted: deleted.unwrap_or(now),
                    fingerprint: it.packed.fingerprint,
                };
                tombstone::insert(self.view, &buried);
                checkpoint::remove(self.view, sequence, Some(&it))?;
            }
            Ok(None) => {}
            Err(error) if self.lenient && error.is_corrupt() => {
                self.bury_damaged(sequence, now)?;
            }
            Err(error) => return Err(error),
        }
        attachment::remove_of(self.view, sequence)?;
        Ok(there)
    }

    /// Of a damaged row only what the index and the lookup told is believed.
    fn bury_damaged(&mut self, sequence: u64, now: Timestamp) -> Result<()> {
        if let Some((_, id)) = self.found.clone().filter(|(found, _)| *found == sequence) {
            let it = checkpoint::existing(self.view, sequence, &id, true)?;
            let (name, deleted) = session::name_of(self.view, it.session)?;
            let buried = Buried {
                sequence,
                id,
                session: name,
                parent: None,
                back: 0,
                appended: it.revision << 8 | u64::from(it.status.number()),
                committed: it.committed_at,
                deleted: deleted.unwrap_or(now),
                fingerprint: Fingerprint([0; 16]),
            };
            tombstone::insert(self.view, &buried);
        }
        checkpoint::remove(self.view, sequence, None)
    }

    /// Writes the session as it is now.
    fn put_session(&mut self, row: &SessionRow) {
        self.recall.keep_session(row);
        session::put(&mut self.view.staged, row, false);
    }

    /// The sequence of a live checkpoint.
    fn live(&mut self, id: &CheckpointId) -> Result<Option<u64>> {
        Ok(match self.checkpoint(id)? {
            Lookup::Live(it) => Some(it.sequence),
            Lookup::Dead(_) | Lookup::Absent => None,
        })
    }
}

impl<S: Snapshot> Tables for RowTables<'_, S> {
    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRow>> {
        if let Some(row) = self.recall.session(id) {
            return Ok(Some(row));
        }
        let Some((row, damage)) = session::newest(self.view, id)? else {
            return Ok(None);
        };
        match damage {
            None => self.recall.keep_session(&row),
            Some(error) => self.damaged = Some((row.key, row.revision, error)),
        }
        Ok(Some(row))
    }

    fn insert_session(&mut self, row: &SessionRow) -> Result<u64> {
        let row = session::insert(self.view, row)?;
        self.recall.keep_session(&row);
        Ok(row.key)
    }

    fn update_session(&mut self, row: &SessionRow) -> Result<()> {
        // Name and metadata that are damaged may be replaced or go, but not be written back as if they were whole.
        if let Some((key, revision, error)) = self.damaged.take()
            && (key, revision, None) == (row.key, row.revision, row.deleted)
        {
            return Err(error);
        }
        self.put_session(row);
        Ok(())
    }

    fn head(&mut self, session: u64) -> Result<Option<Head>> {
        if let Some(head) = self.recall.head(session) {
            return Ok(head);
        }
        let head = checkpoint::head(self.view, session)?;
        let head = head.map(|(sequence, id)| Head { id, sequence });
        self.recall.keep_head(session, head.clone());
        Ok(head)
    }

    fn checkpoint(&mut self, id: &CheckpointId) -> Result<Lookup> {
        let sequence = match checkpoint::place_of(self.view, id)? {
            None => return Ok(Lookup::Absent),
            Some(Place::Dead(sequence)) => {
                let dead = tombstone::get(self.view, sequence, id)?;
                return Ok(dead.map_or(Lookup::Absent, Lookup::Dead));
            }
            Some(Place::Live(sequence)) => sequence,
        };
        let it = checkpoint::existing(self.view, sequence, id, self.lenient)?;
        self.found = Some((sequence, id.clone()));
        let (_, deleted) = session::name_of(self.view, it.session)?;
        Ok(if deleted.is_none() {
            Lookup::Live(it)
        } else {
            Lookup::Dead(Tombstone {
                sequence,
                parent: it.parent,
                committed_at: it.committed_at,
                fingerprint: it.fingerprint,
            })
        })
    }

    fn insert_checkpoint(&mut self, new: &NewCheckpoint<'_>) -> Result<()> {
        // The id may belong to a deleted session that is not purged yet: that checkpoint goes now.
        if let Some(before) = checkpoint::sequence_of(self.view, &new.append.id)? {
            self.bury(before, new.committed_at)?;
        }
        let head = Head {
            id: new.append.id.clone(),
            sequence: new.sequence,
        };
        self.recall.keep_head(new.session, Some(head));
        checkpoint::insert(&mut self.view.staged, new);
        Ok(())
    }

    fn update_checkpoint(&mut self, sequence: u64, update: &Update, revision: u64) -> Result<()> {
        let mut it = checkpoint::whole(self.view, sequence)?;
        let before = it.small.clone();
        it.small.packed.update(update, revision);
        it.meta = update.meta.clone();
        if let Some(state) = &update.state {
            it.payload = state.payload.clone();
        }
        checkpoint::write(&mut self.view.staged, &before, &it);
        Ok(())
    }

    fn delete_checkpoint(&mut self, sequence: u64, now: Timestamp) -> Result<()> {
        self.bury(sequence, now).map(drop)
    }

    fn quarantine(&mut self, sequence: u64, aside: bool) -> Result<bool> {
        self.recall.forget_heads();
        checkpoint::set_aside(self.view, sequence, aside)
    }

    fn attach(
        &mut self,
        sequence: u64,
        kind: &str,
        key: &str,
        bytes: Option<&Bytes>,
    ) -> Result<bool> {
        attachment::attach(self.view, sequence, kind, key, bytes)
    }

    fn record(&mut self, name: &RecordName) -> Result<Option<(u64, bool)>> {
        store::record(self.view, name)
    }

    fn put_record(&mut self, name: &RecordName, version: u64, bytes: Option<&Bytes>) -> Result<()> {
        store::put_record(&mut self.view.staged, name, version, bytes);
        Ok(())
    }

    fn chunk_present(&mut self, id: &ChunkId) -> Result<bool> {
        Ok(chunk::number_of(self.view, id)?.is_some())
    }

    fn insert_chunk(&mut self, new: &NewChunk, now: Timestamp) -> Result<()> {
        let last = match self.last_chunk {
            Some(last) => last,
            None => chunk::last(self.view)?,
        };
        let inserted = chunk::insert(self.view, new, last + 1, now)?;
        self.last_chunk = Some(last + u64::from(inserted));
        Ok(())
    }

    fn renew_chunk(&mut self, id: &ChunkId, now: Timestamp) -> Result<()> {
        chunk::renew(self.view, id, now)
    }

    fn remembered(&mut self, id: &CommitId) -> Result<Option<Bytes>> {
        store::remembered(self.view, id)
    }

    fn remember(&mut self, id: &CommitId, receipt: &[u8], now: Timestamp) -> Result<()> {
        store::remember(&mut self.view.staged, id, receipt, now);
        Ok(())
    }

    fn insert_change(&mut self, change: &Change) -> Result<()> {
        feed::insert(&mut self.view.staged, change);
        Ok(())
    }

    fn sealed(&mut self, target: &Sealed) -> Result<Option<Bytes>> {
        match target {
            Sealed::Meta(id) => match self.live(id)? {
                Some(sequence) => checkpoint::whole(self.view, sequence).map(|it| Some(it.meta)),
                None => Ok(None),
            },
            Sealed::Inline(id) => match self.live(id)? {
                Some(sequence) => {
                    let it = checkpoint::whole(self.view, sequence)?;
                    Ok(it.payload.inline().cloned())
                }
                None => Ok(None),
            },
            Sealed::Chunk(id) => {
                let found = chunk::content(self.view, id)?.into_option()?;
                Ok(found.map(|found| found.bytes))
            }
            Sealed::Attachment(id, kind, key) => match self.live(id)? {
                Some(sequence) => attachment::content(self.view, sequence, kind, key),
                None => Ok(None),
            },
            Sealed::Session(id) => {
                let row = session::newest_whole(self.view, id)?;
                Ok(row.filter(|row| row.deleted.is_none()).map(|row| row.body))
            }
            Sealed::Record(name) => store::content(self.view, name),
            _ => Err(unknown(target)),
        }
    }

    fn reseal(&mut self, target: &Sealed, bytes: &Bytes) -> Result<()> {
        let bytes = bytes.clone();
        match target {
            Sealed::Meta(id) | Sealed::Inline(id) => {
                let Some(sequence) = checkpoint::sequence_of(self.view, id)? else {
                    return Ok(());
                };
                let mut it = checkpoint::whole(self.view, sequence)?;
                if matches!(target, Sealed::Inline(_)) {
                    it.payload = Payload::Inline(bytes);
                } else {
                    it.meta = bytes;
                }
                let before = it.small.clone();
                checkpoint::write(&mut self.view.staged, &before, &it);
                Ok(())
            }
            Sealed::Chunk(id) => chunk::reseal(self.view, id, &bytes),
            Sealed::Attachment(id, kind, key) => {
                let Some(sequence) = checkpoint::sequence_of(self.view, id)? else {
                    return Ok(());
                };
                self.attach(sequence, kind, key, Some(&bytes)).map(drop)
            }
            Sealed::Session(id) => {
                let Some(mut row) = session::newest_whole(self.view, id)? else {
                    return Ok(());
                };
                row.body = bytes;
                self.put_session(&row);
                Ok(())
            }
            Sealed::Record(name) => match self.record(name)? {
                Some((version, _)) => self.put_record(name, version, Some(&bytes)),
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
