//! A store in object storage, 20 ms and 10 ns a byte away, and one in a directory: `cargo xtask bench objects`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that measures speaks through its terminal"
)]

mod directory;
mod far;
mod in_flight;
mod machines;
mod open;
mod restore;

use std::process::ExitCode;

use checkpoint_benches::report::{Asked, Report};

const HELP: &str = "\
cargo xtask bench objects [--filter TEXT] [--quick]

  --filter TEXT  only loads whose name contains this, or those of a table
  --quick        a tenth of the rounds

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
    match asked.rest.first().map(String::as_str) {
        None => {}
        Some("--help") => {
            print!("{HELP}");
            return Ok(());
        }
        Some(unknown) => return Err(format!("what is `{unknown}`?\n\n{HELP}")),
    }
    let mut report = Report::new(&asked)?;
    directory::run(&mut report, &asked);
    in_flight::run(&mut report, &asked);
    machines::run(&mut report, &asked);
    restore::run(&mut report, &asked);
    open::run(&mut report, &asked);
    Ok(())
}
