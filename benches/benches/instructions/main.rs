//! Instructions a single operation takes, beside those of a baseline that is committed: `cargo xtask bench instructions`.
//!
//! Times are noisy, so that a loss of a few parts in a hundred a month is not seen in them; counts are not. Valgrind's
//! callgrind counts a process that does an operation N times and one that does it twice as often; the difference is the
//! operation's own, whatever opening and filling take. Threads of the backend are counted too.
//!
//! callgrind is started here and not by a harness (gungraun): that needs a runner of the very same version installed, and
//! keeps what it compares with in the target directory, where here it is a file that is committed and reviewed.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that measures speaks through its terminal"
)]

mod load;

use std::path::Path;
use std::process::ExitCode;

use checkpoint_benches::baseline::{Baseline, MadeBy};
use checkpoint_benches::callgrind;
use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::report::{Asked, Report};

use self::load::Load;

const HELP: &str = "\
cargo xtask bench instructions [--filter TEXT] [--bless]

  --filter TEXT  only loads whose name contains this
  --bless        write what is counted to benches/instructions.json, to be
                 compared with from now on

Skipped where valgrind is not installed. A baseline is compared with only
under the compiler that it was counted with.
";

/// The first argument of a process that is counted.
const CHILD: &str = "--one-load";

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
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq(CHILD).is_some() {
        return load::child(&args.collect::<Vec<_>>());
    }
    let asked = Asked::parse(args)?;
    let bless = match asked.rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--bless"] if asked.filter.is_none() => true,
        ["--bless"] => return Err("a baseline is whole; leave the filter out".to_owned()),
        ["--help"] => {
            print!("{HELP}");
            return Ok(());
        }
        _ => {
            let unknown = asked.rest.join(" ");
            return Err(format!("what is `{unknown}`?\n\n{HELP}"));
        }
    };
    let mut report = Report::new(&asked)?;
    if let Err(why) = callgrind::is_there() {
        report.skip(Table::Instructions, &why);
        return Ok(());
    }
    let counts = counts(&report)?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json");
    let here = MadeBy::here();
    if bless {
        let named = counts
            .iter()
            .map(|&(load, count)| (load.name().to_owned(), count));
        Baseline::new(here.clone(), named).write(&path)?;
    }
    let baseline = Baseline::read(&path)?;
    if let Some(why) = baseline.is_foreign(&here) {
        report.skip(Table::Instructions, &why);
    }
    for (load, count) in counts {
        let now = Spread::value(count as f64, load.times());
        let mut figure = Figure::alone(Table::Instructions, load.name(), "", now);
        if let Some(base) = baseline.count(load.name(), &here) {
            figure = figure.beside(Spread::value(base as f64, load.times()));
        }
        report.tell(figure);
    }
    Ok(())
}

/// What each load takes that is asked for.
fn counts(report: &Report) -> Result<Vec<(Load, u64)>, String> {
    let wanted = (0..)
        .zip(Load::ALL)
        .filter(|(_, load)| report.wants(Table::Instructions, load.name()));
    let counted = wanted.map(|(at, load): (usize, Load)| {
        report.say(&format!("counting {}", load.name()));
        let (at, times) = (at.to_string(), load.times());
        let once = callgrind::count(&[CHILD, &at, &times.to_string()])?;
        let twice = callgrind::count(&[CHILD, &at, &(2 * times).to_string()])?;
        Ok((load, twice.saturating_sub(once) / times as u64))
    });
    counted.collect()
}
