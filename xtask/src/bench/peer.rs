//! What a user would pick instead, in a package of its own: `benches/compare`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use checkpoint_benches::figure::Told;

use super::args::Args;
use super::{Place, program};
use crate::process;

/// Measures it where Python is, else says why not.
pub(super) fn run(args: &Args<'_>, place: &Place) -> Result<bool, String> {
    let package = process::root().join("benches/compare");
    let python = match environment(&place.0, &package) {
        Ok(python) => python,
        Err(why) => {
            let skipped = format!("skipped, {why}");
            println!("  {skipped}");
            return told(&Told::Peer(skipped), &place.peer()).map(|()| true);
        }
    };
    let states = place.0.join("states");
    fs::create_dir_all(&states).map_err(|error| format!("cannot make a directory: {error}"))?;
    let states = states.display().to_string();
    let wrote = process::run(&mut program(
        "store",
        &["--states".to_owned(), states.clone()],
    ))?;
    if !wrote {
        return Ok(false);
    }
    let mut command = Command::new(python);
    command.arg(package.join("peer.py"));
    command
        .args(["--states", &states, "--out"])
        .arg(place.peer());
    if let Some(disk) = std::env::var_os("CHECKPOINT_BENCH_DIR") {
        command.arg("--disk").arg(disk);
    }
    if args.quick {
        command.arg("--quick");
    }
    process::run(command.current_dir(process::root()))
}

/// In the place of what the peer would have told.
fn told(told: &Told, path: &Path) -> Result<(), String> {
    let line = serde_json::to_string(told).map_err(|error| error.to_string())?;
    fs::write(path, line).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// A Python that has what is required, made at the first run; or what is missing.
fn environment(place: &Path, package: &Path) -> Result<PathBuf, String> {
    let home = place.join("venv");
    let python = home.join("bin/python");
    if !python.exists() {
        finishes(
            Command::new("python3").args(["-m", "venv"]).arg(&home),
            "Python has no `venv` here",
        )?;
    }
    let required = package.join("requirements.txt");
    finishes(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .arg("--requirement")
            .arg(required),
        "pip cannot install what is required",
    )?;
    Ok(python)
}

/// Runs it quietly, and answers in one line why it did not succeed.
fn finishes(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{:?} is not there: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let told = told.lines().rfind(|line| !line.trim().is_empty());
    Err(format!("{what}: {}", told.unwrap_or("it says nothing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_or_fails_is_told_in_one_line() {
        let why = finishes(&mut Command::new("no-such-program"), "it fails").unwrap_err();
        assert!(why.contains("no-such-program"), "{why}");
        let mut fails = Command::new("sh");
        fails.args(["-c", "echo one >&2; echo two >&2; exit 3"]);
        assert_eq!(
            finishes(&mut fails, "it fails").unwrap_err(),
            "it fails: two"
        );
    }
}
