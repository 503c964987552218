//! What a backend author writes to have a backend tried: how to make a store, open it, and damage it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use checkpoint_conformance::{Damage, Fixture, Harness};
//! use checkpoint_core::{Backend, Capabilities, FakeClock, Result};
//!
//! struct Mine;
//!
//! #[async_trait]
//! impl Harness for Mine {
//!     fn name(&self) -> &str {
//!         "mine"
//!     }
//!
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities::default().with_persistent(true).with_shared(true)
//!     }
//!
//!     async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
//!         // A directory that is removed with the fixture, and no store in it yet.
//!         Ok(Box::new(Place { clock }))
//!     }
//! }
//!
//! struct Place {
//!     clock: FakeClock,
//! }
//!
//! #[async_trait]
//! impl Fixture for Place {
//!     async fn open(&self) -> Result<Arc<dyn Backend>> {
//!         // The store lies where this fixture says, and takes its time from this clock.
//!         # let _ = &self.clock;
//!         # Err(checkpoint_core::Error::unsupported("a sketch"))
//!     }
//!
//!     async fn damage(&self, _what: &Damage) -> Result<bool> {
//!         Ok(false) // Cases that need it are skipped, and say so.
//!     }
//! }
//! ```

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{
    Backend, Capabilities, CheckpointId, ChunkId, Error, FakeClock, Position, RecordName, Result,
    SessionId,
};

/// Makes stores of one kind for the suite. Each case gets a store of its own.
#[async_trait]
pub trait Harness: Send + Sync {
    /// By what people call the backend, such as `sqlite`.
    fn name(&self) -> &str;

    /// What the backend can do; the same as its [`StoreInfo`](checkpoint_core::StoreInfo) says.
    ///
    /// A case that needs what is not there is skipped with that reason.
    fn capabilities(&self) -> Capabilities;

    /// Whether a store can be opened again after all its handles were closed, and holds what it held.
    ///
    /// What is persistent can. Override it for a store that outlives its handles, but not the process.
    fn reopens(&self) -> bool {
        self.capabilities().persistent
    }

    /// Bytes that the backend adds to each chunk of up to 64 KiB that it is given: sizes that it tells are compared without
    /// them. One that encrypts adds some.
    fn chunk_overhead(&self) -> u64 {
        0
    }

    /// A place for one fresh, empty store, which takes its time from this clock.
    ///
    /// Places must not share anything: cases run one after another, but a case that failed may leave things
    /// behind. What the place takes is given back when it is dropped.
    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>>;
}

/// One store and the place where it lies.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Opens a handle, with the store's default limits and durability, making the store when it is not there.
    ///
    /// Called for the first handle; again while others are open, where the backend is shared (where it is not,
    /// one case wants this to be `Locked`); and after all were closed, where the harness says that it reopens.
    async fn open(&self) -> Result<Arc<dyn Backend>>;

    /// Opens the store so that nothing can be written, while no other handle is open. None when the backend gives no
    /// way to do so; the case is skipped then.
    async fn open_read_only(&self) -> Result<Option<Arc<dyn Backend>>> {
        Ok(None)
    }

    /// Opens the file that a [`Backend::backup`] made, with the same clock. Called only where the backend says that it
    /// makes them.
    async fn open_backup(&self, at: &Path) -> Result<Arc<dyn Backend>> {
        Err(Error::unsupported("this harness opens no backups").with("path", at.display()))
    }

    /// Changes stored bytes behind the backend's back, as a bad disk would: at least one bit of what is named.
    ///
    /// Called while no handle is open when the harness reopens, else while handles are. The answer `false` says
    /// that this backend gives no way to do so; the case is skipped then. What is named is there, and what is not
    /// named must stay whole.
    async fn damage(&self, what: &Damage) -> Result<bool>;
}

/// What [`Fixture::damage`] is to spoil.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// A field of the header that no other table repeats, such as the time of creation.
    Header(CheckpointId),
    /// The opaque description of a checkpoint.
    Meta(CheckpointId),
    /// The inline state of a checkpoint.
    Payload(CheckpointId),
    /// The stored form of a chunk.
    Chunk(ChunkId),
    /// The content of an attachment: checkpoint, kind, key.
    Attachment(CheckpointId, String, String),
    /// Name and metadata of a session.
    Session(SessionId),
    /// A field of a session that no other table repeats, such as the time of its creation.
    SessionHeader(SessionId),
    /// The content of a named record.
    Record(RecordName),
    /// What the feed tells at a position, but not the position itself. It is no append: those follow from checkpoints.
    Change(Position),
    /// An entry by which a checkpoint with a tag is found by it, so that it no longer is. The checkpoint stays whole.
    Index(CheckpointId),
    /// The version of the store's format: the newest known, and this many more.
    NewerFormat(u32),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(id) => write!(f, "the header of checkpoint {id}"),
            Self::Meta(id) => write!(f, "the description of checkpoint {id}"),
            Self::Payload(id) => write!(f, "the state of checkpoint {id}"),
            Self::Chunk(id) => write!(f, "chunk {id}"),
            Self::Attachment(id, kind, key) => write!(f, "attachment {kind}/{key} of {id}"),
            Self::Session(id) => write!(f, "session {id}"),
            Self::SessionHeader(id) => write!(f, "the header of session {id}"),
            Self::Record(name) => write!(f, "record {name}"),
            Self::Change(position) => write!(f, "the change at {position}"),
            Self::Index(id) => write!(f, "an index entry of checkpoint {id}"),
            Self::NewerFormat(by) => write!(f, "the format's version, {by} too new"),
        }
    }
}
