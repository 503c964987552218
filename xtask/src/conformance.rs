//! `cargo xtask conformance`: the contract of backends, tried on each that there is.

mod bucket;

use std::sync::Arc;

use checkpoint_conformance::{
    Case, Control, Harness, Report, cases, matching, negative, negative_backups, run,
};
use tokio::runtime::{Builder, Runtime};

use crate::{Outcome, Verdict, backends};

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked<'a> {
    backend: Option<&'a str>,
    pattern: Option<&'a str>,
    list: bool,
    negative: bool,
    encrypted: bool,
    /// A service to be started, or the URL of a bucket.
    service: Option<&'a str>,
    url: Option<&'a str>,
    at_once: Option<usize>,
}

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let asked = parse(args)?;
    let chosen = chosen(asked.pattern)?;
    if asked.list {
        for case in &chosen {
            println!("{} {}", case.clause, case.name);
        }
        return Ok(Verdict::Holds);
    }
    match (asked.service, asked.url) {
        (Some(_), Some(_)) => return Err("give --service or --at, not both".to_owned()),
        (Some(service), None) => return bucket::on_service(service, &asked),
        (None, Some(url)) => return bucket::at(url, &asked, &chosen),
        (None, None) => {}
    }
    let runtime = runtime()?;
    if asked.negative {
        return controls(&runtime, &chosen);
    }
    let mut sum = Report::default();
    for harness in named(backends::all(), asked.backend)? {
        let harness = match asked.encrypted {
            true => backends::encrypted(harness),
            false => harness,
        };
        println!("== {}", harness.name());
        let report = runtime.block_on(run(&harness, &chosen, |line| println!("{line}")));
        println!(
            "{}: {report}, {} bad or hostile inputs",
            harness.name(),
            report.inputs()
        );
        sum.lines.extend(report.lines);
    }
    println!("{sum}");
    Ok(Verdict::from_success(sum.failed() == 0))
}

fn parse<'a>(args: &[&'a str]) -> Result<Asked<'a>, String> {
    let mut asked = Asked::default();
    let mut args = args.iter();
    while let Some(&arg) = args.next() {
        let mut value = || {
            args.next()
                .copied()
                .ok_or_else(|| format!("{arg} needs a value"))
        };
        match arg {
            "--backend" => asked.backend = Some(value()?),
            "--case" => asked.pattern = Some(value()?),
            "--service" => asked.service = Some(value()?),
            "--at" => asked.url = Some(value()?),
            "--at-once" => asked.at_once = Some(number(value()?)?),
            "--list" => asked.list = true,
            "--negative" => asked.negative = true,
            "--encrypted" => asked.encrypted = true,
            other => {
                return Err(format!(
                    "conformance takes --backend NAME, --case PATTERN, --list, --encrypted, --negative, --service NAME, --at URL and \
                     --at-once N, not `{other}`"
                ));
            }
        }
    }
    Ok(asked)
}

fn number(value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("--at-once takes a number from 1 on, not `{value}`"))
}

/// The cases whose name contains the pattern, or whose clause it is.
fn chosen(pattern: Option<&str>) -> Result<Vec<Case>, String> {
    let all = cases();
    let Some(pattern) = pattern else {
        return Ok(all);
    };
    let mut clauses: Vec<_> = all.iter().map(|case| case.clause.name()).collect();
    clauses.dedup();
    let found = matching(all, pattern);
    if found.is_empty() {
        return Err(format!(
            "no case's name contains `{pattern}`; `--list` shows all, and the clauses are: {}",
            clauses.join(", ")
        ));
    }
    Ok(found)
}

/// All backends, or the one that was asked for.
fn named(
    mut all: Vec<Arc<dyn Harness>>,
    name: Option<&str>,
) -> Result<Vec<Arc<dyn Harness>>, String> {
    let Some(name) = name else {
        return Ok(all);
    };
    let names: Vec<_> = all
        .iter()
        .map(|harness| harness.name().to_owned())
        .collect();
    all.retain(|harness| harness.name() == name);
    if all.is_empty() {
        return Err(format!(
            "there is no backend `{name}`; there are: {}",
            names.join(", ")
        ));
    }
    Ok(all)
}

fn runtime() -> Result<Runtime, String> {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start a runtime: {error}"))
}

/// Tries each backend that is broken on purpose; one that passes every case is a hole in the suite.
fn controls(runtime: &Runtime, chosen: &[Case]) -> Outcome {
    // What a broken backend makes panic is told by the case that caught it.
    std::panic::set_hook(Box::new(|_| {}));
    let sound = runtime.block_on(run(&Control::sound(), chosen, |_| {}));
    println!("without a fault: {sound}");
    let (mut caught, mut missed) = (0_u64, sound.failed() as u64);
    let mut judge = |control: &Control, broken: &Arc<dyn Harness>, tried: &[Case]| {
        let report = runtime.block_on(run(broken, tried, |_| {}));
        let (line, is_caught) = judged(control, tried, &report.failures());
        println!("{line}");
        if is_caught {
            caught += 1;
        } else {
            missed += 1;
        }
    };
    // Of a control all of whose cases were left out nothing can be said.
    let here = |name: &&str| chosen.iter().any(|case| case.name == *name);
    for control in negative() {
        if control.caught_by.iter().any(here) {
            judge(&control, &control.harness(), chosen);
        }
    }
    for base in backends::all() {
        if !base.capabilities().backup {
            continue;
        }
        for control in negative_backups() {
            // Stores on a disk are tried by what has to catch them alone.
            let tried: Vec<_> = chosen
                .iter()
                .filter(|case| control.caught_by.contains(&case.name))
                .copied()
                .collect();
            if !tried.is_empty() {
                print!("on {}: ", base.name());
                judge(&control, &control.on(Arc::clone(&base)), &tried);
            }
        }
    }
    println!("{caught} passed, {missed} failed");
    Ok(Verdict::from_success(missed == 0))
}

/// One line on a control, and whether it was caught by every chosen case that is there to catch it.
fn judged(control: &Control, chosen: &[Case], failures: &[&str]) -> (String, bool) {
    let name = control.name;
    let is_chosen = |name: &str| chosen.iter().any(|case| case.name == name);
    let expected = control.caught_by.iter().filter(|name| is_chosen(name));
    let silent: Vec<_> = expected
        .filter(|case| !failures.contains(case))
        .copied()
        .collect();
    let mut line = match failures {
        [] => format!("{name}  NOT CAUGHT"),
        _ => format!(
            "{name}  caught by {}",
            shortened(control.caught_by, failures)
        ),
    };
    if !silent.is_empty() {
        line.push_str(&format!("; NOT BY {}", silent.join(", ")));
    }
    (line, silent.is_empty())
}

/// The cases that caught a control, those that are there to catch it first, and not more than a few.
fn shortened(expected: &[&str], failures: &[&str]) -> String {
    const MOST: usize = 4;
    let (first, others): (Vec<&str>, Vec<&str>) =
        failures.iter().partition(|case| expected.contains(case));
    let all: Vec<&str> = first.into_iter().chain(others).collect();
    let more = all.len().saturating_sub(MOST);
    let shown = all[..all.len() - more].join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_backend_is_refused_with_those_there_are() {
        let why = named(backends::all(), Some("none"))
            .err()
            .unwrap_or_default();
        assert!(why.contains("`none`") && why.contains("memory"), "{why}");
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_refused_with_the_clauses() {
        let why = chosen(Some("no such case")).unwrap_err();
        assert!(
            why.contains("atomic") && why.contains("two-at-once"),
            "{why}"
        );
    }

    #[test]
    fn a_clause_is_a_pattern() {
        let atomic = chosen(Some("atomic")).unwrap();
        assert!(atomic.len() >= 3 && atomic.len() < cases().len());
    }

    #[test]
    fn a_control_is_caught_by_every_case_that_is_there_for_it() {
        let (control, all) = (negative()[0], cases());
        let (line, caught) = judged(&control, &all, control.caught_by);
        assert!(caught && line.contains(control.caught_by[0]), "{line}");
        let (line, caught) = judged(&control, &all, &["another_case"]);
        assert!(!caught && line.contains("NOT BY"), "{line}");
        let (line, caught) = judged(&control, &all, &[]);
        assert!(!caught && line.contains("NOT CAUGHT"), "{line}");
    }

    #[test]
    fn an_option_without_its_value_is_refused() {
        assert!(parse(&["--backend"]).is_err());
        assert!(parse(&["--fast"]).is_err());
        assert!(parse(&["--at-once", "0"]).is_err());
        let asked = parse(&["--list", "--case", "atomic"]).unwrap();
        assert_eq!((asked.list, asked.pattern), (true, Some("atomic")));
    }
}
