//! What a caller may choose.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::{Clock, SystemClock};

use crate::disk::{Disk, System};

/// Where a store lies, and what it takes from outside.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JournalOptions {
    /// The directory that is the store. It is made when it is not there; the one above it must be.
    pub directory: PathBuf,
    /// The time, for commit times, graces and windows. Default: that of the system.
    pub clock: Arc<dyn Clock>,
    /// The calls to files. Default: those of the system. A test stands in here.
    pub disk: Arc<dyn Disk>,
    /// A journal of so many bytes is rewritten by `maintain` when it has doubled since it was. Default: 1 MiB.
    pub rewrite_from: u64,
}

impl JournalOptions {
    /// A store in this directory.
    #[must_use]
    pub fn at(directory: impl AsRef<Path>) -> Self {
        Self {
            directory: directory.as_ref().to_owned(),
            clock: Arc::new(SystemClock),
            disk: Arc::new(System),
            rewrite_from: 1 << 20,
        }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With another length from which it pays to rewrite the journal.
    #[must_use]
    pub fn with_rewrite_from(mut self, bytes: u64) -> Self {
        self.rewrite_from = bytes;
        self
    }

    /// With other file calls.
    #[must_use]
    pub fn with_disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }
}
