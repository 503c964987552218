//! Many threads and tasks on one store, and futures that are dropped while the store works for them.
//!
//! Each machine makes a store, works on it from all sides at once, and looks afterwards at all that is there. The first
//! three are threads of the system, that wait as a program without an executor does; the last are tasks, whose futures
//! are dropped after a random poll. Where the backend is shared, half of them work through a second handle.
//!
//! What must hold: a commit is there whole or not at all, none that was acknowledged is missing, no sequence is given
//! twice or skipped, readers see no half and nothing twice, heads go back only when something is deleted, the feed tells
//! it all, nothing hangs, and the store serves a full load when all is over.

mod board;
mod broken;
mod creates;
mod dropped;
mod judge;
mod ledger;
mod mixed;
mod poll;
mod readers;
mod scene;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use checkpoint_conformance::Harness;

pub use broken::negative;

use self::scene::Scene;
use crate::load::Seed;

/// How the machines run.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    seed: Seed,
    patience: Duration,
    only: Option<&'static [&'static str]>,
}

impl Threads {
    /// From a seed, each operation given a minute.
    #[must_use]
    pub const fn new(seed: Seed) -> Self {
        Self {
            seed,
            patience: Duration::from_secs(60),
            only: None,
        }
    }

    /// With another time after which an operation is taken to hang.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Only the machines of these names.
    #[must_use]
    pub const fn only(mut self, machines: &'static [&'static str]) -> Self {
        self.only = Some(machines);
        self
    }
}

/// What a machine did, and what was wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Which machine.
    pub machine: &'static str,
    /// Operations begun.
    pub operations: u64,
    /// Futures dropped before they were done.
    pub dropped: u64,
    /// Checkpoints whose save was acknowledged.
    pub acknowledged: u64,
    /// What was not as it must be.
    pub wrong: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            machine,
            operations,
            dropped,
            acknowledged,
            wrong,
        } = self;
        write!(
            f,
            "{machine}: {operations} operations, {dropped} dropped, {acknowledged} checkpoints acknowledged, {} wrong",
            wrong.len()
        )
    }
}

/// A machine: its name, and what it does to a store.
type Machine = (&'static str, fn(&Arc<Scene>));

const MACHINES: &[Machine] = &[
    ("mixed", mixed::work),
    ("creates", creates::work),
    ("readers", readers::work),
    ("dropped", dropped::work),
];

/// Runs every machine on a store of its own, and tells of each when it is done.
///
/// # Errors
///
/// When a store cannot be made.
pub fn run(
    harness: &Arc<dyn Harness>,
    threads: &Threads,
    mut told: impl FnMut(&Report),
) -> Result<Vec<Report>, String> {
    let mut reports = Vec::new();
    for (n, (machine, work)) in (0..).zip(MACHINES) {
        if threads.only.is_some_and(|only| !only.contains(machine)) {
            continue;
        }
        let scene = Scene::new(&**harness, threads.seed.of(n), threads.patience)
            .map_err(|error| format!("no store could be made: {error}"))?;
        work(&scene);
        if scene.goes_on() {
            judge::judge(&scene);
        }
        let report = scene.report(machine);
        told(&report);
        reports.push(report);
    }
    Ok(reports)
}

#[cfg(test)]
mod tests;
