//! How to open a store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::files::{Files, SystemFiles};
use checkpoint_core::{Clock, Durability, IdSource, Limits, SystemClock, SystemIds};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::flaw::Flaws;

/// Entries after which a snapshot is due.
const DOZEN: u64 = 12;
/// Bytes of chunks in an entry.
const INLINE: usize = 128 << 10;

/// Where a store lies and how to open it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectOptions {
    /// The client of the bucket or directory, with retries and timeouts of its own.
    pub objects: Arc<dyn ObjectStore>,
    /// Where in it the store lies. Default: at its root.
    pub prefix: Path,
    /// What the store is called in errors and logs, without secrets.
    pub label: Arc<str>,
    /// Whether to create the store when it is not there. Default: yes.
    pub create: bool,
    /// Whether to open it so that nothing can be written. Default: no.
    pub read_only: bool,
    /// Bytes of memory for what was read of the index. Default: 64 MiB.
    pub index_cache: usize,
    /// Bytes of memory for chunks. Default: 64 MiB.
    pub chunk_cache: usize,
    /// A directory of this machine for chunks, so that who opens the store again need not fetch them again. The one in
    /// which it lies must be there; nobody but this user may have rights in it. Several stores and processes may share it.
    /// Default: none.
    pub cache_directory: Option<PathBuf>,
    /// Bytes of that directory. Default: 1 GiB.
    pub cache_bytes: u64,
    /// The calls to the file system for it. Default: as the system does them.
    pub cache_files: Arc<dyn Files>,
    /// How old the state may be that a read sees, so that it asks for nothing. What this handle itself wrote is always
    /// seen. Default: none; each read asks once for what came last.
    pub staleness: Duration,
    /// Entries of the log after which a snapshot is made, so that whoever opens the store reads few. Default: 12.
    pub snapshot_after: u64,
    /// Bytes of new chunks that lie in the entry of their commits; what is more goes into a pack, with a put of its own.
    /// Default: 128 KiB.
    pub inline: usize,
    /// How safe what was put is once that is answered. Default: as safe as the service keeps it.
    pub durability: Durability,
    /// What is refused as too large.
    pub limits: Limits,
    /// Where the time of commits comes from. Default: the system.
    pub clock: Arc<dyn Clock>,
    /// Where the ids of stores, machines and objects come from. Default: the system.
    pub ids: Arc<dyn IdSource>,
    /// Calls of the client block a thread, so that several that follow each other are made on one.
    pub(crate) blocks: bool,
    pub(crate) flaws: Flaws,
}

impl ObjectOptions {
    /// A store in this bucket or directory.
    #[must_use]
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self {
            objects,
            prefix: Path::default(),
            label: "objects:".into(),
            create: true,
            read_only: false,
            index_cache: 64 << 20,
            chunk_cache: 64 << 20,
            cache_directory: None,
            cache_bytes: 1 << 30,
            cache_files: Arc::new(SystemFiles),
            staleness: Duration::ZERO,
            snapshot_after: DOZEN,
            inline: INLINE,
            durability: Durability::Remote,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            blocks: false,
            flaws: Flaws::default(),
        }
    }

    /// Below this prefix.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Path>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Called so in errors and logs.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = label.into();
        self
    }

    /// Creating the store when it is not there, or not.
    #[must_use]
    pub const fn with_create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// For reading only, or not.
    #[must_use]
    pub const fn with_read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// With other caches, in bytes: of the index, and of chunks.
    #[must_use]
    pub const fn with_caches(mut self, index: usize, chunks: usize) -> Self {
        (self.index_cache, self.chunk_cache) = (index, chunks);
        self
    }

    /// With a directory for chunks, and at most so many bytes of it. What lies there is not trusted; when it cannot be
    /// used, nothing is cached in it and no read fails.
    #[must_use]
    pub fn with_cache_directory(mut self, path: impl Into<PathBuf>, bytes: u64) -> Self {
        (self.cache_directory, self.cache_bytes) = (Some(path.into()), bytes);
        self
    }

    /// With other calls to the file system for that directory.
    #[must_use]
    pub fn with_cache_files(mut self, files: Arc<dyn Files>) -> Self {
        self.cache_files = files;
        self
    }

    /// With reads that may see a state as old as this.
    #[must_use]
    pub const fn with_staleness(mut self, staleness: Duration) -> Self {
        self.staleness = staleness;
        self
    }

    /// With a snapshot after so many entries, at least one.
    #[must_use]
    pub const fn with_snapshot_after(mut self, entries: u64) -> Self {
        self.snapshot_after = entries;
        self
    }

    /// With so many bytes of new chunks in an entry.
    #[must_use]
    pub const fn with_inline(mut self, bytes: usize) -> Self {
        self.inline = bytes;
        self
    }

    /// With puts that are as safe as this.
    #[must_use]
    pub const fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// With other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With another source of ids. It must give each id once, also in other processes: objects and attempts are told
    /// apart by them.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }
}
