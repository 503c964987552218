//! What a backend keeps, as the judgement of commits sees it.

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::commit::{Append, Fingerprint, NewChunk, Sealed, Update};
use crate::error::Result;
use crate::feed::Change;
use crate::id::{CheckpointId, ChunkId, CommitId, RecordName, SessionId};
use crate::record::{Head, Header, Origin, Position, SessionRecord};
use crate::status::Status;

/// The tables of a backend inside one transaction. Each call sees what the calls before it wrote.
///
/// Checkpoints are named by their sequence and sessions by a key that the backend gives, since an id may have been
/// used by a session that is deleted and not purged yet.
pub trait Tables {
    /// The newest session under an id, also when it is deleted.
    ///
    /// # Errors
    ///
    /// This and all others: those of the storage.
    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRow>>;

    /// Adds a session, which comes last in the order of creation; answers its key. `row.key` means nothing here.
    fn insert_session(&mut self, row: &SessionRow) -> Result<u64>;

    /// Overwrites revision, epoch, body and deletion of the session with this key.
    fn update_session(&mut self, row: &SessionRow) -> Result<()>;

    /// The highest checkpoint of a session that is not quarantined.
    fn head(&mut self, session: u64) -> Result<Option<Head>>;

    /// The checkpoint under an id; if there is none, the newest tombstone. A checkpoint of a deleted session counts as
    /// a tombstone.
    fn checkpoint(&mut self, id: &CheckpointId) -> Result<Lookup>;

    /// Adds a checkpoint.
    fn insert_checkpoint(&mut self, new: &NewCheckpoint<'_>) -> Result<()>;

    /// Overwrites what an update brings and sets the revision.
    fn update_checkpoint(&mut self, sequence: u64, update: &Update, revision: u64) -> Result<()>;

    /// Removes a checkpoint with its attachments and leaves a tombstone, which knows when.
    fn delete_checkpoint(&mut self, sequence: u64, now: Timestamp) -> Result<()>;

    /// Sets a checkpoint aside, or takes it back; answers whether that changed anything.
    fn quarantine(&mut self, sequence: u64, aside: bool) -> Result<bool>;

    /// Puts, replaces in its place, or removes an attachment; answers whether there was one.
    fn attach(
        &mut self,
        sequence: u64,
        kind: &str,
        key: &str,
        bytes: Option<&Bytes>,
    ) -> Result<bool>;

    /// The version of a named record and whether it is there; none when it never was.
    fn record(&mut self, name: &RecordName) -> Result<Option<(u64, bool)>>;

    /// Puts a named record, or removes it and keeps its version.
    fn put_record(&mut self, name: &RecordName, version: u64, bytes: Option<&Bytes>) -> Result<()>;

    /// Whether a chunk is there.
    fn chunk_present(&mut self, id: &ChunkId) -> Result<bool>;

    /// Adds a chunk that is not there; its grace begins now.
    fn insert_chunk(&mut self, chunk: &NewChunk, now: Timestamp) -> Result<()>;

    /// Begins the grace of a chunk anew.
    fn renew_chunk(&mut self, id: &ChunkId, now: Timestamp) -> Result<()>;

    /// What was remembered of a commit.
    fn remembered(&mut self, id: &CommitId) -> Result<Option<Bytes>>;

    /// Remembers a commit for the window.
    fn remember(&mut self, id: &CommitId, receipt: &[u8], now: Timestamp) -> Result<()>;

    /// Adds a change to the feed. Those of kind `Created` are never given: they follow from the checkpoints.
    fn insert_change(&mut self, change: &Change) -> Result<()>;

    /// The stored bytes of an object, none when it is not there.
    fn sealed(&mut self, target: &Sealed) -> Result<Option<Bytes>>;

    /// Replaces the stored bytes of an object that is there.
    fn reseal(&mut self, target: &Sealed, bytes: &Bytes) -> Result<()>;
}

/// A session as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The backend's key; keys rise in the order of creation.
    pub key: u64,
    /// Its id.
    pub id: SessionId,
    /// The client's clock.
    pub created_at: Timestamp,
    /// 1 when created.
    pub revision: u64,
    /// Raised by each claim.
    pub epoch: u64,
    /// Opaque name and metadata.
    pub body: Bytes,
    /// When it was deleted. It counts for no reader from then on; its checkpoints are purged by and by.
    pub deleted: Option<Timestamp>,
}

impl SessionRow {
    /// What readers are told of it, with this head.
    #[must_use]
    pub fn record(self, head: Option<Head>) -> SessionRecord {
        SessionRecord {
            id: self.id,
            created_at: self.created_at,
            revision: self.revision,
            epoch: self.epoch,
            body: self.body,
            head,
        }
    }
}

/// What is under the id of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Nothing.
    Absent,
    /// A checkpoint.
    Live(Existing),
    /// A deleted checkpoint.
    Dead(Tombstone),
}

/// What the judgement needs to know of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// Its sequence.
    pub sequence: u64,
    /// The key of its session.
    pub session: u64,
    /// Its parent.
    pub parent: Option<CheckpointId>,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// Its revision now.
    pub revision: u64,
    /// Its status now.
    pub status: Status,
    /// What it was appended as.
    pub fingerprint: Fingerprint,
}

/// What is remembered of a deleted checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Its sequence.
    pub sequence: u64,
    /// Its parent.
    pub parent: Option<CheckpointId>,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// What it was appended as.
    pub fingerprint: Fingerprint,
}

/// A checkpoint to be added, with what was decided inside the commit.
///
/// The backend also keeps status and revision as appended, and `first`, for the feed.
#[derive(Clone, Copy, Debug)]
pub struct NewCheckpoint<'a> {
    /// What the writer gave.
    pub append: &'a Append,
    /// The key of its session.
    pub session: u64,
    /// Its parent.
    pub parent: Option<&'a CheckpointId>,
    /// Its sequence, higher than any before.
    pub sequence: u64,
    /// When it is committed.
    pub committed_at: Timestamp,
    /// Where it stood before, when that could not be kept.
    pub origin: Option<Origin>,
    /// The first sequence of its commit.
    pub first: u64,
}

impl NewCheckpoint<'_> {
    /// Its header.
    #[must_use]
    pub fn header(&self) -> Header {
        let append = self.append;
        Header {
            id: append.id.clone(),
            session: append.session.clone(),
            parent: self.parent.cloned(),
            enclosing: append.enclosing.clone(),
            sequence: self.sequence,
            revision: append.revision,
            created_at: append.created_at,
            committed_at: self.committed_at,
            updated_at: append.updated_at,
            status: append.status,
            trigger: append.trigger,
            worker: append.worker.clone(),
            tags: append.tags.clone(),
            step: append.step,
            pinned: append.pinned,
            quarantined: false,
            length: append.length,
            origin: self.origin,
        }
    }

    /// The position of the first change of its commit.
    #[must_use]
    pub const fn first_position(&self) -> Position {
        Position::of(self.first)
    }
}
