//! The ring that a handle has, and how it learns of another.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use checkpoint_core::engine::aside;
use checkpoint_core::{
    Backend, Clock, Commit, CommitId, Error, ErrorKind, Expectation, Item, Position, PutRecord,
    Result, StoreId, SystemClock, Timestamp,
};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::key::Key;
use crate::ring::{self, Ring};
use crate::secret::random;

/// The ring, at a version of its record.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) ring: Arc<Ring>,
    pub(crate) version: u64,
}

impl Held {
    /// That nobody has put another one since.
    pub(crate) fn expectation(&self) -> Result<Expectation> {
        Ok(Expectation::Version(ring::name()?, Some(self.version)))
    }
}

/// Keeps the ring.
#[derive(Debug)]
pub(crate) struct Keeper {
    store: StoreId,
    key: Key,
    held: RwLock<Held>,
    /// Who reads the ring anew; others wait and take what was read.
    reading: Mutex<()>,
}

impl Keeper {
    /// Takes the ring of a store, making one where nothing is stored yet.
    pub(crate) async fn open(backend: &dyn Backend, key: Key) -> Result<Self> {
        let store = backend.info().id;
        let held = match read(backend).await? {
            Some((record, version)) => take(&record, version, store, &key).await?,
            None => create(backend, &key).await?,
        };
        Ok(Self {
            store,
            key,
            held: RwLock::new(held),
            reading: Mutex::new(()),
        })
    }

    /// One for a copy of the same store, which goes its own way from here.
    pub(crate) fn of_copy(&self) -> Self {
        Self {
            store: self.store,
            key: self.key.clone(),
            held: RwLock::new(self.held()),
            reading: Mutex::new(()),
        }
    }

    pub(crate) fn held(&self) -> Held {
        self.held.read().clone()
    }

    /// Reads the ring anew, unless somebody did since a version was seen.
    pub(crate) async fn renew(&self, backend: &dyn Backend, seen: u64) -> Result<Held> {
        let _reading = self.reading.lock().await;
        let held = self.held();
        if held.version != seen {
            return Ok(held);
        }
        let (record, version) = read(backend).await?.ok_or_else(|| {
            Error::corrupt("the record of the keys is gone; restore the store from a backup")
        })?;
        let newer = match held.ring.follow(&record, &self.store) {
            Some(ring) => Held {
                ring: Arc::new(ring),
                version,
            },
            None => take(&record, version, self.store, &self.key).await?,
        };
        *self.held.write() = newer.clone();
        Ok(newer)
    }

    /// Puts another ring in the place of the one that is held; false when somebody else did. With none nothing can be
    /// sealed any more.
    pub(crate) async fn replace(
        &self,
        backend: &dyn Backend,
        held: &Held,
        record: Bytes,
        ring: Option<Ring>,
    ) -> Result<bool> {
        let _reading = self.reading.lock().await;
        if put(backend, record, Some(held.version)).await? {
            if let Some(ring) = ring {
                *self.held.write() = Held {
                    ring: Arc::new(ring),
                    version: held.version + 1,
                };
            }
            return Ok(true);
        }
        Ok(false)
    }

    pub(crate) const fn store(&self) -> &StoreId {
        &self.store
    }
}

/// Whether the store has a ring, and so is encrypted.
///
/// # Errors
///
/// Those of the storage.
pub async fn is_encrypted(backend: &dyn Backend) -> Result<bool> {
    Ok(!backend.records(ring::RECORD).await?.is_empty())
}

async fn read(backend: &dyn Backend) -> Result<Option<(Bytes, u64)>> {
    for item in backend.records(ring::RECORD).await? {
        match item {
            Item::Found(record) if record.name.as_str() == ring::RECORD => {
                return Ok(Some((record.bytes, record.version)));
            }
            Item::Found(_) | Item::Absent | Item::Deleted => {}
            Item::Corrupt(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn take(record: &Bytes, version: u64, store: StoreId, key: &Key) -> Result<Held> {
    let (record, material) = (record.clone(), key.material().await?);
    let ring = aside(move || Ring::open(&record, &store, &material)).await?;
    Ok(Held {
        ring: Arc::new(ring),
        version,
    })
}

/// Makes a ring in a store where nothing is.
async fn create(backend: &dyn Backend, key: &Key) -> Result<Held> {
    let info = backend.info();
    let store = info.id;
    if backend.changed(Position::START, Duration::ZERO).await? != Position::START {
        // Keys are made before anything is written. Somebody else may have done both since they were looked for.
        return match read(backend).await? {
            Some((record, version)) => take(&record, version, store, key).await,
            None => Err(plain(
                "the store is not encrypted; open it without a key, or copy what is in it to a new one",
            )),
        };
    }
    if info.read_only {
        return Err(plain(
            "the store has no keys, and none can be made while it is open for reading; open it for writing once",
        ));
    }
    let material = key.material().await?;
    let now = now();
    let (ring, record) = aside(move || {
        let mut ring = Ring::new(now)?;
        ring.lock(&store, &[material])?;
        let record = ring.seal(&store)?;
        Ok((ring, record))
    })
    .await?;
    let made = put(backend, record.clone(), None).await?;
    let (there, version) = read(backend).await?.unwrap_or_default();
    if made && there == record {
        return Ok(Held {
            ring: Arc::new(ring),
            version,
        });
    }
    // Somebody else was quicker, or has changed it already: its version goes with its own keys alone.
    take(&there, version, store, key).await
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

fn plain(message: &str) -> Error {
    Error::new(ErrorKind::Denied, message)
}

/// Puts the record; false when there is another version of it than expected.
async fn put(backend: &dyn Backend, record: Bytes, version: Option<u64>) -> Result<bool> {
    let mut id = [0; 16];
    random(&mut id)?;
    let commit = Commit::new(CommitId::from_bytes(id))
        .expecting(Expectation::Version(ring::name()?, version))
        .with(PutRecord {
            name: ring::name()?,
            bytes: Some(record),
        });
    match backend.commit(commit.clone()).await {
        Ok(_) => Ok(true),
        Err(error) if error.as_conflict().is_some() => Ok(false),
        // Whether it was done is settled by sending it again.
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => {
            match backend.commit(commit).await {
                Ok(_) => Ok(true),
                Err(error) if error.as_conflict().is_some() => Ok(false),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}
