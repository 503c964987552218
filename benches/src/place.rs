//! Where is measured: a directory on a disk, a store in it, and the bare engine beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_core::{CheckpointId, Durability, Limits, Session, Store};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use rusqlite::{Connection, params};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::state::Small;

/// A directory on the disk that is measured.
///
/// # Panics
///
/// When none can be made.
#[must_use]
pub fn directory() -> TempDir {
    let base =
        std::env::var_os("CHECKPOINT_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    TempDir::new_in(base).expect("a directory to measure in")
}

/// The engine itself, at the settings that a store of this durability has, with one table to insert into and one to
/// select from.
///
/// # Panics
///
/// When it does not open.
#[must_use]
pub fn bare(dir: &TempDir, durability: Durability) -> Connection {
    let synchronous = if durability == Durability::Disk {
        "FULL"
    } else {
        "NORMAL"
    };
    let db = Connection::open(dir.path().join("bare.db")).expect("the engine opens");
    db.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA cache_size=-16000;
         CREATE TABLE t(no INTEGER PRIMARY KEY, id BLOB, data BLOB); CREATE UNIQUE INDEX t_id ON t(id);
         CREATE TABLE plain(no INTEGER PRIMARY KEY, data BLOB)",
    ))
    .expect("the tables are made");
    db
}

/// One insert of the bare engine, as durable when it returns as the connection is.
///
/// # Panics
///
/// When it fails.
pub fn bare_insert(db: &Connection, data: &[u8]) {
    let mut insert = db
        .prepare_cached("INSERT INTO plain(data) VALUES(?1)")
        .expect("prepared");
    insert.execute(params![data]).expect("inserted");
}

/// Puts bytes into the bare table under the id of a checkpoint.
///
/// # Panics
///
/// When it fails.
pub fn bare_put(db: &Connection, id: &CheckpointId, data: &[u8]) {
    let mut insert = db
        .prepare_cached("INSERT INTO t(id, data) VALUES(?1, ?2)")
        .expect("prepared");
    let id = id.as_uuid().expect("a UUID").into_bytes();
    insert.execute(params![&id[..], data]).expect("inserted");
}

/// Gets them back.
///
/// # Panics
///
/// When they are not there.
#[must_use]
pub fn bare_select(db: &Connection, id: &CheckpointId) -> Vec<u8> {
    let mut select = db
        .prepare_cached("SELECT data FROM t WHERE id = ?1")
        .expect("prepared");
    let id = id.as_uuid().expect("a UUID").into_bytes();
    select
        .query_row([&id[..]], |row| row.get(0))
        .expect("there")
}

/// The newest rows of the bare table: number, id, and of the bytes as many as a header has.
///
/// # Panics
///
/// When they cannot be read.
#[must_use]
pub fn bare_list(db: &Connection, rows: u32) -> Vec<(i64, Vec<u8>, Vec<u8>)> {
    let mut select = db
        .prepare_cached("SELECT no, id, substr(data, 1, 250) FROM t ORDER BY no DESC LIMIT ?1")
        .expect("prepared");
    let listed = select.query_map([rows], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let listed = listed.expect("read").map(|row| row.expect("read"));
    listed.collect()
}

/// A durable store in a file, with a raised limit for states.
///
/// # Panics
///
/// When it does not open.
pub async fn store(dir: &TempDir) -> Store {
    store_at(&dir.path().join("store.db"), Durability::Disk).await
}

/// As [`store`], in a file of this name and as durable as this.
///
/// # Panics
///
/// When it does not open.
pub async fn store_at(path: &Path, durability: Durability) -> Store {
    Store::new(Arc::new(sqlite(path, durability).await))
}

/// The backend of [`store_at`].
///
/// # Panics
///
/// When it does not open.
pub async fn sqlite(path: &Path, durability: Durability) -> SqliteBackend {
    let limits = Limits::default().with_state(4 << 30);
    let options = SqliteOptions::at(path)
        .with_limits(limits)
        .with_durability(durability);
    SqliteBackend::open(options).await.expect("the store opens")
}

/// A runtime with as many threads as each measurement has.
///
/// # Panics
///
/// When it does not start.
#[must_use]
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// So many saves with one tag, from `tasks` tasks that each wait for one before the next. Answers how long it took.
///
/// # Panics
///
/// When one fails.
pub async fn in_flight(
    sessions: &[Session],
    states: &[Small],
    tasks: usize,
    saves: u64,
) -> Duration {
    let start = Instant::now();
    let running = (0..tasks).map(|n| {
        let (session, states) = (sessions[n % sessions.len()].clone(), states.to_vec());
        let mine = saves / tasks as u64 + u64::from((n as u64) < saves % tasks as u64);
        tokio::spawn(async move {
            for k in 0..mine as usize {
                session
                    .save(&states[(n * 7 + k) % states.len()])
                    .tag("plan")
                    .await
                    .expect("saved");
            }
        })
    });
    for task in running.collect::<Vec<_>>() {
        task.await.expect("ran");
    }
    start.elapsed()
}
