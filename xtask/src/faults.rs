//! `cargo xtask faults`: every file call of a load fails, on each backend that outlives its process, and every request of
//! one to an object store.

mod requests;

use std::sync::Arc;
use std::time::Instant;

use checkpoint_torture::faults::{Faults, run};
use checkpoint_torture::load::Seed;
use checkpoint_torture::requests::{ObjectSubject, RequestFaults};
use checkpoint_torture::{Control, Subject};

use crate::backends::ENCRYPTED;
use crate::closing::Closing;
use crate::options::Options;
use crate::{Outcome, backends};

/// Loads of each kind, unless told: no run of all checks waits for more.
const LOADS: u64 = 700;
/// Loads in which many requests fail, unless told.
const SCHEDULES: u64 = 500;

/// Backends that are broken on purpose, and that a call that fails must find out.
const CONTROLS: [Control; 2] = [Control::AcknowledgesFirst, Control::ForgetsTheGroup];

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let options = Options::parse(
        "faults",
        args,
        &[
            "--backend",
            "--seed",
            "--steps",
            "--loads",
            "--schedules",
            "--only",
        ],
        &[ENCRYPTED, "--negative"],
    )?;
    let mut subjects = options.named("--backend", all(), Tried::name)?;
    if options.has(ENCRYPTED) {
        subjects = subjects.into_iter().map(Tried::encrypted).collect();
    }
    let seed = options.seed()?;
    let steps = options.number("--steps")?.unwrap_or(20);
    let only = options.value("--only").unwrap_or_default();
    // The one that is asked for is never left out.
    let loads = match options.number("--loads")? {
        None if only.is_empty() => LOADS,
        loads => loads.unwrap_or(u64::MAX),
    };
    let faults = Faults::new(seed).with_steps(steps).with_only(only);
    let faults = faults.with_most(usize::try_from(loads).unwrap_or(usize::MAX));
    let schedules = options.number("--schedules")?.unwrap_or(SCHEDULES);
    let of_requests = RequestFaults::new(seed)
        .with_steps(steps)
        .with_only(only)
        .with_most(usize::try_from(loads).unwrap_or(usize::MAX))
        .with_schedules(schedules);
    let mut closing = Closing::default();
    let negative = options.has("--negative");
    for tried in &subjects {
        match tried {
            Tried::Files(subject) if negative => {
                for control in CONTROLS {
                    closing.count(is_caught(subject, &faults, control)?);
                }
            }
            Tried::Files(subject) => closing.count(holds(subject, &faults, seed)?),
            Tried::Requests(subject) if negative => {
                for caught in requests::controls(subject, &of_requests)? {
                    closing.count(caught);
                }
            }
            Tried::Requests(subject) => {
                closing.count(requests::holds(subject, &of_requests, seed)?);
            }
        }
    }
    closing.line()
}

/// What fails below a backend.
enum Tried {
    Files(Arc<dyn Subject>),
    Requests(Arc<dyn ObjectSubject>),
}

impl Tried {
    fn name(&self) -> &str {
        match self {
            Self::Files(subject) => subject.name(),
            Self::Requests(subject) => subject.name(),
        }
    }

    fn encrypted(self) -> Self {
        match self {
            Self::Files(below) => Self::Files(backends::encrypted_subject(below)),
            Self::Requests(below) => Self::Requests(backends::encrypted_objects(below)),
        }
    }
}

fn all() -> Vec<Tried> {
    let files = backends::subjects().into_iter().map(Tried::Files);
    let objects = backends::object_subjects().into_iter();
    files.chain(objects.map(Tried::Requests)).collect()
}

fn holds(subject: &Arc<dyn Subject>, faults: &Faults, seed: Seed) -> Result<bool, String> {
    let name = subject.name();
    println!("== {name}: seed {seed}");
    let started = Instant::now();
    let report = run(subject, faults, |line| println!("{line}"))?;
    if let Some(why) = &report.skipped {
        println!("{name}: skipped: {why}");
        return Ok(true);
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{name}: {report}, in {seconds:.1} s");
    Ok(report.broken == 0)
}

fn is_caught(
    subject: &Arc<dyn Subject>,
    faults: &Faults,
    control: Control,
) -> Result<bool, String> {
    let report = run(subject, &faults.clone().with_control(control), |_| {})?;
    let (name, control) = (subject.name(), control.name());
    match report.wrong.get(1) {
        Some(why) => println!(
            "{name}, which {control}: caught by load {}: {}",
            report.trials,
            why.trim()
        ),
        None => println!("{name}, which {control}: NOT CAUGHT by {report}"),
    }
    Ok(report.broken > 0)
}
