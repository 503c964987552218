//! Child processes: started in the workspace's root, whatever directory the caller stands in.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directory of the workspace's manifest.
///
/// Cargo says at run time where this crate lies. The place known at build time may be another
/// checkout, when several share a target directory.
pub(crate) fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR");
    let xtask = xtask.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().map_or(xtask.clone(), Path::to_path_buf)
}

/// The cargo that started this program, so that children use the same toolchain.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

/// Runs `command` to its end on this terminal and says whether it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<bool, String> {
    let status = command.status().map_err(|error| failed(command, &error))?;
    Ok(status.success())
}

/// As [`run`], and shows each line of standard output to `seen` after it has been passed on.
///
/// Standard error is left alone: compilers draw there, and nothing on it is counted.
pub(crate) fn run_seeing(
    command: &mut Command,
    mut seen: impl FnMut(&str),
) -> Result<bool, String> {
    command.stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(command, &error))?;
    if let Some(output) = child.stdout.take() {
        pass_on(output, &mut io::stdout(), &mut seen).map_err(|error| failed(command, &error))?;
    }
    let status = child.wait().map_err(|error| failed(command, &error))?;
    Ok(status.success())
}

/// Copies line by line, as bytes: a test may print what is not text.
fn pass_on(
    from: impl io::Read,
    to: &mut impl Write,
    seen: &mut impl FnMut(&str),
) -> io::Result<()> {
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        seen(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(())
}

fn failed(command: &Command, error: &io::Error) -> String {
    format!("cannot run {command:?}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_seen_as_text_and_passed_on_as_they_came() {
        let output = b"running\n\xff\r\n3 passed, 0 failed";
        let mut passed_on = Vec::new();
        let mut seen = Vec::new();
        let mut see = |line: &str| seen.push(line.to_owned());
        pass_on(output.as_slice(), &mut passed_on, &mut see).unwrap();
        assert_eq!(passed_on, output);
        assert_eq!(seen, ["running", "\u{fffd}", "3 passed, 0 failed"]);
    }

    #[test]
    fn a_program_that_is_not_there_is_named_in_the_error() {
        let why = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(why.contains("no-such-program"), "{why}");
    }
}
