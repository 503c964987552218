//! What a run is told.

use std::path::PathBuf;
use std::time::Duration;

use crate::control::Control;
use crate::load::Seed;

/// Set in the environment of a machine: what it is.
pub(super) const JOB: &str = "CHECKPOINT_TORTURE_MACHINE";

/// How a store is tried that several processes share.
#[derive(Clone, Debug)]
pub struct Machines {
    pub(super) seed: Seed,
    pub(super) rounds: u64,
    pub(super) processes: Vec<usize>,
    pub(super) writers: usize,
    pub(super) patience: Duration,
    pub(crate) control: Option<Control>,
    pub(crate) directory: PathBuf,
}

impl Machines {
    /// 10 rounds, by turns with two processes and with four, which have 8 writers together; below the directory for
    /// temporary files.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            rounds: 10,
            processes: vec![2, 4],
            writers: 8,
            patience: Duration::from_secs(180),
            control: None,
            directory: std::env::temp_dir(),
        }
    }

    /// With so many rounds, in each of which at least one process is killed or held.
    #[must_use]
    pub fn with_rounds(mut self, rounds: u64) -> Self {
        self.rounds = rounds;
        self
    }

    /// With so many processes, by turns; fewer than two are taken for two.
    #[must_use]
    pub fn with_processes(mut self, processes: &[usize]) -> Self {
        self.processes = processes.iter().map(|count| (*count).max(2)).collect();
        self
    }

    /// With so many writers, over all processes.
    #[must_use]
    pub fn with_writers(mut self, writers: usize) -> Self {
        self.writers = writers;
        self
    }

    /// With so long a time in which nothing need come to pass. Default: three minutes, since a machine may be busy.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}
