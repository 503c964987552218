//! The calls to the file system that are not the engine's: making a store, telling what a file is, syncing a log. For
//! backends whose engine keeps a store in one file.
//!
//! They go through a trait, so that a test can let any of them fail, and can tell what a disk would hold if the power
//! went between two of them. Programs leave it at [`SystemFiles`].

mod backup;
mod creation;
mod named;
mod place;
mod workshop;

pub use backup::{FileDraft, Waiting, free, taken};
pub use creation::{Maker, create};
pub use named::Named;
pub use place::{beside, directory, regular, resolve, sync_directory};
pub use workshop::{Bench, sweep};

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind};

/// File calls, each as the system does it unless an implementation does more.
///
/// An implementation never opens a file that it was not asked to open: on Unix, closing any descriptor of a file drops
/// every lock that the process has on it.
///
/// # Errors
///
/// Each answers those of the system.
pub trait Files: fmt::Debug + Send + Sync + 'static {
    /// Makes a file that is not there yet, for this user alone, and opens it for writing.
    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    }

    /// Opens a file that is there for writing, and leaves what is in it.
    fn open(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).open(path)
    }

    /// Reads at most so many bytes from the start of a file; answers them and the length of the file.
    fn head(&self, path: &Path, most: u64) -> io::Result<(Vec<u8>, u64)> {
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        (&mut file).take(most).read_to_end(&mut bytes)?;
        Ok((bytes, file.metadata()?.len()))
    }

    /// Opens a regular file that is there for reading; a link is none, wherever it leads.
    fn open_to_read(&self, path: &Path) -> io::Result<File> {
        let named = fs::symlink_metadata(path)?;
        if !named.is_file() {
            return Err(no_file());
        }
        let file = File::open(path)?;
        // The name may have got another meaning meanwhile.
        if is_same(&named, &file.metadata()?) {
            Ok(file)
        } else {
            Err(no_file())
        }
    }

    /// Fills a buffer from an offset of a file that was opened for reading.
    fn read(&self, mut file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }

    /// Writes all that a file holds which was just created under a path.
    fn write(&self, mut file: &File, _path: &Path, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// The names in a directory that are text.
    fn names(&self, directory: &Path) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(directory)?;
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(io::Result::transpose).collect()
    }

    /// What the system says of a file, after following links.
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        fs::metadata(path)
    }

    /// Returns when what was written to an open file is on disk. The path is the one by which it was opened.
    fn sync(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }

    /// Writes what is in a file to it once more, and returns when it is on disk. A sync alone does not do that for what
    /// an earlier one failed to write: the system takes it for written since.
    fn renew(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = vec![0; 1 << 20];
        loop {
            let length = file.read(&mut bytes)?;
            if length == 0 {
                return file.sync_all();
            }
            file.seek_relative(-(length as i64))?;
            file.write_all(&bytes[..length])?;
        }
    }

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Gives a file a second name, which must be free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    /// Gives a file another name, in the place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Makes a directory, for this user alone.
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    /// Removes a directory that is empty.
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    /// Returns when the names in a directory are on disk; at once where directories cannot be synced.
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        if !cfg!(unix) {
            return Ok(());
        }
        File::open(path)?.sync_all()
    }
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")
}

/// Whether two answers are about one file.
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }
    #[cfg(not(unix))]
    {
        one.is_file() && other.is_file()
    }
}

/// The file system as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {}

/// An error of the file system, as one that tells the caller what to do.
#[must_use]
pub fn file_fault(error: io::Error, doing: &str, path: &Path) -> Error {
    use std::io::ErrorKind as Io;
    let (kind, remedy) = match error.kind() {
        Io::NotFound => (ErrorKind::NotFound, "check the path"),
        Io::PermissionDenied | Io::ReadOnlyFilesystem => (
            ErrorKind::Denied,
            "check the permissions of it and its directory",
        ),
        Io::StorageFull | Io::QuotaExceeded => (ErrorKind::Storage, "make room and try again"),
        _ => (ErrorKind::Storage, "check the path and the disk"),
    };
    Error::new(kind, format!("cannot {doing}; {remedy}"))
        .because(error)
        .with("path", path.display())
}
