//! What a run is told, and what this process learns from its environment.

use std::path::PathBuf;

use crate::control::Control;
use crate::load::Seed;

/// Set in the environment of a child: what it has to do.
pub(super) const JOB: &str = "CHECKPOINT_TORTURE_JOB";

/// How a backend is tried.
#[derive(Clone, Debug)]
pub struct Kill {
    pub(super) seed: Seed,
    pub(super) rounds: u64,
    pub(super) writers: usize,
    pub(crate) control: Option<Control>,
    pub(crate) directory: PathBuf,
}

impl Kill {
    /// 50 rounds with 6 writers, below the directory for temporary files.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            rounds: 50,
            writers: 6,
            control: None,
            directory: std::env::temp_dir(),
        }
    }

    /// With so many kills.
    #[must_use]
    pub fn with_rounds(mut self, rounds: u64) -> Self {
        self.rounds = rounds;
        self
    }

    /// With so many writers.
    #[must_use]
    pub fn with_writers(mut self, writers: usize) -> Self {
        self.writers = writers;
        self
    }
}
