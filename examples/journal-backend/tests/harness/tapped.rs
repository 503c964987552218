//! File calls that a tap hears, and makes fail as it is told.

use std::fs::File;
use std::io;
use std::path::Path;

use checkpoint_journal::{Disk, System};
use checkpoint_torture::disk::{Fault, Op, Tap, Turn};

/// The system's calls, heard by a tap.
#[derive(Debug)]
pub(crate) struct Tapped {
    pub(crate) tap: Tap,
    /// Calls that answer and are not made: what a careless backend leaves out.
    pub(crate) leaves_out: Option<Op>,
}

impl Tapped {
    /// Makes a call that shall not fail, and tells what it did.
    fn call<T>(
        &self,
        op: Op,
        call: impl FnOnce() -> io::Result<T>,
        tell: impl FnOnce(&mut Turn<'_>),
    ) -> io::Result<T> {
        let mut turn = self.tap.turn();
        turn.check(op)?;
        let done = call()?;
        tell(&mut turn);
        Ok(done)
    }
}

impl Disk for Tapped {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        let there = path.is_dir();
        self.call(
            Op::Directory,
            || System.make_directory(path),
            |turn| {
                if !there {
                    turn.made_directory(path);
                }
            },
        )
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let there = path.exists();
        self.call(
            Op::Open,
            || System.open(path),
            |turn| {
                turn.opened(path, !there);
            },
        )
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.call(Op::Read, || System.read(path), |_| ())
    }

    fn write(&self, file: &File, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut turn = self.tap.turn();
        let fault = turn.fault(Op::Write);
        let written = match fault {
            None => bytes,
            Some(Fault::Short) => &bytes[..bytes.len() / 2],
            Some(fault) => return Err(fault.error()),
        };
        System.write(file, path, at, written)?;
        if let Some(id) = turn.opened(path, false) {
            turn.wrote(id, at, written);
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn truncate(&self, file: &File, path: &Path, length: u64) -> io::Result<()> {
        self.call(
            Op::Truncate,
            || System.truncate(file, path, length),
            |turn| {
                if let Some(id) = turn.opened(path, false) {
                    turn.truncated(id, length);
                }
            },
        )
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        if self.leaves_out == Some(Op::Sync) {
            return Ok(());
        }
        let mut turn = self.tap.turn();
        let done = turn.check(Op::Sync).and_then(|()| System.sync(file, path));
        turn.synced_at(path, done.is_ok());
        done
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(
            Op::Name,
            || System.rename(from, to),
            |turn| turn.renamed(from, to),
        )
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        if self.leaves_out == Some(Op::SyncDirectory) {
            return Ok(());
        }
        self.call(
            Op::SyncDirectory,
            || System.sync_directory(path),
            |turn| turn.synced_directory(path),
        )
    }
}
