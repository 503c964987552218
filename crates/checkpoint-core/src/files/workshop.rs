//! Where a file is made of which nobody may find a part: in a directory beside its place.
//!
//! Each maker works there on files named by an id of its own, with a lock on the first of them. So who opens the store
//! later can tell what a maker that was killed left from what a living one works on, whatever became of its process id,
//! and in whichever container it runs.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Files, beside, file_fault};
use crate::clock::IdSource;
use crate::error::{Error, ErrorKind, Result};
use crate::id::StoreId;

/// Stands behind the name of a file in that of the directory in which it is made.
const WORKSHOP: &str = "-creating";
/// Stands behind an id in the name of the database that is made under it.
const DATABASE: &str = "-db";
/// How often a maker begins again that lost its place to one that was cleaning up.
const ATTEMPTS: usize = 16;

/// A place to make one file at. What lies on it goes when it is dropped.
#[derive(Debug)]
pub struct Bench {
    files: Arc<dyn Files>,
    workshop: PathBuf,
    mark: PathBuf,
    id: StoreId,
    suffixes: &'static [&'static str],
    lock: Option<File>,
}

impl Bench {
    /// Makes a place beside the path at which the file is to be. `suffixes` as for [`sweep`].
    ///
    /// # Errors
    ///
    /// Those of the file system, `Locked` when others keep taking the place away.
    pub fn set_up(
        files: &Arc<dyn Files>,
        ids: &dyn IdSource,
        path: &Path,
        suffixes: &'static [&'static str],
    ) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            if let Some(bench) = Self::attempt(files, ids, path, suffixes)? {
                return Ok(bench);
            }
        }
        Err(Error::new(
            ErrorKind::Locked,
            "other programs keep this one from making the store; try again",
        )
        .with("path", path.display()))
    }

    /// None when another program took the place away.
    fn attempt(
        files: &Arc<dyn Files>,
        ids: &dyn IdSource,
        path: &Path,
        suffixes: &'static [&'static str],
    ) -> Result<Option<Self>> {
        let workshop = beside(path, WORKSHOP);
        match files.create_directory(&workshop) {
            Err(error) if error.kind() != Io::AlreadyExists => {
                let doing = "create a directory beside the file";
                return Err(file_fault(error, doing, path));
            }
            _ => {}
        }
        let id = ids.next();
        let mark = workshop.join(id.to_string());
        let lock = take(files.as_ref(), &mark)
            .map_err(|error| file_fault(error, "create the file", &mark))?;
        Ok(lock.map(|lock| Self {
            files: Arc::clone(files),
            workshop,
            mark,
            id: StoreId::from_uuid(id),
            suffixes,
            lock: Some(lock),
        }))
    }

    /// The id under which it is made, which nothing else has.
    #[must_use]
    pub const fn id(&self) -> StoreId {
        self.id
    }

    /// Where to make it.
    #[must_use]
    pub fn made(&self) -> PathBuf {
        beside(&self.mark, DATABASE)
    }

    /// Makes the file, empty.
    ///
    /// # Errors
    ///
    /// Those of the file system, here and below.
    pub fn create(&self) -> Result<()> {
        let made = self.made();
        let created = self.files.create(&made).map(drop);
        created.map_err(|error| file_fault(error, "create the file", &made))
    }

    /// Returns when what was made is on disk.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn sync(&self) -> Result<()> {
        let made = self.made();
        let file = self.files.open(&made);
        file.and_then(|file| self.files.sync(&file, &made))
            .map_err(|error| file_fault(error, "sync the file", &made))
    }

    pub(super) fn files(&self) -> &dyn Files {
        self.files.as_ref()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let removed = remove(self.files.as_ref(), &self.mark, self.suffixes);
        drop(self.lock.take());
        if removed.is_ok() {
            let _ = self.files.remove_directory(&self.workshop);
        }
    }
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
fn remove(files: &dyn Files, mark: &Path, suffixes: &[&str]) -> io::Result<()> {
    let made = beside(mark, DATABASE);
    for suffix in suffixes {
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
///
/// `suffixes` are those that the engine may put behind the name of a database, with the empty one for the database itself.
pub fn sweep(files: &dyn Files, path: &Path, suffixes: &[&str]) {
    let workshop = beside(path, WORKSHOP);
    let Ok(entries) = fs::read_dir(&workshop) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Some(id) = name.to_str().and_then(|name| name.get(..36))
            && is_id(id)
            && let Err(error) = remove_stale(files, &workshop.join(id), suffixes)
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

fn remove_stale(files: &dyn Files, mark: &Path, suffixes: &[&str]) -> io::Result<()> {
    match files.open(mark) {
        Ok(file) => match file.try_lock() {
            Ok(()) => remove(files, mark, suffixes),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(error),
        },
        // The mark is made first and removed last.
        Err(error) if error.kind() == Io::NotFound => remove(files, mark, suffixes),
        Err(error) => Err(error),
    }
}
