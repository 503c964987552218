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
}

impl JournalOptions {
    /// A store in this directory.
    #[must_use]
    pub fn at(directory: impl AsRef<Path>) -> Self {
        Self {
            directory: directory.as_ref().to_owned(),
            clock: Arc::new(SystemClock),
            disk: Arc::new(System),
        }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With other file calls.
    #[must_use]
    pub fn with_disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }
}
