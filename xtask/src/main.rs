//! The chores of this workspace: `cargo xtask COMMAND`.
//!
//! One file a command, and a match that picks it. Commands that judge the workspace exit with 0
//! when it holds, 1 when it does not, and 2 when they could not be run at all.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks through its terminal"
)]

mod backends;
mod bench;
mod ci;
mod closing;
mod conformance;
mod crash;
mod faults;
mod machines;
mod model;
mod options;
mod power;
mod process;
mod services;
mod soak;
mod tamper;
mod threads;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  ci [--stage NAME]  run every check that a change must pass, or one of them;
                     closes with `N passed, N failed`
  conformance [--backend NAME] [--case PATTERN] [--list] [--encrypted] [--negative]
                     try the contract on every backend, or show that backends
                     broken on purpose are caught; closes likewise. With
                     --encrypted, here and below, what backends keep is sealed
  conformance --backend s3 (--service NAME | --at URL) [--case PATTERN] [--at-once N]
                     the same on a service that is started and stopped, or below
                     the URL of a bucket, with credentials of the environment
  crash [--backend NAME] [--rounds N] [--seed S] [--encrypted] [--negative]
                     kill -9 while writers are acknowledged, on every backend
                     that outlives its process; closes likewise
  machines [--service s3|ceph | --backend NAME] [--processes 2,4] [--rounds N] [--seed S]
           [--running] [--disturb] [--encrypted] [--negative]
                     several processes on one store, some of them killed, on a
                     bucket of a service: one that it starts, or that runs;
                     --disturb kills processes of the service too
  model [--backend NAME] [--cases N] [--seed S] [--encrypted]
                     play the same steps on every backend and on the model, and
                     compare all answers; closes likewise
  faults [--backend NAME] [--steps N] [--loads N] [--schedules N] [--seed S]
         [--only LOAD] [--encrypted] [--negative]
                     let each file call of a load fail, and each request to an
                     object store, one after the other, or about N of each kind
                     by chance, and then many requests; closes likewise
  power [--backend NAME] [--images N] [--seed S] [--encrypted] [--negative]
                     cut the power at any file call and open what the disk then
                     holds; closes likewise
  services COMMAND [NAME]... [--dir DIR]
                     start, stop and probe the object stores that tests work
                     against; `services help` says which there are
  soak [--only NAME] [--backend NAME] [--seed S]
                     run the harnesses in their long form; takes hours
  tamper [--kills N] change every byte that an encrypted store keeps, and kill
                     N times who changes its keys: tests, in their long form
  threads [--backend NAME] [--rounds N] [--seed S] [--encrypted] [--negative]
                     many threads and tasks on one store, and futures dropped
                     at random, on every backend; closes likewise
  tidy               check the rules that say what may stand where
  bench [NAME] [ARGS]...
                     run a benchmark; arguments go to it, and `bench --help`
                     says which there are
  help               print this
";

fn main() -> ExitCode {
    // A child that is there to be killed works here and does not come back.
    checkpoint_torture::kill::serve(&backends::either(backends::subjects()));
    let shared = [backends::subjects(), machines::bucket::all()].concat();
    checkpoint_torture::machines::serve(&backends::either(shared));
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (command, rest) = match args.split_first() {
        Some((&command, rest)) => (command, rest),
        None => ("help", [].as_slice()),
    };
    match dispatch(command, rest) {
        Ok(Verdict::Holds) => ExitCode::SUCCESS,
        Ok(Verdict::Broken) => ExitCode::from(1),
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: &str, rest: &[&str]) -> Outcome {
    match command {
        "bench" => bench::run(rest),
        "ci" => ci::run(rest),
        "conformance" => conformance::run_command(rest),
        "crash" => crash::run_command(rest),
        "machines" => machines::run_command(rest),
        "model" => model::run_command(rest),
        "faults" => faults::run_command(rest),
        "power" => power::run_command(rest),
        "services" => services::run(rest),
        "soak" => soak::run(rest),
        "tamper" => tamper::run_command(rest),
        "threads" => threads::run_command(rest),
        "tidy" => tidy::run(rest),
        "help" | "--help" | "-h" => help(),
        unknown => Err(format!("there is no command `{unknown}`\n\n{HELP}")),
    }
}

/// What a command found out; a command that could not look answers with an error instead.
type Outcome = Result<Verdict, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    Broken,
}

impl Verdict {
    fn from_success(success: bool) -> Self {
        if success { Self::Holds } else { Self::Broken }
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every arm of the match in main has this shape"
)]
fn help() -> Outcome {
    print!("{HELP}");
    Ok(Verdict::Holds)
}
