//! A store in object storage, 20 ms and 10 ns a byte away, and one in a directory: `cargo xtask bench objects`.

mod directory;
mod far;
mod in_flight;
mod machines;
mod open;
mod restore;

use std::process::ExitCode;

use checkpoint_benches::report::{Asked, Report, program};

const HELP: &str = "\
cargo xtask bench objects [--filter TEXT] [--quick]

  --filter TEXT  only loads whose name contains this, or those of a table
  --quick        a tenth of the rounds

CHECKPOINT_BENCH_DIR names the disk to measure on.
";

fn main() -> ExitCode {
    program(HELP, run)
}

fn run(report: &mut Report, asked: &Asked) -> Result<(), String> {
    directory::run(report, asked);
    in_flight::run(report, asked);
    machines::run(report, asked);
    restore::run(report, asked);
    open::run(report, asked);
    Ok(())
}
