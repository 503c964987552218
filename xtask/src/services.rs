//! `cargo xtask services`: object stores to test against. All listen on this machine alone, each on a port of its own.

mod ceph;
mod client;
mod daemon;
mod environment;
mod held;
mod install;
mod kind;
mod place;
mod probe;
mod service;

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use self::held::{Disturbed, Held};
pub(crate) use self::kind::Kind;
use self::place::Place;
pub(crate) use self::service::{STORE, Service};
use crate::closing::Closing;
use crate::options::Options;
use crate::{Outcome, Verdict, process};

const HELP: &str = "\
cargo xtask services COMMAND

  start NAME...        install and start services, each empty, to run until stopped
  stop NAME...         stop them
  status [NAME...]     say which of their processes run
  env NAME...          print what a client needs, a `KEY=VALUE` a line; CHECKPOINT_STORE
                       is the URL of a store, the others credentials for it
  run NAME [--or-skip] -- COMMAND [ARG]...
                       run a command beside a fresh service, with all that in its
                       environment, and stop the service; where there can be none,
                       fail, or say so and do nothing
  kill NAME PROCESS    kill one process with no warning, as `status` names it
  up NAME [PROCESS]    start again, over what is there, one process or all that are down
  probe NAME... [--writers N] [--rounds N] [--running]
                       let writers race for one key with create-only puts, and
                       say how many won; on fresh services, stopped at the end,
                       or on those that `start` left running; closes with
                       `N passed, N failed`

  --dir DIR            where what runs is kept, in place of target/services/run

services:

";

const RUN: &str =
    "run takes a service, perhaps --or-skip, then `--` and a command with its arguments";

pub(crate) fn run(args: &[&str]) -> Outcome {
    let Some((&command, rest)) = args.split_first() else {
        return Ok(help());
    };
    let (names, options) = split(rest);
    match command {
        "start" => each(&names, &plain(&options)?, start),
        "stop" => each(&names, &plain(&options)?, stop),
        "env" => each(&names, &plain(&options)?, env),
        "status" if names.is_empty() => {
            let all: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            each(&all, &plain(&options)?, status)
        }
        "status" => each(&names, &plain(&options)?, status),
        "kill" | "up" => one_process(command, &names, &plain(&options)?),
        "probe" => probe(&names, &options),
        "run" => run_beside(rest),
        "help" | "--help" | "-h" => Ok(help()),
        unknown => Err(format!("services knows no `{unknown}`\n\n{}", text())),
    }
}

fn text() -> String {
    let services = Kind::ALL.map(|kind| format!("  {:<8} {}\n", kind.name(), kind.about()));
    format!("{HELP}{}", services.concat())
}

fn help() -> Verdict {
    print!("{}", text());
    Verdict::Holds
}

/// The names that come first, and the options after them.
fn split<'a>(args: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let first = args.iter().position(|arg| arg.starts_with('-'));
    let (names, options) = args.split_at(first.unwrap_or(args.len()));
    (names.to_vec(), options.to_vec())
}

/// Where what runs is kept.
fn plain(options: &[&str]) -> Result<PathBuf, String> {
    let options = Options::parse("services", options, &["--dir"], &[])?;
    kept(&options)
}

fn kept(options: &Options<'_>) -> Result<PathBuf, String> {
    match options.value("--dir") {
        Some(dir) => std::path::absolute(dir).map_err(|error| format!("{dir}: {error}")),
        None => Ok(place::root().join("run")),
    }
}

fn each(names: &[&str], dir: &Path, act: fn(&Place) -> Outcome) -> Outcome {
    let kinds = Kind::parse_all(names)?;
    let mut verdict = Verdict::Holds;
    for kind in kinds {
        if act(&Place::new(kind, dir.join(kind.name())))? == Verdict::Broken {
            verdict = Verdict::Broken;
        }
    }
    Ok(verdict)
}

fn start(place: &Place) -> Outcome {
    if place.is_running() {
        println!("{} runs already", place.kind.name());
    } else {
        service::launch(place).map_err(|trouble| trouble.to_string())?;
    }
    env(place)
}

fn stop(place: &Place) -> Outcome {
    daemon::stop_all(&place.dir)?;
    println!("{}: nothing runs", place.kind.name());
    Ok(Verdict::Holds)
}

fn env(place: &Place) -> Outcome {
    print!("{}", place.environment()?);
    Ok(Verdict::Holds)
}

fn status(place: &Place) -> Outcome {
    let daemons = daemon::all(&place.dir);
    for (name, process) in &daemons {
        let state = if process.is_alive() {
            "runs"
        } else {
            "is down"
        };
        println!(
            "{}: {name} {state}, process {}",
            place.kind.name(),
            process.id
        );
    }
    if daemons.is_empty() {
        println!("{}: not started", place.kind.name());
    }
    Ok(Verdict::Holds)
}

fn one_process(command: &str, names: &[&str], dir: &Path) -> Outcome {
    let (name, process) = match (command, names) {
        ("up", [name]) => (name, None),
        (_, [name, process]) => (name, Some(*process)),
        _ => {
            return Err(format!(
                "{command} takes a service and one of its processes"
            ));
        }
    };
    let kind = Kind::parse(name)?;
    let place = Place::new(kind, dir.join(kind.name()));
    match (command, process) {
        ("kill", Some(process)) => daemon::kill(&place.dir, process)?,
        (_, process) => service::up(&place, process)?,
    }
    status(&place)
}

/// Runs a command while a service of its own lives.
fn run_beside(args: &[&str]) -> Outcome {
    let mut parts = args.splitn(2, |arg| *arg == "--");
    let (name, may_skip) = match parts.next() {
        Some([name]) => (name, false),
        Some([name, "--or-skip"]) => (name, true),
        _ => return Err(RUN.to_owned()),
    };
    let Some([program, rest @ ..]) = parts.next() else {
        return Err(RUN.to_owned());
    };
    let service = match Service::start(Kind::parse(name)?) {
        Ok(service) => service,
        Err(trouble) if may_skip => {
            println!("{name}: skipped: {}", trouble.skipped()?);
            return Ok(Verdict::Holds);
        }
        Err(trouble) => return Err(trouble.to_string()),
    };
    let mut command = Command::new(program);
    command.args(rest).envs(service.environment().pairs());
    process::run(&mut command).map(Verdict::from_success)
}

fn probe(names: &[&str], options: &[&str]) -> Outcome {
    let values = ["--dir", "--writers", "--rounds"];
    let options = Options::parse("services probe", options, &values, &["--running"])?;
    let race = probe::Race {
        writers: options.number("--writers")?.unwrap_or(16),
        rounds: options.number("--rounds")?.unwrap_or(20),
    };
    let dir = options
        .has("--running")
        .then(|| kept(&options))
        .transpose()?;
    let mut closing = Closing::default();
    for kind in Kind::parse_all(names)? {
        let place = dir
            .as_ref()
            .map(|dir| Place::new(kind, dir.join(kind.name())));
        probe::run(kind, place.as_ref(), race, &mut closing)?;
    }
    closing.line()
}

#[cfg(test)]
mod tests;
