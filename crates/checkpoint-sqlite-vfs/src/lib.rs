//! A layer between SQLite and its files at which a [`Tap`] listens: for tests of power cuts and of calls that fail.
//! Nothing that is published depends on it.
//!
//! [`tapped_files`] puts it below every store in the tap's directory, and takes the file calls of the backend's own. The
//! engine's shared memory (`-shm`) is left out: it is no part of what a disk holds after a cut.

mod file;
mod registry;
mod vfs;

use checkpoint_core::{Error, Result};
use checkpoint_torture::disk::{Tap, TappedFiles};

/// File calls through a tap. As long as they live, the tap hears those of the engine in its directory too.
///
/// # Errors
///
/// `Unsupported` when the engine takes no layer between it and its files.
pub fn tapped_files(tap: &Tap) -> Result<TappedFiles> {
    vfs::install().map_err(|code| {
        Error::unsupported("the engine takes no layer below it").with("code", code)
    })?;
    Ok(TappedFiles::new(tap).keeping(registry::listen(tap)))
}
