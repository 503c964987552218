//! Where a store lies.

use std::fs::{self, Metadata};
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf, is_separator};

use super::{Files, file_fault};
use crate::error::{Error, Result};

/// The longest name of a file that a store may have, in bytes: less what is put behind it.
const LONGEST_NAME: usize = 255 - 16;
/// Links to a file that is not there yet that are followed.
const MOST_LINKS: usize = 40;

/// The path of a file that stands beside the store's own.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The path without links, from the root: what lies beside a store lies beside the target of a link, and a program may go
/// to another directory. `longest` is the longest path that the engine takes, in bytes.
///
/// # Errors
///
/// `Invalid` for a path that names no file or is too long, `NotFound` when its directory is not there, and those of the
/// file system.
pub fn resolve(given: &Path, longest: usize) -> Result<PathBuf> {
    check_name(given).map_err(|error| error.with("path", given.display()))?;
    let mut path = given.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::canonicalize(&path) {
            Ok(found) => return check_length(found, longest),
            Err(error) if error.kind() == Io::NotFound => {}
            Err(error) if error.kind() == Io::InvalidFilename => {
                return check_length(path, longest).and(Err(file_fault(
                    error,
                    "find the file",
                    given,
                )));
            }
            Err(error) => return Err(file_fault(error, "find the file", given)),
        }
        let name = path.file_name().unwrap_or_default();
        let directory = directory(&path);
        let directory = fs::canonicalize(directory)
            .map_err(|error| file_fault(error, "find the directory", directory))?;
        match fs::read_link(&path) {
            Ok(target) => path = directory.join(target),
            Err(_) => return check_length(directory.join(name), longest),
        }
    }
    Err(Error::invalid("the path is a link that leads nowhere").with("path", given.display()))
}

fn check_name(path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    if text.is_empty() {
        Err(Error::invalid("the path is empty; name a file"))
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

fn check_length(path: PathBuf, longest: usize) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default();
    let measures = [
        ("path", path.as_os_str().len(), longest),
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
#[must_use]
pub fn directory(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Makes the names in the directory of a file survive a power cut.
///
/// # Errors
///
/// Those of the file system.
pub fn sync_directory(files: &dyn Files, path: &Path) -> Result<()> {
    let directory = directory(path);
    files
        .sync_directory(directory)
        .map_err(|error| file_fault(error, "sync the directory", directory))
}

/// What the system says of a file that may be a store; none when there is none.
///
/// # Errors
///
/// `Invalid` for what is no regular file, and those of the file system.
pub fn regular(files: &dyn Files, path: &Path) -> Result<Option<Metadata>> {
    let metadata = match files.metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == Io::NotFound => return Ok(None),
        Err(error) => return Err(file_fault(error, "look at the file", path)),
    };
    let problem = if metadata.is_dir() {
        "the path is a directory; name a file in it"
    } else if !metadata.is_file() {
        "the path is no regular file; name another one"
    } else {
        return Ok(Some(metadata));
    };
    Err(Error::invalid(problem).with("path", path.display()))
}
