//! What upkeep on one machine must not do to another, and to what is needed: trimming, sweeping, moving chunks.

mod common;

use std::sync::Arc;

use checkpoint_conformance::objects::{
    Dated, Failure, Fault, Faulty, Gate, Kind, Stale, When, Which,
};
use checkpoint_core::{Budget, FakeClock, Item};
use common::{DAY, HOUR, Machine, clock, noise, open, options, try_open};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

/// Entries that stay as they are at the end of the log.
const KEPT: usize = 64;

fn next_entry() -> Which {
    Which::any().of(Kind::PutCreate).below("log")
}

/// Keys below a directory in their order, each with the size of its object.
async fn listed(objects: &dyn ObjectStore, below: &str) -> Vec<(Path, u64)> {
    let listed = objects.list(Some(&below.into()));
    let listed = listed.map_ok(|meta| (meta.location, meta.size));
    let mut listed: Vec<_> = listed.try_collect().await.expect("done");
    listed.sort();
    listed
}

/// Saves of so many bytes each.
async fn save_large(machine: &Machine, prefix: &str, count: u64, bytes: usize) {
    for n in 0..count {
        let (id, state) = (format!("{prefix}{n}"), noise(bytes, n));
        machine.save("s", &id, &state).await.expect("done");
    }
}

/// The put takes place, its answer stays away, and meanwhile the entry is trimmed: what is left of it tells whose it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_put_whose_entry_was_trimmed_meanwhile_is_known_as_done() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let faulty = Faulty::new(Arc::clone(&objects));
    let gate = Gate::new(Arc::new(faulty.clone()));
    let slow = open(options(Arc::new(gate.clone()), &clock)).await;
    slow.save("s", "before", "before").await.unwrap();
    let worker = open(options(Arc::clone(&objects), &clock)).await;
    faulty.plan(next_entry(), Fault::Fails(Failure::TimedOut, When::After));
    let stop = gate.stop(When::After, next_entry());
    let late = tokio::spawn({
        let slow = slow.clone();
        async move { slow.save("s", "late", &noise(9_000, 77)).await }
    });
    let entry = stop.reached().await.path;
    save_large(&worker, "w", 90, 9_000).await;
    worker.maintain().await;
    assert!(
        objects.head(&entry).await.unwrap().size < 1_000,
        "not trimmed"
    );
    stop.release();
    assert_eq!(late.await.unwrap().unwrap(), 2);
    assert_eq!(slow.sequences().await, (1..=92).collect::<Vec<_>>());
    let found = worker.state("s", "late").await.unwrap();
    assert!(found == Some(noise(9_000, 77)), "the state is another one");
    worker.verify().await;
}

/// Nobody else can take the position of an entry that was trimmed.
#[tokio::test(flavor = "multi_thread")]
async fn who_lags_behind_what_was_trimmed_puts_nothing_in_its_place() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let lagging = open(options(Arc::clone(&objects), &clock)).await;
    lagging.save("s", "first", "first").await.unwrap();
    let worker = open(options(Arc::clone(&objects), &clock)).await;
    save_large(&worker, "w", 90, 9_000).await;
    worker.maintain().await;
    // It knows of nothing that was put since, and less than an hour went by.
    assert_eq!(lagging.save("s", "last", "last").await.unwrap(), 92);
    let found = worker.state("s", "last").await.unwrap();
    assert_eq!(found.as_deref(), Some("last"));
    worker.verify().await;
}

/// Its index names segments that another machine has merged and taken away.
#[tokio::test(flavor = "multi_thread")]
async fn upkeep_goes_on_where_another_machine_was_before() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let first = open(options(Arc::clone(&objects), &clock)).await;
    first.save_many("s", "a", 30).await;
    first.maintain().await;
    // Without a cache it reads its index from objects each time.
    let lagging = open(options(Arc::clone(&objects), &clock).with_caches(0, 0)).await;
    assert_eq!(lagging.sequences().await.len(), 30);
    for n in 0..3 {
        first.save_many("s", &format!("b{n}-"), 30).await;
        clock.advance(2 * HOUR);
        first.maintain().await;
    }
    lagging.maintain().await;
    assert_eq!(lagging.sequences().await, (1..=120).collect::<Vec<_>>());
    lagging.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_entries_stay_as_they_are() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let machine = open(options(Arc::clone(&objects), &clock)).await;
    save_large(&machine, "a", 90, 9_000).await;
    machine.maintain().await;
    clock.advance(8 * DAY);
    machine.maintain().await;
    let log = listed(&*objects, "log").await;
    let whole = log.iter().filter(|(_, bytes)| *bytes > 4_000).count();
    assert!(
        whole >= KEPT - 4,
        "{whole} entries of {} are whole",
        log.len()
    );
    assert!(log.len() >= KEPT, "{} entries are left", log.len());
    assert!(log.len() < 90, "nothing was taken away");
}

/// Between the snapshot and the trimming of one machine another one makes many entries, none of them in a snapshot.
#[tokio::test(flavor = "multi_thread")]
async fn entries_that_come_after_the_snapshot_stay() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let never = |objects: &Arc<dyn ObjectStore>| {
        options(Arc::clone(objects), &clock).with_snapshot_after(10_000)
    };
    let (machine, other) = (open(never(&objects)).await, open(never(&objects)).await);
    save_large(&machine, "a", 4, 9_000).await;
    for step in 0..20 {
        let done = machine.backend.maintain(&Budget::default()).await.unwrap();
        for n in 0..2 * KEPT as u64 {
            // Each another one, so that no entry is small.
            let state = noise(9_000, 1_000 * (step + 1) + n);
            let saved = other.save("s", &format!("{step}.{n}"), &state).await;
            saved.unwrap();
        }
        // It is not closed, so that it makes no snapshot itself.
        let newcomer = open(never(&objects).with_read_only(true)).await;
        let count = newcomer.store.stats().await.unwrap().checkpoints;
        assert_eq!(count, 4 + (step + 1) * 2 * KEPT as u64, "step {step}");
        if !done.more {
            break;
        }
    }
    open(never(&objects)).await.verify().await;
}

/// What no snapshot has stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_a_snapshot_is_not_trimmed() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let faulty = Faulty::new(Arc::clone(&objects));
    let never = options(Arc::new(faulty.clone()), &clock).with_snapshot_after(1_000);
    let machine = open(never).await;
    save_large(&machine, "a", 90, 9_000).await;
    let before = listed(&*objects, "log").await;
    clock.advance(8 * DAY);
    for nth in 1..=4 {
        let manifest = Which::any().of(Kind::PutCreate).below("snapshots");
        let fault = Fault::Fails(Failure::Internal, When::Before);
        faulty.plan(manifest.nth(nth), fault);
    }
    let mut failed = false;
    for _ in 0..20 {
        let step = machine.backend.maintain(&Budget::default()).await;
        failed |= step.is_err();
        if failed {
            break;
        }
    }
    assert!(failed, "a snapshot was made");
    let after = listed(&*objects, "log").await;
    assert_eq!(after[..before.len()], before[..]);
}

/// Whoever reads on takes a hole for the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_goes_from_its_beginning_and_has_no_hole() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let faulty = Faulty::new(Arc::clone(&objects));
    let machine = open(options(Arc::new(faulty.clone()), &clock)).await;
    machine.save_many("s", "a", 100).await;
    clock.advance(8 * DAY);
    machine.save_many("s", "b", 5).await;
    let fifth = Which::any().of(Kind::Delete).below("log").nth(5);
    faulty.plan(fifth, Fault::Fails(Failure::Internal, When::Before));
    while let Ok(step) = machine.backend.maintain(&Budget::default()).await {
        assert!(step.more, "nothing failed");
    }
    let log = listed(&*objects, "log").await;
    let number = |path: &Path| path.filename().unwrap().parse::<u64>().unwrap();
    let numbers: Vec<u64> = log.iter().map(|(path, _)| number(path)).collect();
    let first = numbers[0];
    assert!(first > 1, "nothing was taken away");
    let whole: Vec<u64> = (first..first + numbers.len() as u64).collect();
    assert_eq!(numbers, whole);
    let other = open(options(objects, &clock)).await;
    assert_eq!(other.sequences().await, (1..=105).collect::<Vec<_>>());
}

/// A snapshot was put, the machine's clock stands still, and by the store's it is old before an entry names it.
#[tokio::test(flavor = "multi_thread")]
async fn no_entry_names_a_snapshot_that_it_dooms() {
    let (own, clock) = (clock(), clock());
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let machine = open(options(Arc::clone(&objects), &own).with_snapshot_after(1)).await;
    for round in 0..8 {
        let before = listed(&*objects, "snapshots").await.len();
        let id = format!("a{round}");
        machine.save("s", &id, &noise(9_000, round)).await.unwrap();
        // It is made when the writer has nothing else to do.
        while listed(&*objects, "snapshots").await.len() == before {
            tokio::task::yield_now().await;
        }
        clock.advance(2 * HOUR);
        machine.backend.maintain(&Budget::default()).await.unwrap();
    }
    clock.advance(2 * HOUR);
    machine.maintain().await;
    let other = open(options(objects, &clock)).await;
    assert_eq!(other.sequences().await, (1..=8).collect::<Vec<_>>());
    other.verify().await;
}

/// Of a snapshot that no entry names yet its pack is doomed, and a list that is old hides the rest from who dooms it.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_whose_pack_is_doomed_is_not_named() {
    let (own, clock) = (clock(), clock());
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let faulty = Faulty::new(Arc::clone(&objects));
    let slow = open(options(Arc::new(faulty.clone()), &own)).await;
    slow.save("s", "first", "first").await.unwrap();
    // Past its own snapshot, and before it looks for what nothing leads to.
    let other = options(Arc::new(faulty.clone()), &clock).with_snapshot_after(1_000);
    let other = open(other).await;
    while listed(&*objects, "snapshots").await.is_empty() {
        let step = other.backend.maintain(&Budget::default()).await;
        assert!(step.unwrap().more);
    }
    // As many as a snapshot waits for: the next entry would name it.
    let snapshot = listed(&*objects, "snapshots").await[0].0.clone();
    let position = snapshot.filename().unwrap().split('-').next().unwrap();
    let position: u64 = position.parse().unwrap();
    let entries = listed(&*objects, "log").await.len() as u64;
    let saves = position + 12 - entries;
    save_large(&slow, "a", saves, 9_000).await;
    while listed(&*objects, "snapshots").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    let packs = listed(&*objects, "packs").await;
    assert_eq!(packs.len(), 1);
    clock.advance(2 * HOUR);
    let lie = Fault::Lists(Stale::Misses(10));
    for below in ["segments", "snapshots"] {
        faulty.plan(Which::any().of(Kind::List).below(below), lie);
    }
    other.maintain().await;
    save_large(&slow, "b", 1, 100).await;
    clock.advance(2 * HOUR);
    other.maintain().await;
    let after = listed(&*objects, "packs").await;
    assert!(!after.contains(&packs[0]), "it was not doomed");
    let third = open(options(objects, &clock)).await;
    for n in 0..saves {
        let found = third.state("s", &format!("a{n}")).await.unwrap();
        assert!(found == Some(noise(9_000, n)), "the state is another one");
    }
    third.verify().await;
}

/// Chunks lie in the entries that a machine has read, and in a pack of the snapshot that another one made of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_pack_of_a_snapshot_is_needed_though_its_chunks_lie_in_entries() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let maker = open(options(Arc::clone(&objects), &clock)).await;
    maker.save("s", "first", "first").await.unwrap();
    let other = options(Arc::clone(&objects), &clock).with_snapshot_after(1_000);
    let other = open(other).await;
    // Past its own snapshot, and before it looks for what nothing leads to.
    while listed(&*objects, "snapshots").await.is_empty() {
        let step = other.backend.maintain(&Budget::default()).await;
        assert!(step.unwrap().more);
    }
    for n in 0..30 {
        let state = noise(9_000, n);
        maker.save("s", &format!("a{n}"), &state).await.unwrap();
        if n % 5 == 0 {
            other.sequences().await;
        }
    }
    assert!(!listed(&*objects, "packs").await.is_empty());
    clock.advance(2 * HOUR);
    other.maintain().await;
    clock.advance(2 * HOUR);
    maker.maintain().await;
    let third = open(options(objects, &clock)).await;
    for n in 0..30 {
        let found = third.state("s", &format!("a{n}")).await.unwrap();
        assert!(found == Some(noise(9_000, n)), "the state is another one");
    }
    third.verify().await;
}

/// A pack to which nothing leads.
async fn orphan(objects: &dyn ObjectStore) -> Path {
    let orphan = Path::from("packs/000102030405060708090a0b0c0d0e0f");
    objects.put(&orphan, "orphan".into()).await.expect("done");
    orphan
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_an_old_entry_dooms_is_taken_away() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let machine = open(options(Arc::clone(&objects), &clock)).await;
    machine.save("s", "a", "a").await.unwrap();
    let orphan = orphan(&*objects).await;
    let is_there = || async { objects.head(&orphan).await.is_ok() };
    machine.maintain().await;
    clock.advance(2 * HOUR);
    // Old, and doomed by this; then doomed, and not for long.
    for _ in 0..2 {
        machine.maintain().await;
        assert!(is_there().await, "it went at once");
    }
    clock.advance(2 * HOUR);
    machine.maintain().await;
    assert!(!is_there().await, "it stays");
}

/// What it puts to learn the store's time is old by then, and another machine has swept it.
#[tokio::test(flavor = "multi_thread")]
async fn upkeep_that_stalls_for_hours_goes_on() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let gate = Gate::new(Arc::clone(&objects));
    let slow = open(options(Arc::new(gate.clone()), &clock)).await;
    slow.save("s", "a", "a").await.unwrap();
    let stop = gate.stop(When::Before, Which::any().of(Kind::Head).below("probe"));
    let upkeep = tokio::spawn({
        let slow = slow.clone();
        async move { slow.maintain().await }
    });
    stop.reached().await;
    let other = open(options(Arc::clone(&objects), &clock)).await;
    clock.advance(2 * HOUR);
    other.maintain().await;
    stop.release();
    upkeep.await.unwrap();
}

/// Ages are told by the store's clock, not by a machine's.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_clock_is_ahead_takes_nothing_away() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let ahead = FakeClock::at("2031-01-01T00:00:00Z").unwrap();
    let machine = open(options(Arc::clone(&objects), &ahead)).await;
    machine.save("s", "a", "a").await.unwrap();
    let orphan = orphan(&*objects).await;
    for _ in 0..4 {
        ahead.advance(2 * HOUR);
        machine.maintain().await;
    }
    assert!(objects.head(&orphan).await.is_ok(), "it is new");
}

/// A store whose packs are soon mostly dead: of each two states in one the second goes.
async fn half_dead(machine: &Machine, clock: &FakeClock) {
    let session = machine.store.session("s").await.expect("done");
    for n in 0..4 {
        let two = machine
            .store
            .transaction()
            .save(session.save(&noise(40_000, 2 * n)).id(format!("keep{n}")))
            .save(
                session
                    .save(&noise(200_000, 2 * n + 1))
                    .id(format!("go{n}")),
            );
        two.commit().await.expect("done");
    }
    for n in 0..4 {
        assert!(
            session
                .delete(format!("go{n}").as_str())
                .await
                .expect("done")
        );
    }
    clock.advance(2 * HOUR);
}

/// It has read nothing yet of the segments that it knows, and they are gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_segments_were_swept_goes_to_newer_ones() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let machine = open(options(Arc::clone(&objects), &clock)).await;
    // As much as two snapshots take: all chunks are in packs, and segments without chunks are soon merged.
    save_large(&machine, "a", 24, 9_000).await;
    machine.maintain().await;
    let reader = || options(Arc::clone(&objects), &clock).with_caches(0, 0);
    let (of_states, of_chunks) = (open(reader()).await, open(reader()).await);
    let known = listed(&*objects, "segments").await;
    for round in 0..4 {
        save_large(&machine, &format!("{round}."), 30, 9_000).await;
        clock.advance(2 * HOUR);
        machine.maintain().await;
    }
    for (segment, _) in known {
        assert!(objects.head(&segment).await.is_err(), "{segment} is there");
    }
    let found = of_states.state("s", "a3").await.unwrap();
    assert_eq!(found, Some(noise(9_000, 3)));
    let infos = machine.backend.scan_chunks(None, 8).await.unwrap();
    let ids: Vec<_> = infos
        .into_iter()
        .filter_map(|info| Some(info.into_option().ok()??.id))
        .collect();
    let chunks = of_chunks.backend.chunks(&ids).await.unwrap();
    assert!(chunks.iter().all(|it| matches!(it, Item::Found(_))));
}

/// Its place is known from before, and the pack is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_finds_a_chunk_that_moved() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let worker = open(options(Arc::clone(&objects), &clock)).await;
    half_dead(&worker, &clock).await;
    let before = listed(&*objects, "packs").await;
    // No cache: each chunk is fetched again.
    let reader = open(options(Arc::clone(&objects), &clock).with_caches(0, 0)).await;
    let found = reader.state("s", "keep0").await.unwrap();
    assert!(found == Some(noise(40_000, 0)), "the state is another one");
    for _ in 0..4 {
        worker.maintain().await;
        clock.advance(2 * HOUR);
    }
    let after = listed(&*objects, "packs").await;
    assert!(before.iter().all(|it| !after.contains(it)), "nothing moved");
    for n in 0..4 {
        let found = reader.state("s", &format!("keep{n}")).await.unwrap();
        assert!(
            found == Some(noise(40_000, 2 * n)),
            "the state is another one"
        );
    }
    reader.verify().await;
}

/// Between reading a chunk and saying where it is now, another machine deletes what needs it, and it goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_went_meanwhile_is_not_moved() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let gate = Gate::new(Arc::clone(&objects));
    let other = open(options(Arc::clone(&objects), &clock)).await;
    half_dead(&other, &clock).await;
    let mover = open(options(Arc::new(gate.clone()), &clock)).await;
    // The pack with what moves: its entry comes next.
    let moved = gate.stop(When::After, Which::any().of(Kind::PutCreate).below("packs"));
    let moving = tokio::spawn({
        let mover = mover.clone();
        async move { mover.maintain().await }
    });
    moved.reached().await;
    let session = other.store.session("s").await.unwrap();
    assert!(session.delete("keep0").await.unwrap());
    clock.advance(2 * HOUR);
    for _ in 0..2 {
        let budget = Budget::default().with_rows(100);
        while other.backend.maintain(&budget).await.unwrap().more {}
        clock.advance(2 * HOUR);
    }
    moved.release();
    moving.await.unwrap();
    for machine in [&mover, &other] {
        let found = machine.state("s", "keep1").await.unwrap();
        assert!(found == Some(noise(40_000, 2)), "the state is another one");
        machine.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_lost_is_corrupt_and_one_that_was_deleted_is_gone() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let machine = open(options(Arc::clone(&objects), &clock).with_caches(0, 0)).await;
    for (id, seed) in [("deleted", 1), ("lost", 2)] {
        let state = noise(300_000, seed);
        machine.save("s", id, &state).await.unwrap();
    }
    let session = machine.store.session("s").await.unwrap();
    let deleted = session.get("deleted").await.unwrap().unwrap();
    assert!(session.delete("deleted").await.unwrap());
    for _ in 0..4 {
        clock.advance(2 * HOUR);
        machine.maintain().await;
    }
    let error = deleted.state::<String>().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    for (pack, _) in listed(&*objects, "packs").await {
        objects.delete(&pack).await.unwrap();
    }
    let error = machine.state("s", "lost").await.unwrap_err();
    assert!(error.is_corrupt(), "{error}");
    assert_eq!(machine.state("s", "deleted").await.unwrap(), None);
}

/// A snapshot counts once an entry names it. This one is not named, and half of it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_no_entry_names_does_not_count() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let faulty = Faulty::new(Arc::clone(&objects));
    let machine = open(options(Arc::new(faulty.clone()), &clock)).await;
    machine.save_many("s", "a", 8).await;
    // Whoever closes a store leaves a snapshot; the entry that would name it comes to nothing.
    for nth in 1..=3 {
        let fault = Fault::Fails(Failure::Internal, When::Before);
        faulty.plan(next_entry().nth(nth), fault);
    }
    machine.backend.close().await.unwrap();
    assert_eq!(listed(&*objects, "snapshots").await.len(), 1);
    for (segment, _) in listed(&*objects, "segments").await {
        objects.delete(&segment).await.unwrap();
    }
    let other = try_open(options(Arc::clone(&objects), &clock)).await;
    let other = other.unwrap_or_else(|error| panic!("it was taken for one: {error}"));
    assert_eq!(other.sequences().await, (1..=8).collect::<Vec<_>>());
}
