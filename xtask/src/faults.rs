//! `cargo xtask faults`: every file call of a load fails, on each backend that outlives its process.

use std::sync::Arc;
use std::time::Instant;

use checkpoint_torture::faults::{Faults, run};
use checkpoint_torture::load::Seed;
use checkpoint_torture::{Control, Subject};

use crate::closing::Closing;
use crate::options::Options;
use crate::{Outcome, backends};

/// A backend of which it is known that it does not hold yet, and what docs/reliability.md says of that. It is tried by name
/// only, so that this list is short and what holds stays so.
const KNOWN: [(&str, &str); 1] = [(
    "redb",
    "after some failed reads and syncs it trusts what the next opener may not find",
)];

/// Backends that are broken on purpose, and that a call that fails must find out.
const CONTROLS: [Control; 2] = [Control::AcknowledgesFirst, Control::ForgetsTheGroup];

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let options = Options::parse(
        "faults",
        args,
        &["--backend", "--seed", "--steps", "--only"],
        &["--negative"],
    )?;
    let subjects = options.named("--backend", backends::subjects(), |subject| subject.name())?;
    let seed = options.seed()?;
    let steps = options.number("--steps")?.unwrap_or(20);
    let only = options.value("--only").unwrap_or_default();
    let faults = Faults::new(seed).with_steps(steps).with_only(only);
    let mut closing = Closing::default();
    for subject in &subjects {
        let known = KNOWN.iter().find(|(name, _)| *name == subject.name());
        if let Some((name, why)) = known
            && options.value("--backend").is_none()
        {
            println!("== {name}: LEFT OUT: {why}; try it with --backend {name}");
            continue;
        }
        if options.has("--negative") {
            for control in CONTROLS {
                closing.count(is_caught(subject, &faults, control)?);
            }
        } else {
            closing.count(holds(subject, &faults, seed)?);
        }
    }
    closing.line()
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
