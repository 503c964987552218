//! What a worker works at: steps of which each needs the one before. Nothing here knows of checkpoints.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Steps of a job, and how long one takes.
pub(crate) const STEPS: u32 = 10;
const STEP: Duration = Duration::from_millis(100);

/// How far a job has come. This is the state that is saved.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) done: u32,
    /// Of all steps in their order: one left out, or done twice, would show.
    digest: Vec<u8>,
}

impl Job {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            done: 0,
            digest: name.as_bytes().to_vec(),
        }
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.done >= STEPS
    }

    pub(crate) async fn step(&mut self) {
        // A real one would compute, or ask somebody.
        tokio::time::sleep(STEP).await;
        self.take();
    }

    fn take(&mut self) {
        self.done += 1;
        let step = self.done.to_le_bytes();
        self.digest = Sha256::digest([&self.digest[..], &step].concat()).to_vec();
    }

    /// As it is when one worker does it all.
    pub(crate) fn uninterrupted(name: &str) -> Self {
        let mut job = Self::new(name);
        while !job.is_done() {
            job.take();
        }
        job
    }
}
