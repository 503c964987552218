//! The store against the bare engine, in turn in one run: `cargo xtask bench store`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that measures speaks through its terminal"
)]

mod in_flight;
mod read;
mod save;
mod states;

use std::process::ExitCode;

use checkpoint_benches::report::{Asked, Report};

const HELP: &str = "\
cargo xtask bench store [--filter TEXT] [--quick]

  --filter TEXT  only loads whose name contains this, or those of a table
  --quick        a tenth of the rounds

  --states DIR   measures nothing and writes the states that are saved to DIR,
                 for those who are compared with the store

CHECKPOINT_BENCH_DIR names the disk to measure on.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let asked = Asked::parse(std::env::args().skip(1))?;
    match asked.rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["--help"] => {
            print!("{HELP}");
            return Ok(());
        }
        ["--states", dir] => return states::write(dir.as_ref()),
        [unknown, ..] => return Err(format!("what is `{unknown}`?\n\n{HELP}")),
    }
    let mut report = Report::new(&asked)?;
    save::run(&mut report, &asked);
    in_flight::run(&mut report, &asked);
    save::run_not_durable(&mut report, &asked);
    read::run(&mut report, &asked);
    Ok(())
}
