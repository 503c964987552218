//! How the conformance suite makes, opens and damages journals.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Damage, Fixture, Harness};
use checkpoint_core::{Backend, Capabilities, Error, FakeClock, Result};
use checkpoint_journal::{JournalBackend, JournalOptions};
use tempfile::TempDir;

/// Tries [`JournalBackend`] in directories of their own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Journal;

#[async_trait]
impl Harness for Journal {
    fn name(&self) -> &str {
        "journal"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_persistent(true)
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        let directory = TempDir::new();
        let directory = directory.map_err(|error| Error::storage("no directory").because(error))?;
        Ok(Box::new(Place { directory, clock }))
    }
}

struct Place {
    directory: TempDir,
    clock: FakeClock,
}

#[async_trait]
impl Fixture for Place {
    async fn open(&self) -> Result<Arc<dyn Backend>> {
        let options = JournalOptions::at(self.directory.path());
        let options = options.with_clock(Arc::new(self.clock.clone()));
        Ok(Arc::new(JournalBackend::open(options)?))
    }

    /// An entry is whole or refused with the store, which `tests/journal.rs` tries: no damage is one object's alone.
    async fn damage(&self, what: &Damage) -> Result<bool> {
        match what {
            Damage::NewerFormat(by) => newer(self.directory.path(), *by)
                .map(|()| true)
                .map_err(|error| Error::storage("the damage was not done").because(error)),
            _ => Ok(false),
        }
    }
}

fn newer(directory: &Path, by: u32) -> std::io::Result<()> {
    let path = directory.join("journal");
    let mut bytes = std::fs::read(&path)?;
    let version = bytes
        .get_mut(8..12)
        .ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let newer = u32::from_le_bytes([version[0], version[1], version[2], version[3]]) + by;
    version.copy_from_slice(&newer.to_le_bytes());
    std::fs::write(path, bytes)
}
