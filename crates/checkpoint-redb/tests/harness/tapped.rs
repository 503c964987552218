//! The engine's file calls, through a tap.

use std::io;
use std::path::Path;
use std::sync::Arc;

use checkpoint_core::files::Files;
use checkpoint_redb::{Media, Medium, SystemMedia};
use checkpoint_torture::disk::{Fault, FileId, Op, Tap, TappedFiles};

/// Files whose calls a tap hears.
#[derive(Debug)]
pub(crate) struct TappedMedia {
    tap: Tap,
    sync_directories: bool,
    sync_files: bool,
}

impl TappedMedia {
    pub(crate) fn new(tap: &Tap) -> Self {
        Self {
            tap: tap.clone(),
            sync_directories: true,
            sync_files: true,
        }
    }

    /// Says that directories are synced, and does not: a fault that a harness must catch.
    pub(crate) fn without_sync_of_directories(mut self) -> Self {
        self.sync_directories = false;
        self
    }

    /// Says that files are synced, and does not: likewise.
    pub(crate) fn without_sync_of_files(mut self) -> Self {
        self.sync_files = false;
        self
    }
}

impl Media for TappedMedia {
    fn files(&self) -> Arc<dyn Files> {
        let files = TappedFiles::new(&self.tap);
        if self.sync_directories {
            Arc::new(files)
        } else {
            Arc::new(files.without_sync_of_directories())
        }
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn Medium>> {
        let mut turn = self.tap.turn();
        turn.check(Op::Open)?;
        let real = SystemMedia.open(path, write)?;
        Ok(Arc::new(TappedMedium {
            tap: self.tap.clone(),
            id: turn.opened(path, false),
            sync: self.sync_files,
            real,
        }))
    }
}

#[derive(Debug)]
struct TappedMedium {
    tap: Tap,
    /// None for a file that nobody was heard making.
    id: Option<FileId>,
    sync: bool,
    real: Arc<dyn Medium>,
}

impl Medium for TappedMedium {
    fn length(&self) -> io::Result<u64> {
        self.real.length()
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Read)?;
        self.real.read(at, bytes)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut turn = self.tap.turn();
        let fault = turn.fault(Op::Write);
        let length = match fault {
            None => bytes.len(),
            Some(Fault::Short) => bytes.len() / 2,
            Some(_) => 0,
        };
        if length > 0 {
            self.real.write(at, &bytes[..length])?;
            if let Some(id) = self.id {
                turn.wrote(id, at, &bytes[..length]);
            }
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut turn = self.tap.turn();
        turn.check(Op::Truncate)?;
        self.real.set_length(length)?;
        if let Some(id) = self.id {
            turn.truncated(id, length);
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut turn = self.tap.turn();
        let result = turn
            .check(Op::Sync)
            .and_then(|()| if self.sync { self.real.sync() } else { Ok(()) });
        if let Some(id) = self.id
            && self.sync
        {
            turn.synced(id, result.is_ok());
        }
        result
    }

    fn lock(&self, shared: bool) -> io::Result<bool> {
        self.real.lock(shared)
    }
}
