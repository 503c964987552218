//! Checkpoints for programs that must not lose their place.
//!
//! A program saves its state as it goes. Each save is one atomic, durable commit; when the program is killed, the next
//! run takes the newest state and goes on. Open a [`Store`] by URL, take a [`Session`] in it, save:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Default)]
//! struct Work { done: Vec<String> }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> checkpoint::Result<()> {
//! let store = checkpoint::open("memory:").await?;
//! let session = store.session("research-42").await?;
//! let mut work: Work = session.latest_as().await?.unwrap_or_default();
//! work.done.push("sources read".to_owned());
//! let saved = session.save(&work).message("read the sources").tag("plan").await?;
//! assert_eq!(session.latest().await?.expect("just saved").id(), &saved.id);
//! # Ok(()) }
//! ```
//!
//! Without async, import [`blocking::Wait`] and write `.wait()` where this says `.await`.
//!
//! # Features
//!
//! | feature | URL | default |
//! |---|---|---|
//! | none needed | `memory:`, gone with its handle | |
//! | `sqlite` | `sqlite://relative.db`, `sqlite:///absolute.db`, `sqlite::memory:` | yes |
//! | `redb` | `redb://relative.redb`, `redb:///absolute.redb` | |
//! | `file` | `file://relative`, `file:///absolute`, a directory of plain files | |
//! | `s3` | `s3://bucket/prefix` | |
//! | `gcs` | `gs://bucket/prefix` | |
//! | `azure` | `az://container/prefix` | |
//!
//! The feature `crypto` seals what any of them keeps: [`open_with`](https://docs.rs/checkpoint/latest/checkpoint/fn.open_with.html)
//! takes a key.
//!
//! Features only add, they change no behaviour. What a URL may say is told at [`open`].

pub mod blocking;
mod open;
mod url;

pub use checkpoint_core::backend;
pub use checkpoint_core::engine;
pub use checkpoint_core::{
    Actual, Annotation, Append, Appended, Applied, Attach, Attachment, AttachmentQuery, Backend,
    Backup, BackupDraft, BackupReport, Budget, Capabilities, Change, ChangeKind, Changes,
    Checkpoint, CheckpointId, ChunkId, ChunkInfo, Clock, Codec, Commit, CommitId, Comparison,
    Conflict, ContentHasher, CopyStore, CreateSession, Cursor, CursorKind, Delete, Diff, DiffEntry,
    DiffKind, DiffStat, Durability, Error, ErrorKind, Expectation, Export, ExportFormat,
    ExportReport, FakeClock, Feed, Filter, Finding, Fingerprint, Format, Head, Header, IdSource,
    Import, ImportFormat, ImportReport, Item, Limits, List, Listing, MAX_ID_BYTES, MaintainStep,
    MemoryBackend, MemoryBuilder, MetaRecord, Meter, NewChunk, NewState, Note, NoteKind,
    OpenSession, Operation, Order, Origin, Outcome, Page, Parent, Parts, PatchSession, Payload,
    Position, Progress, Purpose, PutRecord, Quarantine, Query, RawId, Receipt, Received, Record,
    RecordName, Recovery, Refused, Remark, Remarked, Reseal, Result, Save, Saved, Schema, Sealed,
    Sections, SeededIds, Session, SessionId, SessionInfo, SessionListing, SessionQuery,
    SessionRecord, Severity, StateReader, Stats, Status, Store, StoreBuilder, StoreId, StoreInfo,
    StoredChunk, Summary, SystemClock, SystemIds, Tag, Timestamp, Transaction, Trigger, Update,
    UpdateCheckpoint, Verify, VerifyReport, Visible, WorkerId,
};
pub use checkpoint_core::{
    BlockFinding, CheckWitness, Explanation, MakeWitness, Witness, WitnessReport,
};
#[cfg(feature = "crypto")]
pub use checkpoint_crypto as crypto;
#[cfg(feature = "redb")]
pub use checkpoint_redb as redb;
#[cfg(feature = "objects")]
pub use checkpoint_s3 as objects;
#[cfg(feature = "sqlite")]
pub use checkpoint_sqlite as sqlite;
pub use open::{OpenOptions, available, open, open_backend};
#[doc(hidden)]
pub use open::{UrlParts, url_parts};
#[cfg(feature = "crypto")]
pub use open::{open_backend_with, open_with};

/// The example of the README, so that it runs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
