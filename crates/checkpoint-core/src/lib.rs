//! Checkpoints for programs that must not lose their place.
//!
//! This crate holds the model ([`Header`], [`Commit`], [`Query`]), the seam to storage ([`Backend`], with the whole
//! contract in [`backend`]), and what is built above it. Programs usually depend on the facade `checkpoint`, which
//! opens a backend by URL; authors of a backend depend on this crate.

pub mod backend;
mod backup;
mod checksum;
mod chunk;
mod clock;
mod codec;
mod commit;
mod description;
mod diff;
pub mod engine;
mod error;
mod exchange;
mod feed;
pub mod files;
mod hasher;
mod hex;
mod id;
mod limits;
mod memory;
mod query;
mod receipt;
mod record;
mod status;
mod store;
mod stride;
mod visible;
mod wire;

pub use backend::{Backend, Budget, Capabilities, Format, MaintainStep, Stats, StoreInfo};
pub use backup::{BackupDraft, Meter};
pub use clock::{Clock, FakeClock, IdSource, SeededIds, SystemClock, SystemIds, Timestamp};
pub use codec::Codec;
pub use commit::{
    Append, Attach, Commit, CreateSession, Delete, Expectation, Fingerprint, NewChunk, NewState,
    Note, NoteKind, Operation, Parent, PatchSession, PutRecord, Quarantine, Reseal, Sealed, Update,
};
pub use diff::{Diff, DiffEntry, DiffKind, DiffStat};
pub use error::{Actual, Applied, Conflict, Error, ErrorKind, Result};
pub use exchange::{
    CopyStore, Export, ExportFormat, ExportReport, Import, ImportFormat, ImportReport, Progress,
    Received, Refused, Remark, Remarked,
};
pub use feed::{Change, ChangeKind, Feed};
pub use hasher::{ContentHasher, Purpose};
pub use id::{
    CheckpointId, ChunkId, CommitId, MAX_ID_BYTES, RawId, RecordName, SessionId, StoreId, Tag,
    WorkerId,
};
pub use limits::Limits;
pub use memory::{MemoryBackend, MemoryBuilder};
pub use query::{AttachmentQuery, Cursor, CursorKind, Filter, Order, Page, Query, SessionQuery};
pub use receipt::{Appended, Outcome, Receipt};
pub use record::{
    Attachment, ChunkInfo, Head, Header, Item, MetaRecord, Origin, Parts, Payload, Position,
    Record, SessionRecord, StoredChunk,
};
pub use status::{Durability, Status, Trigger};
pub use store::{
    Annotation, Backup, BackupReport, BlockFinding, Changes, CheckWitness, Checkpoint, Comparison,
    Explanation, Finding, List, Listing, MakeWitness, OpenSession, Recovery, Save, Saved, Schema,
    Sections, Session, SessionInfo, SessionListing, Severity, StateReader, Store, StoreBuilder,
    Summary, Transaction, UpdateCheckpoint, Verify, VerifyReport, Witness, WitnessReport,
};
pub use visible::Visible;
