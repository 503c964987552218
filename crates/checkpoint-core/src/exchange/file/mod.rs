//! What the two formats of files have in common: entries one after another, read where they stand.
//!
//! `source` is a file as a [`Source`](super::source::Source); `survey` goes through the whole of it before anybody
//! takes anything out of it, and `judge` says what of an entry is not as it must be.

mod judge;
mod source;
mod survey;

use std::fmt::Debug;
use std::sync::Arc;

pub(super) use survey::Survey;

use crate::clock::Timestamp;
use crate::description::Description;
use crate::error::Error;
use crate::exchange::source::Arrival;
use crate::id::{CheckpointId, ChunkId, SessionId, StoreId};
use crate::record::{SessionRecord, StoredChunk};

/// What a file says of itself at its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    /// The store that it was made from.
    pub(crate) store: StoreId,
    pub(crate) exported_at: Timestamp,
    /// The only session in it; none: all.
    pub(crate) session: Option<SessionId>,
    /// The highest sequence given in the store by then.
    pub(crate) newest: u64,
}

impl FileHeader {
    /// Of a file whose header was not read yet.
    pub(super) fn empty() -> Self {
        Self {
            store: StoreId::from_bytes([0; 16]),
            exported_at: Timestamp::MIN,
            session: None,
            newest: 0,
        }
    }
}

/// What a file says of itself at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) sessions: u64,
    pub(crate) checkpoints: u64,
    pub(crate) attachments: u64,
    pub(crate) chunks: u64,
    /// What was damaged in the store and is not in the file.
    pub(crate) left_out: u64,
}

/// A part of a file.
#[derive(Debug)]
pub(super) enum Entry {
    Session(SessionRecord),
    /// Met before any checkpoint that needs it: its children, and where it begins.
    Chunk(ChunkId, Arc<[ChunkId]>, u64),
    Checkpoint(Box<Arrival>),
    /// The last; what was read by then agrees with what it says. How much was left out.
    End(u64),
}

/// Where an entry begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Lines, or frames, before it.
    pub(super) number: u64,
    /// What the digest of the entry goes on from, where entries are chained.
    pub(super) chain: [u8; 32],
}

/// What is wrong, where, and whether there is a way on behind it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: Error,
    pub(super) checkpoint: Option<CheckpointId>,
    pub(super) at: At,
    /// Nothing behind it can be read.
    pub(super) last: bool,
}

impl Fault {
    /// This fault as the last.
    pub(super) fn ends(mut self) -> Self {
        self.last = true;
        self
    }

    /// The error, with the place in its context.
    pub(super) fn into_error(self) -> Error {
        let error = match &self.checkpoint {
            Some(id) => self.error.with("checkpoint", id),
            None => self.error,
        };
        self.at.tell(error)
    }
}

/// A place for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct At {
    /// From 1; none where there are no lines.
    pub(super) line: Option<u64>,
    /// From 1, in bytes; none when the fault is not at one place of the line.
    pub(super) column: Option<u64>,
    /// Bytes of the file before it.
    pub(super) offset: u64,
}

impl At {
    /// Says in an error where it is.
    pub(super) fn tell(&self, error: Error) -> Error {
        match (self.line, self.column) {
            (Some(line), Some(column)) => error.with("line", line).with("column", column),
            (Some(line), None) => error.with("line", line),
            (None, _) => error.with("byte", self.offset),
        }
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            sessions,
            checkpoints,
            attachments,
            ..
        } = self;
        write!(
            f,
            "{sessions} sessions, {checkpoints} checkpoints, {attachments} attachments"
        )
    }
}

/// What to say of a file that the system does not give.
pub(super) fn unreadable(error: std::io::Error) -> Error {
    Error::storage("the file cannot be read").because(error)
}

/// Counts an entry that was read or written.
pub(super) fn count(totals: &mut Totals, entry: &Entry) {
    match entry {
        Entry::Session(_) => totals.sessions += 1,
        Entry::Chunk(..) => totals.chunks += 1,
        Entry::Checkpoint(arrival) => {
            totals.checkpoints += 1;
            totals.attachments += arrival.attachments.len() as u64;
        }
        Entry::End(_) => {}
    }
}

/// A file that is read entry by entry. It blocks.
pub(super) trait Reading: Debug + Send + 'static {
    /// The next entry; after `End` nothing is asked.
    fn next(&mut self) -> Result<Entry, Fault>;

    /// Where the next entry begins.
    fn place(&self) -> Place;

    /// Goes where an entry begins.
    fn go(&mut self, place: &Place) -> crate::Result<()>;

    /// A chunk, by where its entry begins. Moves the place.
    fn chunk(&mut self, offset: u64) -> crate::Result<StoredChunk>;

    /// Where what was read last begins, for people.
    fn at(&self) -> At;
}

/// Writes a file, entry by entry, at the end of some memory that somebody empties. What it refuses it takes back.
pub(super) trait Encoder: Debug + Send + 'static {
    fn begin(&mut self, header: &FileHeader, out: &mut Vec<u8>) -> crate::Result<()>;

    fn session(&mut self, session: &SessionRecord, out: &mut Vec<u8>) -> crate::Result<()>;

    /// A chunk; not called where states come whole.
    fn chunk(&mut self, id: &ChunkId, chunk: &StoredChunk, out: &mut Vec<u8>) -> crate::Result<()>;

    /// A checkpoint, with its description as it was decoded to check it.
    fn checkpoint(
        &mut self,
        arrival: &Arrival,
        description: &Description,
        out: &mut Vec<u8>,
    ) -> crate::Result<()>;

    /// Whether its end holds the SHA-256 of all bytes before it. Who writes them makes it, beside what is encoded next.
    fn is_digested(&self) -> bool {
        false
    }

    /// The end, with the SHA-256 of all bytes before it where the format has one.
    fn end(
        &mut self,
        totals: &Totals,
        sha256: Option<[u8; 32]>,
        out: &mut Vec<u8>,
    ) -> crate::Result<()>;
}
