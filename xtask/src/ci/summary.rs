//! The table at the end of a run.

use std::fmt::Write;

use super::count::Tally;

#[derive(Debug)]
pub(super) struct Line {
    pub(super) stage: String,
    pub(super) tally: Tally,
    pub(super) seconds: f64,
    /// What the stage said of its failed cases.
    pub(super) failures: Vec<String>,
}

pub(super) fn outcome(tally: Tally) -> &'static str {
    if tally.failed == 0 { "ok" } else { "FAILED" }
}

/// One row a stage, the sums, what failed, and the closing line by which scripts judge the run.
pub(super) fn render(lines: &[Line]) -> String {
    let total = Line {
        stage: "total".to_owned(),
        tally: Tally {
            passed: lines.iter().map(|line| line.tally.passed).sum(),
            failed: lines.iter().map(|line| line.tally.failed).sum(),
        },
        seconds: lines.iter().map(|line| line.seconds).sum(),
        failures: Vec::new(),
    };
    let mut table = format!(
        "{:16} {:8} {:>7} {:>7} {:>9}\n",
        "stage", "", "passed", "failed", "s"
    );
    for line in lines.iter().chain([&total]) {
        let Tally { passed, failed } = line.tally;
        let (stage, outcome, seconds) = (&line.stage, outcome(line.tally), line.seconds);
        let row = format_args!("{stage:16} {outcome:8} {passed:7} {failed:7} {seconds:9.1}");
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{row}");
    }
    for line in lines {
        for failure in &line.failures {
            let _ = writeln!(table, "{}: {failure}", line.stage);
        }
    }
    let Tally { passed, failed } = total.tally;
    let _ = writeln!(table, "\n{passed} passed, {failed} failed");
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stage: &str, passed: u64, failed: u64) -> Line {
        Line {
            stage: stage.to_owned(),
            tally: Tally { passed, failed },
            seconds: 1.25,
            failures: vec!["test a ... FAILED".to_owned(); usize::from(failed > 0)],
        }
    }

    #[test]
    fn what_failed_is_told_before_the_sum_which_stands_alone() {
        let table = render(&[line("fmt", 1, 0), line("test", 40, 2)]);
        let end = "\ntest: test a ... FAILED\n\n41 passed, 2 failed\n";
        assert!(table.ends_with(end), "{table}");
    }

    #[test]
    fn each_stage_has_a_row_with_its_figures_and_its_seconds() {
        let table = render(&[line("fmt", 1, 0), line("test", 40, 2)]);
        let rows: Vec<Vec<_>> = table
            .lines()
            .map(|row| row.split_whitespace().collect())
            .collect();
        assert_eq!(rows[1], ["fmt", "ok", "1", "0", "1.2"]);
        assert_eq!(rows[2], ["test", "FAILED", "40", "2", "1.2"]);
        assert_eq!(rows[3], ["total", "FAILED", "41", "2", "2.5"]);
    }
}
