//! Every request of a load fails, in every way, one after the other; and many fail by chance.

mod common;

use std::sync::Arc;
use std::time::Duration;

use checkpoint_conformance::objects::{Failure, Fault, Faulty, Kind, Schedule, Stale, When, Which};
use checkpoint_core::{Clock, ErrorKind, Result, SystemClock};
use common::{Machine, clock, noise, open, options, try_open};
use object_store::memory::InMemory;

/// Saves of a load.
const SAVES: u64 = 18;
/// How often one tries again what may be tried again.
const PATIENCE: usize = 60;

fn faults() -> Vec<Fault> {
    let both = [When::Before, When::After];
    let fails = Failure::UNKNOWN
        .into_iter()
        .flat_map(|failure| both.map(|when| Fault::Fails(failure, when)));
    let others = [
        Fault::Late(Failure::TimedOut),
        Fault::Late(Failure::Internal),
        Fault::Hangs(When::Before),
        Fault::Hangs(When::After),
        Fault::Retried,
        Fault::Cuts {
            kept: 10,
            told: true,
        },
        Fault::Cuts {
            kept: 10,
            told: false,
        },
        Fault::Lists(Stale::Misses(5)),
        Fault::Lists(Stale::Reverses),
    ];
    fails.chain(others).collect()
}

/// Tries again what says that it may be tried again.
async fn patiently<T, F: Future<Output = Result<T>>>(mut attempt: impl FnMut() -> F) -> T {
    for _ in 0..PATIENCE {
        match attempt().await {
            Ok(done) => return done,
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => {}
            Err(error) => panic!("an error that tells nothing of a fault: {error}"),
        }
    }
    panic!("it did not come to an end");
}

/// Lets go on what hangs, again and again, until it is dropped.
fn release_now_and_then(faulty: &Faulty) -> tokio::task::JoinSet<()> {
    let mut tasks = tokio::task::JoinSet::new();
    let faulty = faulty.clone();
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(3)).await;
            faulty.release().await;
        }
    });
    tasks
}

fn state(n: u64) -> String {
    if n.is_multiple_of(6) {
        noise(200_000, n)
    } else {
        format!("state {n}")
    }
}

/// A load on a store that fails. What it was told is remembered: the sequence of each save.
async fn load(faulty: &Faulty) -> Vec<u64> {
    let machine = patiently(|| {
        let options = options(Arc::new(faulty.clone()), &clock()).with_snapshot_after(5);
        try_open(options)
    })
    .await;
    let mut given = Vec::new();
    for n in 1..=SAVES {
        let (id, state) = (format!("c{n}"), state(n));
        given.push(patiently(|| machine.save("s", &id, &state)).await);
        if n == SAVES / 2 {
            patiently(|| machine.state("s", "c1")).await;
        }
    }
    let _ = machine.backend.close().await;
    given
}

async fn judge(faulty: &Faulty, given: &[u64], what: &str) {
    faulty.clear();
    faulty.release().await;
    let fresh = open(options(Arc::new(faulty.clone()), &clock())).await;
    let expected: Vec<u64> = (1..=SAVES).collect();
    assert_eq!(given, expected, "{what}");
    assert_eq!(fresh.sequences().await, expected, "{what}");
    for n in 1..=SAVES {
        let found = fresh.state("s", &format!("c{n}")).await.expect("a state");
        assert!(found == Some(state(n)), "{what}: another state of c{n}");
    }
    fresh.verify().await;
    after(&fresh).await;
}

/// What comes after a fault is not held up by it.
async fn after(machine: &Machine) {
    assert_eq!(
        machine.save("s", "last", "last").await.expect("saved"),
        SAVES + 1
    );
}

/// Of all requests and faults one in so many is tried, another part each day.
const SHARE: u64 = 16;

fn day() -> u64 {
    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    (SystemClock.now().micros() / DAY).unsigned_abs()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_of_a_load_may_fail_in_each_way() {
    let share: u64 = match std::env::var("CHECKPOINT_FAULTS") {
        Ok(all) if all == "all" => 1,
        _ => SHARE,
    };
    let (mut struck, mut turn) = (0, day());
    for fault in faults() {
        for kind in Kind::ALL.into_iter().filter(|kind| fault.may_befall(*kind)) {
            for nth in 1_u64.. {
                turn += 1;
                if nth > 1 && !turn.is_multiple_of(share) {
                    continue;
                }
                let faulty = Faulty::new(Arc::new(InMemory::new()));
                let _releasing = release_now_and_then(&faulty);
                faulty.plan(Which::any().of(kind).nth(nth), fault);
                let given = load(&faulty).await;
                let strikes = faulty.strikes();
                let what = format!("{fault} at {kind} {nth}: {strikes:?}");
                judge(&faulty, &given, &what).await;
                // Beyond the last request nothing is left to fail.
                if strikes.is_empty() {
                    break;
                }
                struck += strikes.len() as u64;
            }
        }
    }
    println!("{struck} faults struck");
    assert!(struck > 400 / share, "{struck} faults struck");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_may_fail_by_chance() {
    let day = day();
    println!("seed {day}");
    for round in 0..25 {
        let faulty = Faulty::new(Arc::new(InMemory::new()));
        let _releasing = release_now_and_then(&faulty);
        faulty.schedule(Some(Schedule::new(day * 1_000 + round, 0.15, faults())));
        let given = load(&faulty).await;
        let what = format!("seed {}: {:?}", day * 1_000 + round, faulty.strikes());
        judge(&faulty, &given, &what).await;
    }
}
