//! Ids that a step has whenever it is done.

use std::sync::Arc;

use checkpoint_core::{IdSource, SeededIds};
use parking_lot::Mutex;
use uuid::Uuid;

use super::seed::Seed;

/// Gives the ids of the step under way, the same each time that it is done.
#[derive(Clone, Debug)]
pub(crate) struct StepIds {
    seed: Seed,
    step: Arc<Mutex<SeededIds>>,
}

impl StepIds {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            seed,
            step: Arc::new(Mutex::new(SeededIds::new(seed.0))),
        }
    }

    /// From now on gives the ids of this step.
    pub(crate) fn begin(&self, step: u64) {
        *self.step.lock() = SeededIds::new(self.seed.of(step).0);
    }
}

impl IdSource for StepIds {
    fn next(&self) -> Uuid {
        self.step.lock().next()
    }
}
