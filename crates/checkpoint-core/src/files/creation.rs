//! Making a store: under another name, whole and synced, and then linked to its own, so that nobody finds half of one.
//!
//! Each creator works in a directory beside the store, on files named by an id of its own, with a lock on the first of
//! them. So who opens the store later can tell what a creator that was killed left from what a living one works on,
//! whatever became of its process id, and in whichever container it runs.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind as Io};
use std::path::Path;

use super::{Files, beside, file_fault, sync_directory};
use crate::clock::IdSource;
use crate::error::{Error, ErrorKind, Result};
use crate::id::StoreId;

/// Stands behind the name of a store in that of the directory in which it is made.
const WORKSHOP: &str = "-creating";
/// Stands behind an id in the name of the database that is made under it.
const DATABASE: &str = "-db";
/// How often a creator begins again that lost its place to one that was cleaning up.
const ATTEMPTS: usize = 16;

/// How an engine makes a store.
pub trait Maker {
    /// Kept while a file is opened that may be a store, where that must not happen beside the engine.
    type Door;

    /// What the engine may leave beside a database, behind its name.
    const BESIDE: &'static [&'static str];

    /// Makes a whole store, with this id, in a file that is there and empty, and closes it.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn make(&self, made: &Path, id: StoreId) -> Result<()>;

    /// Sees to it that a file may be opened that may be a store.
    fn door(&self) -> Self::Door;
}

/// Makes a store at a path; answers whether it is this one's, or another creator was first.
///
/// # Errors
///
/// Those of the file system and of the maker, `Locked` when others keep taking the place away.
pub fn create<M: Maker>(
    maker: &M,
    files: &dyn Files,
    ids: &dyn IdSource,
    path: &Path,
) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        if let Some(ours) = attempt(maker, files, ids, path)? {
            return Ok(ours);
        }
    }
    Err(Error::new(
        ErrorKind::Locked,
        "other programs keep this one from making the store; try again",
    )
    .with("path", path.display()))
}

/// None when another program took the place away.
fn attempt<M: Maker>(
    maker: &M,
    files: &dyn Files,
    ids: &dyn IdSource,
    path: &Path,
) -> Result<Option<bool>> {
    let workshop = beside(path, WORKSHOP);
    match files.create_directory(&workshop) {
        Err(error) if error.kind() != Io::AlreadyExists => {
            return Err(file_fault(
                error,
                "create a directory beside the file",
                path,
            ));
        }
        _ => {}
    }
    let id = ids.next();
    let mark = workshop.join(id.to_string());
    let lock = match take(files, &mark) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok(None),
        Err(error) => return Err(file_fault(error, "create the file", &mark)),
    };
    let made = beside(&mark, DATABASE);
    let result = make(maker, files, &made, StoreId::from_uuid(id))
        .and_then(|()| publish(maker, files, &made, path));
    let removed = remove::<M>(files, &mark);
    drop(lock);
    if removed.is_ok() {
        let _ = files.remove_directory(&workshop);
    }
    result.map(Some)
}

/// Makes the file that says, by the lock on it, that its maker lives. None when the place or the file was taken away.
fn take(files: &dyn Files, mark: &Path) -> io::Result<Option<File>> {
    let file = match files.create(mark) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), Io::NotFound | Io::AlreadyExists) => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.lock() {
        // Where there are no locks nobody gets one to clean up either.
        Err(error) if error.kind() != Io::Unsupported => Err(error),
        _ => Ok(fs::exists(mark)?.then_some(file)),
    }
}

/// Removes what was made under a mark, and then the mark.
fn remove<M: Maker>(files: &dyn Files, mark: &Path) -> io::Result<()> {
    let made = beside(mark, DATABASE);
    for suffix in M::BESIDE {
        gone(files.remove(&beside(&made, suffix)))?;
    }
    gone(files.remove(mark))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != Io::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes what creators left that no longer live. That it cannot hinders nobody.
pub fn sweep<M: Maker>(files: &dyn Files, path: &Path) {
    let workshop = beside(path, WORKSHOP);
    let Ok(entries) = fs::read_dir(&workshop) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Some(id) = name.to_str().and_then(|name| name.get(..36))
            && is_id(id)
            && let Err(error) = remove_stale::<M>(files, &workshop.join(id))
        {
            tracing::debug!(%error, name = %name.display(), "what a creator left stays");
        }
    }
    let _ = files.remove_directory(&workshop);
}

fn is_id(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.bytes().enumerate().all(|(at, byte)| {
        if dashes.contains(&at) {
            byte == b'-'
        } else {
            byte.is_ascii_hexdigit()
        }
    })
}

fn remove_stale<M: Maker>(files: &dyn Files, mark: &Path) -> io::Result<()> {
    match files.open(mark) {
        Ok(file) => match file.try_lock() {
            Ok(()) => remove::<M>(files, mark),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(error),
        },
        // The mark is made first and removed last.
        Err(error) if error.kind() == Io::NotFound => remove::<M>(files, mark),
        Err(error) => Err(error),
    }
}

fn make<M: Maker>(maker: &M, files: &dyn Files, made: &Path, id: StoreId) -> Result<()> {
    files
        .create(made)
        .map_err(|error| file_fault(error, "create the file", made))?;
    maker.make(made, id)?;
    files
        .open(made)
        .and_then(|file| files.sync(&file, made))
        .map_err(|error| file_fault(error, "sync the file", made))
}

/// Gives what was made its name, unless it is taken: another's store is as good.
fn publish<M: Maker>(maker: &M, files: &dyn Files, made: &Path, path: &Path) -> Result<bool> {
    let ours = match files.link(made, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Io::AlreadyExists => replace_empty(maker, files, made, path),
        // There may be no links here. An empty file takes the name then.
        Err(error) if matches!(error.kind(), Io::Unsupported | Io::PermissionDenied) => {
            match files.create(path) {
                Err(error) if error.kind() != Io::AlreadyExists => Err(error),
                _ => replace_empty(maker, files, made, path),
            }
        }
        Err(error) => Err(error),
    };
    let ours = ours.map_err(|error| file_fault(error, "name the file", path))?;
    sync_directory(files, path)?;
    Ok(ours)
}

/// Puts what was made in the place of an empty file. With a lock on that file, so that of two creators that find it
/// empty the second does not put its store in the place of the first one's.
fn replace_empty<M: Maker>(
    maker: &M,
    files: &dyn Files,
    made: &Path,
    path: &Path,
) -> io::Result<bool> {
    let _door = maker.door();
    if files.metadata(path)?.len() > 0 {
        return Ok(false);
    }
    let empty = files.open(path)?;
    match empty.lock() {
        Err(error) if error.kind() != Io::Unsupported => return Err(error),
        _ => {}
    }
    if files.metadata(path)?.len() > 0 {
        return Ok(false);
    }
    files.rename(made, path).map(|()| true)
}
