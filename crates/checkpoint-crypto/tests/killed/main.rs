//! `kill -9` at random moments while a process changes the keys of a store: afterwards everything is there, whoever read or
//! wrote meanwhile noticed nothing, and what was begun is begun again and comes to its end.
//!
//! The program is its own child. `CHECKPOINT_KILLS=N` kills N times on each engine.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]
#![expect(clippy::print_stdout, reason = "a test tells its seed")]

mod child;
#[path = "../common/mod.rs"]
mod common;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use checkpoint_core::{Backend, IdSource, SeededIds, Severity, Store};
use checkpoint_crypto::Encrypted;
use libtest_mimic::{Arguments, Trial};

use child::{JOB, Spawned};
use common::{Seen, directory, key, open_sealed, store};

type Sealed = Arc<Encrypted<Arc<dyn Backend>>>;

/// Kills of each engine, unless told, and of one store: it grows.
const KILLS: u64 = 6;
/// Checkpoints that are there from the beginning: several pages of them.
const THERE: u64 = 100;
/// What a child says, each line a moment to be killed after.
const MOMENTS: [&str; 6] = [
    "opened",
    "rotated",
    "resealed",
    "rewrapped",
    "dropped",
    "rotated",
];
/// Microseconds that it goes on after a line, at most: one of its commits, or a few.
const LINGER: u64 = 4_000;

fn main() -> ExitCode {
    if let Ok(job) = std::env::var(JOB) {
        child::work(&job);
    }
    let trials = common::ENGINES.map(|engine| {
        let name = format!("keys_that_change_hands_under_kills_lose_nothing_on_{engine}");
        Trial::test(name, move || {
            tokio::runtime::Runtime::new()?.block_on(killed(engine));
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// Numbers by chance of a seed that is told.
struct Dice(SeededIds);

impl Dice {
    fn below(&self, end: u64) -> u64 {
        let digest = blake3::hash(self.0.next().as_bytes());
        let first = digest.as_bytes().first_chunk().unwrap();
        u64::from_le_bytes(*first) % end
    }
}

/// States small and large, notes, sessions.
async fn fill(store: &Store) {
    for name in ["s", "t"] {
        let session = store.session(name).name(format!("named {name}")).await;
        let session = session.unwrap();
        for n in 0..THERE / 2 {
            let state: String = match n % 5 {
                0 => (0..6_000).map(|it| format!("{:x}", it * (n + 3))).collect(),
                _ => format!("small {n}"),
            };
            let saved = session.save(&state).id(format!("{name}{n}").as_str());
            let saved = saved.tag("t").message("said").await.unwrap();
            if n % 7 == 0 {
                let note = session.annotate(&saved.id, "noted", Severity::Info, "me");
                note.await.unwrap();
            }
        }
    }
}

async fn killed(engine: &'static str) {
    let kills = std::env::var("CHECKPOINT_KILLS").ok();
    let kills = kills.and_then(|it| it.parse().ok()).unwrap_or(KILLS);
    let seed = common::today();
    println!("{engine}: seed {seed}");
    let dice = Dice(SeededIds::new(seed));
    let mut amid = 0;
    for first in (0..kills).step_by(KILLS as usize) {
        amid += one_store(engine, &dice, kills.min(first + KILLS) - first).await;
    }
    println!("{engine}: {kills} kills, {amid} amid sealing anew");
    assert!(amid >= kills / 4, "{amid}");
}

/// Kills, and looks at what is left; answers how many were killed amid sealing anew.
async fn one_store(engine: &'static str, dice: &Dice, kills: u64) -> u64 {
    let place = directory();
    let sealed = open_sealed(engine, place.path(), false, key(7))
        .await
        .unwrap();
    fill(&store(&sealed)).await;
    let shared = sealed.info().capabilities.shared;
    let before = Seen::of(&store(&sealed)).await;
    sealed.close().await.unwrap();
    drop(sealed);
    let (mut written, mut amid) = (0, 0);
    for round in 0..kills {
        let beside = match shared {
            true => Some(Beside::begin(engine, place.path(), &before, written).await),
            false => None,
        };
        let mut child = Spawned::start(engine, place.path());
        child.wait("opened");
        if round % 2 == 0 {
            for _ in 0..=dice.below(6) {
                child.wait("resealing");
            }
        } else {
            child.wait(MOMENTS[dice.below(MOMENTS.len() as u64) as usize]);
        }
        tokio::time::sleep(Duration::from_micros(dice.below(LINGER))).await;
        child.kill();
        amid += u64::from(child.last.starts_with("resealing") || child.last == "rotated");
        if let Some(beside) = beside {
            written = beside.end().await;
        }
        let what = format!("{engine}, kill {round} after `{}`", child.last);
        look(engine, place.path(), &before, written, &what).await;
    }
    amid
}

/// Opens what was left, compares, and brings to its end what was begun.
async fn look(engine: &str, place: &std::path::Path, before: &Seen, written: u64, what: &str) {
    let sealed = open_sealed(engine, place, false, key(7)).await.unwrap();
    everything_is_there(&sealed, before, written, what).await;
    let usage = sealed.usage().await.unwrap();
    assert!(usage.unreadable.is_empty(), "{what}: {usage:?}");
    let keys: Vec<u32> = sealed
        .keys()
        .await
        .unwrap()
        .iter()
        .map(|it| it.id)
        .collect();
    let used = usage.objects.keys();
    assert!(used.clone().all(|id| keys.contains(id)), "{what}: {keys:?}");
    let done = sealed.reseal(|_| {}).await.unwrap();
    assert_eq!(done.unreadable, 0, "{what}");
    let newest = *keys.last().unwrap();
    sealed.drop_old_keys(&[key(7)]).await.unwrap();
    let usage = sealed.usage().await.unwrap();
    let used: Vec<u32> = usage.objects.keys().copied().collect();
    assert_eq!(used, [newest], "{what}");
    assert_eq!(sealed.keys().await.unwrap().len(), 1, "{what}");
    everything_is_there(&sealed, before, written, what).await;
    sealed.close().await.unwrap();
}

async fn everything_is_there(sealed: &Sealed, before: &Seen, written: u64, what: &str) {
    let store = store(sealed);
    let seen = Seen::of(&store).await;
    assert_eq!(seen.told, Vec::<String>::new(), "{what}");
    for (name, is) in &before.found {
        assert_eq!(seen.found.get(name), Some(is), "{what}: {name}");
    }
    for n in 0..written {
        let name = format!("state of beside-{n}");
        assert!(seen.found[&name].contains(&state(n)), "{what}: {name}");
    }
    let report = store.verify().await.unwrap();
    assert!(report.is_clean(), "{what}: {report:?}");
}

fn state(n: u64) -> String {
    format!("written beside {n}")
}

/// Who reads and writes meanwhile, with a store that was open before.
struct Beside {
    stop: Arc<AtomicBool>,
    writer: tokio::task::JoinHandle<()>,
    reader: tokio::task::JoinHandle<()>,
    written: Arc<AtomicU64>,
    sealed: Sealed,
}

impl Beside {
    async fn begin(engine: &str, place: &std::path::Path, before: &Seen, from: u64) -> Self {
        let sealed = open_sealed(engine, place, false, key(7)).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicU64::new(from));
        let writer = tokio::spawn({
            let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
            let session = store(&sealed).session("beside").await.unwrap();
            async move {
                while !stop.load(Ordering::SeqCst) {
                    let n = written.load(Ordering::SeqCst);
                    let id = format!("beside-{n}");
                    session.save(&state(n)).id(id.as_str()).await.unwrap();
                    written.store(n + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
        let reader = tokio::spawn({
            let (stop, sealed, before) = (Arc::clone(&stop), Arc::clone(&sealed), before.clone());
            async move {
                while !stop.load(Ordering::SeqCst) {
                    everything_is_there(&sealed, &before, 0, "read beside").await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
        Self {
            stop,
            writer,
            reader,
            written,
            sealed,
        }
    }

    /// How many were written by now.
    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.writer.await.unwrap();
        self.reader.await.unwrap();
        self.sealed.close().await.unwrap();
        self.written.load(Ordering::SeqCst)
    }
}
