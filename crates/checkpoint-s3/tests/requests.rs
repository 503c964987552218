//! What a store costs in requests.

mod common;

use std::sync::Arc;
use std::time::Duration;

use checkpoint_conformance::objects::{Counted, Kind, Requests};
use checkpoint_core::{Budget, MemoryBackend, Store};
use common::{Machine, clock, noise, open, options};
use futures::StreamExt;
use object_store::ObjectStore;
use object_store::memory::InMemory;

/// A store whose requests are counted, without snapshots in between.
async fn counted(snapshot_after: u64) -> (Counted, Machine) {
    let counted = Counted::new(Arc::new(InMemory::new()));
    let options = options(Arc::new(counted.clone()), &clock());
    let machine = open(options.with_snapshot_after(snapshot_after)).await;
    (counted, machine)
}

/// Requests that something makes.
async fn made<T>(counted: &Counted, work: impl Future<Output = T>) -> (T, Requests) {
    let before = counted.requests();
    let done = work.await;
    (done, counted.requests() - before)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_commit_is_one_put() {
    let (counted, machine) = counted(1_000).await;
    let session = machine.store.session("s").await.unwrap();
    for n in 0..20 {
        let state = format!("a state that is small, number {n}");
        let (saved, made) = made(&counted, async { session.save(&state).await }).await;
        saved.unwrap();
        assert_eq!(made[Kind::PutCreate], 1);
        assert_eq!(made.total(), 1, "{made:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_add_two_puts_to_a_dozen_commits() {
    let (counted, machine) = counted(12).await;
    let session = machine.store.session("s").await.unwrap();
    session.save(&"warm").await.unwrap();
    let ((), made) = made(&counted, async {
        for n in 0..240 {
            session.save(&format!("state {n}")).await.unwrap();
        }
    })
    .await;
    // A lone writer looks now and then whether it still is one.
    assert!(made[Kind::Get] <= 240 / 64 + 1, "{made:?}");
    assert_eq!(made.total(), made.changes() + made[Kind::Get], "{made:?}");
    // One for each commit, and for each dozen a segment and its manifest.
    assert!((276..=284).contains(&made.changes()), "{made:?}");
}

/// Whoever opens a store next reads all that no snapshot has.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_much_in_few_entries_leaves_a_snapshot() {
    for (count, snapshots) in [(1, 0), (2_000, 1)] {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let machine = open(options(Arc::clone(&objects), &clock())).await;
        let session = machine.store.session("s").await.unwrap();
        let mut transaction = machine.store.transaction();
        for n in 0..count {
            transaction = transaction.save(session.save(&format!("state {n}")));
        }
        transaction.commit().await.unwrap();
        machine.store.close().await.unwrap();
        let left = objects.list(Some(&"snapshots".into())).count().await;
        assert_eq!(left, snapshots, "{count} in an entry");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_state_is_a_pack_and_an_entry() {
    let (counted, machine) = counted(1_000).await;
    let session = machine.store.session("s").await.unwrap();
    let state = noise(1 << 20, 7);
    let (saved, made) = made(&counted, async { session.save(&state).await }).await;
    saved.unwrap();
    assert_eq!((made[Kind::PutCreate], made.total()), (2, 2), "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_percent_changed_sends_little() {
    let (counted, machine) = counted(1_000).await;
    let session = machine.store.session("s").await.unwrap();
    let mut state = noise(1 << 20, 7);
    session.save(&state).await.unwrap();
    state.replace_range(500_000..510_485, &noise(10_485, 8));
    let (saved, made) = made(&counted, async { session.save(&state).await }).await;
    saved.unwrap();
    let share = made.up as f64 / state.len() as f64;
    assert!(share <= 0.06, "{share} of the bytes were sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_state_is_one_request_when_nothing_is_new() {
    let (counted, machine) = counted(1_000).await;
    machine.save("s", "a", "state").await.unwrap();
    let session = machine.store.session("s").await.unwrap();
    session.latest().await.unwrap();
    let (found, made) = made(&counted, async { session.latest().await }).await;
    assert!(found.unwrap().is_some());
    assert_eq!((made[Kind::Get], made.total()), (1, 1), "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_staleness_that_is_allowed_a_read_asks_for_nothing() {
    let counted = Counted::new(Arc::new(InMemory::new()));
    let options = options(Arc::new(counted.clone()), &clock());
    let machine = open(options.with_staleness(Duration::from_secs(60))).await;
    machine.save("s", "a", "one").await.unwrap();
    let session = machine.store.session("s").await.unwrap();
    session.latest().await.unwrap();
    machine.save("s", "b", "two").await.unwrap();
    let (found, made) = made(&counted, async { session.latest().await }).await;
    // What the handle wrote itself is seen all the same.
    assert_eq!(found.unwrap().unwrap().id().to_string(), "b");
    assert_eq!(made.total(), 0, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_reads_little() {
    let objects: Arc<InMemory> = Arc::default();
    let writer = open(options(objects.clone(), &clock())).await;
    let mut most = 0;
    for round in 0..6 {
        writer.save_many("s", &format!("r{round}-"), 37).await;
        let counted = Counted::new(objects.clone());
        let opened = open(options(Arc::new(counted.clone()), &clock())).await;
        let session = opened.store.session("s").existing().await.unwrap();
        assert!(session.latest().await.unwrap().is_some());
        most = most.max(counted.requests().total());
    }
    assert!(most <= 20, "{most} requests to open and to read the newest");
}

/// Page after page, each of which goes on in the segments where the last one ended.
#[tokio::test(flavor = "multi_thread")]
async fn to_read_all_takes_few_requests() {
    let objects: Arc<InMemory> = Arc::default();
    let writer = open(options(objects.clone(), &clock())).await;
    let session = writer.store.session("s").await.unwrap();
    for round in 0..20 {
        let mut transaction = writer.store.transaction();
        for n in 0..500 {
            let state = noise(1_000, round * 500 + n);
            transaction = transaction.save(session.save(&state));
        }
        transaction.commit().await.unwrap();
    }
    writer.maintain().await;
    for what in ["export", "copy", "verify"] {
        let counted = Counted::new(objects.clone());
        let reader = open(options(Arc::new(counted.clone()), &clock())).await;
        let read = match what {
            "export" => {
                let report = reader.store.export().to_writer(&mut Vec::new()).await;
                report.unwrap().checkpoints
            }
            "copy" => {
                let target = Store::new(Arc::new(MemoryBackend::new()));
                reader.store.copy_to(&target).await.unwrap().checkpoints
            }
            _ => {
                let report = reader.store.verify().await.unwrap();
                assert!(report.is_clean(), "{report:?}");
                report.valid
            }
        };
        assert_eq!(read, 10_000, "{what}");
        let made = counted.requests();
        assert!(made.total() <= 130, "{what}: {made:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_changes_nothing() {
    let objects: Arc<InMemory> = Arc::default();
    let writer = open(options(objects.clone(), &clock())).await;
    writer.save_many("s", "a", 30).await;
    let counted = Counted::new(objects.clone());
    let options = options(Arc::new(counted.clone()), &clock());
    let reader = open(options.with_read_only(true)).await;
    assert_eq!(reader.sequences().await.len(), 30);
    reader.verify().await;
    reader.backend.close().await.unwrap();
    assert_eq!(counted.requests().changes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_of_a_store_at_rest_adds_nothing() {
    let (counted, machine) = counted(12).await;
    machine.save_many("s", "a", 30).await;
    machine.maintain().await;
    let ((), made) = made(&counted, machine.maintain()).await;
    assert_eq!(made[Kind::PutCreate], 0, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_tell_the_requests_of_a_handle() {
    let (counted, machine) = counted(1_000).await;
    machine.save_many("s", "a", 5).await;
    let stats = machine.backend.stats().await.unwrap();
    let told: u64 = stats.requests.values().sum();
    assert_eq!(told, counted.requests().total(), "{:?}", stats.requests);
    assert!(stats.stored_bytes > 0 && stats.free_bytes < stats.stored_bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn to_trim_a_long_log_it_is_listed_once() {
    let (counted, machine) = counted(12).await;
    let session = machine.store.session("s").await.unwrap();
    for n in 0..900 {
        session.save(&format!("state {n}")).await.unwrap();
    }
    let budget = Budget::default().with_window(Duration::ZERO);
    let (steps, made) = made(&counted, async {
        let mut steps = 1;
        while machine.backend.maintain(&budget).await.unwrap().more {
            steps += 1;
        }
        steps
    })
    .await;
    // Four steps and more of the log; besides it probes, packs, segments and snapshots are listed.
    assert!(steps >= 8, "{steps}");
    assert!(made[Kind::List] <= 6, "{made:?}");
    let entries = counted.list(Some(&"log".into())).count().await;
    assert!(entries < 100, "{entries}");
}
