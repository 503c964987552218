//! What a store in object storage does in a second, at 20 ms a request and 10 ns a byte. They are measured, not judged:
//! `cargo test --release -p checkpoint-s3 --test figures -- --ignored --nocapture --test-threads=1`.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use checkpoint_conformance::objects::{Counted, Delayed};
use checkpoint_core::{Limits, SystemClock};
use checkpoint_s3::ObjectOptions;
use common::{Machine, noise, open};
use object_store::ObjectStore;
use object_store::memory::InMemory;

const TRIP: Duration = Duration::from_millis(20);

fn far(objects: &Arc<InMemory>) -> ObjectOptions {
    let objects: Arc<dyn ObjectStore> = Arc::new(Delayed::new(objects.clone()));
    ObjectOptions::new(objects).with_clock(Arc::new(SystemClock))
}

/// Saves with so many in flight, until the time is over; answers the longest gap between two that were done too.
async fn saves(machine: &Machine, name: &str, in_flight: u64, lasts: Duration) -> (u64, Duration) {
    let (done, until) = (Arc::new(AtomicU64::new(0)), Instant::now() + lasts);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..in_flight {
        let (machine, done, name) = (machine.clone(), Arc::clone(&done), name.to_owned());
        tasks.spawn(async move {
            let session = format!("{name}-{task}");
            let session = machine
                .store
                .session(session.as_str())
                .await
                .expect("a session");
            let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
            while Instant::now() < until {
                session.save(&"a small state").await.expect("saved");
                done.fetch_add(1, Ordering::Relaxed);
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
            longest
        });
    }
    let longest = tasks.join_all().await.into_iter().max();
    (done.load(Ordering::Relaxed), longest.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn commits_in_flight() {
    let lasts = Duration::from_secs(5);
    for in_flight in [1, 64, 256] {
        let machine = open(far(&Arc::default())).await;
        let (done, _) = saves(&machine, "s", in_flight, lasts).await;
        println!(
            "{in_flight} in flight: {:.0} commits/s",
            done as f64 / lasts.as_secs_f64()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn four_machines() {
    let lasts = Duration::from_secs(15);
    let alone = open(far(&Arc::default())).await;
    let (one, _) = saves(&alone, "alone", 1, lasts).await;
    let objects = Arc::default();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..4 {
        let machine = open(far(&objects)).await;
        tasks.spawn(async move { saves(&machine, &format!("m{n}"), 1, lasts).await });
    }
    let all = tasks.join_all().await;
    let total: u64 = all.iter().map(|(done, _)| done).sum();
    let least = all.iter().map(|(done, _)| *done).min().unwrap_or(0);
    let longest = all
        .iter()
        .map(|(_, longest)| *longest)
        .max()
        .unwrap_or_default();
    println!(
        "one machine {one}; four {:?}: {:.2} of one, the slowest {:.2} of its share, longest gap {:.1} round trips",
        all.iter().map(|(done, _)| *done).collect::<Vec<_>>(),
        total as f64 / one as f64,
        4.0 * least as f64 / total as f64,
        longest.as_secs_f64() / TRIP.as_secs_f64(),
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_large_state_comes_back() {
    let objects = Arc::default();
    let mut limits = Limits::default();
    limits.state = 128 << 20;
    let machine = open(far(&objects).with_limits(limits)).await;
    let state = noise(64 << 20, 3);
    machine.save("s", "large", &state).await.expect("saved");
    let fresh = open(far(&objects).with_limits(limits)).await;
    let begun = Instant::now();
    let found = fresh.state("s", "large").await.expect("read");
    let took = begun.elapsed();
    assert!(found.is_some_and(|found| found == state));
    let plain = TRIP + Duration::from_nanos(10) * state.len() as u32;
    println!(
        "64 MiB in {took:?}: {:.1} times one plain get ({plain:?})",
        took.as_secs_f64() / plain.as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn opening_a_store_of_many() {
    let objects: Arc<InMemory> = Arc::default();
    let machine = open(ObjectOptions::new(objects.clone())).await;
    let (mut saved, begun) = (0, Instant::now());
    while saved < 100_000 {
        let (done, _) = saves(&machine, &format!("s{saved}"), 64, Duration::from_secs(2)).await;
        saved += done;
    }
    println!("{saved} checkpoints in {:?}", begun.elapsed());
    machine.backend.close().await.expect("closed");
    let counted = Counted::new(objects);
    let begun = Instant::now();
    let fresh = open(ObjectOptions::new(Arc::new(counted.clone()))).await;
    println!(
        "opened with {} requests in {:?}",
        counted.requests().total(),
        begun.elapsed()
    );
    fresh.backend.close().await.expect("closed");
}
