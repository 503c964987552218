//! The seam: what a backend owes, and what everything above may rely on.
//!
//! A backend author needs this page and nothing else. The conformance suite (`checkpoint-conformance`) holds
//! every clause as cases; run it on a backend of your own. What every backend must judge alike, such as
//! idempotency, expectations and sequences, is written once in [`engine`](crate::engine): a backend that
//! implements its tables gets the judgement for free, but need not use it. One whose engine only takes bytes and gives
//! them back, such as a log, stands on [`MemoryBackend::commit_logged`](crate::MemoryBackend::commit_logged) and has
//! everything but durability. `docs/writing-a-backend.md` goes along such a one.
//!
//! # The contract
//!
//! 1. **Atomic.** A commit is there whole or not at all: after an error, a crash, a kill, a dropped future.
//! 2. **Durable.** When [`commit`](Backend::commit) returns, what [`Receipt::durability`] claims holds. The default
//!    of a persistent backend is `Disk` or `Remote`; faster is the user's explicit choice, and
//!    [`flush`](Backend::flush) makes it good. A [`backup`](Backend::backup) holds what was acknowledged before it, and
//!    has its name when it is whole and on disk, not sooner.
//! 3. **Sequence.** Appends get 1, 2, 3, … across sessions, inside the commit; none twice, none skipped, across
//!    processes and restarts, also after the newest was deleted. An [`Append::origin`](crate::Append::origin) and
//!    [`Advance`](crate::Operation::Advance) may raise the counter. Positions rise with every change, and what changes nothing is not in the feed; see
//!    [`Change`](crate::Change).
//! 4. **Idempotent.** A commit is looked up before its expectations are judged: by commit id, else each append by id
//!    and fingerprint. An equal append answers as the first time, also after an update of its checkpoint; the same id
//!    with another fingerprint is `AlreadyExists`. Within the window an append that was deleted since answers with
//!    [`Appended::deleted`](crate::Appended::deleted) and is not made again, unless it says
//!    [`revive`](crate::Append::revive); any commit sent again under its id answers as the first time. A commit that
//!    only appends is known by its appends alone. Any other is remembered with its shape: the kinds of its operations
//!    in their order, the ids that they name, the fingerprints of its appends, and whether an attachment or record is
//!    put or removed, a checkpoint set aside or taken back. One of another shape under its id is `AlreadyExists`. Not
//!    in the shape is what a retry may change: chunks, expectations, clocks, revisions and opaque bytes.
//! 5. **Expectations.** One that is not met is `Conflict`, with what is there instead, and nothing is written.
//! 6. **Ownership.** Claiming a session raises its epoch; a commit that expects an older epoch is refused. Epochs are
//!    kept for good: they outlive the deletion of their session, and the window.
//! 7. **Closed.** What is stored refers only to what is stored: a payload or a new chunk that names a chunk which is
//!    neither there nor in the commit fails with `MissingChunks`. A sweep never takes a chunk on which a commit under
//!    way relies.
//! 8. **Isolation.** A session's reads show that session alone; a scan sees a commit whole or not at all; while others
//!    write, paging shows no checkpoint twice and misses none that was there at the start and still matches.
//! 9. **Order.** By sequence, total, both ways; equal times change nothing. A limit of 0 is an empty page. Cursors are
//!    opaque and survive a restart. Sessions list in the order of their creation.
//! 10. **Deletion.** Deleting what is not there is no error and says so. A deleted session is gone at once to every
//!     reader, with its checkpoints and attachments; its rows go in steps by [`maintain`](Backend::maintain). Made
//!     again under its id it is a new one with a higher epoch. Children of a deleted checkpoint keep its id. Space
//!     comes back after `maintain`.
//! 11. **Corruption.** What is damaged, be it a checkpoint, a session, a chunk, an attachment, a named record or a
//!     change, is [`Item::Corrupt`], naming it: [`Error::context`] has `checkpoint` and `session` with their ids, as far
//!     as they can be read, so that who lists it can set it aside. It never panics, never yields wrong data, and hides
//!     nothing else. The feed tells a damaged change in its place and goes on behind it. Writers and upkeep go on beside
//!     damage, and a damaged record can be put again as long as its version is known; upkeep says what it left.
//! 12. **Limits.** What is over a limit of [`StoreInfo::limits`] is refused before anything is written, with the limit
//!     and the size. So is a question for more than [`Limits::page`] items. A call that names what it asks for by id
//!     takes as many ids as the caller has: the answer is as long as the question.
//! 13. **Two at once.** Two handles, and two processes where [`Capabilities::shared`] says so, on one store: all of the
//!     above holds. Otherwise the second open is `Locked`, at once, naming the path.
//! 14. **Formats.** The store carries its version. A newer one than known is refused by name. A store opened so that
//!     nothing can be written ([`StoreInfo::read_only`]) refuses each call that would write as `Denied`, and changes
//!     nothing.
//! 15. **Unicode, empty, long, hostile.** Any legal id, tag or attachment key round-trips, byte for byte; characters of
//!     SQL, paths and globs mean nothing.
//!
//! # Cancel safety
//!
//! Dropping the future of a commit leaves it done or not done, never half. Dropping that of a read does nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::backup::{BackupDraft, Meter};
use crate::commit::Commit;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::hasher::ContentHasher;
use crate::id::{CheckpointId, ChunkId, StoreId};
use crate::limits::Limits;
use crate::query::{AttachmentQuery, Page, Query, SessionQuery};
use crate::receipt::Receipt;
use crate::record::{
    Attachment, ChunkInfo, Item, MetaRecord, Parts, Position, Record, SessionRecord, StoredChunk,
};
use crate::status::Durability;

pub use upkeep::{Budget, MaintainStep};

mod upkeep;

/// A place that keeps checkpoints. See the [module](self) for the contract.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// What this store is. Answers without I/O and shows no secret.
    fn info(&self) -> &StoreInfo;

    /// Does a commit, whole or not at all.
    ///
    /// # Errors
    ///
    /// `Invalid` and `TooLarge` for a commit that no store could take ([`Commit::check`]); `Conflict`, `NotFound`,
    /// `AlreadyExists`, `MissingChunks` for one that this store, as it is, does not take; nothing was written then.
    /// `Unavailable` with `applied: Unknown` when nobody knows: send the same commit again.
    async fn commit(&self, commit: Commit) -> Result<Receipt>;

    /// Reads checkpoints by id, one answer for each, in the order asked for.
    async fn get(&self, ids: &[CheckpointId], parts: Parts) -> Result<Vec<Item<Record>>>;

    /// Lists checkpoints. Items are `Found` or `Corrupt`; a page may be shorter than its limit, and its `next` alone
    /// says whether there is more. A page ends early, after some MiB, when what was asked for is heavy, as
    /// [`Room`](crate::engine::Room) counts: who asks for many does not know how large they are.
    async fn scan(&self, query: &Query) -> Result<Page<Item<Record>>>;

    /// Lists sessions, each with its head. Items are `Found` or `Corrupt`; one whose head cannot be told is `Corrupt`.
    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>>;

    /// Lists attachments. Items are `Found` or `Corrupt`.
    async fn attachments(&self, query: &AttachmentQuery) -> Result<Page<Item<Attachment>>>;

    /// Reads chunks by id, one answer for each, in the order asked for. Never `Deleted`. Of a chunk that was swept and
    /// sent again in another stored form, a handle that has not looked since may answer the former one.
    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>>;

    /// Tells which chunks are there, in the order asked for.
    async fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>>;

    /// Lists at most `limit` chunks with ids above `after`, in the order of their ids; fewer means there are no more.
    ///
    /// # Errors
    ///
    /// `TooLarge` for a limit above [`Limits::page`].
    async fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>>;

    /// Reads the store's own records whose names start with `prefix`, in the order of their names. Items are `Found` or
    /// `Corrupt`.
    async fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>>;

    /// Lists changes after a position, oldest first: about `limit`, more where a commit would be split; none when
    /// there are none. Limit 0 answers none.
    ///
    /// Items are `Found` or `Corrupt`: a change that cannot be read is told in its place, never left out, and the error
    /// names its position. Nobody can tell to which commit it belongs, so there alone a page may end amid one.
    ///
    /// # Errors
    ///
    /// `Truncated` when changes after `after` are no longer kept, `TooLarge` for a limit above [`Limits::page`].
    async fn changes(&self, after: Position, limit: usize) -> Result<Feed>;

    /// Waits until there is a change after a position, at most as long as told, and answers the position of the newest
    /// change. With a wait of zero it tells the position of the store.
    ///
    /// # Errors
    ///
    /// `Stopped` at once when this handle is closed, also when that happens during the wait.
    async fn changed(&self, after: Position, at_most: Duration) -> Result<Position>;

    /// Counts what is there.
    async fn stats(&self) -> Result<Stats>;

    /// Looks for damage that no read can tell: entries of the backend's own indexes that are lost or lead elsewhere, so
    /// that what is there is not found, and whatever else its engine can check. Answers an error for each, at most some
    /// thousand. May read everything. A backend that keeps nothing of the kind finds nothing.
    async fn check(&self) -> Result<Vec<Error>> {
        Ok(Vec::new())
    }

    /// Copies the store, as it is at one moment, to a file that is not there yet, while others go on to read and to
    /// write. The copy holds all that was acknowledged before the call, whole commits alone, and the same id; nothing
    /// of it is elsewhere, such as in a log. It has its name only once [`BackupDraft::keep`] returns, and never takes
    /// that of something that is there. The meter hears bytes.
    ///
    /// What is damaged is copied as it is: who looks at the copy is told.
    ///
    /// # Errors
    ///
    /// `Unsupported` where [`Capabilities::backup`] says so, `AlreadyExists` when there is something under the name,
    /// `NotFound` when there is no such directory, `Storage` when there is no room.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the work soon, and leaves nothing.
    async fn backup(&self, to: &Path, meter: &Meter) -> Result<Box<dyn BackupDraft>> {
        let _ = meter;
        Err(Error::unsupported(
            "this backend has no way to copy a live store; copy what is in it to another store, or export it",
        )
        .with("path", to.display())
        .on(&self.info().label))
    }

    /// Does a part of what gives space back: purges deleted sessions, trims the window, sweeps chunks to which nothing
    /// refers, returns free space to the system. Call again while [`MaintainStep::more`] says so; what becomes free
    /// after such a round has begun may wait for the next. Safe while others read and write, and to be killed.
    async fn maintain(&self, budget: &Budget) -> Result<MaintainStep>;

    /// Returns when all that was acknowledged so far is as durable as the store can make it.
    async fn flush(&self) -> Result<Receipt>;

    /// Finishes commits under way and lets go of the store. Every later call is `Stopped`; closing again is no error.
    ///
    /// A handle that is dropped without it does the same, soon: who opens the store next may find it `Locked` for a
    /// moment, not for long.
    async fn close(&self) -> Result<()>;
}

/// What a store is.
#[derive(Clone, Debug)]
pub struct StoreInfo {
    /// Its URL or another name for people, without secrets.
    pub label: Arc<str>,
    /// Given when it was created.
    pub id: StoreId,
    /// The version of its format, and the oldest versions of this library's formats that may read and write it.
    pub format: Format,
    /// What is refused as too large.
    pub limits: Limits,
    /// What the backend can do.
    pub capabilities: Capabilities,
    /// Names its chunks and fingerprints.
    pub hasher: ContentHasher,
    /// The seed of content-defined cuts; 0 where they need not be secret.
    pub gear_seed: u64,
    /// What receipts claim.
    pub durability: Durability,
    /// Opened so that nothing can be written.
    pub read_only: bool,
}

/// The version of a store's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Written with.
    pub version: u32,
    /// Readers must know at least this one.
    pub min_reader: u32,
    /// Writers must know at least this one.
    pub min_writer: u32,
}

/// What a backend can do, as data: a conformance case that needs what is not there is skipped with this reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// What was acknowledged outlives the process.
    pub persistent: bool,
    /// Two handles may have the store open at once.
    pub shared: bool,
    /// [`Backend::backup`] copies a live store.
    pub backup: bool,
}

impl Capabilities {
    /// With or without persistence.
    #[must_use]
    pub const fn with_persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// With or without several handles at once.
    #[must_use]
    pub const fn with_shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    /// With or without copies of a live store.
    #[must_use]
    pub const fn with_backup(mut self, backup: bool) -> Self {
        self.backup = backup;
        self
    }
}

/// What is in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Live sessions.
    pub sessions: u64,
    /// Live checkpoints.
    pub checkpoints: u64,
    /// Deleted checkpoints still remembered, also those whose session was deleted and whose rows are yet to go.
    pub tombstones: u64,
    /// Attachments.
    pub attachments: u64,
    /// Chunks, live or not yet swept.
    pub chunks: u64,
    /// Bytes of their stored forms.
    pub chunk_bytes: u64,
    /// Bytes of encoded states, as if each were kept whole.
    pub state_bytes: u64,
    /// Bytes that the store takes where it lies.
    pub stored_bytes: u64,
    /// Bytes of those that are free to be used again.
    pub free_bytes: u64,
    /// The newest change; its `sequence` is the highest ever given.
    pub position: Position,
    /// Requests made by this handle, by kind, where each costs.
    pub requests: BTreeMap<&'static str, u64>,
}

macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)+) => {
        /// A shared backend is a backend.
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<B: Backend + ?Sized> Backend for Arc<B> {
            fn info(&self) -> &StoreInfo {
                (**self).info()
            }

            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                (**self).$name($($arg),*).await
            })+
        }
    };
}

forward! {
    commit(commit: Commit) -> Receipt;
    get(ids: &[CheckpointId], parts: Parts) -> Vec<Item<Record>>;
    scan(query: &Query) -> Page<Item<Record>>;
    sessions(query: &SessionQuery) -> Page<Item<SessionRecord>>;
    attachments(query: &AttachmentQuery) -> Page<Item<Attachment>>;
    chunks(ids: &[ChunkId]) -> Vec<Item<StoredChunk>>;
    present(ids: &[ChunkId]) -> Vec<bool>;
    scan_chunks(after: Option<ChunkId>, limit: usize) -> Vec<Item<ChunkInfo>>;
    records(prefix: &str) -> Vec<Item<MetaRecord>>;
    changes(after: Position, limit: usize) -> Feed;
    changed(after: Position, at_most: Duration) -> Position;
    stats() -> Stats;
    check() -> Vec<Error>;
    backup(to: &Path, meter: &Meter) -> Box<dyn BackupDraft>;
    maintain(budget: &Budget) -> MaintainStep;
    flush() -> Receipt;
    close() -> ();
}
