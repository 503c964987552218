//! `cargo xtask machines`: several processes on one store, some of them killed, on a bucket of a service.
//!
//! Clients read their credentials from the environment. So who holds the service starts this program once more, with what a
//! client needs in its environment, and that one starts the machines.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_torture::load::Seed;
use checkpoint_torture::machines::{LATE, Machines, Report, run};
use checkpoint_torture::{Control, Subject};

use crate::backends::ENCRYPTED;
use crate::closing::Closing;
use crate::options::Options;
use crate::services::{Disturbed, Held, Kind};
use crate::{Outcome, Verdict, backends, process};

use self::bucket::{BUCKET, Bucket};

pub(crate) mod bucket;

/// Rounds after which a control that was not caught is missed.
const CONTROL_ROUNDS: u64 = 20;
/// How long one waits for what a control may never do.
const CONTROL_PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing need come to pass, where processes of the service are killed.
const DISTURBED: Duration = Duration::from_secs(300);

const VALUES: [&str; 5] = [
    "--backend",
    "--service",
    "--processes",
    "--rounds",
    "--seed",
];
const FLAGS: [&str; 4] = ["--running", "--disturb", ENCRYPTED, "--negative"];

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let options = Options::parse("machines", args, &VALUES, &FLAGS)?;
    if options.has("--backend") || std::env::var_os(BUCKET).is_some() {
        return here(&options);
    }
    let kind = Kind::parse(options.value("--service").unwrap_or("s3"))?;
    let held = match Held::start(kind, options.has("--running")) {
        Ok(held) => held,
        Err(trouble) => {
            let name = kind.name();
            let why = trouble.skipped().map_err(|why| format!("{name}: {why}"))?;
            println!("{name}: skipped: {why}");
            let mut closing = Closing::default();
            closing.skip();
            return closing.line();
        }
    };
    let disturbed = options.has("--disturb").then(|| Disturbed::begin(&held));
    let disturbed = disturbed.transpose()?;
    let program = std::env::current_exe().map_err(|error| format!("no program: {error}"))?;
    let mut again = Command::new(program);
    again.arg("machines").args(args).envs(bucket::of(&held)?);
    let holds = process::run(&mut again)?;
    if let Some(disturbed) = disturbed {
        println!("{}: {}", kind.name(), disturbed.end()?);
    }
    Ok(Verdict::from_success(holds))
}

/// Tries what this process can reach.
fn here(options: &Options<'_>) -> Outcome {
    let seed = options.seed()?;
    let mut machines = Machines::new(seed)
        .with_rounds(options.number("--rounds")?.unwrap_or(10))
        .with_processes(&processes(options.value("--processes").unwrap_or("2,4"))?);
    if options.has("--disturb") {
        machines = machines.with_patience(DISTURBED);
    }
    let mut closing = Closing::default();
    for subject in subjects(options)? {
        if options.has("--negative") {
            for control in Control::SHARED {
                let machines = machines.clone().with_control(control);
                closing.count(is_caught(&subject, control.name(), machines)?);
            }
        } else {
            match holds(&subject, &machines, seed)? {
                Some(holds) => closing.count(holds),
                None => closing.skip(),
            }
        }
    }
    if options.has("--negative") && !options.has("--backend") {
        for (subject, what) in bucket::broken() {
            closing.count(is_caught(&subject, what, machines.clone())?);
        }
    }
    closing.line()
}

fn subjects(options: &Options<'_>) -> Result<Vec<Arc<dyn Subject>>, String> {
    if options.has("--backend") {
        return backends::asked_subjects(options);
    }
    let bucket: Arc<dyn Subject> = Arc::new(Bucket::default().at_rest());
    Ok(backends::as_asked(options, vec![bucket]))
}

/// Numbers of processes, such as `2,4`.
fn processes(text: &str) -> Result<Vec<usize>, String> {
    let counts = text.split(',').map(|word| match word.parse() {
        Ok(count @ 2..=16) => Ok(count),
        _ => Err(format!(
            "machines takes numbers from 2 to 16 after --processes, such as `2,4`, not `{text}`"
        )),
    });
    counts.collect()
}

/// Whether nothing is wrong; nothing where it cannot be tried.
fn holds(
    subject: &Arc<dyn Subject>,
    machines: &Machines,
    seed: Seed,
) -> Result<Option<bool>, String> {
    let name = subject.name();
    println!("== {name}: seed {seed}");
    let started = Instant::now();
    let report = run(subject, machines, |line| println!("{line}"))?;
    if let Some(why) = &report.skipped {
        println!("{name}: skipped: {why}");
        return Ok(None);
    }
    for wrong in report.wrong.iter().take(20) {
        println!("   {wrong}");
    }
    if let Some(kept) = &report.kept {
        println!("   the place is {}", kept.display());
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{name}: {report}, in {seconds:.1} s");
    Ok(Some(report.wrong.is_empty()))
}

fn is_caught(subject: &Arc<dyn Subject>, what: &str, machines: Machines) -> Result<bool, String> {
    let started = Instant::now();
    let machines = machines
        .with_rounds(CONTROL_ROUNDS)
        .with_patience(CONTROL_PATIENCE);
    let report: Report = run(subject, &machines, |_| {})?;
    let (name, seconds) = (subject.name(), started.elapsed().as_secs_f64());
    // That something took long proves nothing: the machine may be busy.
    let mut found = report.wrong.iter().filter(|why| !why.contains(LATE));
    let why = found.next();
    match why {
        Some(why) => println!(
            "{name}, which {what}: caught in round {}, after {seconds:.1} s: {why}",
            report.rounds
        ),
        None => println!("{name}, which {what}: NOT CAUGHT by {report}"),
    }
    Ok(why.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_processes_are_read_or_refused() {
        assert_eq!(processes("2,4"), Ok(vec![2, 4]));
        assert_eq!(processes("3"), Ok(vec![3]));
        for bad in ["", "1", "2,", "2;4", "17", "-2"] {
            assert!(
                processes(bad).unwrap_err().contains("from 2 to 16"),
                "{bad}"
            );
        }
    }
}
