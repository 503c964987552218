//! How the conformance suite makes, opens and damages redb stores. The suite's command takes it from here too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Damage, Fixture, Harness};
use checkpoint_core::{Backend, Capabilities, CheckpointId, Error, FakeClock, RawId, Result};
use checkpoint_redb::{RedbBackend, RedbOptions};
use redb::{Database, ReadableDatabase, TableDefinition};
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

type Found = Option<(&'static str, Vec<u8>, Vec<u8>)>;

impl Place {
    fn options(&self, path: &Path) -> RedbOptions {
        RedbOptions::at(path).with_clock(Arc::new(self.clock.clone()))
    }

    fn spoil(&self, what: &Damage) -> std::result::Result<bool, redb::Error> {
        let db = Database::open(&self.path)?;
        let Some((table, key, mut value)) = find(&db, what)? else {
            return Ok(false);
        };
        let write = db.begin_write()?;
        {
            let mut table = write.open_table(definition(table))?;
            if let Damage::Index(_) = what {
                table.remove(&key[..])?;
            } else {
                spoil_value(what, &mut value);
                table.insert(&key[..], &value[..])?;
            }
        }
        write.commit()?;
        Ok(true)
    }
}

fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// The row that is to be spoiled: its table, key and value.
fn find(db: &Database, what: &Damage) -> std::result::Result<Found, redb::Error> {
    let read = db.begin_read()?;
    let get = |table: &str, key: &[u8]| -> std::result::Result<Option<Vec<u8>>, redb::Error> {
        let table = read.open_table(definition(table))?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    };
    let sequence = |id: &CheckpointId| -> std::result::Result<Vec<u8>, redb::Error> {
        let place = get("checkpoint_id", &key(id.raw()))?;
        Ok(place.map_or(Vec::new(), |place| place[1..].to_vec()))
    };
    let (table, key) = match what {
        Damage::Header(id) | Damage::Meta(id) | Damage::Payload(id) => {
            ("checkpoint", sequence(id)?)
        }
        Damage::Chunk(id) => {
            let entry = get("chunk_id", id.as_bytes())?;
            (
                "chunk_data",
                entry.map_or(Vec::new(), |it| it[..8].to_vec()),
            )
        }
        Damage::Attachment(id, kind, name) => {
            let sequence = sequence(id)?;
            let length = (kind.len() as u16).to_be_bytes();
            let key = [&sequence[..], &length, kind.as_bytes(), name.as_bytes()].concat();
            // Behind the digests, and below 128 in these tests.
            let number = get("attachment_key", &key)?.map_or(0, |value| u64::from(value[16]));
            (
                "attachment",
                [&sequence[..], &number.to_be_bytes()].concat(),
            )
        }
        Damage::Session(id) | Damage::SessionHeader(id) => {
            let key = get("session_id", &key(id.raw()))?;
            ("session", key.unwrap_or_default())
        }
        Damage::Record(name) => ("record", name.as_str().as_bytes().to_vec()),
        Damage::Change(at) => (
            "change",
            [at.sequence.to_be_bytes(), at.n.to_be_bytes()].concat(),
        ),
        Damage::Index(id) => {
            let sequence = sequence(id)?;
            let index = read.open_table(definition("index"))?;
            let mut tags = index.range(&[2_u8][..]..&[3_u8][..])?;
            let entry = tags.find_map(|entry| {
                let key = entry.ok()?.0.value().to_vec();
                key.ends_with(&sequence).then_some(key)
            });
            ("index", entry.unwrap_or_default())
        }
        Damage::NewerFormat(_) => ("store", b"format".to_vec()),
        _ => return Ok(None),
    };
    Ok(get(table, &key)?.map(|value| (table, key, value)))
}

/// Flips one bit of what is named.
fn spoil_value(what: &Damage, value: &mut Vec<u8>) {
    let at = match what {
        Damage::NewerFormat(by) => {
            let known = u32::from_le_bytes([value[0], value[1], value[2], value[3]]);
            *value = (known + by).to_le_bytes().to_vec();
            return;
        }
        Damage::Header(_) | Damage::Meta(_) | Damage::Payload(_) => {
            let (packed, meta) = parts(value);
            match what {
                // Behind the digests.
                Damage::Header(_) => (packed.0 + packed.1) / 2,
                Damage::Meta(_) => (meta.0 + meta.1) / 2,
                _ => (meta.1 + value.len()) / 2,
            }
        }
        // Length, digests and id come first, and the large part last.
        Damage::SessionHeader(_) => 20 + id_length(value[20]) + 2,
        Damage::Session(_) | Damage::Record(_) | Damage::Change(_) => value.len() - 1,
        _ => value.len() / 2,
    };
    match value.get_mut(at) {
        Some(byte) => *byte ^= 1,
        None => value.push(1),
    }
}

/// How long an id is that begins so. None of these tests takes more than one byte for its length.
fn id_length(first: u8) -> usize {
    match first {
        0 => 17,
        length => 1 + usize::from(length),
    }
}

/// Where the packed row and the description of a checkpoint begin and end.
fn parts(value: &[u8]) -> ((usize, usize), (usize, usize)) {
    let at = 8 + id_length(value[8]);
    let length = |at: usize| {
        let bytes = [value[at], value[at + 1], value[at + 2], value[at + 3]];
        u32::from_le_bytes(bytes) as usize
    };
    let packed = (at + 8, at + 8 + length(at));
    (packed, (packed.1, packed.1 + length(at + 4)))
}

/// The key of an id.
fn key(id: RawId<'_>) -> Vec<u8> {
    match id {
        RawId::Uuid(bytes) => [&[0], &bytes[..]].concat(),
        RawId::Text(text) => [&[1], text.as_bytes()].concat(),
    }
}
