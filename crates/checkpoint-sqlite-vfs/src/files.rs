//! The backend's own file calls, through a tap.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use checkpoint_core::{Error, Result};
use checkpoint_sqlite::{Files, SystemFiles};
use checkpoint_torture::disk::{Op, Tap};

use crate::{registry, vfs};

/// File calls that a tap hears. As long as one lives, the tap hears those of the engine in its directory too.
#[derive(Debug)]
pub struct TappedFiles {
    tap: Tap,
    sync_directories: bool,
}

impl TappedFiles {
    /// File calls through a tap, which from now on hears the engine's too.
    ///
    /// # Errors
    ///
    /// `Unsupported` when the engine takes no layer between it and its files.
    pub fn new(tap: &Tap) -> Result<Self> {
        vfs::install().map_err(|code| {
            Error::unsupported("the engine takes no layer below it").with("code", code)
        })?;
        registry::add(tap.clone());
        Ok(Self {
            tap: tap.clone(),
            sync_directories: true,
        })
    }

    /// Says that directories are synced, and does not: a fault that a harness must catch.
    #[must_use]
    pub fn without_sync_of_directories(mut self) -> Self {
        self.sync_directories = false;
        self
    }
}

impl Drop for TappedFiles {
    fn drop(&mut self) {
        registry::remove(self.tap.root());
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

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        SystemFiles.metadata(path)
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        let mut turn = self.tap.turn();
        let result = turn
            .check(Op::Sync)
            .and_then(|()| SystemFiles.sync(file, path));
        turn.synced_at(path, result.is_ok());
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
