//! How a benchmark is asked, and where it tells what it found.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that measures speaks through its terminal"
)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::figure::{Figure, Spread, Table, Told};

/// A benchmark that understands no more than all do: measures what is asked for, or says how to ask.
pub fn program(
    help: &str,
    measure: impl FnOnce(&mut Report, &Asked) -> Result<(), String>,
) -> ExitCode {
    let run = || {
        let asked = Asked::parse(std::env::args().skip(1))?;
        match asked.rest.first().map(String::as_str) {
            None => measure(&mut Report::new(&asked)?, &asked),
            Some("--help") => {
                print!("{help}");
                Ok(())
            }
            Some(unknown) => Err(format!("what is `{unknown}`?\n\n{help}")),
        }
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// What every benchmark understands, beside what is its own.
#[derive(Debug, Default)]
pub struct Asked {
    /// Only loads whose table or name contains this.
    pub filter: Option<String>,
    /// Where figures are told, a line of JSON each.
    pub json: Option<PathBuf>,
    /// Whether fewer rounds will do.
    pub quick: bool,
    /// What it does not understand.
    pub rest: Vec<String>,
}

impl Asked {
    /// Reads `--filter TEXT`, `--json PATH` and `--quick`, and keeps the rest.
    ///
    /// # Errors
    ///
    /// When a value is missing.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                // Cargo says so to every benchmark.
                "--bench" => {}
                "--filter" => asked.filter = Some(value()?),
                "--json" => asked.json = Some(PathBuf::from(value()?)),
                "--quick" => asked.quick = true,
                _ => asked.rest.push(arg),
            }
        }
        Ok(asked)
    }

    /// A tenth of so many rounds when they need not be many.
    #[must_use]
    pub fn rounds(&self, full: usize) -> usize {
        if self.quick { (full / 10).max(5) } else { full }
    }
}

/// Tells what was found, on the terminal and to who started the benchmark.
#[derive(Debug)]
pub struct Report {
    filter: Option<String>,
    json: Option<File>,
}

impl Report {
    /// Tells where it was asked to.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    pub fn new(asked: &Asked) -> Result<Self, String> {
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map_err(|error| format!("cannot open {}: {error}", path.display()))
        };
        Ok(Self {
            filter: asked.filter.clone(),
            json: asked.json.as_deref().map(open).transpose()?,
        })
    }

    /// Whether this load is to be measured.
    #[must_use]
    pub fn wants(&self, table: Table, load: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| {
            load.contains(filter.as_str()) || table.heading().contains(filter.as_str())
        })
    }

    /// A heading, or what is done to measure.
    pub fn say(&self, line: &str) {
        println!("{line}");
    }

    /// A figure.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn tell(&mut self, figure: Figure) {
        let Figure { load, unit, .. } = &figure;
        let side = |spread: Spread| {
            let Spread {
                median, low, high, ..
            } = spread;
            format!("{median:.2} {unit} ({low:.2} to {high:.2})")
        };
        let base = figure.base.map_or_else(String::new, |base| {
            format!("; {} {}", figure.table.sides().0, side(base))
        });
        println!("  {load}: {}{base}", side(figure.ours));
        self.write(&Told::Figure(figure));
    }

    /// A table that cannot be filled here.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn skip(&mut self, table: Table, why: &str) {
        println!("  skipped: {why}");
        let why = why.to_owned();
        self.write(&Told::Skipped { table, why });
    }

    fn write(&mut self, told: &Told) {
        if let Some(file) = &mut self.json {
            let line = serde_json::to_string(told).expect("encodes");
            writeln!(file, "{line}").expect("a figure is written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked, String> {
        Asked::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_a_benchmarks_own_is_kept_for_it() {
        let asked = asked("--bench many --quick --rows 7 --filter save").unwrap();
        assert_eq!(asked.rest, ["many", "--rows", "7"]);
        assert_eq!(asked.filter.as_deref(), Some("save"));
        assert_eq!(asked.rounds(2_000), 200);
    }

    #[test]
    fn an_option_without_its_value_is_refused() {
        assert!(asked("--json").unwrap_err().contains("--json"));
    }

    #[test]
    fn a_filter_picks_loads_and_tables() {
        let report = Report::new(&asked("--filter Reads").unwrap()).unwrap();
        assert!(report.wants(Table::Reads, "get"));
        assert!(!report.wants(Table::Durable, "save"));
        let all = Report::new(&asked("").unwrap()).unwrap();
        assert!(all.wants(Table::Durable, "save"));
    }

    #[test]
    fn figures_are_told_a_line_each_behind_those_that_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("told");
        let line = format!("--json {}", path.display());
        for load in ["a", "b"] {
            let mut report = Report::new(&asked(&line).unwrap()).unwrap();
            report.tell(Figure::alone(
                Table::Growth,
                load,
                "MB",
                Spread::value(1.0, 1),
            ));
        }
        let told = std::fs::read_to_string(path).unwrap();
        let loads: Vec<String> = told
            .lines()
            .map(|line| match serde_json::from_str(line).unwrap() {
                Told::Figure(figure) => figure.load,
                told => panic!("{told:?}"),
            })
            .collect();
        assert_eq!(loads, ["a", "b"]);
    }
}
