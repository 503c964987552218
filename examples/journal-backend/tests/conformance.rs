//! Every case of the contract as a test of its own.

mod harness;

use std::process::ExitCode;
use std::sync::Arc;

use checkpoint_conformance::{Case, Harness, Outcome, cases, run};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let trial =
        |case: Case| Trial::test(case.name, move || try_case(case)).with_kind(case.clause.name());
    let trials = cases().into_iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn try_case(case: Case) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let journal: Arc<dyn Harness> = Arc::new(harness::Journal);
    let report = runtime.block_on(run(&journal, &[case], |line| println!("{line}")));
    match report.lines.into_iter().next().map(|line| line.outcome) {
        Some(Outcome::Passed | Outcome::Skipped(_)) => Ok(()),
        Some(Outcome::Failed(why)) => Err(why.into()),
        None => Err("the case was not run".into()),
    }
}
