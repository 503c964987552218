//! Engines below an encrypted store, and all that can be read of one.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test takes what it needs of this"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use checkpoint_core::{
    AttachmentQuery, Backend, Clock, Error, Filter, Item, Order, Parts, Payload, Position, Query,
    Result, SessionQuery, Store, SystemClock,
};
use checkpoint_crypto::{Encrypted, Key};
use checkpoint_redb::{RedbBackend, RedbOptions};
use checkpoint_s3::{DirectoryOptions, ObjectBackend};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};

/// Items that a page has room for: all there are.
const PAGE: usize = 1_000;

/// Engines that keep files.
pub const ENGINES: [&str; 3] = ["sqlite", "redb", "file"];

pub fn key(n: u8) -> Key {
    Key::from_bytes(&[n; 32])
}

/// Opens the plain store of an engine in a directory. Of directories, `file` reads most from snapshots, and `entries` all
/// from its log.
pub async fn open_plain(
    engine: &str,
    directory: &Path,
    read_only: bool,
) -> Result<Arc<dyn Backend>> {
    Ok(match engine {
        "sqlite" => {
            let options = SqliteOptions::at(directory.join("store.db"));
            Arc::new(SqliteBackend::open(options.with_read_only(read_only)).await?)
        }
        "redb" => {
            let options = RedbOptions::at(directory.join("store.redb"));
            Arc::new(RedbBackend::open(options.with_read_only(read_only)).await?)
        }
        _ => {
            let options = DirectoryOptions::at(directory.join("store"));
            let options = options.with_read_only(read_only).find().await?;
            let snapshot_after = if engine == "entries" { 1_000 } else { 4 };
            let options = options.with_snapshot_after(snapshot_after);
            Arc::new(ObjectBackend::open(options).await?)
        }
    })
}

/// Opens the encrypted store there.
pub async fn open_sealed(
    engine: &str,
    directory: &Path,
    read_only: bool,
    key: Key,
) -> Result<Arc<Encrypted<Arc<dyn Backend>>>> {
    let below = open_plain(engine, directory, read_only).await?;
    match Encrypted::open(Arc::clone(&below), key).await {
        Ok(sealed) => Ok(Arc::new(sealed)),
        Err(error) => {
            let _ = below.close().await;
            Err(error)
        }
    }
}

/// A store over a backend that is held elsewhere too.
pub fn store<B: Backend>(backend: &Arc<B>) -> Store {
    Store::new(Arc::clone(backend) as Arc<dyn Backend>)
}

/// A directory in memory where the system has such a place: a test makes thousands of stores.
pub fn directory() -> tempfile::TempDir {
    let memory = tempfile::tempdir_in("/dev/shm");
    memory
        .or_else(|_| tempfile::tempdir())
        .expect("a directory")
}

/// Of all that can be tried one in so many is, and which: others each day. `CHECKPOINT_TAMPER=all` tries everything.
pub fn share() -> (usize, usize) {
    if std::env::var("CHECKPOINT_TAMPER").is_ok_and(|it| it == "all") {
        return (1, 0);
    }
    (16, (today() % 16) as usize)
}

/// The number of the day.
pub fn today() -> u64 {
    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    (SystemClock.now().micros() / DAY).unsigned_abs()
}

/// All that a store tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What is there, by what it is.
    pub found: BTreeMap<String, String>,
    /// What cannot be read.
    pub told: Vec<String>,
}

impl Seen {
    /// Reads everything. What cannot be read hides nothing else.
    pub async fn of(store: &Store) -> Self {
        let mut seen = Self::default();
        seen.checkpoints(store).await;
        let backend = store.backend();
        let query = SessionQuery {
            limit: PAGE,
            ..SessionQuery::default()
        };
        for item in seen.items(backend.sessions(&query).await.map(|page| page.items)) {
            seen.add(format!("head of {}", item.id), format!("{:?}", item.head));
            seen.add(
                format!("session {}", item.id),
                format!("{item:?} {:?}", item.body)
                    .replace(&format!("{:?}", item.head), "its head"),
            );
        }
        for item in seen.items(backend.records("").await) {
            seen.add(
                format!("record {}", item.name),
                format!("{} {:?}", item.version, item.bytes),
            );
        }
        let changes = backend.changes(Position::START, PAGE).await;
        for item in seen.items(changes.map(|feed| feed.items)) {
            seen.add(format!("change {:?}", item.position), format!("{item:?}"));
        }
        seen.chunks(store).await;
        seen
    }

    async fn checkpoints(&mut self, store: &Store) {
        let query = Query {
            order: Order::Ascending,
            parts: Parts::ALL,
            filter: Filter {
                quarantined: true,
                ..Filter::default()
            },
            limit: PAGE,
            ..Query::default()
        };
        let records = store.backend().scan(&query).await.map(|page| page.items);
        for record in self.items(records) {
            let id = record.header.id.clone();
            let inline = match &record.payload {
                Some(Payload::Inline(bytes)) => format!("{bytes:?}"),
                other => format!("{other:?}"),
            };
            let what = format!("{:?} {:?} {inline}", record.header, record.meta);
            self.add(format!("checkpoint {id}"), what);
            match store.get(&id).await {
                Ok(Some(checkpoint)) => match checkpoint.bytes().await {
                    Ok(state) => self.add(format!("state of {id}"), format!("{state:?}")),
                    Err(error) => self.tell(&error),
                },
                Ok(None) => {}
                Err(error) => self.tell(&error),
            }
            let query = AttachmentQuery {
                limit: PAGE,
                ..AttachmentQuery::of(id)
            };
            let page = store.backend().attachments(&query).await;
            for it in self.items(page.map(|page| page.items)) {
                let (checkpoint, bytes) = (&it.checkpoint, &it.bytes);
                self.add(
                    format!("attachment {checkpoint} {:?} {:?}", it.kind, it.key),
                    format!("{bytes:?}"),
                );
            }
        }
    }

    async fn chunks(&mut self, store: &Store) {
        let infos = store.backend().scan_chunks(None, PAGE).await;
        let ids: Vec<_> = self.items(infos).into_iter().map(|info| info.id).collect();
        for id in ids {
            for chunk in self.items(store.backend().chunks(&[id]).await) {
                let what = format!("{:?} {:?}", chunk.children, chunk.bytes);
                self.add(format!("chunk {id}"), what);
            }
        }
    }

    fn items<T>(&mut self, items: Result<Vec<Item<T>>>) -> Vec<T> {
        let mut found = Vec::new();
        for item in items.unwrap_or_else(|error| vec![Item::Corrupt(error)]) {
            match item {
                Item::Found(it) => found.push(it),
                Item::Corrupt(error) => self.tell(&error),
                Item::Absent | Item::Deleted => {}
            }
        }
        found
    }

    fn add(&mut self, what: String, is: String) {
        if let Some(before) = self.found.insert(what.clone(), is) {
            self.found.insert(format!("{what}, again"), before);
        }
    }

    fn tell(&mut self, error: &Error) {
        self.told.push(error.to_string());
    }
}
