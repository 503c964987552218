//! Valgrind's callgrind around this program.

use std::process::Command;

use crate::place::directory;

/// Says why not, when it is not installed.
///
/// # Errors
///
/// When it is not there, or does not run.
pub fn is_there() -> Result<(), String> {
    match Command::new("valgrind").arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("valgrind does not run: {}", output.status)),
        Err(error) => Err(format!("valgrind is not installed: {error}")),
    }
}

/// The instructions of a process of this program, told these arguments, in all of its threads.
///
/// # Errors
///
/// When the process fails, or callgrind leaves no count.
pub fn count(args: &[&str]) -> Result<u64, String> {
    let dir = directory();
    let profile = dir.path().join("callgrind");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--fair-sched=yes"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(args)
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{args:?} under valgrind: {told}"));
    }
    let profile = std::fs::read_to_string(&profile)
        .map_err(|error| format!("callgrind wrote no profile: {error}\n{told}"))?;
    total(&profile).ok_or_else(|| format!("callgrind's profile has no total\n{told}"))
}

/// `totals: N`, or `summary: N` where a version says it so; the larger where both stand there.
fn total(profile: &str) -> Option<u64> {
    let totals = profile.lines().filter_map(|line| {
        let number = line.strip_prefix("totals: ");
        let number = number.or_else(|| line.strip_prefix("summary: "))?;
        number.split_whitespace().next()?.parse().ok()
    });
    totals.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_a_profile_is_found() {
        let profile =
            "version: 1\nevents: Ir\nsummary: 120\n\nfn=(1) main\n16 400\n\ntotals: 123\n";
        assert_eq!(total(profile), Some(123));
        assert_eq!(total("version: 1\nfn=(1) main\n16 400\n"), None);
    }
}
