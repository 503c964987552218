//! Keys that a command prints.

use std::io::Read;
use std::process::{Command, Stdio};

use checkpoint_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use super::words;
use crate::secret::Secret;

/// Runs the command and takes the key that it prints.
pub(super) fn run(command: &str) -> Result<Secret> {
    let mut child = shell(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed("cannot be run").because(error))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(words::MOST + 1));
    let read = match child.stdout.take() {
        Some(out) => out.take(words::MOST as u64 + 1).read_to_end(&mut bytes),
        None => Ok(0),
    };
    let status = child.wait();
    read.map_err(|error| failed("could not be read").because(error))?;
    let status = status.map_err(|error| failed("was lost").because(error))?;
    if !status.success() {
        return Err(failed(&format!("failed ({status})")));
    }
    if bytes.len() > words::MOST {
        return Err(Error::invalid(format!(
            "the command for the key prints more than {} bytes; it is to print the key alone",
            words::MOST
        )));
    }
    words::read(&bytes).map_err(|error| error.with("source", "the command for the key"))
}

fn failed(how: &str) -> Error {
    Error::new(
        ErrorKind::Denied,
        format!("the command for the key {how}; try it in a shell"),
    )
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_prints_is_the_key() {
        let key = "ab".repeat(32);
        let secret = run(&format!("echo {key}")).expect("a key");
        assert!(secret == Secret::copy(&[0xab; 32]));
    }

    #[test]
    fn a_command_that_fails_or_prints_something_else_is_refused() {
        for (command, kind) in [
            ("exit 3", ErrorKind::Denied),
            ("no-such-command-anywhere", ErrorKind::Denied),
            ("true", ErrorKind::Invalid),
            ("echo secret", ErrorKind::Invalid),
            ("head -c 100000 /dev/zero", ErrorKind::Invalid),
        ] {
            let error = run(command).expect_err(command);
            // One that is cut off may say that it was.
            let is_long = command.starts_with("head") && *error.kind() == ErrorKind::Denied;
            assert!(*error.kind() == kind || is_long, "{command}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
