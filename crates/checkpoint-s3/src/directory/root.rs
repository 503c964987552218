//! The files of a store below its directory, by calls that wait.
//!
//! A file is written under a name of its own and synced, then linked to its name, which must be free, and the directory
//! is synced. When a sync fails, nobody knows what of that the disk has, and asking once more tells nothing, since the
//! system has forgotten by then: all calls are refused from there on.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind as Io};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use checkpoint_core::files::{Files, directory, file_fault};
use checkpoint_core::{Error, ErrorKind, IdSource, Result};
use chrono::{DateTime, Utc};

use crate::error::unknown;
use crate::id::Id;
use crate::layout::Name;

/// Directories below the root.
pub(super) const DIRECTORIES: &[&str] = &[
    Name::LOG,
    Name::PACKS,
    Name::SEGMENTS,
    Name::SNAPSHOTS,
    Name::PROBES,
];

/// No object is larger: services take no more in one put.
const LARGEST: u64 = 5 << 30;
/// How often another name is tried for a file that is being written.
const ATTEMPTS: usize = 16;

/// What the system says of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) length: u64,
    pub(super) modified: DateTime<Utc>,
}

impl Held {
    pub(super) fn of(metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            length: metadata.len(),
            modified: metadata.modified()?.into(),
        })
    }
}

/// The directory of a store.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    files: Arc<dyn Files>,
    ids: Arc<dyn IdSource>,
    /// A sync failed.
    stopped: AtomicBool,
}

impl Root {
    pub(super) fn new(path: PathBuf, files: Arc<dyn Files>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            path,
            files,
            ids,
            stopped: AtomicBool::new(false),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: Name) -> PathBuf {
        self.path.join(name.to_string())
    }

    fn check(&self) -> Result<()> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::Stopped,
                "a sync failed, so nobody knows what the disk has; open the store again to see",
            )
            .with("path", self.path.display()));
        }
        Ok(())
    }

    /// What became of a sync. After one that failed nothing else is done.
    fn synced(&self, done: io::Result<()>) -> io::Result<()> {
        done.inspect_err(|_| self.stopped.store(true, Ordering::Release))
    }

    fn sync_names(&self, path: &Path) -> io::Result<()> {
        self.synced(self.files.sync_directory(directory(path)))
    }

    /// Makes a file; answers whether it did, or the name is taken.
    pub(super) fn put(&self, name: Name, bytes: &[u8], replace: bool) -> Result<bool> {
        self.check()?;
        let (path, staged) = (self.file(name), self.stage(bytes)?);
        let named = if replace {
            self.files.rename(&staged, &path)
        } else {
            self.files.link(&staged, &path)
        };
        if !replace || named.is_err() {
            self.drop_unnamed(&staged);
        }
        let done = match named {
            Ok(()) => true,
            Err(error) if error.kind() == Io::AlreadyExists => false,
            Err(error) => return Err(unnamed(error, &path)),
        };
        // Whoever has put what is there may not have synced it yet, and the caller relies on it.
        self.sync_names(&path)
            .map_err(|error| unsynced(error, &path))?;
        Ok(done)
    }

    /// A file of these bytes under a name that nobody looks for, synced.
    fn stage(&self, bytes: &[u8]) -> Result<PathBuf> {
        let (path, file) = self.unnamed()?;
        let written = self.files.write(&file, &path, bytes);
        let written = written.map_err(|error| file_fault(error, "write the file", &path));
        let synced = written.and_then(|()| {
            self.synced(self.files.sync(&file, &path))
                .map_err(|error| file_fault(error, "sync the file", &path))
        });
        match synced {
            Ok(()) => Ok(path),
            Err(error) => {
                self.drop_unnamed(&path);
                Err(error)
            }
        }
    }

    /// A new, empty file under a name that nobody looks for.
    pub(super) fn unnamed(&self) -> Result<(PathBuf, File)> {
        let mut attempts = 0;
        loop {
            let path = self.file(Name::Probe(Id(*self.ids.next().as_bytes())));
            attempts += 1;
            match self.files.create(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == Io::AlreadyExists && attempts < ATTEMPTS => {}
                Err(error) => return Err(file_fault(error, "create the file", &path)),
            }
        }
    }

    /// What stays is swept later.
    pub(super) fn drop_unnamed(&self, path: &Path) {
        if let Err(error) = self.files.remove(path) {
            tracing::debug!(%error, path = %path.display(), "a file that is not needed stays");
        }
    }

    /// A part of a file, with where it lies; none when there is no such file. What is read whole, or asked for by its
    /// name, may be all that an answer rests on, so its name is on disk before it is answered.
    pub(super) fn get(
        &self,
        name: Name,
        whole: bool,
        part: impl FnOnce(u64) -> Result<Range<u64>>,
    ) -> Result<Option<(Held, Range<u64>, Bytes)>> {
        self.check()?;
        let path = self.file(name);
        let fault = |error| file_fault(error, "read the file", &path);
        let file = match self.files.open_to_read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == Io::NotFound => return Ok(None),
            Err(error) => return Err(fault(error)),
        };
        let held = file.metadata().and_then(|metadata| Held::of(&metadata));
        let held = held.map_err(fault)?;
        let range = part(held.length).map_err(|error| error.with("path", path.display()))?;
        let mut bytes = room(range.end - range.start, &path)?;
        if !bytes.is_empty() {
            self.files
                .read(&file, range.start, &mut bytes)
                .map_err(fault)?;
        }
        if whole {
            self.sync_names(&path)
                .map_err(|error| file_fault(error, "sync the directory of the file", &path))?;
        }
        Ok(Some((held, range, bytes.into())))
    }

    /// The files below a directory, or all, whose names come after one. A link is none.
    pub(super) fn list(
        &self,
        below: Option<&str>,
        after: Option<&str>,
    ) -> Result<Vec<(Name, Held)>> {
        self.check()?;
        let mut listed = Vec::new();
        for directory in DIRECTORIES {
            if below
                .is_some_and(|below| directory.trim_end_matches('/') != below.trim_end_matches('/'))
            {
                continue;
            }
            let path = self.path.join(directory);
            let fault = |error| file_fault(error, "read the directory", &path);
            let names = match self.files.names(&path) {
                Ok(names) => names,
                Err(error) if error.kind() == Io::NotFound => continue,
                Err(error) => return Err(fault(error)),
            };
            let names = names.iter().map(|name| format!("{directory}{name}"));
            // The system is asked of those alone that are wanted: a log may be long.
            let wanted = names.filter(|name| after.is_none_or(|after| name.as_str() > after));
            for name in wanted.filter_map(|name| Name::parse(&name)) {
                if let Some(held) = self.held(name).map_err(fault)? {
                    listed.push((name, held));
                }
            }
        }
        Ok(listed)
    }

    /// What the system says of a file; none when there is none, or no file.
    fn held(&self, name: Name) -> io::Result<Option<Held>> {
        match fs::symlink_metadata(self.file(name)) {
            Ok(metadata) if metadata.is_file() => Held::of(&metadata).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == Io::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a file; answers whether it was there.
    pub(super) fn remove(&self, name: Name) -> Result<bool> {
        self.check()?;
        let path = self.file(name);
        match self.files.remove(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == Io::NotFound => return Ok(false),
            Err(error) => return Err(file_fault(error, "remove the file", &path)),
        }
        self.sync_names(&path)
            .map_err(|error| unsynced(error, &path))?;
        Ok(true)
    }
}

fn room(length: u64, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = usize::try_from(length.min(LARGEST + 1)).unwrap_or(usize::MAX);
    if length as u64 > LARGEST || bytes.try_reserve_exact(length).is_err() {
        return Err(Error::corrupt(
            "a file is larger than any that a store makes, or than memory is",
        )
        .with("path", path.display()));
    }
    bytes.resize(length, 0);
    Ok(bytes)
}

/// A file may have its name, or not.
fn unnamed(error: io::Error, path: &Path) -> Error {
    match error.kind() {
        Io::PermissionDenied | Io::Unsupported => {
            let problem = "cannot name a file; check the permissions of its directory, and that this file system has \
                           hard links";
            Error::new(ErrorKind::Denied, problem)
        }
        _ => Error::new(unknown(), "a file may have got its name, or not; try again"),
    }
    .because(error)
    .with("path", path.display())
}

/// What was done to the names of a directory may be undone by a cut of the power.
fn unsynced(error: io::Error, path: &Path) -> Error {
    Error::new(
        unknown(),
        "a directory was not synced, so nobody knows whether what was done in it stays; open the store again",
    )
    .because(error)
    .with("path", path.display())
}
