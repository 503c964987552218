//! Valgrind's callgrind around a process.

use std::process::Command;

use checkpoint_benches::place::directory;

use crate::CHILD;
use crate::load::Load;

/// Says why not, when it is not.
pub(crate) fn is_there() -> Result<(), String> {
    let asked = Command::new("valgrind").arg("--version").output();
    match asked {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("valgrind does not run: {}", output.status)),
        Err(error) => Err(format!("valgrind is not installed: {error}")),
    }
}

/// The instructions of a process that does the load so many times.
pub(crate) fn count(load: Load, times: usize) -> Result<u64, String> {
    let at = Load::ALL.iter().position(|it| it.name() == load.name());
    let at = at.unwrap_or_default().to_string();
    let dir = directory();
    let profile = dir.path().join("callgrind");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--fair-sched=yes"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args([CHILD, &at, &times.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{} under valgrind: {told}", load.name()));
    }
    let profile = std::fs::read_to_string(&profile)
        .map_err(|error| format!("callgrind wrote no profile: {error}\n{told}"))?;
    total(&profile).ok_or_else(|| format!("callgrind's profile has no total\n{told}"))
}

/// `summary: N` of its format, which stands at the end or, in older versions, at the head.
fn total(profile: &str) -> Option<u64> {
    let totals = profile.lines().filter_map(|line| {
        let number = line
            .strip_prefix("totals: ")
            .or(line.strip_prefix("summary: "))?;
        number.split_whitespace().next()?.parse().ok()
    });
    totals.max()
}
