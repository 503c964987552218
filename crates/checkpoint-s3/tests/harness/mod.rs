//! How the conformance suite makes, opens and damages stores of objects. The suite's command takes it from here too.

#[allow(
    clippy::duplicate_mod,
    reason = "the command of the suite takes the harnesses of several backends over rows"
)]
#[path = "../../../checkpoint-rows/tests/damage/mod.rs"]
mod damage;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use checkpoint_conformance::{Damage, Fixture, Harness};
use checkpoint_core::{Backend, Capabilities, Error, FakeClock, Result};
use checkpoint_rows::Table;
use checkpoint_s3::{DirectoryOptions, ObjectBackend, ObjectOptions};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use tempfile::TempDir;

/// Tries [`ObjectBackend`] on objects in memory, each store on its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Objects {
    /// After each entry, so that all that is read comes from segments.
    pub(crate) snapshots: bool,
}

/// Tries [`ObjectBackend`] on directories, each store in one of its own.
#[derive(Clone, Copy, Debug, Default)]
#[allow(
    dead_code,
    reason = "each binary of tests takes one harness of this file"
)]
pub(crate) struct Directories;

/// Tries [`ObjectBackend`] in a bucket, each store below a prefix of its own.
#[derive(Debug)]
#[allow(
    dead_code,
    reason = "each binary of tests takes one harness of this file"
)]
pub(crate) struct Buckets {
    options: ObjectOptions,
    made: AtomicU64,
}

#[allow(
    dead_code,
    reason = "each binary of tests takes one harness of this file"
)]
impl Buckets {
    /// In the bucket of these options, below their prefix.
    pub(crate) const fn new(options: ObjectOptions) -> Self {
        let made = AtomicU64::new(0);
        Self { options, made }
    }
}

#[async_trait]
impl Harness for Buckets {
    fn name(&self) -> &str {
        "s3"
    }

    fn capabilities(&self) -> Capabilities {
        Objects::default().capabilities()
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{}/{number}", self.options.prefix);
        let options = self.options.clone().with_prefix(prefix);
        Ok(Box::new(Place {
            snapshot_after: options.snapshot_after,
            objects: Kept::Bucket(Box::new(options)),
            clock,
        }))
    }
}

#[async_trait]
impl Harness for Directories {
    fn name(&self) -> &str {
        "file"
    }

    fn capabilities(&self) -> Capabilities {
        Objects::default().capabilities()
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        let directory = tempfile::tempdir();
        let directory = directory.map_err(|error| Error::storage("no directory").because(error))?;
        let objects = Kept::Directory(directory);
        Ok(Box::new(Place {
            snapshot_after: 12,
            objects,
            clock,
        }))
    }
}

#[async_trait]
impl Harness for Objects {
    fn name(&self) -> &str {
        if self.snapshots { "s3-snapshots" } else { "s3" }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_persistent(true)
            .with_shared(true)
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        Ok(Box::new(Place {
            snapshot_after: if self.snapshots { 1 } else { 12 },
            objects: Kept::Memory(Arc::new(InMemory::new())),
            clock,
        }))
    }
}

struct Place {
    snapshot_after: u64,
    objects: Kept,
    clock: FakeClock,
}

/// Where objects are kept.
enum Kept {
    Memory(Arc<dyn ObjectStore>),
    Directory(TempDir),
    #[allow(dead_code, reason = "see `Buckets`")]
    Bucket(Box<ObjectOptions>),
}

impl Place {
    async fn options(&self) -> Result<ObjectOptions> {
        let options = match &self.objects {
            Kept::Memory(objects) => {
                ObjectOptions::new(Arc::clone(objects)).with_prefix("some/store")
            }
            Kept::Directory(directory) => {
                let path = directory.path().join("store");
                DirectoryOptions::at(path).find().await?
            }
            Kept::Bucket(options) => ObjectOptions::clone(options),
        };
        Ok(options
            .with_snapshot_after(self.snapshot_after)
            .with_clock(Arc::new(self.clock.clone())))
    }
}

#[async_trait]
impl Fixture for Place {
    async fn open(&self) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(ObjectBackend::open(self.options().await?).await?))
    }

    async fn open_read_only(&self) -> Result<Option<Arc<dyn Backend>>> {
        let options = self.options().await?.with_read_only(true);
        Ok(Some(Arc::new(ObjectBackend::open(options).await?)))
    }

    async fn damage(&self, what: &Damage) -> Result<bool> {
        let backend = ObjectBackend::open(self.options().await?).await?;
        let done = spoil(&backend, what).await;
        backend.close().await?;
        done
    }
}

async fn spoil(backend: &ObjectBackend, what: &Damage) -> Result<bool> {
    if let Damage::NewerFormat(by) = what {
        backend.age_format(*by).await?;
        return Ok(true);
    }
    let mut tables = Tables::default();
    for table in Table::ALL {
        for key in backend.raw_keys(table).await? {
            let value = backend.raw_row(table, key.clone()).await?;
            tables
                .0
                .entry(table.name())
                .or_default()
                .push((key, value.unwrap_or_default()));
        }
    }
    let Ok(Some((table, key, mut value))) = damage::find(&tables, what) else {
        return Ok(false);
    };
    damage::spoil(what, &mut value);
    let table = Table::ALL.into_iter().find(|it| it.name() == table);
    let Some(table) = table else { return Ok(false) };
    let value = (!matches!(what, Damage::Index(_))).then_some(value);
    backend.put_raw_row(table, key, value).await?;
    Ok(true)
}

type Row = (Vec<u8>, Vec<u8>);

#[derive(Default)]
struct Tables(HashMap<&'static str, Vec<Row>>);

impl damage::Tables for Tables {
    type Error = std::convert::Infallible;

    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Self::Error> {
        let rows = self.0.get(table).into_iter().flatten();
        let mut found = rows.filter(|(it, _)| it == key);
        Ok(found.next().map(|(_, value)| value.clone()))
    }

    fn keys(&self, table: &'static str) -> Result<Vec<Vec<u8>>, Self::Error> {
        let rows = self.0.get(table).into_iter().flatten();
        Ok(rows.map(|(key, _)| key.clone()).collect())
    }
}
