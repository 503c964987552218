//! `cargo xtask threads`: many threads and tasks on one store, on each backend.

use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_conformance::{Control, Harness};
use checkpoint_torture::load::Seed;
use checkpoint_torture::threads::{Report, Threads, negative, run};

use crate::backends::ENCRYPTED;
use crate::closing::Closing;
use crate::options::Options;
use crate::{Outcome, backends};

/// What a control is given to answer, so that one that hangs is soon seen.
const PATIENCE: Duration = Duration::from_secs(3);
/// Rounds after which a control that was not caught is missed.
const CONTROL_ROUNDS: u64 = 5;

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let options = Options::parse(
        "threads",
        args,
        &["--backend", "--rounds", "--seed"],
        &[ENCRYPTED, "--negative"],
    )?;
    let seed = options.seed()?;
    let mut closing = Closing::default();
    if options.has("--negative") {
        // What a broken backend makes panic is told by the machine that caught it.
        std::panic::set_hook(Box::new(|_| {}));
        for control in negative() {
            closing.count(is_caught(&control, seed)?);
        }
    } else {
        let rounds = options.number("--rounds")?.unwrap_or(1);
        for harness in backends::asked_harnesses(&options)? {
            for report in all(&harness, seed, rounds)? {
                closing.count(report.wrong.is_empty());
            }
        }
    }
    closing.line()
}

/// Every machine, in so many rounds, each from a seed of its own; stops after a round in which something was wrong.
fn all(harness: &Arc<dyn Harness>, seed: Seed, rounds: u64) -> Result<Vec<Report>, String> {
    let name = harness.name();
    println!("== {name}: seed {seed}");
    let mut reports = Vec::new();
    for round in 0..rounds {
        // The first round is the seed itself, so that it can be had again alone.
        let of_round = if round == 0 { seed } else { seed.of(round) };
        let mut started = Instant::now();
        let of = run(harness, &Threads::new(of_round), |report| {
            let seconds = started.elapsed().as_secs_f64();
            println!("{name} {report}, in {seconds:.1} s");
            for wrong in report.wrong.iter().take(20) {
                println!("   {wrong}");
            }
            started = Instant::now();
        })?;
        let wrong = of.iter().any(|report| !report.wrong.is_empty());
        reports.extend(of);
        if wrong {
            let again = backends::again(name);
            println!("   again with: {again} --seed {of_round}");
            break;
        }
    }
    Ok(reports)
}

/// Whether the machine that is there for it catches a backend that is broken on purpose.
fn is_caught(control: &Control, seed: Seed) -> Result<bool, String> {
    let name = control.name;
    for round in 0..CONTROL_ROUNDS {
        let threads = Threads::new(seed.of(round))
            .with_patience(PATIENCE)
            .only(control.caught_by);
        for report in run(&control.harness(), &threads, |_| {})? {
            if let Some(why) = report.wrong.first() {
                println!("{name}: caught by {}: {why}", report.machine);
                return Ok(true);
            }
        }
    }
    println!("{name}: NOT CAUGHT in {CONTROL_ROUNDS} rounds");
    Ok(false)
}
