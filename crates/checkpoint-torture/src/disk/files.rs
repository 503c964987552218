//! A backend's own file calls, through a tap.

use std::any::Any;
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use checkpoint_core::files::{Files, SystemFiles};

use super::fault::{Fault, Op};
use super::tap::Tap;

/// File calls that a tap hears.
pub struct TappedFiles {
    tap: Tap,
    sync_directories: bool,
    sync_files: bool,
    _kept: Option<Box<dyn Any + Send + Sync>>,
}

impl TappedFiles {
    /// File calls through a tap.
    #[must_use]
    pub fn new(tap: &Tap) -> Self {
        Self {
            tap: tap.clone(),
            sync_directories: true,
            sync_files: true,
            _kept: None,
        }
    }

    /// Says that directories are synced, and does not: a fault that a harness must catch.
    #[must_use]
    pub fn without_sync_of_directories(mut self) -> Self {
        self.sync_directories = false;
        self
    }

    /// Says that files are synced, and does not: likewise.
    #[must_use]
    pub fn without_sync_of_files(mut self) -> Self {
        self.sync_files = false;
        self
    }

    /// Keeps something for as long as calls are heard, such as the layer by which an engine's own are.
    #[must_use]
    pub fn keeping(mut self, kept: impl Any + Send + Sync) -> Self {
        self._kept = Some(Box::new(kept));
        self
    }
}

impl fmt::Debug for TappedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TappedFiles")
            .field("tap", &self.tap)
            .field("sync_directories", &self.sync_directories)
            .field("sync_files", &self.sync_files)
            .finish_non_exhaustive()
    }
}

impl Files for TappedFiles {
    fn create(&self, path: &Path) -> io::Result<File> {
        let mut turn = self.tap.turn();
        turn.check(Op::Open)?;
        let file = SystemFiles.create(path)?;
        turn.opened(path, true);
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let mut turn = self.tap.turn();
        turn.check(Op::Open)?;
        SystemFiles.open(path)
    }

    fn head(&self, path: &Path, most: u64) -> io::Result<(Vec<u8>, u64)> {
        let mut turn = self.tap.turn();
        turn.check(Op::Read)?;
        SystemFiles.head(path, most)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<File> {
        let mut turn = self.tap.turn();
        turn.check(Op::Open)?;
        SystemFiles.open_to_read(path)
    }

    fn read(&self, file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Read)?;
        SystemFiles.read(file, at, bytes)
    }

    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut turn = self.tap.turn();
        let fault = turn.fault(Op::Write);
        let length = match fault {
            None => bytes.len(),
            Some(Fault::Short) => bytes.len() / 2,
            Some(_) => 0,
        };
        if length > 0 {
            SystemFiles.write(file, path, &bytes[..length])?;
            if let Some(id) = turn.opened(path, false) {
                turn.wrote(id, 0, &bytes[..length]);
            }
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut turn = self.tap.turn();
        turn.check(Op::Read)?;
        SystemFiles.names(directory)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        SystemFiles.metadata(path)
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        let mut result = turn.check(Op::Sync);
        if self.sync_files {
            result = result.and_then(|()| SystemFiles.sync(file, path));
            turn.synced_at(path, result.is_ok());
        }
        result
    }

    fn renew(&self, path: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Open)?;
        turn.check(Op::Read)?;
        turn.check(Op::Write)?;
        let bytes = std::fs::read(path)?;
        if let Some(file) = turn.opened(path, false) {
            turn.wrote(file, 0, &bytes);
        }
        let result = turn.check(Op::Sync).and_then(|()| SystemFiles.renew(path));
        turn.synced_at(path, result.is_ok());
        result
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Remove)?;
        SystemFiles.remove(path)?;
        turn.removed(path);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Name)?;
        SystemFiles.link(from, to)?;
        turn.linked(from, to);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Name)?;
        SystemFiles.rename(from, to)?;
        turn.renamed(from, to);
        Ok(())
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Directory)?;
        SystemFiles.create_directory(path)?;
        turn.made_directory(path);
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Directory)?;
        SystemFiles.remove_directory(path)?;
        turn.removed(path);
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::SyncDirectory)?;
        if self.sync_directories {
            SystemFiles.sync_directory(path)?;
            turn.synced_directory(path);
        }
        Ok(())
    }
}
