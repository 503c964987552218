//! Where a store lies, and which files of this process are stores.
//!
//! On Unix, closing any descriptor of a file drops every lock that the process has on it, also those of another
//! handle: with them gone another process takes itself for the last one and deletes the log that this one writes to.
//! So a file that this process has open as a store is opened by the engine alone, which knows of this.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::{Error, Result, files};
use parking_lot::{Mutex, MutexGuard};

/// The longest path that the engine takes everywhere, in bytes, less what it and we put behind it.
const LONGEST_PATH: usize = 511 - 80;

/// The path without links, from the root: the engine reads some relative ones as instructions (`:memory:`, `file:…`).
pub(crate) fn resolve(given: &Path) -> Result<PathBuf> {
    if given == Path::new(":memory:") {
        return Err(Error::invalid(
            "this is no file but the engine's word for memory; open a store in memory without a path",
        )
        .with("path", given.display()));
    }
    files::resolve(given, LONGEST_PATH)
}

/// What a file is, whatever its names are.
type Key = (u64, u64);

static OPEN: Mutex<BTreeMap<Key, usize>> = Mutex::new(BTreeMap::new());

#[cfg(unix)]
fn key(metadata: &Metadata) -> Option<Key> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere a lock belongs to the descriptor that took it.
#[cfg(not(unix))]
fn key(_: &Metadata) -> Option<Key> {
    None
}

/// Whoever has it may open files that could be stores: meanwhile no other thread makes one its own.
#[derive(Debug)]
pub(crate) struct Door(MutexGuard<'static, BTreeMap<Key, usize>>);

impl Door {
    pub(crate) fn enter() -> Self {
        Self(OPEN.lock())
    }

    /// Whether a handle of this process has the file, so that it must not be opened.
    pub(crate) fn is_open(&self, metadata: &Metadata) -> bool {
        key(metadata).is_some_and(|key| self.0.contains_key(&key))
    }

    /// Says that a handle is about to have the file.
    pub(crate) fn hold(mut self, metadata: &Metadata) -> Arc<Hold> {
        let key = key(metadata);
        if let Some(key) = key {
            *self.0.entry(key).or_default() += 1;
        }
        Arc::new(Hold(key))
    }
}

/// That a handle has the file. It is dropped after the last connection.
#[derive(Debug)]
pub(crate) struct Hold(Option<Key>);

impl Drop for Hold {
    fn drop(&mut self) {
        let Some(key) = self.0 else { return };
        let mut open = OPEN.lock();
        if let Some(holders) = open.get_mut(&key) {
            *holders -= 1;
            if *holders == 0 {
                open.remove(&key);
            }
        }
    }
}
