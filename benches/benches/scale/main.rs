//! What stays small while a store grows: `cargo xtask bench scale`.
//!
//! Name some measurements to make no others: `many`, `large`, `growth`, `copy`, `files`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that measures speaks through its terminal"
)]

mod copy;
mod files;
mod growth;
mod large;
mod many;

use std::process::ExitCode;

use checkpoint_benches::report::{Asked, Report};

const HELP: &str = "\
cargo xtask bench scale [MEASUREMENT]... [--rows N] [--mib N]

  many    create, latest and list, with --rows checkpoints (1,000,000) against 1,000
  large   memory while a state of --mib MiB (1,024) is saved and read back
  copy    one store into another: 100,000 small states, and memory for --mib MiB of large ones
  files   exports and imports of 100,000 checkpoints, and memory, also of verify, with --mib MiB (1,024)
  growth  the file after 200 turns of 2 KiB, all of the conversation saved each turn

Without a MEASUREMENT all are made. CHECKPOINT_BENCH_DIR names the disk to measure on.
";

/// What was asked for.
#[derive(Debug)]
struct Wanted {
    measurements: Vec<String>,
    rows: u64,
    mib: u64,
}

impl Wanted {
    fn parse(args: Vec<String>) -> Result<Self, String> {
        let mut wanted = Self {
            measurements: Vec::new(),
            rows: many::FULL,
            mib: large::FULL,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut number = || {
                let value = args.next().and_then(|value| value.parse().ok());
                value.ok_or_else(|| format!("{arg} needs a number"))
            };
            match arg.as_str() {
                "--rows" => wanted.rows = number()?,
                "--mib" => wanted.mib = number()?,
                "many" | "large" | "growth" | "copy" | "files" => wanted.measurements.push(arg),
                _ => return Err(format!("what is `{arg}`?\n\n{HELP}")),
            }
        }
        Ok(wanted)
    }

    fn wants(&self, measurement: &str) -> bool {
        self.measurements.is_empty() || self.measurements.iter().any(|it| it == measurement)
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq(large::CHILD).is_some() {
        large::child(&args.collect::<Vec<_>>());
        return ExitCode::SUCCESS;
    }
    if args.next_if_eq(copy::CHILD).is_some() {
        copy::child(&args.collect::<Vec<_>>());
        return ExitCode::SUCCESS;
    }
    if args.next_if_eq(files::CHILD).is_some() {
        files::child(&args.collect::<Vec<_>>());
        return ExitCode::SUCCESS;
    }
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn run(args: impl Iterator<Item = String>) -> Result<(), String> {
    let mut asked = Asked::parse(args)?;
    if asked.rest.iter().any(|arg| arg == "--help") {
        print!("{HELP}");
        return Ok(());
    }
    if asked.filter.is_some() {
        return Err(format!("name measurements instead of a filter\n\n{HELP}"));
    }
    let wanted = Wanted::parse(std::mem::take(&mut asked.rest))?;
    let mut report = Report::new(&asked)?;
    if wanted.wants("growth") {
        growth::run(&mut report);
    }
    if wanted.wants("copy") {
        copy::run(&mut report, wanted.mib);
    }
    if wanted.wants("files") {
        files::run(&mut report, wanted.mib);
    }
    if wanted.wants("large") {
        large::run(&mut report, wanted.mib);
    }
    if wanted.wants("many") {
        many::run(&mut report, wanted.rows);
    }
    Ok(())
}
