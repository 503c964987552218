//! What a store holds: sessions, checkpoints in their three parts, chunks, attachments, named records.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, ChunkId, RecordName, SessionId, Tag, WorkerId};
use crate::query::Page;
use crate::status::{Status, Trigger};

/// A place in the feed of changes: after the checkpoint numbered `sequence`, `n` more changes.
///
/// An append stands at `n` = 0 of its own sequence; any other change raises `n`. Positions rise with every
/// change of a store and are given inside the commit. The smallest, [`START`](Self::START), comes before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The highest sequence given by then; 0 when there was none.
    pub sequence: u64,
    /// How many changes since.
    pub n: u64,
}

impl Position {
    /// Before everything.
    pub const START: Self = Self { sequence: 0, n: 0 };

    /// The position of the append with this sequence.
    #[must_use]
    pub const fn of(sequence: u64) -> Self {
        Self { sequence, n: 0 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.sequence, self.n)
    }
}

/// Where a checkpoint stood in the store from which it was copied or imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Its sequence there.
    pub sequence: u64,
    /// When it was committed there.
    pub committed_at: Timestamp,
}

/// The part of a checkpoint that backends index, never sealed as a whole.
///
/// Under encryption `tags` and `worker` hold tokens at the seam, and what the writer gave above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its id.
    pub id: CheckpointId,
    /// The session it belongs to; never changes.
    pub session: SessionId,
    /// The checkpoint it was made from: the previous one, or the fork point. It may be deleted since.
    pub parent: Option<CheckpointId>,
    /// The checkpoint of the work above, of any session.
    pub enclosing: Option<CheckpointId>,
    /// 1 for the store's first, given inside the commit.
    pub sequence: u64,
    /// 1 when made, raised by each update.
    pub revision: u64,
    /// The writer's clock, when it was made.
    pub created_at: Timestamp,
    /// Given inside the commit; never earlier than that of any lower sequence.
    pub committed_at: Timestamp,
    /// The writer's clock, at the last update; `created_at` when there was none.
    pub updated_at: Timestamp,
    /// How far the work has come.
    pub status: Status,
    /// What made the program save.
    pub trigger: Trigger,
    /// Who saved.
    pub worker: Option<WorkerId>,
    /// Sorted, each once.
    pub tags: Vec<Tag>,
    /// The number of the step in its work, as the writer counts.
    pub step: Option<u64>,
    /// Kept by every retention policy.
    pub pinned: bool,
    /// Set aside as damaged: no head, in no scan that does not ask for it.
    pub quarantined: bool,
    /// Bytes of the encoded state, before chunking, compression and sealing.
    pub length: u64,
    /// Where it stood before it was copied or imported, when that could not be kept.
    pub origin: Option<Origin>,
}

impl Header {
    /// When it was committed, in the store in which it was made: what "as of" a time goes by.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.origin
            .map_or(self.committed_at, |origin| origin.committed_at)
    }
}

/// The state of a checkpoint as stored.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// A small state itself; opaque to backends.
    Inline(Bytes),
    /// The top of a tree of chunks; in clear, so that backends can check and mark it.
    Tree(ChunkId),
}

impl Payload {
    /// The chunk at the top, if the state is a tree.
    #[must_use]
    pub fn top(&self) -> Option<ChunkId> {
        match self {
            Self::Inline(_) => None,
            Self::Tree(id) => Some(*id),
        }
    }

    /// The bytes, if the state is inline.
    #[must_use]
    pub fn inline(&self) -> Option<&Bytes> {
        match self {
            Self::Inline(bytes) => Some(bytes),
            Self::Tree(_) => None,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(bytes) => write!(f, "Inline({} bytes)", bytes.len()),
            Self::Tree(id) => write!(f, "Tree({id:?})"),
        }
    }
}

/// Which parts of a checkpoint to read, besides the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parts {
    /// [`Record::meta`].
    pub meta: bool,
    /// [`Record::payload`].
    pub payload: bool,
}

impl Parts {
    /// The header alone.
    pub const HEADER: Self = Self {
        meta: false,
        payload: false,
    };
    /// Header and description.
    pub const META: Self = Self {
        meta: true,
        payload: false,
    };
    /// Everything.
    pub const ALL: Self = Self {
        meta: true,
        payload: true,
    };
}

/// A checkpoint as read, with the parts that were asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Always there. Boxed, since records travel in pages.
    pub header: Box<Header>,
    /// Message, metadata, digest of the state and checksum; opaque to backends, written anew at each revision.
    pub meta: Option<Bytes>,
    /// The state.
    pub payload: Option<Payload>,
}

impl Record {
    /// Bytes of the description and of an inline state, as far as they were asked for.
    pub fn weight(&self) -> usize {
        let inline = self.payload.as_ref().and_then(Payload::inline);
        self.meta.as_ref().map_or(0, Bytes::len) + inline.map_or(0, Bytes::len)
    }
}

impl Page<Item<Record>> {
    /// The [weights](Record::weight) of its records, taken together.
    pub fn weight(&self) -> usize {
        let weights = self.items.iter().map(|item| match item {
            Item::Found(record) => record.weight(),
            _ => 0,
        });
        weights.sum()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("header", &self.header)
            .field("meta", &self.meta.as_ref().map(Bytes::len))
            .field("payload", &self.payload)
            .finish()
    }
}

/// One of several things that were asked for. One bad row never hides the others.
#[derive(Clone, Debug)]
pub enum Item<T> {
    /// It is there.
    Found(T),
    /// It never was there, or has been gone for longer than the store remembers.
    Absent,
    /// It was there and was deleted.
    Deleted,
    /// It is there and cannot be read; the error names it.
    Corrupt(Error),
}

impl<T> Item<T> {
    /// What was found, or none when it is absent or deleted.
    ///
    /// # Errors
    ///
    /// The error inside `Corrupt`.
    pub fn into_option(self) -> Result<Option<T>> {
        match self {
            Self::Found(found) => Ok(Some(found)),
            Self::Absent | Self::Deleted => Ok(None),
            Self::Corrupt(error) => Err(error),
        }
    }

    /// Applies a function to what was found; an error makes it `Corrupt`.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Result<U>) -> Item<U> {
        match self {
            Self::Found(found) => match f(found) {
                Ok(found) => Item::Found(found),
                Err(error) => Item::Corrupt(error),
            },
            Self::Absent => Item::Absent,
            Self::Deleted => Item::Deleted,
            Self::Corrupt(error) => Item::Corrupt(error),
        }
    }
}

/// A session as read.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// The client's clock when it was created.
    pub created_at: Timestamp,
    /// 1 when created, raised by each patch.
    pub revision: u64,
    /// Raised by each claim, and when the id is used again after a deletion; 0 for a new one.
    pub epoch: u64,
    /// Name and metadata; opaque to backends.
    pub body: Bytes,
    /// Its newest checkpoint: the highest live sequence that is not quarantined.
    pub head: Option<Head>,
}

impl fmt::Debug for SessionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            created_at,
            revision,
            epoch,
            body,
            head,
        } = self;
        f.debug_struct("SessionRecord")
            .field("id", id)
            .field("created_at", created_at)
            .field("revision", revision)
            .field("epoch", epoch)
            .field("body", &body.len())
            .field("head", head)
            .finish()
    }
}

/// The newest checkpoint of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its id.
    pub id: CheckpointId,
    /// Its sequence.
    pub sequence: u64,
}

/// A chunk as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// The chunks that its content refers to, in the order given when it was written.
    pub children: Arc<[ChunkId]>,
    /// Its stored form; opaque to backends.
    pub bytes: Bytes,
}

impl fmt::Debug for StoredChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoredChunk({} children, {} bytes)",
            self.children.len(),
            self.bytes.len()
        )
    }
}

/// What a scan over all chunks tells of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkInfo {
    /// Its id.
    pub id: ChunkId,
    /// The chunks that it refers to.
    pub children: Arc<[ChunkId]>,
    /// Bytes of its stored form.
    pub size: u64,
}

/// Bytes kept beside a checkpoint under a kind and a key; never part of its checksum, gone with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The checkpoint it belongs to.
    pub checkpoint: CheckpointId,
    /// What it is, such as an annotation; at most [`MAX_ID_BYTES`](crate::MAX_ID_BYTES) bytes.
    pub kind: String,
    /// Its name among those of its kind; at most [`MAX_ID_BYTES`](crate::MAX_ID_BYTES) bytes, may be empty.
    pub key: String,
    /// The content, none when it was not asked for; opaque to backends.
    pub bytes: Option<Bytes>,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            checkpoint,
            kind,
            key,
            bytes,
        } = self;
        f.debug_struct("Attachment")
            .field("checkpoint", checkpoint)
            .field("kind", kind)
            .field("key", key)
            .field("bytes", &bytes.as_ref().map(Bytes::len))
            .finish()
    }
}

/// One of the store's own named records.
#[derive(Clone, PartialEq, Eq)]
pub struct MetaRecord {
    /// Its name.
    pub name: RecordName,
    /// 1 when first put, raised by each put, also after it was removed.
    pub version: u64,
    /// The content; opaque to backends.
    pub bytes: Bytes,
}

impl fmt::Debug for MetaRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MetaRecord({} version {}, {} bytes)",
            self.name,
            self.version,
            self.bytes.len()
        )
    }
}
