//! The suite as a test program.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::case::Case;
use crate::cases;
use crate::harness::Harness;
use crate::report::{Outcome, run};

/// The `main` of a test in which each case is a test of its own, with the arguments that `cargo test` gives.
///
/// A case that is skipped is told as ignored, with the reason. In `tests/conformance.rs`, with
/// `[[test]] name = "conformance"` and `harness = false` in the manifest:
///
/// ```no_run
/// use std::process::ExitCode;
/// use std::sync::Arc;
///
/// use checkpoint_conformance::{Memory, test_main};
///
/// fn main() -> ExitCode {
///     test_main(Arc::new(Memory)) // Here stands a harness of your own.
/// }
/// ```
#[must_use]
pub fn test_main(harness: Arc<dyn Harness>) -> ExitCode {
    let trial = |case: Case| {
        let harness = Arc::clone(&harness);
        Trial::ignorable_test(case.name, move || try_case(&harness, case))
            .with_kind(case.clause.name())
    };
    let trials = cases().into_iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn try_case(harness: &Arc<dyn Harness>, case: Case) -> Result<Completion, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let report = runtime.block_on(run(harness, &[case], |_| {}));
    match report.lines.into_iter().next().map(|line| line.outcome) {
        Some(Outcome::Passed) => Ok(Completion::Completed),
        Some(Outcome::Skipped(why)) => Ok(Completion::ignored_with(why)),
        Some(Outcome::Failed(why)) => Err(why.into()),
        None => Err("the case was not run".into()),
    }
}
