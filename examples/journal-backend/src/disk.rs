//! The calls to files on which durability rests, as a trait, so that a test can hear them and let them fail.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// File calls.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Makes a directory; one that is there is no error.
    fn make_directory(&self, path: &Path) -> io::Result<()>;

    /// Opens a file for writing that may be there or not, and lets it as it is.
    fn open(&self, path: &Path) -> io::Result<File>;

    /// All bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Writes all bytes at an offset of the file, which lies at `path`.
    fn write(&self, file: &File, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file off.
    fn truncate(&self, file: &File, path: &Path, length: u64) -> io::Result<()>;

    /// Returns when all that was written to the file is on disk.
    fn sync(&self, file: &File, path: &Path) -> io::Result<()>;

    /// Gives a file another name, of which it takes the place.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Returns when the names in a directory are on disk.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// Those of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Disk for System {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).open(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write(&self, mut file: &File, _: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)
    }

    fn truncate(&self, file: &File, _: &Path, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &File, _: &Path) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}
