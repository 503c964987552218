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

use checkpoint_core::ErrorKind;
use tokio::runtime::Runtime;
use tokio::task::{JoinError, JoinSet};

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
    let mut run = Run {
        subject,
        faults,
        runtime: runtime()?,
        report: Report::default(),
        told: Instant::now(),
        say: &mut say,
    };
    // Controls are wrong where several write to a store that was made just now.
    let phases: &[Phase] = match faults.control {
        Some(_) => &[Phase::Together],
        None => &Phase::ALL,
    };
    for phase in phases.iter().copied() {
        match run.counted(phase)? {
            Ok(counted) => run.phase(phase, &counted)?,
            Err(why) => {
                run.report.skipped = Some(why);
                break;
            }
        }
    }
    Ok(run.report)
}

/// A run, as far as it is.
struct Run<'a> {
    subject: &'a Arc<dyn Subject>,
    faults: &'a Faults,
    runtime: Runtime,
    report: Report,
    /// When it was told last how far it is.
    told: Instant,
    say: &'a mut dyn FnMut(&str),
}

/// A load that was done, by its description.
type Done = Result<(String, Seen), JoinError>;

impl Run<'_> {
    fn trial(&self, phase: Phase, plan: Option<Plan>) -> Result<Trial, String> {
        Ok(Trial {
            subject: Arc::clone(self.subject),
            phase,
            plan,
            seed: self.faults.seed,
            steps: self.faults.steps,
            control: self.faults.control,
            place: fresh(&self.faults.directory)?,
            spare: fresh(&self.faults.directory)?,
        })
    }

    /// How often each call is made when none fails; or why there is nothing to try.
    fn counted(&self, phase: Phase) -> Result<Result<Vec<(Op, u64)>, String>, String> {
        match self.runtime.block_on(self.trial(phase, None)?.count()) {
            Ok(counted) => Ok(Ok(counted)),
            Err(error) if *error.kind() == ErrorKind::Unsupported => Ok(Err(error.to_string())),
            Err(error) => {
                let why = chain(&error);
                Err(format!("{phase} fails without a fault: {why}"))
            }
        }
    }

    /// Two loads at once, until all are done, or a control is caught.
    fn phase(&mut self, phase: Phase, counted: &[(Op, u64)]) -> Result<(), String> {
        let mut under_way = JoinSet::new();
        for plan in thinned(plans(counted, phase, self.faults.seed), self.faults) {
            if under_way.len() >= 2 {
                let done = self.runtime.block_on(under_way.join_next());
                self.take(done);
            }
            if self.faults.control.is_some() && self.report.broken > 0 {
                break;
            }
            let what = format!("{phase}, {plan}");
            if !what.contains(&self.faults.only) {
                continue;
            }
            self.tell(&what);
            let trial = self.trial(phase, Some(plan))?;
            let _inside = self.runtime.enter();
            under_way.spawn(async move { (what, trial.run().await) });
        }
        while !under_way.is_empty() {
            let done = self.runtime.block_on(under_way.join_next());
            self.take(done);
        }
        Ok(())
    }

    /// Tells from time to time how far it is.
    fn tell(&mut self, what: &str) {
        if self.told.elapsed() >= TELLING {
            self.told = Instant::now();
            let (name, report) = (self.subject.name(), &self.report);
            (self.say)(&format!("{name}: {what}: {report}"));
        }
    }

    /// What is wrong is told at once: a long run may be stopped before its end.
    fn take(&mut self, done: Option<Done>) {
        let wrong = match done {
            None => Vec::new(),
            Some(Ok((what, seen))) => self.report.add(seen, &what),
            Some(Err(error)) => {
                let seen = Seen::broken(format!("it panics: {error}"));
                self.report.add(seen, "a load")
            }
        };
        for line in wrong {
            (self.say)(&format!("   {line}"));
        }
    }
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
