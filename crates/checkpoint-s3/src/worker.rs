//! What the thread that writes does: every commit that waits becomes part of one entry, each caller told its own fate once
//! the entry is in the log.

use std::sync::atomic::Ordering;

use checkpoint_core::engine::{self, Recall, Waiting};
use checkpoint_core::{Budget, Commit, MaintainStep, Position, Receipt, Result};
use tokio::sync::watch;

use crate::draft::Tools;
use crate::flush::{Effort, flush};
use crate::group::transaction;
use crate::maintain::{self, Upkeep};

/// The way to the writer.
pub(crate) type Writer = engine::Writer<Work>;

/// The thread's own.
#[derive(Debug)]
pub(crate) struct Work {
    tools: Tools,
    position: watch::Sender<Position>,
    recall: Recall,
    upkeep: Upkeep,
    /// The position at which a snapshot was tried last.
    tried: u64,
}

/// Starts the thread.
pub(crate) fn start(tools: Tools, position: watch::Sender<Position>) -> Result<Writer> {
    Writer::start(Work {
        tools,
        position,
        recall: Recall::default(),
        upkeep: Upkeep::default(),
        tried: 0,
    })
}

impl Work {
    /// Makes a snapshot once so many entries came since the last one.
    fn flush_after(&mut self, entries: u64) {
        let log = &self.tools.log;
        let position = log.state().position;
        let since = position.saturating_sub(log.covered().max(self.tried));
        if since < entries {
            return;
        }
        // One that failed is not tried again at once.
        self.tried = position;
        match flush(&self.tools, Effort::Little) {
            Ok(Some(pending)) => log.expect(pending),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a snapshot was not made; the log gets longer"),
        }
    }
}

impl engine::Work for Work {
    type Commit = Box<Commit>;
    type Fate = Result<Receipt>;
    type Budget = Budget;
    type Step = Result<MaintainStep>;

    fn group(&mut self, members: Vec<Waiting>) {
        let (tools, recall) = (&self.tools, &mut self.recall);
        let mut transaction = |members: &[Waiting]| transaction(tools, recall, members);
        engine::settle(members, &mut transaction, &|position| {
            self.position.send_if_modified(|seen| {
                let moves = *seen < position;
                *seen = position.max(*seen);
                moves
            });
        });
        // There may be no rest for long.
        self.flush_after(self.tools.snapshot_after.saturating_mul(4));
    }

    fn maintain(&mut self, budget: &Budget) -> Result<MaintainStep> {
        self.recall.forget();
        let step = maintain::step(&self.tools, &mut self.upkeep, budget);
        self.recall.forget();
        step
    }

    fn rest(&mut self) {
        self.flush_after(self.tools.snapshot_after);
    }

    fn end(&mut self) {
        // Of a handle that was dropped nobody knows whether its runtime still is there.
        if !self.tools.closing.load(Ordering::Acquire) {
            return;
        }
        self.flush_after(self.tools.snapshot_after.div_ceil(3));
        if let Err(error) = maintain::name_snapshot(&self.tools) {
            tracing::debug!(%error, "a snapshot was not named; the next to write makes another");
        }
    }
}
