//! Requests to an object store fail, one after the other, and many by chance.
//!
//! Two machines have one store open and work in turn, and now and then at once: they save, tag, annotate, delete, fork,
//! claim, sweep, look, keep the store in order, close it or vanish, and open it again. What they ask of the objects fails,
//! hangs, arrives late, is cut off, or is a list of yesterday, while a clock moves on by hours. What must hold:
//!
//! - What was acknowledged is there, for each machine at once and for good; no sequence is given twice or left out.
//! - What was refused is not there. What nobody knows is there whole or not at all, and done again it is as it was.
//! - Of two machines that claimed a session the older one writes no more; of two that count, each counts by itself.
//! - An error has a request that failed as its cause, and says that it may be tried again.
//! - Once nothing fails any more all goes on, and nothing that is needed was taken away.
//!
//! [`load`](crate::load) keeps what was told, and judges.

mod machine;
mod op;
mod plan;
mod service;
mod subject;
#[cfg(test)]
mod tests;
mod told;
mod trial;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::{JoinError, JoinSet};

use self::plan::Plan;
pub use self::service::Service;
pub use self::subject::{ObjectSubject, Opening};
use self::trial::{Seen, Trial};
use crate::load::Seed;
use crate::place::runtime;

/// How often it is told how far a run has come.
const TELLING: Duration = Duration::from_secs(20);
/// Loads under way at once: they wait more than they work.
const AT_ONCE: usize = 6;
/// Lines of what is wrong with one load.
const LINES: usize = 16;

/// How a backend is tried.
#[derive(Clone, Debug)]
pub struct RequestFaults {
    seed: Seed,
    turns: u64,
    most: usize,
    schedules: u64,
    only: String,
    service: Service,
    is_control: bool,
}

impl RequestFaults {
    /// Loads of 20 operations: one for each request with each fault, and 500 in which many fail.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            turns: 20,
            most: usize::MAX,
            schedules: 500,
            only: String::new(),
            service: Service::Sound,
            is_control: false,
        }
    }

    /// With loads of so many operations.
    #[must_use]
    pub fn with_steps(mut self, steps: u64) -> Self {
        self.turns = steps;
        self
    }

    /// With about so many loads in which one request fails, by chance, where there are more.
    #[must_use]
    pub fn with_most(mut self, loads: usize) -> Self {
        self.most = loads;
        self
    }

    /// With so many loads in which many fail.
    #[must_use]
    pub fn with_schedules(mut self, schedules: u64) -> Self {
        self.schedules = schedules;
        self
    }

    /// Those loads alone whose description has this in it: the one that was broken, again.
    #[must_use]
    pub fn with_only(mut self, part: &str) -> Self {
        part.clone_into(&mut self.only);
        self
    }

    /// On another service.
    #[must_use]
    pub fn with_service(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    /// On something that must be noticed: a run ends with the first load that does.
    #[must_use]
    pub fn as_control(mut self) -> Self {
        (self.is_control, self.most) = (true, 0);
        self
    }
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Loads that were done.
    pub trials: u64,
    /// Requests that failed.
    pub struck: u64,
    /// Errors that callers were told.
    pub told: u64,
    /// Of those, such as said that nobody knows.
    pub unknown: u64,
    /// Turns at which a machine stood at a request without an answer.
    pub stalled: u64,
    /// How often a machine opened the store.
    pub opened: u64,
    /// How often one slept while the other made many entries.
    pub slept: u64,
    /// How often a store was compared with what was told.
    pub judged: u64,
    /// Loads in which something is wrong.
    pub broken: u64,
    /// What is wrong, of some of them.
    pub wrong: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} loads, {} requests failed, {} errors told ({} of them unknown), {} stalls, {} opened, {} slept, {} judged, {} loads broken",
            self.trials,
            self.struck,
            self.told,
            self.unknown,
            self.stalled,
            self.opened,
            self.slept,
            self.judged,
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
        self.stalled += seen.stalled;
        self.opened += seen.opened;
        self.slept += seen.slept;
        self.judged += seen.judged;
        if seen.wrong.is_empty() {
            return Vec::new();
        }
        self.broken += 1;
        let lines = seen.wrong.into_iter().take(LINES);
        let mut wrong = vec![what.to_owned()];
        wrong.extend(lines.map(|line| format!("  {line}")));
        if self.broken <= 5 {
            self.wrong.extend(wrong.iter().cloned());
        }
        wrong
    }
}

/// Lets requests fail: each of one load in each way, or about as many as are wanted, and then many by chance.
///
/// # Errors
///
/// When it cannot be tried: there is no runtime, or the load fails without a fault.
pub fn run(
    subject: &Arc<dyn ObjectSubject>,
    faults: &RequestFaults,
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
    run.each()?;
    run.many();
    Ok(run.report)
}

/// A run, as far as it is.
struct Run<'a> {
    subject: &'a Arc<dyn ObjectSubject>,
    faults: &'a RequestFaults,
    runtime: Runtime,
    report: Report,
    told: Instant,
    say: &'a mut dyn FnMut(&str),
}

/// A load that was done, by its description.
type Done = Result<(String, Seen), JoinError>;

impl Run<'_> {
    fn trial(&self, seed: Seed, plan: Plan) -> Trial {
        Trial {
            subject: Arc::clone(self.subject),
            seed,
            turns: self.faults.turns,
            service: self.faults.service,
            plan,
        }
    }

    /// One request fails.
    fn each(&mut self) -> Result<(), String> {
        if self.faults.most == 0 {
            return Ok(());
        }
        let mut seed = self.faults.seed;
        let counted = self.trial(seed, Plan::Nothing).count();
        let counted = self.runtime.block_on(counted);
        let made = counted.map_err(|why| format!("it fails without a fault: {why}"))?;
        let plans = made.iter().enumerate();
        let mut plans: Vec<_> = plans.flat_map(|(it, made)| Plan::each(it, made)).collect();
        let (all, most) = (plans.len() as u64, self.faults.most as u64);
        if all > most {
            plans.retain(|_| seed.below(all) < most);
        }
        let of = self.faults.seed;
        self.all(plans.into_iter().map(|plan| (of, plan.to_string(), plan)));
        Ok(())
    }

    /// Many fail.
    fn many(&mut self) {
        let seed = self.faults.seed;
        let schedules = 0..self.faults.schedules;
        self.all(schedules.map(|number| {
            let what = format!("schedule {number}.");
            (seed.of(number), what, Plan::Many)
        }));
    }

    /// Some loads at once, until all are done, or a control is caught.
    fn all(&mut self, loads: impl Iterator<Item = (Seed, String, Plan)>) {
        let mut under_way = JoinSet::new();
        for (seed, what, plan) in loads {
            if !what.contains(&self.faults.only) {
                continue;
            }
            if under_way.len() >= AT_ONCE {
                let done = self.runtime.block_on(under_way.join_next());
                self.take(done);
            }
            if self.faults.is_control && self.report.broken > 0 {
                break;
            }
            self.tell(&what);
            let trial = self.trial(seed, plan);
            let _inside = self.runtime.enter();
            under_way.spawn(async move { (what, trial.run().await) });
        }
        while !under_way.is_empty() {
            let done = self.runtime.block_on(under_way.join_next());
            self.take(done);
        }
    }

    /// Tells from time to time how far it is.
    fn tell(&mut self, what: &str) {
        if self.told.elapsed() >= TELLING {
            self.told = Instant::now();
            let (name, report) = (self.subject.name(), &self.report);
            (self.say)(&format!("{name}: {what} {report}"));
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
