//! `cargo xtask model`: the model test, and one long log, on each backend that there is.

use std::sync::Arc;
use std::time::Instant;

use checkpoint_conformance::model::{
    LOG_DIGEST, LOG_SEED, LOG_STEPS, Options, Report, controls, play_log, run,
};
use checkpoint_conformance::{Control, Harness};

use crate::backends::ENCRYPTED;
use crate::options::Options as Asked;
use crate::{Outcome, Verdict, backends};

/// Seeds of the day lie so far apart that the cases of one day are not those of the next.
const SEEDS_A_DAY: u64 = 1_000_000;

/// What no list of steps shows of a broken backend below an encrypted store: limits are judged before anything is sealed.
const MENDED: &str = "acknowledges what is over a limit";

/// How many cases, logs and controls passed and failed.
#[derive(Debug, Default)]
struct Sum {
    passed: u64,
    failed: u64,
}

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let values = ["--backend", "--cases", "--seed"];
    let asked = Asked::parse("model", args, &values, &[ENCRYPTED])?;
    let harnesses = backends::asked_harnesses(&asked)?;
    let seed = match asked.number("--seed")? {
        Some(seed) => seed,
        None => asked.seed()?.0.wrapping_mul(SEEDS_A_DAY),
    };
    let cases = asked.number("--cases")?;
    let cases = cases.unwrap_or(Options::default().cases);
    if cases == 0 {
        return Err("no cases prove nothing; take at least one".to_owned());
    }
    let options = Options::default().with_cases(cases).with_seed(seed);
    println!("seed {seed}; the same again with `--seed {seed}`");
    let mut sum = Sum::default();
    for harness in harnesses {
        let told = |report: &Report| println!("{}: {report}", harness.name());
        sum.add(&timed(|| run(&harness, &options), told));
        sum.add(&timed(|| recorded(&harness), told));
        sum.add(&timed(|| play_log(&harness, seed, LOG_STEPS / 4), told));
    }
    // What a broken backend makes panic is told by the test that caught it.
    std::panic::set_hook(Box::new(|_| {}));
    // A fault that shows seldom must not be missed by chance on some day.
    let options = options.with_cases(cases.max(4_096)).with_tries(0);
    let sealed = asked.has(ENCRYPTED);
    for control in controls() {
        let harness = control.harness();
        if !sealed {
            sum.control(&control, &harness, &options);
        } else if control.name != MENDED {
            sum.control(&control, &backends::encrypted(harness), &options);
        }
    }
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(Verdict::from_success(sum.failed == 0))
}

/// The log whose digest is known.
fn recorded(harness: &Arc<dyn Harness>) -> Report {
    let mut report = play_log(harness, LOG_SEED, LOG_STEPS);
    report.compare_digest(LOG_DIGEST);
    report
}

fn timed(play: impl FnOnce() -> Report, tell: impl FnOnce(&Report)) -> Report {
    let began = Instant::now();
    let report = play();
    tell(&report);
    println!("  in {:.1} s", began.elapsed().as_secs_f64());
    report
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.passed += report.passed;
        self.failed += u64::from(report.failure.is_some());
    }

    /// A backend that is broken on purpose and passes every case shows that the test sees nothing.
    fn control(&mut self, control: &Control, harness: &Arc<dyn Harness>, options: &Options) {
        let report = run(harness, options);
        let name = control.name;
        match &report.failure {
            Some(failing) => {
                println!(
                    "{name}  caught after {} cases, seed {}",
                    report.passed, failing.seed
                );
                self.passed += 1;
            }
            None => {
                println!("{name}  NOT CAUGHT in {} cases", report.passed);
                self.failed += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cases_and_no_option_are_refused() {
        for args in [["--cases", "many"], ["--cases", "0"], ["--fast", "1"]] {
            assert!(run_command(&args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn a_sound_store_adds_its_cases() {
        let mut sum = Sum::default();
        let options = Options::default().with_cases(1);
        let report = run(&Control::sound(), &options);
        sum.add(&report);
        assert_eq!((sum.passed, sum.failed), (1, 0), "{report}");
    }
}
