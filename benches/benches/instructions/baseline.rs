//! The counts that are committed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::load::Load;

/// What was counted, and under what.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// Compiler and machine: another one makes other instructions of the same source.
    made_by: MadeBy,
    counts: BTreeMap<String, u64>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MadeBy {
    rustc: String,
    cc: String,
    cpu: String,
}

impl Baseline {
    pub(crate) fn read() -> Result<Self, String> {
        let path = path();
        let cannot = |why: String| {
            let path = path.display();
            format!("cannot read {path}: {why}; `cargo xtask bench instructions --bless` writes it")
        };
        let text = std::fs::read_to_string(&path).map_err(|error| cannot(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| cannot(error.to_string()))
    }

    pub(crate) fn write(counts: &[(Load, u64)]) -> Result<Self, String> {
        let baseline = Self {
            made_by: MadeBy::here(),
            counts: counts
                .iter()
                .map(|(load, count)| (load.name().to_owned(), *count))
                .collect(),
        };
        let path = path();
        let cannot = |why: String| format!("cannot write {}: {why}", path.display());
        let text = serde_json::to_string_pretty(&baseline);
        let text = text.map_err(|error| cannot(error.to_string()))?;
        std::fs::write(&path, text + "\n").map_err(|error| cannot(error.to_string()))?;
        Ok(baseline)
    }

    /// Why what is counted here cannot be held against it, if so.
    pub(crate) fn is_foreign(&self) -> Option<String> {
        let here = MadeBy::here();
        (self.made_by != here).then(|| {
            format!(
                "the baseline is of {:?}, this is {here:?}; look at the counts, then --bless",
                self.made_by
            )
        })
    }

    /// The count to compare with; none when it is of another compiler.
    pub(crate) fn count(&self, load: &str) -> Option<u64> {
        let comparable = self.is_foreign().is_none();
        comparable.then(|| self.counts.get(load).copied()).flatten()
    }
}

impl MadeBy {
    fn here() -> Self {
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

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}
