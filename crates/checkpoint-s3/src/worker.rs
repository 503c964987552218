//! What the thread that writes does: every commit that waits becomes part of one entry, each caller told its own fate once
//! the entry is in the log.

use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use checkpoint_core::engine::{self, Recall, Waiting};
use checkpoint_core::{Budget, Commit, MaintainStep, Position, Receipt, Result};
use tokio::sync::watch;

use crate::draft::Tools;
use crate::flush::{Effort, Pending, flush};
use crate::group::transaction;
use crate::linger::Linger;
use crate::maintain::{self, Upkeep};
use crate::turns;

/// The way to the writer.
pub(crate) type Writer = engine::Writer<Work>;

/// What became of a snapshot; none: there was nothing new.
type Made = Result<Option<Pending>>;

/// Bytes of rows that no snapshot has, with which a store is not left: whoever opens it next reads them all.
const HEAVY: usize = 256 << 10;

/// The thread's own.
#[derive(Debug)]
pub(crate) struct Work {
    tools: Tools,
    position: watch::Sender<Position>,
    recall: Recall,
    upkeep: Upkeep,
    linger: Linger,
    /// A snapshot that is being made while others commit.
    making: Option<JoinHandle<Made>>,
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
        linger: Linger::default(),
        making: None,
        tried: 0,
    })
}

impl Work {
    /// Of several machines one makes a snapshot, and not while the others wait for its second entry: the one whose turn it
    /// was when it became due, so many entries ago. If it does not, the others do, later.
    fn leaves_it_to_others(&self, ago: u64) -> bool {
        let state = self.tools.log.state();
        let own = self.tools.log.machine;
        if state.recent.iter().all(|machine| *machine == own) {
            return false;
        }
        let in_a_row = state.recent.iter().take_while(|it| **it == own).count();
        in_a_row < turns::IN_A_ROW || ago >= in_a_row as u64
    }

    /// Makes a snapshot once so many entries came since the last one.
    fn flush_after(&mut self, entries: u64) {
        self.take_made(false);
        if self.making.is_some() {
            return;
        }
        let log = &self.tools.log;
        let position = log.state().position;
        let since = position.saturating_sub(log.covered().max(self.tried));
        if since < entries || (since < 2 * entries && self.leaves_it_to_others(since - entries)) {
            return;
        }
        // One that failed is not tried again at once.
        self.tried = position;
        if self.linger.is_busy() && self.make_aside() {
            return;
        }
        let state = self.tools.log.state_set_apart();
        self.made(flush(&self.tools, state, Effort::Little));
    }

    /// Makes a snapshot while commits go on, since many wait for the next entry. Who is alone waits for nothing of it
    /// anyway, and there the order of requests is always the same.
    fn make_aside(&mut self) -> bool {
        // Here, before the next entry is put together with what this one has.
        let state = self.tools.log.state_set_apart();
        let tools = self.tools.clone();
        let thread = std::thread::Builder::new().name("checkpoint-snapshot".to_owned());
        self.making = thread
            .spawn(move || flush(&tools, state, Effort::Little))
            .ok();
        self.making.is_some()
    }

    /// Takes what was made aside, if it is over; waits for it when nothing else may go on beside it.
    fn take_made(&mut self, wait: bool) {
        let over = |it: &mut JoinHandle<Made>| wait || it.is_finished();
        let Some(making) = self.making.take_if(over) else {
            return;
        };
        match making.join() {
            Ok(made) => self.made(made),
            Err(_) => tracing::error!("the thread that makes snapshots panicked"),
        }
    }

    fn made(&self, made: Made) {
        match made {
            Ok(Some(pending)) => self.tools.log.expect(pending),
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

    fn lingers(&mut self, members: usize) -> bool {
        let round_trip = self.tools.log.round_trip();
        let wait = self.linger.wait(members, round_trip, Instant::now());
        // The writer's own thread; to be woken too early costs a look at the queue, no more.
        wait.inspect(|wait| std::thread::park_timeout(*wait))
            .is_some()
    }

    fn group(&mut self, members: Vec<Waiting>) {
        self.linger.begin(members.len());
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
        self.take_made(true);
        self.recall.forget();
        let step = maintain::step(&self.tools, &mut self.upkeep, budget);
        self.recall.forget();
        step
    }

    fn rest(&mut self) {
        self.flush_after(self.tools.snapshot_after);
    }

    fn end(&mut self) {
        self.take_made(true);
        // Of a handle that was dropped nobody knows whether its runtime still is there.
        if !self.tools.closing.load(Ordering::Acquire) {
            return;
        }
        let is_heavy = self.tools.log.state().held() > HEAVY;
        let few = self.tools.snapshot_after.div_ceil(3);
        self.flush_after(if is_heavy { 1 } else { few });
        if let Err(error) = maintain::name_snapshot(&self.tools) {
            tracing::debug!(%error, "a snapshot was not named; the next to write makes another");
        }
    }
}
