//! How to open a store.

use std::path::PathBuf;
use std::sync::Arc;

use checkpoint_core::{Clock, IdSource, Limits, SystemClock, SystemIds};

use crate::media::{Media, SystemMedia};

/// Where a store lies and how to open it.
///
/// ```
/// use checkpoint_redb::RedbOptions;
///
/// let options = RedbOptions::at("agent.redb").with_create(false);
/// assert!(!options.create);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedbOptions {
    /// The file.
    pub path: PathBuf,
    /// Whether to create the file when it is not there. Default: yes.
    pub create: bool,
    /// Whether to open it so that nothing can be written, not even by the engine. Handles that only read may be many;
    /// with one that writes none may be. Default: no.
    pub read_only: bool,
    /// Bytes of memory that the engine may keep pages in. Default: 32 MiB.
    pub cache: u64,
    /// What is refused as too large.
    pub limits: Limits,
    /// Where the time of commits comes from. Default: the system.
    pub clock: Arc<dyn Clock>,
    /// Where the id of a new store comes from. Default: the system.
    pub ids: Arc<dyn IdSource>,
    /// Where stores lie. Default: in the file system; a test may have others.
    pub media: Arc<dyn Media>,
}

impl RedbOptions {
    /// A store in this file.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            create: true,
            read_only: false,
            cache: 32 << 20,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            media: Arc::new(SystemMedia),
        }
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

    /// With another size of the engine's cache, in bytes.
    #[must_use]
    pub const fn with_cache(mut self, bytes: u64) -> Self {
        self.cache = bytes;
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

    /// With other media, for tests.
    #[must_use]
    pub fn with_media(mut self, media: Arc<dyn Media>) -> Self {
        self.media = media;
        self
    }
}
