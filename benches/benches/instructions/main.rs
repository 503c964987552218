//! Instructions a single operation takes, beside those of a baseline that is committed: `cargo xtask bench instructions`.
//!
//! Times are noisy, so that a loss of a few parts in a hundred a month is not seen in them; counts are not. Valgrind's
//! callgrind counts a process that does an operation N times and one that does it twice as often; the difference is the
//! operation's own, whatever opening and filling take. Threads of the backend are counted too. callgrind is started
//! here: harnesses that drive it compare with the run before on the same machine, and here it is a file that is reviewed.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that measures speaks through its terminal"
)]

mod baseline;
mod callgrind;
mod load;

use std::process::ExitCode;

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::report::{Asked, Report};

use self::baseline::Baseline;
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
    let baseline = if bless {
        Baseline::write(&counts)?
    } else {
        Baseline::read()?
    };
    if let Some(why) = baseline.is_foreign() {
        report.skip(Table::Instructions, &why);
    }
    for (load, count) in counts {
        let now = Spread::value(count as f64, load.times());
        let figure = Figure::alone(Table::Instructions, load.name(), "", now);
        let base = baseline.count(load.name());
        report.tell(base.map_or_else(
            || figure.clone(),
            |base| figure.clone().beside(Spread::value(base as f64, 1)),
        ));
    }
    Ok(())
}

/// What each load takes that is asked for.
fn counts(report: &Report) -> Result<Vec<(Load, u64)>, String> {
    let wanted = Load::ALL
        .into_iter()
        .filter(|load| report.wants(Table::Instructions, load.name()));
    let counted = wanted.map(|load| {
        report.say(&format!("counting {}", load.name()));
        let once = callgrind::count(load, load.times())?;
        let twice = callgrind::count(load, 2 * load.times())?;
        let more = twice.saturating_sub(once);
        Ok((load, more / load.times() as u64))
    });
    counted.collect()
}
