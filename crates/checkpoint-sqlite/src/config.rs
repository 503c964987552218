//! How to open a store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::files::{Files, SystemFiles};
use checkpoint_core::{Clock, Durability, IdSource, Limits, SystemClock, SystemIds};

/// Where a store lies and how to open it. The default is a store in memory, gone with its handle.
///
/// ```
/// use checkpoint_sqlite::SqliteOptions;
///
/// let options = SqliteOptions::at("agent.db").with_create(false);
/// assert!(!options.create);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The file; none for a store in memory. Default: none.
    pub path: Option<PathBuf>,
    /// Whether to create the file when it is not there. Default: yes.
    pub create: bool,
    /// Whether to open it so that nothing can be written. Default: no.
    pub read_only: bool,
    /// How long to wait for another process that writes. Default: 5 seconds.
    pub busy_timeout: Duration,
    /// What a receipt claims: `Disk` syncs each group of commits, `Os` leaves that to the system and may lose the
    /// newest commits on power loss. Default: `Disk`.
    pub durability: Durability,
    /// Pages of the log after which they are moved into the file. The log is extended ahead by about as many, so
    /// fewer take less of the disk and more time. Default: 2,000, of 4 KiB.
    pub log_pages: u32,
    /// What is refused as too large.
    pub limits: Limits,
    /// Where the time of commits comes from. Default: the system.
    pub clock: Arc<dyn Clock>,
    /// Where the id of a new store comes from. Default: the system.
    pub ids: Arc<dyn IdSource>,
    /// Where calls to the file system go that are not the engine's. Default: the system; a test may have others.
    pub files: Arc<dyn Files>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            path: None,
            create: true,
            read_only: false,
            busy_timeout: Duration::from_secs(5),
            durability: Durability::Disk,
            log_pages: 2_000,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            files: Arc::new(SystemFiles),
        }
    }
}

impl SqliteOptions {
    /// A store in this file.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// A store in memory.
    #[must_use]
    pub fn memory() -> Self {
        Self::default()
    }

    /// Creating the file when it is not there, or not.
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

    /// With another wait for other writers.
    #[must_use]
    pub const fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// With another durability: `Disk` or `Os`.
    #[must_use]
    pub const fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// With another length of the log, in pages.
    #[must_use]
    pub const fn with_log_pages(mut self, pages: u32) -> Self {
        self.log_pages = pages;
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

    /// With another source of ids.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }

    /// With other file calls, for tests.
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn Files>) -> Self {
        self.files = files;
        self
    }
}
