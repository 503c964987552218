//! What two machines on one bucket must not be able to do to each other, interleaving by interleaving.

mod common;

use std::sync::Arc;

use checkpoint_conformance::objects::{
    Dated, Failure, Fault, Faulty, Gate, IgnoresCondition, Kind, Stale, When, Which,
};
use checkpoint_core::{Applied, ErrorKind, FakeClock};
use common::{DAY, HOUR, clock, noise, open, options, try_open};
use futures::StreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

fn next_entry() -> Which {
    Which::any().of(Kind::PutCreate).below("log")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_of_which_nobody_knows_is_settled_by_reading_back() {
    let faults = Failure::UNKNOWN
        .into_iter()
        .flat_map(|failure| [When::Before, When::After].map(|when| Fault::Fails(failure, when)))
        .chain([Fault::Retried]);
    for fault in faults {
        let (faulty, clock) = (Faulty::new(Arc::new(InMemory::new())), clock());
        let machine = open(options(Arc::new(faulty.clone()), &clock)).await;
        machine.save("s", "a", "before").await.unwrap();
        faulty.plan(next_entry(), fault);
        assert_eq!(machine.save("s", "b", "state").await.unwrap(), 2, "{fault}");
        assert_eq!(faulty.strikes().len(), 1, "{fault}");
        assert_eq!(machine.save("s", "c", "after").await.unwrap(), 3, "{fault}");
        assert_eq!(machine.sequences().await, [1, 2, 3], "{fault}");
        let other = open(options(Arc::new(faulty.clone()), &clock)).await;
        assert_eq!(
            other.state("s", "b").await.unwrap().as_deref(),
            Some("state")
        );
        other.verify().await;
    }
}

/// A put is given up, what it was for is done by another one, and then it arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_arrives_late_finds_its_place_taken() {
    let (faulty, clock) = (Faulty::new(Arc::new(InMemory::new())), clock());
    let machine = open(options(Arc::new(faulty.clone()), &clock)).await;
    let other = open(options(Arc::new(faulty.clone()), &clock)).await;
    machine.save("s", "a", "before").await.unwrap();
    faulty.plan(next_entry(), Fault::Late(Failure::TimedOut));
    let saved = machine.save("s", "b", "state").await.unwrap();
    other.save("s", "c", "of the other").await.unwrap();
    faulty.release().await;
    assert_eq!(saved, 2);
    machine.save("s", "d", "after").await.unwrap();
    assert_eq!(other.sequences().await, [1, 2, 3, 4]);
    other.verify().await;
}

/// All its attempts are late, and it is given up; the next commit wants the same position, and then the first one arrives.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_given_up_is_not_taken_for_the_next_one() {
    let (faulty, clock) = (Faulty::new(Arc::new(InMemory::new())), clock());
    let machine = open(options(Arc::new(faulty.clone()), &clock)).await;
    machine.save("s", "a", "before").await.unwrap();
    for nth in 1..=3 {
        faulty.plan(next_entry().nth(nth), Fault::Late(Failure::TimedOut));
    }
    let error = machine.save("s", "b", "late").await.unwrap_err();
    let unknown = ErrorKind::Unavailable {
        applied: Applied::Unknown,
    };
    assert_eq!(*error.kind(), unknown, "{error}");
    faulty.release().await;
    assert_eq!(machine.save("s", "c", "next").await.unwrap(), 3);
    assert_eq!(machine.save("s", "b", "late").await.unwrap(), 2);
    let other = open(options(Arc::new(faulty.clone()), &clock)).await;
    for (id, state) in [("b", "late"), ("c", "next")] {
        let found = other.state("s", id).await.unwrap();
        assert_eq!(found.as_deref(), Some(state));
    }
    other.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_a_position_judges_anew() {
    let (gate, clock) = (Gate::new(Arc::new(InMemory::new())), clock());
    let slow = open(options(Arc::new(gate.clone()), &clock)).await;
    slow.store.session("s").await.unwrap();
    let fast = open(options(Arc::new(gate.clone()), &clock)).await;
    let stop = gate.stop(When::Before, next_entry());
    let late = tokio::spawn({
        let slow = slow.clone();
        async move { slow.save("s", "late", "late").await }
    });
    stop.reached().await;
    assert_eq!(fast.save("s", "early", "early").await.unwrap(), 1);
    stop.release();
    assert_eq!(late.await.unwrap().unwrap(), 2);
    assert_eq!(slow.sequences().await, [1, 2]);
    fast.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_on_two_machines_leave_no_gap_and_no_double() {
    let (objects, clock) = (Arc::new(InMemory::new()), clock());
    let machines = [
        open(options(objects.clone(), &clock)).await,
        open(options(objects.clone(), &clock)).await,
    ];
    let mut tasks = tokio::task::JoinSet::new();
    for (m, machine) in machines.iter().enumerate() {
        for task in 0..4 {
            let machine = machine.clone();
            tasks.spawn(async move {
                let mut given = Vec::new();
                for n in 0..8 {
                    let session = format!("s{task}");
                    let id = format!("{m}-{task}-{n}");
                    given.push(machine.save(&session, &id, "state").await.expect("saved"));
                }
                given
            });
        }
    }
    let mut given = tasks.join_all().await.concat();
    given.sort_unstable();
    let expected: Vec<u64> = (1..=64).collect();
    assert_eq!(given, expected);
    for machine in &machines {
        assert_eq!(machine.sequences().await, expected);
        machine.verify().await;
    }
}

/// What was the end of the log when a machine fell asleep has been trimmed away when it wakes.
#[tokio::test(flavor = "multi_thread")]
async fn who_sleeps_for_a_week_does_not_write_where_nobody_reads() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let sleeper = open(options(Arc::clone(&objects), &clock)).await;
    sleeper.save("s", "before", "before").await.unwrap();
    let worker = open(options(Arc::clone(&objects), &clock)).await;
    worker.save_many("s", "w", 100).await;
    clock.advance(8 * DAY);
    worker.maintain().await;
    let gone = objects.head(&"log/00000000000000000003".into()).await;
    assert!(gone.is_err(), "the log was not trimmed");
    // A read finds the way on, and so does a commit.
    assert_eq!(sleeper.save("s", "after", "after").await.unwrap(), 102);
    assert_eq!(
        worker.state("s", "after").await.unwrap().as_deref(),
        Some("after")
    );
    assert_eq!(sleeper.sequences().await, (1..=102).collect::<Vec<_>>());
    worker.verify().await;
}

/// The put itself hangs for as long.
#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_hangs_for_a_week_is_not_acknowledged_where_nobody_reads() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let gate = Gate::new(Arc::clone(&objects));
    let sleeper = open(options(Arc::new(gate.clone()), &clock)).await;
    sleeper.save("s", "before", "before").await.unwrap();
    let stop = gate.stop(When::Before, next_entry());
    let late = tokio::spawn({
        let sleeper = sleeper.clone();
        async move { sleeper.save("s", "late", "late").await }
    });
    stop.reached().await;
    let worker = open(options(Arc::clone(&objects), &clock)).await;
    worker.save_many("s", "w", 100).await;
    clock.advance(8 * DAY);
    worker.maintain().await;
    stop.release();
    assert_eq!(late.await.unwrap().unwrap(), 102);
    assert_eq!(
        worker.state("s", "late").await.unwrap().as_deref(),
        Some("late")
    );
    worker.verify().await;
}

/// A pack is there, its entry is not yet, and meanwhile the pack is swept.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_stalls_between_pack_and_entry_loses_nothing() {
    // By the time that went by, it knows that the pack may be gone; if its own clock stood still, by the log.
    stalls_between_pack_and_entry(None, 3).await;
    stalls_between_pack_and_entry(Some(clock()), 3).await;
    // Until the log has forgotten the pack.
    stalls_between_pack_and_entry(None, 8).await;
}

async fn stalls_between_pack_and_entry(own: Option<FakeClock>, rounds: u32) {
    let clock = clock();
    let own = own.unwrap_or_else(|| clock.clone());
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let gate = Gate::new(Arc::clone(&objects));
    let slow = open(options(Arc::new(gate.clone()), &own)).await;
    slow.save("s", "before", "before").await.expect("done");
    let other = open(options(Arc::clone(&objects), &clock)).await;
    let state = noise(400_000, 1);
    let stop = gate.stop(When::Before, next_entry());
    let late = tokio::spawn({
        let (slow, state) = (slow.clone(), state.clone());
        async move { slow.save("s", "large", &state).await }
    });
    stop.reached().await;
    // Doomed, and then taken away.
    for _ in 0..rounds {
        clock.advance(2 * HOUR);
        other.maintain().await;
    }
    stop.release();
    late.await.expect("done").expect("done");
    let found = other.state("s", "large").await.expect("done");
    assert!(found == Some(state), "the state is another one");
    other.verify().await;
}

/// A snapshot is there, no entry names it yet, and meanwhile its segments are swept.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_whose_segments_were_swept_is_not_named() {
    for own in [None, Some(clock())] {
        makes_a_snapshot_that_is_swept(own).await;
    }
}

async fn makes_a_snapshot_that_is_swept(own: Option<FakeClock>) {
    let clock = clock();
    let own = own.unwrap_or_else(|| clock.clone());
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let slow = open(options(Arc::clone(&objects), &own)).await;
    slow.save_many("s", "a", 14).await;
    let other = open(options(Arc::clone(&objects), &clock)).await;
    for _ in 0..3 {
        clock.advance(2 * HOUR);
        other.maintain().await;
    }
    slow.save("s", "after", "after").await.expect("done");
    let third = open(options(Arc::clone(&objects), &clock)).await;
    assert_eq!(third.sequences().await, (1..=15).collect::<Vec<_>>());
    third.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_lags_goes_on_from_a_snapshot() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let lagging = open(options(Arc::clone(&objects), &clock)).await;
    lagging.save("s", "first", "first").await.unwrap();
    let worker = open(options(Arc::clone(&objects), &clock)).await;
    for n in 0..90 {
        let state = noise(9_000, n);
        worker.save("s", &format!("w{n}"), &state).await.unwrap();
    }
    clock.advance(2 * HOUR);
    worker.maintain().await;
    let third = objects
        .get(&"log/00000000000000000004".into())
        .await
        .unwrap();
    assert!(
        third.meta.size < 1_000,
        "the entry was not trimmed: {} bytes",
        third.meta.size
    );
    let found = lagging.state("s", "w89").await.unwrap();
    assert!(found == Some(noise(9_000, 89)), "the state is another one");
    assert_eq!(lagging.save("s", "last", "last").await.unwrap(), 92);
    lagging.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_replaced_is_noticed() {
    let (objects, others, clock) = (
        Arc::new(InMemory::new()),
        Arc::new(InMemory::new()),
        clock(),
    );
    for objects in [&objects, &others] {
        // No snapshot spares anybody the log.
        let options = options(objects.clone(), &clock).with_snapshot_after(1_000);
        let machine = open(options).await;
        machine.save_many("s", "a", 5).await;
    }
    let entry = "log/00000000000000000004".into();
    let bytes = others.get(&entry).await.unwrap().bytes().await.unwrap();
    objects.put(&entry, bytes.into()).await.unwrap();
    let error = try_open(options(objects.clone(), &clock))
        .await
        .err()
        .unwrap();
    assert!(error.is_corrupt(), "{error}");
    assert!(error.to_string().contains("position"), "{error}");
}

/// Whoever wrote on before it would take the place of an entry that was acknowledged, and the ones after it would fit no more.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_missing_or_damaged_is_named_and_nothing_is_written() {
    for damage in [None, Some("no entry")] {
        let (objects, clock) = (Arc::new(InMemory::new()), clock());
        let made = options(objects.clone(), &clock).with_snapshot_after(1_000);
        open(made).await.save_many("s", "a", 5).await;
        let entry = object_store::path::Path::from("log/00000000000000000004");
        match damage {
            None => objects.delete(&entry).await.unwrap(),
            Some(bytes) => drop(objects.put(&entry, bytes.into()).await.unwrap()),
        }
        let opened = try_open(options(objects.clone(), &clock)).await;
        let error = opened.err().unwrap();
        assert!(error.is_corrupt(), "{error}");
        assert!(error.to_string().contains(&entry.to_string()), "{error}");
        let there = objects.get(&entry).await.is_ok();
        assert_eq!(there, damage.is_some(), "nobody wrote in its place");
    }
}

/// A rule of the service took the log away, or its end: whoever wrote on would write another history.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_before_a_snapshot_is_not_written_on() {
    for kept in [0, 3] {
        let (objects, clock) = (Arc::new(InMemory::new()), clock());
        let machine = open(options(objects.clone(), &clock).with_snapshot_after(5)).await;
        machine.save_many("s", "a", 12).await;
        drop(machine);
        let snapshots = Some("snapshots".into());
        let snapshots: Vec<_> = objects.list(snapshots.as_ref()).collect().await;
        assert!(!snapshots.is_empty());
        let log: Vec<_> = objects.list(Some(&"log".into())).collect().await;
        for (n, entry) in log.into_iter().enumerate() {
            if n >= kept {
                objects.delete(&entry.unwrap().location).await.unwrap();
            }
        }
        let opened = try_open(options(objects.clone(), &clock)).await;
        let error = opened.err().unwrap();
        assert!(error.is_corrupt(), "{error}");
        let left: Vec<_> = objects.list(Some(&"log".into())).collect().await;
        assert_eq!(left.len(), kept, "nobody wrote");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ignores_conditions_is_refused() {
    let objects = Arc::new(InMemory::new());
    let ignores = Arc::new(IgnoresCondition::new(objects.clone()));
    let error = try_open(options(ignores, &clock())).await.err().unwrap();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("may only create"), "{error}");
    let left = object_store::ObjectStore::list_with_delimiter(&*objects, None)
        .await
        .unwrap();
    assert!(left.objects.is_empty() && left.common_prefixes.is_empty());
}

/// Another machine has made the store meanwhile, and swept what this one tries the service with.
#[tokio::test(flavor = "multi_thread")]
async fn a_stall_of_hours_is_not_told_as_a_service_that_ignores_conditions() {
    let clock = clock();
    let objects: Arc<dyn ObjectStore> = Arc::new(Dated::new(clock.clone()));
    let gate = Gate::new(Arc::clone(&objects));
    let second = Which::any().of(Kind::PutCreate).below("probe").nth(2);
    let stop = gate.stop(When::Before, second);
    let slow = options(Arc::new(gate.clone()), &clock);
    let slow = tokio::spawn(try_open(slow));
    stop.reached().await;
    clock.advance(2 * HOUR);
    let other = open(options(objects, &clock)).await;
    other.save("s", "a", "a").await.unwrap();
    other.maintain().await;
    stop.release();
    let error = slow.await.unwrap().err().unwrap();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_lie_hide_nothing() {
    let lies = [
        Stale::Misses(1),
        Stale::Misses(3),
        Stale::Misses(100),
        Stale::Keeps(10),
        Stale::Repeats,
        Stale::Reverses,
        Stale::IgnoresOffset,
    ];
    for lie in lies {
        let (faulty, clock) = (Faulty::new(Arc::new(InMemory::new())), clock());
        let machine = open(options(Arc::new(faulty.clone()), &clock)).await;
        machine.save_many("s", "a", 40).await;
        for _ in 0..3 {
            faulty.plan(Which::any().of(Kind::List), Fault::Lists(lie));
        }
        let other = open(options(Arc::new(faulty.clone()), &clock)).await;
        assert_eq!(
            other.sequences().await,
            (1..=40).collect::<Vec<_>>(),
            "{lie}"
        );
        assert!(!faulty.strikes().is_empty());
    }
}

/// Two machines claim one session: the next commit of the one that did it first is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_one_owner_across_machines() {
    let (objects, clock) = (Arc::new(InMemory::new()), clock());
    let (first, second) = (
        open(options(objects.clone(), &clock)).await,
        open(options(objects.clone(), &clock)).await,
    );
    let old = first
        .store
        .session("s")
        .await
        .unwrap()
        .claim()
        .await
        .unwrap();
    old.save(&"mine").await.unwrap();
    let new = second
        .store
        .session("s")
        .await
        .unwrap()
        .claim()
        .await
        .unwrap();
    let error = old.save(&"still mine").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict(_)), "{error}");
    new.save(&"mine now").await.unwrap();
    assert_eq!(first.sequences().await, [1, 2]);
}
