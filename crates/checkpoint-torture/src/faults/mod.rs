//! Each call to a file fails, one after the other.
//!
//! A load of some operations is counted first: how often it opens, reads, writes, syncs, and so on. Then it is done again
//! for each of these calls, which fails as calls do: with EIO, with ENOSPC, after half of a write; once, or for good
//! until it is mended. What must hold:
//!
//! - Who is affected is told, with an error that says what may be the matter, and `applied: Unknown` where nobody knows
//!   whether the commit is there. Whoever is told otherwise is told the truth.
//! - What was acknowledged stays, also when the power goes afterwards: [images](crate::disk::Images) of that are opened.
//! - Once the fault is gone the store works again, or says [`Stopped`](checkpoint_core::ErrorKind::Stopped) and works
//!   after it is opened again.

mod after;
mod desk;
mod trial;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use self::trial::{Phase, Seen, Trial};
use crate::chain::chain;
use crate::config::in_memory;
use crate::control::Control;
use crate::disk::{Op, Plan};
use crate::load::Seed;
use crate::place::{fresh, runtime};
use crate::subject::Subject;

/// How often it is told how far a run has come.
const TELLING: Duration = Duration::from_secs(10);

/// How a backend is tried.
#[derive(Clone, Debug)]
pub struct Faults {
    seed: Seed,
    steps: u64,
    most: usize,
    only: String,
    pub(crate) control: Option<Control>,
    pub(crate) directory: PathBuf,
}

impl Faults {
    /// A load of 20 operations, below a directory in memory where the system has one.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            steps: 20,
            most: usize::MAX,
            only: String::new(),
            control: None,
            directory: in_memory(),
        }
    }

    /// With a load of so many operations.
    #[must_use]
    pub fn with_steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }

    /// With about so many loads of each kind (a store is made, worked on, opened, …), by chance, where there are more: an
    /// engine that reads page by page has very many calls that may fail.
    #[must_use]
    pub fn with_most(mut self, loads: usize) -> Self {
        self.most = loads.max(1);
        self
    }

    /// Those loads alone whose description, as a [`Report`] gives it, has this in it: the one that was broken, again.
    #[must_use]
    pub fn with_only(mut self, part: &str) -> Self {
        part.clone_into(&mut self.only);
        self
    }
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Loads that were done with a fault.
    pub trials: u64,
    /// Calls that failed.
    pub struck: u64,
    /// Errors that callers were told.
    pub told: u64,
    /// Of those, such as said that nobody knows.
    pub unknown: u64,
    /// How often the store had to be opened again.
    pub reopened: u64,
    /// Images of a cut of the power after a fault.
    pub images: u64,
    /// Loads in which something is wrong.
    pub broken: u64,
    /// What is wrong, of some of them.
    pub wrong: Vec<String>,
    /// Why there was nothing to try.
    pub skipped: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} loads with a fault, {} calls failed, {} errors told ({} of them unknown), {} reopened, {} images cut afterwards, {} loads broken",
            self.trials,
            self.struck,
            self.told,
            self.unknown,
            self.reopened,
            self.images,
            self.broken
        )
    }
}

impl Report {
    /// Adds what became of a load, and answers what is wrong with it.
    fn add(&mut self, seen: Seen, what: &str) -> Vec<String> {
        self.trials += 1;
        self.struck += seen.struck;
        self.told += seen.told;
        self.unknown += seen.unknown;
        self.reopened += seen.reopened;
        self.images += seen.images;
        if seen.wrong.is_empty() {
            return Vec::new();
        }
        self.broken += 1;
        let lines = seen.wrong.into_iter().take(4);
        let mut wrong = vec![what.to_owned()];
        wrong.extend(lines.map(|line| format!("  {line}")));
        if self.broken <= 5 {
            self.wrong.extend(wrong.iter().cloned());
        }
        wrong
    }
}

/// Lets every call of a load fail, in all ways, one after the other. A control is let go as soon as it is caught.
///
/// # Errors
///
/// When it cannot be tried: no directory can be had, or the load fails without a fault.
pub fn run(
    subject: &Arc<dyn Subject>,
    faults: &Faults,
    mut say: impl FnMut(&str),
) -> Result<Report, String> {
    let runtime = runtime()?;
    let mut report = Report::default();
    let mut told = Instant::now();
    // Controls are wrong where several write to a store that was made just now.
    let phases: &[Phase] = match faults.control {
        Some(_) => &[Phase::Together],
        None => &Phase::ALL,
    };
    for phase in phases.iter().copied() {
        let trial = |plan| -> Result<Trial, String> {
            Ok(Trial {
                subject: Arc::clone(subject),
                phase,
                plan,
                seed: faults.seed,
                steps: faults.steps,
                control: faults.control,
                place: fresh(&faults.directory)?,
                spare: fresh(&faults.directory)?,
            })
        };
        let counted = match runtime.block_on(trial(None)?.count()) {
            Ok(counted) => counted,
            Err(error) if *error.kind() == checkpoint_core::ErrorKind::Unsupported => {
                report.skipped = Some(error.to_string());
                return Ok(report);
            }
            Err(error) => {
                let why = chain(&error);
                return Err(format!("{phase} fails without a fault: {why}"));
            }
        };
        let mut under_way = JoinSet::new();
        for plan in thinned(plans(&counted, phase, faults.seed), faults) {
            if under_way.len() >= 2 {
                take(
                    &mut report,
                    runtime.block_on(under_way.join_next()),
                    &mut say,
                );
            }
            if faults.control.is_some() && report.broken > 0 {
                break;
            }
            if told.elapsed() >= TELLING {
                told = Instant::now();
                say(&format!("{}: {phase}, {plan}: {report}", subject.name()));
            }
            if !format!("{phase}, {plan}").contains(&faults.only) {
                continue;
            }
            let trial = trial(Some(plan))?;
            let _inside = runtime.enter();
            under_way.spawn(async move { (format!("{phase}, {plan}"), trial.run().await) });
        }
        while !under_way.is_empty() {
            take(
                &mut report,
                runtime.block_on(under_way.join_next()),
                &mut say,
            );
        }
    }
    Ok(report)
}

/// What is wrong is told at once: a long run may be stopped before its end.
fn take(
    report: &mut Report,
    done: Option<Result<(String, Seen), tokio::task::JoinError>>,
    say: &mut impl FnMut(&str),
) {
    let wrong = match done {
        None => Vec::new(),
        Some(Ok((what, seen))) => report.add(seen, &what),
        Some(Err(error)) => report.add(Seen::broken(format!("it panics: {error}")), "a load"),
    };
    wrong.iter().for_each(|line| say(&format!("   {line}")));
}

/// About as many as are wanted, by chance.
fn thinned(mut plans: Vec<Plan>, faults: &Faults) -> Vec<Plan> {
    let (all, mut seed) = (plans.len(), faults.seed);
    if all > faults.most {
        plans.retain(|_| seed.below(all as u64) < faults.most as u64);
    }
    plans
}

/// Every call of each kind, with everything that may be wrong with it.
fn plans(counted: &[(Op, u64)], phase: Phase, mut seed: Seed) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (op, calls) in counted.iter().copied() {
        let stride = phase.stride();
        let first = 1 + seed.below(stride as u64);
        for nth in (first..=calls).step_by(stride) {
            for fault in op.faults().iter().copied() {
                plans.extend([false, true].map(|for_good| Plan {
                    op,
                    nth,
                    fault,
                    for_good,
                }));
            }
        }
    }
    plans
}
