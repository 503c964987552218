//! Copying between stores: in memory, and in files.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod history;
mod interrupted;
mod later;
mod same;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use checkpoint_core::{
    Backend, ContentHasher, ErrorKind, FakeClock, Limits, MemoryBackend, Store, StoreInfo,
};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use history::History;
use same::assert_same;
use tempfile::TempDir;

fn clock() -> FakeClock {
    FakeClock::at("2026-11-20T10:00:00Z").unwrap()
}

fn on(backend: Arc<dyn Backend>, clock: &FakeClock) -> Store {
    Store::builder(backend).clock(clock.clone()).build()
}

fn memory(clock: &FakeClock) -> Store {
    let backend = MemoryBackend::builder().clock(Arc::new(clock.clone()));
    on(Arc::new(backend.build()), clock)
}

/// A store in memory that differs from others in what it says of itself.
fn described(clock: &FakeClock, change: impl FnOnce(&mut StoreInfo)) -> Store {
    let mut info = MemoryBackend::new().info().clone();
    change(&mut info);
    let backend = MemoryBackend::builder().clock(Arc::new(clock.clone()));
    on(Arc::new(backend.described(info).build()), clock)
}

/// One that names its chunks and cuts them by a secret.
fn keyed(clock: &FakeClock) -> Store {
    described(clock, |info| {
        info.hasher = ContentHasher::keyed([7; 32]);
        info.gear_seed = 77;
    })
}

async fn sqlite(directory: &TempDir, name: &str, clock: &FakeClock) -> Store {
    let options =
        SqliteOptions::at(directory.path().join(name)).with_clock(Arc::new(clock.clone()));
    on(Arc::new(SqliteBackend::open(options).await.unwrap()), clock)
}

/// Copies whole, with nothing refused.
async fn copied(source: &Store, target: &Store) -> checkpoint_core::Received {
    let received = source.copy_to(target).await.unwrap();
    assert!(received.is_whole(), "{received:#?}");
    received
}

#[tokio::test]
async fn a_copy_between_stores_in_memory_is_the_same() {
    for seed in 0..24 {
        let clock = clock();
        let (source, target) = (memory(&clock), memory(&clock));
        History::of(seed, &source, &clock).await.go(60).await;
        let received = copied(&source, &target).await;
        let there = source.stats().await.unwrap();
        assert_eq!(received.checkpoints, there.checkpoints, "seed {seed}");
        assert_eq!(received.sessions, there.sessions, "seed {seed}");
        assert_same(&source, &target, seed).await;
        let again = copied(&source, &target).await;
        assert_eq!(
            (
                again.checkpoints,
                again.updated,
                again.sessions,
                again.deleted
            ),
            (0, 0, 0, 0)
        );
        assert_eq!(again.skipped, there.checkpoints, "seed {seed}");
        assert_same(&source, &target, seed).await;
    }
}

#[tokio::test]
async fn a_copy_into_a_file_and_out_of_it_is_the_same() {
    for seed in 100..104 {
        let directory = tempfile::tempdir().unwrap();
        let clock = clock();
        let source = memory(&clock);
        History::of(seed, &source, &clock).await.go(60).await;
        let first = sqlite(&directory, "first.db", &clock).await;
        let second = sqlite(&directory, "second.db", &clock).await;
        let back = memory(&clock);
        for (from, to) in [(&source, &first), (&first, &second), (&second, &back)] {
            copied(from, to).await;
            assert_same(&source, to, seed).await;
        }
        let report = second.verify().await.unwrap();
        assert!(report.is_clean(), "{report:#?}");
        for store in [&first, &second] {
            store.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_shared_stays_shared() {
    let clock = clock();
    let source = memory(&clock);
    History::of(5, &source, &clock).await.go(120).await;
    let target = memory(&clock);
    copied(&source, &target).await;
    let (ours, theirs) = (source.stats().await.unwrap(), target.stats().await.unwrap());
    assert!(ours.chunks > 20, "the history has chunks: {ours:?}");
    // The source may hold chunks of what was deleted.
    assert!(
        theirs.chunk_bytes <= ours.chunk_bytes,
        "{theirs:?} {ours:?}"
    );
}

#[tokio::test]
async fn stores_that_name_chunks_otherwise_hold_the_same_states() {
    for seed in 0..6 {
        let clock = clock();
        let source = memory(&clock);
        History::of(seed, &source, &clock).await.go(60).await;
        let (there, back) = (keyed(&clock), memory(&clock));
        copied(&source, &there).await;
        assert_same(&source, &there, seed).await;
        copied(&there, &back).await;
        assert_same(&source, &back, seed).await;
        let (ours, theirs) = (source.stats().await.unwrap(), there.stats().await.unwrap());
        // Placed anew in the order of their making, states of a session still share what they have in common.
        assert!(
            theirs.chunk_bytes < ours.chunk_bytes * 5 / 4 + 65_536,
            "{theirs:?} {ours:?}"
        );
    }
}

#[tokio::test]
async fn a_state_larger_than_memory_should_hold_goes_in_pieces() {
    let clock = clock();
    let roomy = |info: &mut StoreInfo| info.limits = Limits::default().with_state(1 << 30);
    let source = described(&clock, roomy);
    let session = source.session("large").await.unwrap();
    let mut bytes = Vec::new();
    for n in 0..3_000_000u64 {
        bytes.extend_from_slice(&common::mix(n / 3).to_le_bytes());
    }
    let saved = session
        .save_reader("application/octet-stream", &bytes[..])
        .await;
    saved.unwrap().await.unwrap();
    let target = described(&clock, roomy);
    let other = described(&clock, |info| {
        roomy(info);
        info.gear_seed = 9;
    });
    for target in [&target, &other] {
        copied(&source, target).await;
        assert_same(&source, target, 0).await;
    }
    let small = memory(&clock);
    let received = source.copy_to(&small).await.unwrap();
    assert_eq!((received.refused, received.checkpoints), (1, 0));
    let error = &received.refusals[0].error;
    assert!(
        matches!(error.kind(), ErrorKind::TooLarge { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn one_session_can_be_copied_alone() {
    let clock = clock();
    let (source, target) = (memory(&clock), memory(&clock));
    History::of(3, &source, &clock).await.go(80).await;
    let session = source.session("s1").existing().await.unwrap();
    let received = source.copy_to(&target).session("s1").await.unwrap();
    assert_eq!((received.sessions, received.refused), (1, 0));
    let ours = session.list().limit(1_000).await.unwrap();
    let copy = target.session("s1").existing().await.unwrap();
    let theirs = copy.list().limit(1_000).await.unwrap();
    let ids = |listing: &checkpoint_core::Listing| -> Vec<_> {
        let all = listing.checkpoints.iter();
        all.map(|it| (it.id().clone(), it.sequence())).collect()
    };
    assert_eq!(ids(&ours), ids(&theirs));
    assert_eq!(target.sessions(10, None).await.unwrap().sessions.len(), 1);
}

#[tokio::test]
async fn progress_is_told_to_the_end() {
    let clock = clock();
    let (source, target) = (memory(&clock), memory(&clock));
    History::of(4, &source, &clock).await.go(60).await;
    let told = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&told);
    let received = source.copy_to(&target).progress(move |progress| {
        assert!(progress.total.is_some());
        heard.fetch_max(progress.done, Ordering::SeqCst);
    });
    let received = received.await.unwrap();
    assert_eq!(told.load(Ordering::SeqCst), received.checkpoints);
}

#[tokio::test]
async fn what_cannot_be_copied_into_is_refused_and_says_why() {
    let clock = clock();
    let source = memory(&clock);
    History::of(1, &source, &clock).await.go(10).await;
    let itself = source.copy_to(&source.clone()).await.unwrap_err();
    assert_eq!(itself.kind(), &ErrorKind::Invalid, "{itself}");
    let read_only = described(&clock, |info| info.read_only = true);
    let denied = source.copy_to(&read_only).await.unwrap_err();
    assert_eq!(denied.kind(), &ErrorKind::Denied, "{denied}");
    let closed = memory(&clock);
    closed.close().await.unwrap();
    let stopped = source.copy_to(&closed).await.unwrap_err();
    assert_eq!(stopped.kind(), &ErrorKind::Stopped, "{stopped}");
    let stopped = closed.copy_to(&source).await.unwrap_err();
    assert_eq!(stopped.kind(), &ErrorKind::Stopped, "{stopped}");
    let wrong = source
        .copy_to(&memory(&clock))
        .session("\n")
        .await
        .unwrap_err();
    assert_eq!(wrong.kind(), &ErrorKind::Invalid, "{wrong}");
    let unknown = source.copy_to(&memory(&clock)).session("nobody's").await;
    assert!(unknown.unwrap_err().is_not_found());
}
