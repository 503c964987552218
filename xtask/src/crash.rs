//! `cargo xtask crash`: `kill -9` while writers are acknowledged, on each backend that outlives its process.

use std::sync::Arc;
use std::time::Instant;

use checkpoint_torture::kill::{Kill, Report, run};
use checkpoint_torture::load::Seed;
use checkpoint_torture::{Control, Subject};

use crate::backends::ENCRYPTED;
use crate::closing::Closing;
use crate::options::Options;
use crate::{Outcome, backends};

/// Kills after which a control that was not caught is missed.
const CONTROL_ROUNDS: u64 = 30;

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let options = Options::parse(
        "crash",
        args,
        &["--backend", "--rounds", "--seed"],
        &[ENCRYPTED, "--negative"],
    )?;
    let subjects = backends::asked_subjects(&options)?;
    let seed = options.seed()?;
    let rounds = options.number("--rounds")?.unwrap_or(50);
    let mut closing = Closing::default();
    for subject in &subjects {
        if options.has("--negative") {
            for control in Control::ALL {
                closing.count(is_caught(subject, control, seed)?);
            }
        } else {
            closing.count(holds(subject, &Kill::new(seed).with_rounds(rounds), seed)?);
        }
    }
    closing.line()
}

fn holds(subject: &Arc<dyn Subject>, kill: &Kill, seed: Seed) -> Result<bool, String> {
    let name = subject.name();
    println!("== {name}: seed {seed}");
    let started = Instant::now();
    let report = run(subject, kill, |line| println!("{line}"))?;
    for wrong in report.wrong.iter().take(20) {
        println!("   {wrong}");
    }
    if let Some(kept) = &report.kept {
        println!("   the store lies in {}", kept.display());
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{name}: {report}, in {seconds:.1} s");
    Ok(report.wrong.is_empty())
}

fn is_caught(subject: &Arc<dyn Subject>, control: Control, seed: Seed) -> Result<bool, String> {
    let kill = Kill::new(seed)
        .with_rounds(CONTROL_ROUNDS)
        .with_control(control);
    let report: Report = run(subject, &kill, |_| {})?;
    let (name, control) = (subject.name(), control.name());
    match report.wrong.first() {
        Some(why) => println!(
            "{name}, which {control}: caught by kill {}: {why}",
            report.kills
        ),
        None => println!("{name}, which {control}: NOT CAUGHT by {report}"),
    }
    Ok(!report.wrong.is_empty())
}
