//! Where harnesses work when nobody says otherwise, and what processes learn from their environment.

use std::path::{Path, PathBuf};

/// A directory in memory where the system has one, else the one for temporary files.
pub(crate) fn in_memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// What this process has to do, if it is a child that was told so by this variable.
pub(crate) fn job(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// This program, to be started again.
pub(crate) fn this_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))
}
