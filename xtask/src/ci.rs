//! `cargo xtask ci`: every check that a change must pass, in one run.
//!
//! A stage that fails does not stop those after it, so that one run shows all there is to mend.

mod count;
mod stages;
mod summary;

use std::time::Instant;

use self::count::{Counter, Tally};
use self::stages::Stage;
use self::summary::Line;
use crate::{Outcome, Verdict, process};

pub(crate) fn run(args: &[&str]) -> Outcome {
    let manifest = process::root().join("crates/checkpoint/Cargo.toml");
    let manifest = std::fs::read_to_string(&manifest)
        .map_err(|error| format!("cannot read {}: {error}", manifest.display()))?;
    let stages = chosen(stages::all(&manifest), args)?;

    let mut lines = Vec::new();
    for stage in &stages {
        lines.push(run_stage(stage));
    }
    print!("\n{}", summary::render(&lines));
    Ok(Verdict::from_success(
        lines.iter().all(|line| line.tally.failed == 0),
    ))
}

/// All stages, or the one that was asked for.
fn chosen(mut stages: Vec<Stage>, args: &[&str]) -> Result<Vec<Stage>, String> {
    match *args {
        [] => Ok(stages),
        ["--stage", name] => {
            let names: Vec<_> = stages.iter().map(|stage| stage.name.clone()).collect();
            stages.retain(|stage| stage.name == name);
            if stages.is_empty() {
                return Err(format!(
                    "there is no stage `{name}`; there are: {}",
                    names.join(", ")
                ));
            }
            Ok(stages)
        }
        _ => Err(format!(
            "ci takes `--stage NAME` or nothing, not `{}`",
            args.join(" ")
        )),
    }
}

fn run_stage(stage: &Stage) -> Line {
    println!("\n== {}: cargo {}", stage.name, stage.args.join(" "));
    let started = Instant::now();
    let (tally, failures) = tally(stage).unwrap_or_else(|why| {
        eprintln!("xtask: {why}");
        let tally = Tally {
            passed: 0,
            failed: 1,
        };
        (tally, vec![why])
    });
    let seconds = started.elapsed().as_secs_f64();
    let outcome = summary::outcome(tally);
    println!("== {}: {outcome} in {seconds:.1} s", stage.name);
    Line {
        stage: stage.name.clone(),
        tally,
        seconds,
        failures,
    }
}

/// The figures of a stage that has run, and the lines that told what failed.
fn tally(stage: &Stage) -> Result<(Tally, Vec<String>), String> {
    let mut command = process::cargo();
    command.args(&stage.args).envs(stage.env.iter().copied());
    let mut counter = stage.counts.counter();
    // What nobody counts keeps the terminal to itself, with colours and progress.
    let success = match &mut counter {
        Some(counter) => process::run_seeing(&mut command, |line| counter.see(line))?,
        None => process::run(&mut command)?,
    };
    let tally = count::judge(success, counter.as_ref());
    Ok((
        tally,
        counter.map(Counter::into_failures).unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages() -> Vec<Stage> {
        stages::all("[features]\nsqlite = []\n")
    }

    #[test]
    fn without_arguments_every_stage_is_chosen() {
        assert_eq!(
            chosen(stages(), &[]).map(|stages| stages.len()),
            Ok(stages().len())
        );
    }

    #[test]
    fn one_stage_is_chosen_by_its_name() {
        let stages = chosen(stages(), &["--stage", "clippy-sqlite"]).unwrap();
        let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
        assert_eq!(names, ["clippy-sqlite"]);
    }

    #[test]
    fn an_unknown_stage_is_refused_with_those_there_are() {
        let why = chosen(stages(), &["--stage", "tests"]).unwrap_err();
        assert!(
            why.contains("`tests`") && why.contains("fmt, tidy"),
            "{why}"
        );
    }

    #[test]
    fn other_arguments_are_refused() {
        assert!(chosen(stages(), &["--stage"]).is_err());
        assert!(chosen(stages(), &["--fast"]).is_err());
    }
}
