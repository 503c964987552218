//! Copying a store into another: how fast, and in how much memory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::{directory, runtime, store_at};
use checkpoint_benches::process;
use checkpoint_benches::report::Report;
use checkpoint_benches::state::{Noise, small as small_state};
use checkpoint_core::{Durability, MemoryBackend, Store};
use checkpoint_redb::{RedbBackend, RedbOptions};

/// The first argument of a process that copies.
pub(crate) const CHILD: &str = "--one-copy";
/// Checkpoints of 1 KiB.
const SMALL: u64 = 100_000;
/// Saves of one session that change a little of 1 MiB.
const CHANGING: u64 = 200;
const LARGE: usize = 1 << 20;

pub(crate) fn run(report: &mut Report, mib: u64) {
    report.say("copy: one store into another, all that it reads verified");
    let ways = [
        (Engine::Memory, Engine::Sqlite),
        (Engine::Sqlite, Engine::Sqlite),
        (Engine::Sqlite, Engine::Redb),
    ];
    for (from, to) in ways {
        small(report, from, to);
    }
    changing(report);
    memory(report, mib);
}

/// What a store is kept in.
#[derive(Clone, Copy, Debug)]
enum Engine {
    Memory,
    Sqlite,
    Redb,
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::Redb => "redb",
        }
    }

    /// A store in a file of this name; in SQLite as durable as this.
    async fn open(self, path: &Path, durability: Durability) -> Store {
        match self {
            Self::Memory => Store::new(Arc::new(MemoryBackend::new())),
            Self::Sqlite => store_at(path, durability).await,
            Self::Redb => {
                let backend = RedbBackend::open(RedbOptions::at(path)).await;
                Store::new(Arc::new(backend.expect("the store opens")))
            }
        }
    }
}

fn tell(report: &mut Report, load: String, unit: &str, value: f64) {
    let value = Spread::value(value, 1);
    report.tell(Figure::alone(Table::Moving, load, unit, value));
}

fn small(report: &mut Report, from: Engine, to: Engine) {
    let (dir, runtime) = (directory(), runtime());
    let name = format!("{} to {}", from.name(), to.name());
    runtime.block_on(async {
        let source = from.open(&dir.path().join("source"), Durability::Os).await;
        let mut noise = Noise::new(3);
        let session = source.session("small").await.expect("made");
        for _ in 0..SMALL / 500 {
            let mut transaction = source.transaction();
            for _ in 0..500 {
                transaction = transaction.save(session.save(&small_state(&mut noise)).tag("plan"));
            }
            transaction.commit().await.expect("saved");
        }
        let target = to.open(&dir.path().join("target"), Durability::Disk).await;
        for what in ["copied", "there already"] {
            let start = Instant::now();
            let received = source.copy_to(&target).await.expect("copied");
            assert_eq!(received.checkpoints + received.skipped, SMALL);
            let rate = SMALL as f64 / start.elapsed().as_secs_f64();
            tell(
                report,
                format!("{name}, 100,000 × 1 KiB, {what}"),
                "/s",
                rate,
            );
        }
        target.close().await.expect("closed");
    });
}

fn changing(report: &mut Report) {
    let (dir, runtime) = (directory(), runtime());
    runtime.block_on(async {
        let source = store_at(&dir.path().join("source.db"), Durability::Os).await;
        let target = store_at(&dir.path().join("target.db"), Durability::Disk).await;
        change_and_save(&source, CHANGING).await;
        let start = Instant::now();
        let received = source.copy_to(&target).await.expect("copied");
        assert_eq!(received.checkpoints, CHANGING);
        let rate = CHANGING as f64 / start.elapsed().as_secs_f64();
        let load = "SQLite to SQLite, 1 MiB of which 1 % changes";
        tell(report, load.to_owned(), "/s", rate);
        for store in [source, target] {
            store.close().await.expect("closed");
        }
    });
}

async fn change_and_save(store: &Store, count: u64) {
    let mut noise = Noise::new(7);
    let session = store.session("changing").await.expect("made");
    let mut state = noise.bytes(LARGE);
    for n in 0..count {
        let at = (noise.number() as usize) % (LARGE - LARGE / 100);
        state[at..at + LARGE / 100].copy_from_slice(&noise.bytes(LARGE / 100));
        state[..8].copy_from_slice(&n.to_le_bytes());
        let save = session.save_bytes("application/octet-stream", state.clone());
        save.await.expect("saved");
    }
}

/// The peak of memory, in a process that does nothing else.
fn memory(report: &mut Report, mib: u64) {
    if process::most_resident().is_none() {
        report.skip(Table::Moving, "the system does not tell the peak of memory");
        return;
    }
    let (dir, runtime) = (directory(), runtime());
    runtime.block_on(async {
        let source = store_at(&dir.path().join("source.db"), Durability::Os).await;
        let mut noise = Noise::new(5);
        let session = source.session("large").await.expect("made");
        for _ in 0..mib {
            let state = noise.bytes(LARGE);
            let save = session.save_bytes("application/octet-stream", state);
            save.await.expect("saved");
        }
        source.close().await.expect("closed");
    });
    let program = std::env::current_exe().expect("its own path");
    let output = Command::new(program).arg(CHILD).arg(dir.path()).output();
    let output = output.expect("a process");
    let told = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u64> = told
        .split_whitespace()
        .filter_map(|it| it.parse().ok())
        .collect();
    let &[peak, millis] = &numbers[..] else {
        panic!(
            "a copy failed: {told}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let load = |what: &str| format!("SQLite to SQLite, {mib} × 1 MiB, {what}");
    tell(
        report,
        load("memory"),
        "MiB",
        peak as f64 / f64::from(1 << 20),
    );
    tell(
        report,
        load("throughput"),
        "MiB/s",
        mib as f64 * 1e3 / millis.max(1) as f64,
    );
}

/// Copies, and prints what it took.
pub(crate) fn child(args: &[String]) {
    let [dir, ..] = args else {
        panic!("where from?");
    };
    let at = |name: &str| -> PathBuf { Path::new(dir).join(name) };
    let runtime = runtime();
    let before = process::resident().expect("counted");
    let start = Instant::now();
    runtime.block_on(async {
        let source = store_at(&at("source.db"), Durability::Os).await;
        let target = store_at(&at("target.db"), Durability::Disk).await;
        let received = source.copy_to(&target).await.expect("copied");
        assert!(received.is_whole(), "{received:?}");
        target.close().await.expect("closed");
    });
    let peak = process::most_resident().expect("counted") - before;
    println!("{peak} {}", start.elapsed().as_millis());
}
