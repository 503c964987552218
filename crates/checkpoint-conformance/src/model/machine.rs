//! Lists of steps by chance, played, and made shorter when they fail.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use proptest::strategy::{BoxedStrategy, Just, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use tokio::runtime::{Builder, Runtime};

use super::dice::AnyStep;
use super::play::{Difference, Play};
use super::report::{Failing, Options, Report};
use super::step::Step;
use crate::harness::Harness;

/// How long one step may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// How many handles are open at most.
const MOST_HANDLES: usize = 4;

/// How many steps a list has.
const STEPS: std::ops::RangeInclusive<usize> = 8..=48;

/// As much of the stores as decides which steps make sense: how many handles are open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handles(usize);

/// The machine of steps.
pub(super) struct Machine;

impl Machine {
    pub(super) const BEGINNING: Handles = Handles(1);
}

impl ReferenceStateMachine for Machine {
    type State = Handles;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Handles> {
        Just(Self::BEGINNING).boxed()
    }

    fn transitions(_: &Handles) -> BoxedStrategy<Step> {
        AnyStep.boxed()
    }

    fn apply(Handles(open): Handles, step: &Step) -> Handles {
        Handles(match step {
            Step::Open => open + 1,
            Step::Close(_) => open - 1,
            Step::Reopen => 1,
            _ => open,
        })
    }

    fn preconditions(Handles(open): &Handles, step: &Step) -> bool {
        match step {
            Step::Open => *open < MOST_HANDLES,
            Step::Close(_) | Step::Switch(_) => *open > 1,
            _ => true,
        }
    }
}

/// Tries a store: plays lists of steps on it and on the model until one fails or all are played.
///
/// Call it outside of a runtime: it has one of its own.
pub fn run(harness: &Arc<dyn Harness>, options: &Options) -> Report {
    let mut report = Report::default();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failing) => {
            report.failure = Some(failing);
            return report;
        }
    };
    for seed in (0..options.cases).map(|n| options.seed.wrapping_add(n)) {
        if let Err(failing) = case(&runtime, &**harness, seed, options.tries, &mut report) {
            report.failure = Some(failing);
            break;
        }
    }
    // That of the last list tells nothing of the others.
    report.digest = None;
    report
}

pub(super) fn runtime() -> Result<Runtime, Failing> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| cannot(0, &error))
}

/// Plays the list that follows from a seed. Should it fail, simpler ones are played, at most `tries`, and the simplest
/// that still fails is told.
fn case(
    runtime: &Runtime,
    harness: &dyn Harness,
    seed: u64,
    tries: u32,
    report: &mut Report,
) -> Result<(), Failing> {
    let digest = blake3::hash(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, digest.as_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut tree = Machine::sequential_strategy(STEPS)
        .new_tree(&mut runner)
        .map_err(|why| cannot(seed, &why))?;
    let (_, steps, seen) = tree.current();
    let again = |steps: &[Step], seen: Option<Arc<AtomicUsize>>, report: &mut Report| {
        runtime.block_on(play(harness, steps, &seen.unwrap_or_default(), report))
    };
    let Err(Difference(why)) = again(&steps, seen.clone(), report) else {
        return Ok(());
    };
    let played = seen.map_or(steps.len(), |seen| seen.load(Ordering::SeqCst));
    let mut simplest = (steps[..played].to_vec(), why);
    let mut go_on = tries > 0 && tree.simplify();
    for _ in 0..tries {
        if !go_on {
            break;
        }
        let (_, steps, seen) = tree.current();
        go_on = match again(&steps, seen, &mut Report::default()) {
            Err(Difference(why)) => {
                simplest = (steps, why);
                tree.simplify()
            }
            Ok(()) => tree.complicate(),
        };
    }
    let (steps, why) = simplest;
    Err(Failing {
        seed,
        steps: steps.iter().map(|step| format!("{step:?}")).collect(),
        why,
    })
}

fn cannot(seed: u64, why: &impl std::fmt::Display) -> Failing {
    Failing {
        seed,
        steps: Vec::new(),
        why: format!("nothing to play, or nowhere: {why}"),
    }
}

/// Plays steps on fresh stores and reads everything at the end; counts how many steps it came to in `seen`.
pub(super) async fn play(
    harness: &dyn Harness,
    steps: &[Step],
    seen: &Arc<AtomicUsize>,
    report: &mut Report,
) -> Result<(), Difference> {
    let mut play = in_time(Play::new(harness)).await?;
    go_on(&mut play, steps, seen).await?;
    report.passed += 1;
    report.steps += steps.len() as u64;
    report.commits += play.taken;
    report.compared += play.compared;
    report.digest = Some(play.digest());
    Ok(())
}

/// Plays steps on two stores.
pub(super) async fn go_on(
    play: &mut Play,
    steps: &[Step],
    seen: &Arc<AtomicUsize>,
) -> Result<(), Difference> {
    for step in steps {
        seen.fetch_add(1, Ordering::SeqCst);
        in_time(play.step(step)).await?;
    }
    in_time(play.end()).await
}

/// A store that panics, or does not answer, has failed like one that answers wrongly.
async fn in_time<T>(what: impl Future<Output = Result<T, Difference>>) -> Result<T, Difference> {
    let caught = AssertUnwindSafe(what).catch_unwind();
    match tokio::time::timeout(STEP_TIMEOUT, caught).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Difference(format!(
                "panicked: {}",
                text.unwrap_or_default()
            )))
        }
        Err(_) => Err(Difference(format!("no answer within {STEP_TIMEOUT:?}"))),
    }
}
