//! One long list of steps that follows from a seed, for good.

use std::sync::Arc;

use proptest_state_machine::ReferenceStateMachine;

use super::dice::Dice;
use super::machine::{Machine, play, runtime};
use super::report::{Failing, Report};
use super::step::Step;
use crate::harness::Harness;

/// The seed of the log of which [`LOG_DIGEST`] is known.
pub const LOG_SEED: u64 = 1;

/// How many steps that log has.
pub const LOG_STEPS: usize = 2_000;

/// What [`play_log`] must come to for [`LOG_SEED`] and [`LOG_STEPS`], on every store. It was recorded once. When it is
/// no longer met, the store in memory answers something as it never did, or answers or steps are told in other words:
/// see which, and record it anew only when it is meant.
pub const LOG_DIGEST: &str = "c59190fb6ddc8f4303fd1db68b968a2a";

/// Plays a log of as many steps on a store and on the model, compares all answers, and digests them.
///
/// The same seed gives the same log on every machine and in every version, as long as steps have the same names. Call
/// it outside of a runtime: it has one of its own.
pub fn play_log(harness: &Arc<dyn Harness>, seed: u64, steps: usize) -> Report {
    let mut report = Report::default();
    let steps = log(seed, steps);
    let seen = Arc::default();
    let played = runtime().and_then(|runtime| {
        let played = runtime.block_on(play(&**harness, &steps, &seen, &mut report));
        played.map_err(|difference| failing(seed, &steps, &seen, difference.0))
    });
    report.failure = played.err();
    report
}

pub(super) fn log(seed: u64, steps: usize) -> Vec<Step> {
    let mut dice = Dice::Seeded(seed);
    let mut handles = Machine::BEGINNING;
    let mut log = Vec::with_capacity(steps);
    while log.len() < steps {
        let step = Step::roll(&mut dice);
        if Machine::preconditions(&handles, &step) {
            handles = Machine::apply(handles, &step);
            log.push(step);
        }
    }
    log
}

/// The last few steps that were played; the seed brings the others back.
fn failing(
    seed: u64,
    steps: &[Step],
    seen: &std::sync::atomic::AtomicUsize,
    why: String,
) -> Failing {
    const LAST: usize = 12;
    let played = seen.load(std::sync::atomic::Ordering::SeqCst);
    let from = played.saturating_sub(LAST);
    let last = steps[from..played].iter().map(|step| format!("{step:?}"));
    let left_out = (from > 0).then(|| format!("({from} steps before)"));
    Failing {
        seed,
        steps: left_out.into_iter().chain(last).collect(),
        why,
    }
}
