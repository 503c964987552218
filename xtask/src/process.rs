//! Child processes: started in the workspace's root, whatever directory the caller stands in.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

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

fn failed(command: &Command, error: &io::Error) -> String {
    format!("cannot run {command:?}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named_in_the_error() {
        let why = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(why.contains("no-such-program"), "{why}");
    }
}
