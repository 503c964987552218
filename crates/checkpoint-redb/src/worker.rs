//! What the thread that writes does: every commit that waits in one group, each caller told its own fate once the group
//! is on disk.

use std::sync::Arc;

use checkpoint_core::engine::{self, Recall, Sweep, Waiting};
use checkpoint_core::{Budget, Clock, Commit, MaintainStep, Position, Receipt, Result};
use tokio::sync::watch;

use crate::group::transaction;
use crate::held::Held;
use crate::maintain;

/// The way to the writer.
pub(crate) type Writer = engine::Writer<Work>;

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Work {
    held: Arc<Held>,
    clock: Arc<dyn Clock>,
    position: watch::Sender<Position>,
    recall: Recall,
    sweep: Option<Sweep>,
    /// Something was written since the file was compacted.
    loose: bool,
}

/// Starts the thread.
pub(crate) fn start(
    held: Arc<Held>,
    clock: Arc<dyn Clock>,
    position: watch::Sender<Position>,
) -> Result<Writer> {
    Writer::start(Work {
        held,
        clock,
        position,
        recall: Recall::default(),
        sweep: None,
        loose: true,
    })
}

impl engine::Work for Work {
    type Commit = Box<Commit>;
    type Fate = Result<Receipt>;
    type Budget = Budget;
    type Step = Result<MaintainStep>;

    fn group(&mut self, members: Vec<Waiting>) {
        self.loose = true;
        let _pen = self.held.pen();
        let (held, clock, recall) = (&self.held, &*self.clock, &mut self.recall);
        let mut transaction = |members: &[Waiting]| transaction(held, clock, recall, members);
        engine::settle(members, &mut transaction, &|position| {
            self.position.send_if_modified(|seen| {
                let moves = *seen != position;
                *seen = position;
                moves
            });
        });
    }

    fn maintain(&mut self, budget: &Budget) -> Result<MaintainStep> {
        let _pen = self.held.pen();
        self.recall.forget();
        let now = self.clock.now();
        let mut step = maintain::step(&self.held, &mut self.sweep, budget, now);
        self.recall.forget();
        if let Ok(done) = &mut step {
            self.loose |= done.purged + done.trimmed + done.swept > 0;
            if budget.compact && self.loose && !done.more {
                let compacted = self.held.compact()?;
                self.loose = !compacted;
                // Somebody reads for long: it is to be asked for again.
                done.more = !compacted;
            }
        }
        step
    }

    fn rest(&mut self) {}

    fn end(&mut self) {
        self.held.close();
    }
}
