//! The file that holds a store: opened, appended to, replaced.

use std::fs::{File, TryLockError};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::{Error, ErrorKind, IdSource, Result, StoreId, SystemIds};

use crate::config::JournalOptions;
use crate::disk::Disk;
use crate::error::{broken, fault, unknown};
use crate::layout::{self, ENTRY, HEADER, damaged, read_header, scan};

/// A journal that is open for writing, and locked.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    id: StoreId,
    file: File,
    end: u64,
    /// A write or sync failed: what is in the file is not known any more.
    broken: bool,
    /// Held for as long as the journal is open; not the journal itself, which is replaced now and then.
    _lock: File,
}

/// What a journal held when it was opened.
#[derive(Debug)]
pub(crate) struct Contents {
    bytes: Vec<u8>,
    rows: Vec<Range<usize>>,
}

impl Contents {
    /// What was appended, in that order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(|rows| &self.bytes[rows.clone()])
    }
}

impl Journal {
    /// Opens the journal in a directory, or makes one.
    pub(crate) fn open(options: &JournalOptions) -> Result<(Self, Contents)> {
        let disk = Arc::clone(&options.disk);
        let directory = &options.directory;
        disk.make_directory(directory)
            .map_err(|error| fault(error, "make the directory", directory))?;
        let lock = lock(&*disk, directory)?;
        let path = directory.join("journal");
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let id = StoreId::from_uuid(SystemIds.next());
                Fresh::lay(&*disk, directory, id)?.place(directory)?;
                disk.read(&path)
                    .map_err(|error| fault(error, "read the journal", &path))?
            }
            Err(error) => return Err(fault(error, "read the journal", &path)),
        };
        let at = |error: Error| error.with("path", path.display());
        let id = read_header(&bytes).map_err(at)?;
        let rows = scan(&bytes, id).map_err(at)?;
        let file = disk
            .open(&path)
            .map_err(|error| fault(error, "open the journal", &path))?;
        let journal = Self {
            disk,
            directory: directory.clone(),
            id,
            file,
            end: rows.last().map_or(HEADER, |rows| rows.end) as u64,
            broken: false,
            _lock: lock,
        };
        journal
            .settle(&bytes, &rows)
            .map_err(|error| fault(error, "bring the journal to the disk", &path))?;
        Ok((journal, Contents { bytes, rows }))
    }

    /// Makes certain what was found: a torn entry goes, the last one may have been read from a cache that never reached
    /// the disk, and who made the files may have been killed before their names did.
    fn settle(&self, bytes: &[u8], rows: &[Range<usize>]) -> io::Result<()> {
        let path = self.path();
        if bytes.len() as u64 > self.end {
            self.disk.truncate(&self.file, &path, self.end)?;
        }
        if let Some(last) = rows.last() {
            let start = last.start - ENTRY;
            self.disk
                .write(&self.file, &path, start as u64, &bytes[start..last.end])?;
        }
        self.disk.sync(&self.file, &path)?;
        self.disk.sync_directory(&self.directory)?;
        self.disk.sync_directory(above(&self.directory))
    }

    pub(crate) const fn id(&self) -> StoreId {
        self.id
    }

    /// Bytes of the file.
    pub(crate) const fn size(&self) -> u64 {
        self.end
    }

    fn path(&self) -> PathBuf {
        self.directory.join("journal")
    }

    /// Whether more can be written.
    pub(crate) fn usable(&self) -> Result<()> {
        if self.broken {
            return Err(broken(&self.path()));
        }
        Ok(())
    }

    /// Adds an entry and returns when it is on disk.
    ///
    /// A sync that failed is not tried again: the system may have thrown away what it was to write.
    pub(crate) fn append(&mut self, rows: &[u8]) -> Result<()> {
        self.usable()?;
        let (path, entry) = (self.path(), layout::entry(self.id, self.end, rows));
        let written = self
            .disk
            .write(&self.file, &path, self.end, &entry)
            .and_then(|()| self.disk.sync(&self.file, &path));
        self.broken = written.is_err();
        written.map_err(|error| unknown(error, &path))?;
        self.end += entry.len() as u64;
        Ok(())
    }

    /// Puts a new journal in the place of this one. What `snapshot` gives stands in it.
    pub(crate) fn rewrite(
        &mut self,
        snapshot: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        self.usable()?;
        let mut fresh = Fresh::lay(&*self.disk, &self.directory, self.id)?;
        snapshot(&mut |rows| fresh.append(rows))?;
        // From here on the name may lead to the new journal, and the old one must not be written to.
        self.broken = true;
        (self.file, self.end) = fresh.place(&self.directory)?;
        self.broken = false;
        Ok(())
    }

    /// Reads everything again; tells what is not as it was written.
    pub(crate) fn check(&self) -> Result<()> {
        let path = self.path();
        let bytes = self.disk.read(&path);
        let bytes = bytes.map_err(|error| fault(error, "read the journal", &path))?;
        let whole = read_header(&bytes).and_then(|id| scan(&bytes, id));
        let rows = whole.map_err(|error| error.with("path", path.display()))?;
        let end = rows.last().map_or(HEADER, |rows| rows.end) as u64;
        if end == self.end {
            return Ok(());
        }
        Err(damaged(end).with("path", path.display()))
    }
}

/// A journal that nobody finds yet: it is made whole and synced under another name, and only then gets its own.
struct Fresh<'a> {
    disk: &'a dyn Disk,
    id: StoreId,
    file: File,
    path: PathBuf,
    end: u64,
}

impl<'a> Fresh<'a> {
    fn lay(disk: &'a dyn Disk, directory: &Path, id: StoreId) -> Result<Self> {
        let path = directory.join("journal.new");
        let file = disk
            .open(&path)
            // Somebody may have been killed here.
            .and_then(|file| disk.truncate(&file, &path, 0).map(|()| file))
            .map_err(|error| fault(error, "make a journal", &path))?;
        let mut fresh = Self {
            disk,
            id,
            file,
            path,
            end: 0,
        };
        fresh.write(&layout::header(id))?;
        Ok(fresh)
    }

    fn append(&mut self, rows: &[u8]) -> Result<()> {
        self.write(&layout::entry(self.id, self.end, rows))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.disk
            .write(&self.file, &self.path, self.end, bytes)
            .map_err(|error| fault(error, "write a journal", &self.path))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn place(self, directory: &Path) -> Result<(File, u64)> {
        let path = directory.join("journal");
        self.disk
            .sync(&self.file, &self.path)
            .and_then(|()| self.disk.rename(&self.path, &path))
            .and_then(|()| self.disk.sync_directory(directory))
            .map_err(|error| fault(error, "put a journal in its place", &path))?;
        Ok((self.file, self.end))
    }
}

/// Locks at once, or not at all. The system lets go of it when the process ends, in whatever way.
fn lock(disk: &dyn Disk, directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let file = disk.open(&path);
    let file = file.map_err(|error| fault(error, "open the lock", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Locked,
            "the store is open elsewhere; close it there, or wait",
        )
        .with("path", directory.display())),
        Err(TryLockError::Error(error)) => Err(fault(error, "lock the store", &path)),
    }
}

/// The directory in which the name of this one stands.
fn above(directory: &Path) -> &Path {
    match directory.parent() {
        Some(above) if above != Path::new("") => above,
        _ => Path::new("."),
    }
}
