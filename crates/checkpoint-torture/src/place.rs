//! Where harnesses put stores, and what they run on.

use std::path::Path;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A directory that is gone when it is dropped.
pub(crate) fn fresh(directory: &Path) -> Result<TempDir, String> {
    let made = tempfile::Builder::new()
        .prefix("torture-")
        .tempdir_in(directory);
    let within = directory.display();
    made.map_err(|error| format!("cannot make a directory in {within}: {error}"))
}

pub(crate) fn runtime() -> Result<Runtime, String> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start a runtime: {error}"))
}
