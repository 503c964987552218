//! What a stage adds to `N passed, N failed`.

/// Where a stage's figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// The stage is one check.
    Itself,
    /// The lines with which test binaries close, added up.
    Tests,
    /// The last line of the form `N passed, N failed`.
    Closing,
}

impl Counts {
    pub(super) fn counter(self) -> Option<Counter> {
        match self {
            Self::Itself => None,
            Self::Tests | Self::Closing => Some(Counter {
                counts: self,
                seen: None,
                failures: Vec::new(),
                panicked: false,
            }),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

#[derive(Debug)]
pub(super) struct Counter {
    counts: Counts,
    seen: Option<Tally>,
    failures: Vec<String>,
    /// Whether the line before said where a panic was: why it was stands on the next.
    panicked: bool,
}

impl Counter {
    pub(super) fn see(&mut self, line: &str) {
        if self.tells_failure(line) && self.failures.len() < FAILURES_KEPT {
            self.failures.push(line.to_owned());
        }
        self.panicked = line.contains(" panicked at ");
        if self.counts == Counts::Tests {
            if let Some(more) = test_result(line) {
                let sum = self.seen.get_or_insert_default();
                sum.passed += more.passed;
                sum.failed += more.failed;
            }
        } else if let Some(last) = closing(line) {
            self.seen = Some(last);
        }
    }
}

impl Counter {
    /// The lines that said what failed, for the end of the run.
    pub(super) fn into_failures(self) -> Vec<String> {
        self.failures
    }

    /// Whether `line` is of a case that failed: its result, what it panicked with, or what a
    /// harness, which indents it, found wrong.
    fn tells_failure(&self, line: &str) -> bool {
        if line.starts_with("test result: ") {
            return false;
        }
        let found = self.counts == Counts::Closing && line.starts_with("   ");
        let result = line.contains("FAILED") || line.contains("NOT CAUGHT");
        found || result || line.contains(" panicked at ") || self.panicked
    }
}

/// How many failures of one stage are told again: enough to see a pattern.
const FAILURES_KEPT: usize = 20;

/// The tally of a stage that ended with `success`.
///
/// A failure that no figure shows (a test that does not compile, a command that is not there)
/// counts as one, and so does a success that counted nothing: a run whose tests went missing must
/// not look like one whose tests passed.
pub(super) fn judge(success: bool, counter: Option<&Counter>) -> Tally {
    let Some(counter) = counter else {
        return Tally {
            passed: u64::from(success),
            failed: u64::from(!success),
        };
    };
    let mut tally = counter.seen.unwrap_or_default();
    let told = tally.failed > 0;
    if !told && (!success || counter.seen.is_none()) {
        tally.failed = 1;
    }
    tally
}

/// `test result: ok. 3 passed; 0 failed; 0 ignored; …`
fn test_result(line: &str) -> Option<Tally> {
    let (_, figures) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let (passed, rest) = figures.split_once(" passed; ")?;
    let (failed, _) = rest.split_once(" failed")?;
    Some(Tally {
        passed: passed.parse().ok()?,
        failed: failed.parse().ok()?,
    })
}

/// `3 passed, 0 failed`, perhaps `, 2 skipped`, and nothing else on the line.
fn closing(line: &str) -> Option<Tally> {
    let (passed, rest) = line.split_once(" passed, ")?;
    let rest = match rest.strip_suffix(" skipped") {
        Some(rest) => {
            let (rest, skipped) = rest.rsplit_once(", ")?;
            skipped.parse::<u64>().ok()?;
            rest
        }
        None => rest,
    };
    let failed = rest.strip_suffix(" failed")?;
    Some(Tally {
        passed: passed.parse().ok()?,
        failed: failed.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(counts: Counts, success: bool, output: &str) -> (u64, u64) {
        let mut counter = counts.counter();
        if let Some(counter) = &mut counter {
            output.lines().for_each(|line| counter.see(line));
        }
        let tally = judge(success, counter.as_ref());
        (tally.passed, tally.failed)
    }

    const OK: &str = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
    const FAILED: &str = "test result: FAILED. 2 passed; 5 failed; 0 ignored; 0 measured";

    #[test]
    fn a_stage_without_figures_counts_as_one() {
        assert_eq!(judged(Counts::Itself, true, ""), (1, 0));
        assert_eq!(judged(Counts::Itself, false, ""), (0, 1));
    }

    #[test]
    fn results_of_all_test_binaries_are_added_up() {
        let output = format!("running 3 tests\n{OK}; finished in 0.1s\n\n{FAILED}\n{OK}\n");
        assert_eq!(judged(Counts::Tests, false, &output), (8, 5));
    }

    #[test]
    fn a_failure_that_no_figure_shows_counts_as_one() {
        assert_eq!(judged(Counts::Tests, false, OK), (3, 1));
        assert_eq!(judged(Counts::Closing, false, "3 passed, 0 failed"), (3, 1));
        assert_eq!(judged(Counts::Closing, false, ""), (0, 1));
    }

    #[test]
    fn a_success_that_counted_nothing_is_a_failure() {
        assert_eq!(judged(Counts::Tests, true, "running 0 tests"), (0, 1));
        assert_eq!(judged(Counts::Closing, true, "all is well"), (0, 1));
    }

    fn failures(counts: Counts, output: &[&str]) -> Vec<String> {
        let mut counter = counts.counter().unwrap();
        output.iter().for_each(|line| counter.see(line));
        counter.into_failures()
    }

    #[test]
    fn failed_tests_and_their_panics_are_kept() {
        let panic = ["thread 'b' panicked at b.rs:1:1:", "no b"];
        let output = ["test a ... ok", "test b ... FAILED", panic[0], panic[1], ""];
        let kept = failures(Counts::Tests, &[&output[..], &[OK, FAILED]].concat());
        assert_eq!(kept, ["test b ... FAILED", panic[0], panic[1]]);
    }

    #[test]
    fn what_a_harness_found_wrong_is_kept() {
        let output = [
            "== b: seed 1",
            "   b: lost",
            "b: NOT CAUGHT by 3 kills",
            "1 passed, 2 failed",
        ];
        assert_eq!(failures(Counts::Closing, &output), output[1..3]);
    }

    #[test]
    fn the_last_closing_line_counts() {
        let output = "memory\n3 passed, 0 failed\nsqlite\n7 passed, 2 failed\n";
        assert_eq!(judged(Counts::Closing, false, output), (7, 2));
    }

    #[test]
    fn what_was_skipped_is_not_counted() {
        let output = "5 passed, 0 failed, 2 skipped\n";
        assert_eq!(judged(Counts::Closing, true, output), (5, 0));
        assert_eq!(closing("5 passed, 0 failed, many skipped"), None);
    }

    #[test]
    fn lines_that_only_resemble_a_result_are_not_counted() {
        for line in [
            "said: 3 passed, 0 failed",
            "3 passed, 0 failed.",
            "x passed, y failed",
        ] {
            assert_eq!(closing(line), None, "{line}");
        }
        for line in ["test result: ok", "test results: ok. 3 passed; 0 failed"] {
            assert_eq!(test_result(line), None, "{line}");
        }
    }
}
