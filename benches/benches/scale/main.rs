//! What stays small while a store grows: `cargo xtask bench scale`.
//!
//! Each measurement prints what it found beside what is to be reached. Name some to run no others: `many`, `large`,
//! `growth`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that measures speaks through its terminal"
)]

mod growth;
mod large;
mod many;
mod process;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask bench scale [MEASUREMENT]... [--rows N] [--mib N]

  many    create, latest and list, with --rows checkpoints (1,000,000) against 1,000
  large   memory while a state of --mib MiB (1,024) is saved and read back
  growth  the file after 200 turns of 2 KiB, all of the conversation saved each turn

Without a MEASUREMENT all are made. Exits with 1 when one is beyond what is to be reached. CHECKPOINT_BENCH_DIR names
the disk to measure on.
";

/// What was asked for.
struct Asked {
    measurements: Vec<String>,
    rows: u64,
    mib: u64,
}

impl Asked {
    fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self {
            measurements: Vec::new(),
            rows: 1_000_000,
            mib: 1_024,
        };
        let mut args = args;
        while let Some(arg) = args.next() {
            let mut number = || {
                let value = args.next().and_then(|value| value.parse().ok());
                value.ok_or_else(|| format!("{arg} needs a number"))
            };
            match arg.as_str() {
                // Cargo says so to every benchmark.
                "--bench" => {}
                "--rows" => asked.rows = number()?,
                "--mib" => asked.mib = number()?,
                "many" | "large" | "growth" => asked.measurements.push(arg),
                _ => return Err(format!("what is `{arg}`?\n\n{HELP}")),
            }
        }
        Ok(asked)
    }

    fn wants(&self, measurement: &str) -> bool {
        self.measurements.is_empty() || self.measurements.iter().any(|it| it == measurement)
    }
}

/// Prints what was found, and counts what was missed.
#[derive(Debug, Default)]
struct Report {
    missed: usize,
}

impl Report {
    /// A heading, or what was done to measure.
    fn say(&self, line: &str) {
        println!("{line}");
    }

    /// One measurement.
    fn at_most(&mut self, what: &str, found: f64, reach: f64, unit: &str) {
        let verdict = if found <= reach {
            "reached"
        } else {
            self.missed += 1;
            "MISSED"
        };
        println!(
            "  {what:<44} found {found:>9.2} {unit:<5} reach {reach:>9.2} {unit:<5} {verdict}"
        );
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq(large::CHILD).is_some() {
        large::child(&args.collect::<Vec<_>>());
        return ExitCode::SUCCESS;
    }
    if args.peek().is_some_and(|arg| arg == "--help") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let asked = match Asked::parse(args) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    if asked.wants("growth") {
        growth::run(&mut report);
    }
    if asked.wants("large") {
        large::run(&mut report, asked.mib);
    }
    if asked.wants("many") {
        many::run(&mut report, asked.rows);
    }
    ExitCode::from(u8::from(report.missed > 0))
}
