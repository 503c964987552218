//! Where a store lies, and which files of this process are stores.
//!
//! On Unix, closing any descriptor of a file drops every lock that the process has on it, also those of another
//! handle: with them gone another process takes itself for the last one and deletes the log that this one writes to.
//! So a file that this process has open as a store is opened by the engine alone, which knows of this.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf, is_separator};
use std::sync::Arc;

use checkpoint_core::{Error, Result};
use parking_lot::{Mutex, MutexGuard};

use crate::error::file_fault;
use crate::files::Files;

/// The longest path that the engine takes everywhere, in bytes, less what it and we put behind it.
const LONGEST_PATH: usize = 511 - 80;
/// The same of a file's name.
const LONGEST_NAME: usize = 255 - 16;
/// Links to a file that is not there yet that are followed.
const MOST_LINKS: usize = 40;

/// The path of a file that stands beside the store's own.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The path without links, from the root: the engine reads some relative ones as instructions (`:memory:`, `file:…`),
/// keeps the log beside the target of a link, and a program may go to another directory.
pub(crate) fn resolve(given: &Path) -> Result<PathBuf> {
    check_name(given).map_err(|error| error.with("path", given.display()))?;
    let mut path = given.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::canonicalize(&path) {
            Ok(found) => return check_length(found),
            Err(error) if error.kind() == Io::NotFound => {}
            Err(error) if error.kind() == Io::InvalidFilename => {
                return check_length(path).and(Err(file_fault(error, "find the file", given)));
            }
            Err(error) => return Err(file_fault(error, "find the file", given)),
        }
        let name = path.file_name().unwrap_or_default();
        let directory = directory(&path);
        let directory = fs::canonicalize(directory)
            .map_err(|error| file_fault(error, "find the directory", directory))?;
        match fs::read_link(&path) {
            Ok(target) => path = directory.join(target),
            Err(_) => return check_length(directory.join(name)),
        }
    }
    Err(Error::invalid("the path is a link that leads nowhere").with("path", given.display()))
}

fn check_name(path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    if text.is_empty() {
        Err(Error::invalid("the path is empty; name a file"))
    } else if text == ":memory:" {
        Err(Error::invalid(
            "this is no file but the engine's word for memory; open a store in memory without a path",
        ))
    } else if text.contains('\0') {
        Err(Error::invalid(
            "the path has a NUL in it; no file can be named so",
        ))
    } else if text.ends_with(is_separator) {
        Err(Error::invalid(
            "the path names a directory; add the name of the file",
        ))
    } else {
        Ok(())
    }
}

fn check_length(path: PathBuf) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default();
    let measures = [
        ("path", path.as_os_str().len(), LONGEST_PATH),
        ("name of the file", name.len(), LONGEST_NAME),
    ];
    for (what, size, limit) in measures {
        if size > limit {
            return Err(Error::invalid(format!(
                "the {what} has {size} bytes, and the engine takes {limit}; use a shorter one"
            ))
            .with("path", path.display()));
        }
    }
    Ok(path)
}

/// The directory of a file.
pub(crate) fn directory(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Makes names in a directory survive a power cut.
pub(crate) fn sync_directory(files: &dyn Files, path: &Path) -> Result<()> {
    let directory = directory(path);
    files
        .sync_directory(directory)
        .map_err(|error| file_fault(error, "sync the directory", directory))
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
