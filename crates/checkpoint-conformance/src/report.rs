//! Running cases and telling how they went.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::case::{Case, Failure};
use crate::context::Context;
use crate::harness::Harness;

/// How long one case may take.
pub const CASE_TIMEOUT: Duration = Duration::from_secs(60);

/// How one case went. Its `Display` is one line.
#[derive(Clone, Debug)]
pub struct Line {
    /// The case.
    pub case: Case,
    /// How it went.
    pub outcome: Outcome,
    /// How many bad or hostile inputs it tried.
    pub inputs: u64,
}

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend does what the contract says.
    Passed,
    /// It does not.
    Failed(String),
    /// It says that it cannot.
    Skipped(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, outcome, .. } = self;
        write!(f, "{:<12}  {}  ", case.clause.name(), case.name)?;
        match outcome {
            Outcome::Passed => f.write_str("ok"),
            Outcome::Failed(why) => write!(f, "FAILED: {why}"),
            Outcome::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

/// How all of them went. Its `Display` is the closing line: `N passed, N failed`, and `, N skipped` if any were.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One for each case that was run, in their order.
    pub lines: Vec<Line>,
}

impl Report {
    /// How many passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.count(|outcome| *outcome == Outcome::Passed)
    }

    /// How many failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// How many were skipped.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    /// How many bad or hostile inputs were tried in all.
    #[must_use]
    pub fn inputs(&self) -> u64 {
        self.lines.iter().map(|line| line.inputs).sum()
    }

    /// The names of the cases that failed.
    #[must_use]
    pub fn failures(&self) -> Vec<&'static str> {
        let failed = self
            .lines
            .iter()
            .filter(|line| matches!(line.outcome, Outcome::Failed(_)));
        failed.map(|line| line.case.name).collect()
    }

    fn count(&self, of: impl Fn(&Outcome) -> bool) -> usize {
        self.lines.iter().filter(|line| of(&line.outcome)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed(), self.failed())?;
        match self.skipped() {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} skipped"),
        }
    }
}

/// Runs cases one after another, each on a store of its own, and tells of each as soon as it is known.
///
/// Wants a Tokio runtime with several threads and time: a backend that blocks, panics or hangs costs its own case
/// alone.
pub async fn run(
    harness: &Arc<dyn Harness>,
    cases: &[Case],
    mut tell: impl FnMut(&Line),
) -> Report {
    let mut report = Report::default();
    for case in cases {
        let line = run_case(Arc::clone(harness), *case, CASE_TIMEOUT).await;
        tell(&line);
        report.lines.push(line);
    }
    report
}

/// The cases whose name or clause contains a pattern.
#[must_use]
pub fn matching(cases: Vec<Case>, pattern: &str) -> Vec<Case> {
    let wanted = |case: &Case| case.name.contains(pattern) || case.clause.name() == pattern;
    cases.into_iter().filter(wanted).collect()
}

/// Runs one case on a store of its own, for no longer than this.
///
/// Wants a runtime as [`run`] does. Several may run at once.
pub async fn run_case(harness: Arc<dyn Harness>, case: Case, at_most: Duration) -> Line {
    let context = tokio::spawn(async move { Context::new(harness).await }).await;
    let context = match context {
        Ok(Ok(context)) => Arc::new(context),
        Ok(Err(error)) => return failed(case, format!("no store to try it on: {error}")),
        Err(panic) => {
            return failed(
                case,
                format!("making a store panicked: {}", panicked(panic)),
            );
        }
    };
    let cx = Arc::clone(&context);
    // A task of its own, since a backend that blocks its thread cannot be timed from the same task.
    let mut task = tokio::spawn(async move { (case.run)(&cx).await });
    let outcome = match tokio::time::timeout(at_most, &mut task).await {
        Ok(Ok(Ok(()))) => Outcome::Passed,
        Ok(Ok(Err(Failure::Wrong(why)))) => Outcome::Failed(one_line(&why)),
        Ok(Ok(Err(Failure::Skipped(why)))) => Outcome::Skipped(one_line(&why)),
        Ok(Err(panic)) => Outcome::Failed(one_line(&format!("panicked: {}", panicked(panic)))),
        Err(_) => {
            task.abort();
            Outcome::Failed(format!("not done within {} s", at_most.as_secs_f32()))
        }
    };
    Line {
        case,
        outcome,
        inputs: context.inputs(),
    }
}

fn failed(case: Case, why: String) -> Line {
    Line {
        case,
        outcome: Outcome::Failed(one_line(&why)),
        inputs: 0,
    }
}

fn panicked(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "was cancelled".to_owned();
    };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}

/// The text on one line of a length that a person reads, without what a terminal would obey.
fn one_line(text: &str) -> String {
    const MOST: usize = 600;
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(MOST).map(clean).collect();
    if text.chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}
