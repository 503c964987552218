//! How the conformance suite makes, opens and damages redb stores. The suite's command takes it from here too.

#[allow(
    clippy::duplicate_mod,
    reason = "the command of the suite takes the harnesses of several backends over rows"
)]
#[path = "../../../checkpoint-rows/tests/damage/mod.rs"]
mod damage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Damage, Fixture, Harness};
use checkpoint_core::{Backend, Capabilities, Error, FakeClock, Result};
use checkpoint_redb::{RedbBackend, RedbOptions};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};
use tempfile::TempDir;

/// Tries [`RedbBackend`] on files in a directory of their own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Redb;

#[async_trait]
impl Harness for Redb {
    fn name(&self) -> &str {
        "redb"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_persistent(true)
            .with_backup(true)
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        let dir = TempDir::new().map_err(|error| Error::storage("no directory").because(error))?;
        let path = dir.path().join("store.redb");
        Ok(Box::new(Place {
            _dir: dir,
            path,
            clock,
        }))
    }
}

struct Place {
    _dir: TempDir,
    path: PathBuf,
    clock: FakeClock,
}

#[async_trait]
impl Fixture for Place {
    async fn open(&self) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(RedbBackend::open(self.options(&self.path)).await?))
    }

    async fn open_read_only(&self) -> Result<Option<Arc<dyn Backend>>> {
        let options = self.options(&self.path).with_read_only(true);
        Ok(Some(Arc::new(RedbBackend::open(options).await?)))
    }

    async fn open_backup(&self, at: &Path) -> Result<Arc<dyn Backend>> {
        let options = self.options(at).with_create(false);
        Ok(Arc::new(RedbBackend::open(options).await?))
    }

    async fn damage(&self, what: &Damage) -> Result<bool> {
        self.spoil(what)
            .map_err(|error| Error::storage("the damage was not done").because(error))
    }
}

impl Place {
    fn options(&self, path: &Path) -> RedbOptions {
        RedbOptions::at(path).with_clock(Arc::new(self.clock.clone()))
    }

    fn spoil(&self, what: &Damage) -> Result<bool, redb::Error> {
        let db = Database::open(&self.path)?;
        let Some((table, key, mut value)) = find(&db, what)? else {
            return Ok(false);
        };
        let write = db.begin_write()?;
        {
            let mut table = write.open_table(definition(table))?;
            match what {
                Damage::Index(_) => drop(table.remove(&key[..])?),
                Damage::NewerFormat(by) => {
                    let known = u32::from_le_bytes([value[0], value[1], value[2], value[3]]);
                    table.insert(&key[..], &(known + by).to_le_bytes()[..])?;
                }
                _ => {
                    damage::spoil(what, &mut value);
                    table.insert(&key[..], &value[..])?;
                }
            }
        }
        write.commit()?;
        Ok(true)
    }
}

fn find(db: &Database, what: &Damage) -> Result<Option<damage::Found>, redb::Error> {
    let tables = Tables(db.begin_read()?);
    if let Damage::NewerFormat(_) = what {
        let format = damage::Tables::get(&tables, "store", b"format")?;
        return Ok(format.map(|format| ("store", b"format".to_vec(), format)));
    }
    damage::find(&tables, what)
}

struct Tables(ReadTransaction);

impl damage::Tables for Tables {
    type Error = redb::Error;

    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = self.0.open_table(definition(table))?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn keys(&self, table: &'static str) -> Result<Vec<Vec<u8>>, redb::Error> {
        let table = self.0.open_table(definition(table))?;
        let rows = table.iter()?;
        rows.map(|row| Ok(row?.0.value().to_vec())).collect()
    }
}

fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}
