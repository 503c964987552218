//! Counts that are committed, to compare others with.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What was counted, and under what.
#[derive(Debug, Serialize, Deserialize)]
pub struct Baseline {
    made_by: MadeBy,
    counts: BTreeMap<String, u64>,
}

/// What makes other instructions of the same source: the compilers, and the processor that code is chosen by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeBy {
    rustc: String,
    cc: String,
    cpu: String,
}

impl Baseline {
    /// Of these counts.
    #[must_use]
    pub fn new(made_by: MadeBy, counts: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self {
            made_by,
            counts: counts.into_iter().collect(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// When it is not there or says something else.
    pub fn read(path: &Path) -> Result<Self, String> {
        let cannot = |why: String| {
            let path = path.display();
            format!("cannot read {path}: {why}; `cargo xtask bench instructions --bless` writes it")
        };
        let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| cannot(error.to_string()))
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let cannot = |why: String| format!("cannot write {}: {why}", path.display());
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| cannot(error.to_string()))?;
        std::fs::write(path, text + "\n").map_err(|error| cannot(error.to_string()))
    }

    /// Why what is counted under something else cannot be held against it.
    #[must_use]
    pub fn is_foreign(&self, here: &MadeBy) -> Option<String> {
        (self.made_by != *here).then(|| {
            format!(
                "the baseline is of {}, this is {here}; look at the counts, then --bless",
                self.made_by
            )
        })
    }

    /// The count to compare with; none for what is new, or when it is foreign.
    #[must_use]
    pub fn count(&self, load: &str, here: &MadeBy) -> Option<u64> {
        let comparable = self.is_foreign(here).is_none();
        comparable.then(|| self.counts.get(load).copied()).flatten()
    }
}

impl fmt::Display for MadeBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.rustc, self.cc, self.cpu)
    }
}

impl MadeBy {
    /// What is here.
    #[must_use]
    pub fn here() -> Self {
        Self {
            rustc: first_line("rustc", "--version"),
            cc: first_line("cc", "--version"),
            cpu: cpu(),
        }
    }
}

/// The architecture, and of its extensions the one that valgrind passes on and that code is chosen by.
fn cpu() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let avx2 = told.split_whitespace().any(|flag| flag == "avx2");
    format!(
        "{}{}",
        std::env::consts::ARCH,
        if avx2 { ", avx2" } else { "" }
    )
}

fn first_line(program: &str, arg: &str) -> String {
    let output = Command::new(program).arg(arg).output();
    let text = output.map_or_else(
        |error| format!("{program}: {error}"),
        |it| String::from_utf8_lossy(&it.stdout).into_owned(),
    );
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_by(rustc: &str) -> MadeBy {
        MadeBy {
            rustc: rustc.to_owned(),
            cc: "cc".to_owned(),
            cpu: "cpu".to_owned(),
        }
    }

    #[test]
    fn counts_are_compared_under_the_same_compilers_only() {
        let baseline = Baseline::new(made_by("rustc 1"), [("save".to_owned(), 7)]);
        assert_eq!(baseline.count("save", &made_by("rustc 1")), Some(7));
        assert_eq!(baseline.count("save", &made_by("rustc 2")), None);
        assert_eq!(baseline.count("get", &made_by("rustc 1")), None);
        assert!(baseline.is_foreign(&made_by("rustc 1")).is_none());
        let why = baseline.is_foreign(&made_by("rustc 2")).unwrap();
        assert!(why.contains("rustc 1") && why.contains("rustc 2"), "{why}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("baseline.json");
        let missing = Baseline::read(&path).unwrap_err();
        assert!(missing.contains("--bless"), "{missing}");
        let here = MadeBy::here();
        let baseline = Baseline::new(here.clone(), [("save".to_owned(), 7)]);
        baseline.write(&path).unwrap();
        assert_eq!(Baseline::read(&path).unwrap().count("save", &here), Some(7));
    }
}
