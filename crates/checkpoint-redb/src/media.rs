//! What the engine keeps a store in, and the calls to it.
//!
//! They go through traits, so that a test can hear each of them and let it fail. Programs leave it at [`SystemMedia`].

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use checkpoint_core::files::{Files, SystemFiles};

/// Where stores lie.
pub trait Media: fmt::Debug + Send + Sync + 'static {
    /// The file calls that are not the engine's: making a store, telling what a file is.
    fn files(&self) -> Arc<dyn Files> {
        Arc::new(SystemFiles)
    }

    /// Opens a file that is there, for the engine.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn Medium>>;
}

/// An open file, as the engine reads and writes it. Each call may come from any thread.
///
/// # Errors
///
/// Each answers those of the system.
pub trait Medium: fmt::Debug + Send + Sync + 'static {
    /// How long it is.
    fn length(&self) -> io::Result<u64>;

    /// Fills the bytes with what stands at an offset. `UnexpectedEof` beyond the end.
    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Writes bytes at an offset, within the length.
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes it as long; what is new reads as zeros.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Returns when what was written is on disk, the length included.
    fn sync(&self) -> io::Result<()>;

    /// Takes a lock on all of it, shared or alone, until it is dropped; answers whether it got it, at once.
    fn lock(&self, shared: bool) -> io::Result<bool>;
}

/// The file system as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemMedia;

impl Media for SystemMedia {
    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn Medium>> {
        let file = OpenOptions::new().read(true).write(write).open(path)?;
        Ok(Arc::new(SystemFile(file)))
    }
}

#[derive(Debug)]
struct SystemFile(File);

impl Medium for SystemFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, at)
    }

    #[cfg(windows)]
    fn read(&self, mut at: u64, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.0, bytes, at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    at += read as u64;
                    bytes = &mut bytes[read..];
                }
            }
        }
        Ok(())
    }

    #[cfg(unix)]
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, at)
    }

    #[cfg(windows)]
    fn write(&self, mut at: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_write(&self.0, bytes, at)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => {
                    at += written as u64;
                    bytes = &bytes[written..];
                }
            }
        }
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn lock(&self, shared: bool) -> io::Result<bool> {
        let locked = if shared {
            self.0.try_lock_shared()
        } else {
            self.0.try_lock()
        };
        match locked {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
