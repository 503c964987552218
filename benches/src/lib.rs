//! What the benchmarks share: states to save, the bare engine to compare with, and stores on a disk.
//!
//! Set `CHECKPOINT_BENCH_DIR` to measure on another disk than that of the temporary directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_core::{Backend, Limits, Session, Store};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Numbers that look random and are the same in each run.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// The numbers that follow from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number (xorshift64, Marsaglia 2003).
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Text of hexadecimal digits, which compresses to half at best.
    pub fn hex(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            text.push_str(&format!("{:016x}", self.number()));
        }
        text.truncate(length);
        text
    }

    /// Words out of a vocabulary of some thousands, frequent ones more often, as in a conversation.
    pub fn words(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            let u = (self.number() % (1 << 20)) as f64 / f64::from(1 << 20);
            let word = (u * u * u * 4_000.0) as u64;
            let letters = 2 + word % 9;
            let mut of = Self::new(word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            text.extend((0..letters).map(|_| char::from(b'a' + (of.number() % 26) as u8)));
            text.push(if self.number().is_multiple_of(12) {
                '.'
            } else {
                ' '
            });
        }
        text
    }

    /// Bytes that do not compress.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.number() >> 32) as u8).collect()
    }
}

/// A state of about 1 KiB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Small {
    task: String,
    step: u32,
    done: bool,
    notes: Vec<String>,
    blob: String,
}

/// A state of about 1 KiB.
pub fn small(noise: &mut Noise) -> Small {
    let notes = vec![noise.hex(100), noise.hex(100), noise.hex(80)];
    Small {
        task: noise.hex(24),
        step: 7,
        done: false,
        notes,
        blob: noise.hex(610),
    }
}

/// A conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conversation {
    model: String,
    /// One a turn.
    pub messages: Vec<Message>,
}

/// A turn of a conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    id: String,
    role: String,
    /// What was said.
    pub content: String,
    tokens: u64,
}

/// A turn of about so many bytes.
pub fn message(noise: &mut Noise, length: usize) -> Message {
    let tokens = noise.number() % 4_000;
    Message {
        id: noise.hex(24),
        role: "assistant".to_owned(),
        content: noise.words(length),
        tokens,
    }
}

/// A conversation of about so many bytes as JSON.
pub fn conversation(noise: &mut Noise, length: usize) -> Conversation {
    let mut messages = Vec::new();
    let mut total = 0;
    while total < length {
        let size = 300 + (noise.number() % 3_000) as usize;
        messages.push(message(noise, size));
        total += size + 100;
    }
    Conversation {
        model: "m".to_owned(),
        messages,
    }
}

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

/// The engine itself, at the store's settings, with one table.
///
/// # Panics
///
/// When it does not open.
#[must_use]
pub fn bare(dir: &TempDir) -> Connection {
    let db = Connection::open(dir.path().join("bare.db")).expect("the engine opens");
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;
         CREATE TABLE t(no INTEGER PRIMARY KEY, id BLOB, data BLOB); CREATE UNIQUE INDEX t_id ON t(id);
         CREATE TABLE plain(no INTEGER PRIMARY KEY, data BLOB)",
    )
    .expect("the tables are made");
    db
}

/// One insert of the bare engine, durable when it returns.
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

/// A store in a file, with a raised limit for states.
///
/// # Panics
///
/// When it does not open.
pub async fn store(dir: &TempDir) -> Store {
    store_at(&dir.path().join("store.db")).await
}

/// As [`store`], in a file of this name.
///
/// # Panics
///
/// When it does not open.
pub async fn store_at(path: &Path) -> Store {
    let limits = Limits::default().with_state(4 << 30);
    let options = SqliteOptions::at(path).with_limits(limits);
    let backend: Arc<dyn Backend> =
        Arc::new(SqliteBackend::open(options).await.expect("the store opens"));
    Store::new(backend)
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
