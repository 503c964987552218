//! How the conformance suite makes, opens and damages SQLite stores. The suite's command takes it from here too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Damage, Fixture, Harness};
use checkpoint_core::{
    Backend, Capabilities, CheckpointId, Error, FakeClock, RawId, Result, SessionId,
};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use tempfile::TempDir;

/// Tries [`SqliteBackend`] on files in a directory of their own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sqlite;

#[async_trait]
impl Harness for Sqlite {
    fn name(&self) -> &str {
        "sqlite"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_persistent(true)
            .with_shared(true)
            .with_backup(true)
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        let dir = TempDir::new().map_err(|error| Error::storage("no directory").because(error))?;
        let path = dir.path().join("store.db");
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
        Ok(Arc::new(
            SqliteBackend::open(self.options(&self.path)).await?,
        ))
    }

    async fn open_read_only(&self) -> Result<Option<Arc<dyn Backend>>> {
        let options = self.options(&self.path).with_read_only(true);
        Ok(Some(Arc::new(SqliteBackend::open(options).await?)))
    }

    async fn open_backup(&self, at: &Path) -> Result<Arc<dyn Backend>> {
        let options = self.options(at).with_create(false);
        Ok(Arc::new(SqliteBackend::open(options).await?))
    }

    async fn damage(&self, what: &Damage) -> Result<bool> {
        self.spoil(what)
            .map_err(|error| Error::storage("the damage was not done").because(error))
    }
}

impl Place {
    fn options(&self, path: &Path) -> SqliteOptions {
        SqliteOptions::at(path).with_clock(Arc::new(self.clock.clone()))
    }

    fn spoil(&self, what: &Damage) -> rusqlite::Result<bool> {
        let db = Connection::open(&self.path)?;
        let changed = match what {
            Damage::Header(id) => {
                let of = vec![checkpoint(id)];
                flip(&db, "checkpoint", "packed", "id = ?1", of)?
            }
            Damage::Meta(id) => flip(&db, "checkpoint", "meta", "id = ?1", vec![checkpoint(id)])?,
            Damage::Payload(id) => flip(
                &db,
                "checkpoint",
                "payload",
                "id = ?1",
                vec![checkpoint(id)],
            )?,
            Damage::Chunk(id) => {
                let id = Value::Blob(id.as_bytes().to_vec());
                flip(&db, "chunk", "data", "id = ?1", vec![id])?
            }
            Damage::Attachment(id, kind, key) => {
                let of = "kind = ?2 AND key = ?3 AND sequence = (SELECT sequence FROM checkpoint WHERE id = ?1)";
                let binds = vec![checkpoint(id), kind.clone().into(), key.clone().into()];
                flip(&db, "attachment", "data", of, binds)?
            }
            Damage::Session(id) => flip(&db, "session", "body", "id = ?1", vec![session(id)])?,
            Damage::SessionHeader(id) => db.execute(
                "UPDATE session SET created = created + 1 WHERE id = ?1",
                params![session(id)],
            )?,
            Damage::Record(name) => {
                let name = Value::Text(name.as_str().to_owned());
                flip(&db, "record", "data", "name = ?1", vec![name])?
            }
            Damage::Change(at) => db.execute(
                "UPDATE change SET committed = committed + 1 WHERE sequence = ?1 AND n = ?2",
                params![at.sequence.cast_signed(), at.n.cast_signed()],
            )?,
            Damage::Index(id) => db.execute(
                "DELETE FROM tag WHERE sequence = (SELECT sequence FROM checkpoint WHERE id = ?1)",
                params![checkpoint(id)],
            )?,
            Damage::NewerFormat(by) => {
                let known: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
                db.pragma_update(None, "user_version", known + by)?;
                1
            }
            _ => 0,
        };
        Ok(changed > 0)
    }
}

/// Flips one bit in the middle of a column that is not empty.
fn flip(
    db: &Connection,
    table: &str,
    column: &str,
    which: &str,
    binds: Vec<Value>,
) -> rusqlite::Result<usize> {
    let select = format!("SELECT rowid, {column} FROM {table} WHERE {which}");
    let found = db.query_row(&select, rusqlite::params_from_iter(binds), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    let (row, mut bytes) = match found {
        Ok(found) => found,
        Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(0),
        Err(error) => return Err(error),
    };
    let middle = bytes.len() / 2;
    match bytes.get_mut(middle) {
        Some(byte) => *byte ^= 1,
        None => bytes.push(1),
    }
    db.execute(
        &format!("UPDATE {table} SET {column} = ?1 WHERE rowid = ?2"),
        params![bytes, row],
    )
}

fn raw(id: RawId<'_>) -> Value {
    match id {
        RawId::Uuid(bytes) => Value::Blob(bytes.to_vec()),
        RawId::Text(text) => Value::Text(text.to_owned()),
    }
}

fn checkpoint(id: &CheckpointId) -> Value {
    raw(id.raw())
}

fn session(id: &SessionId) -> Value {
    raw(id.raw())
}
