//! Four machines that save as fast as they can, each waiting for each save, beside one that is alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::runtime;
use checkpoint_benches::report::{Asked, Report};
use checkpoint_benches::state::Small;
use checkpoint_core::Store;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;

use crate::far::{far, open, options, session, states};

const MACHINES: usize = 4;
const TOTAL: &str = "four machines, all saves";
const SLOWEST: &str = "four machines, saves of the slowest";
const LATE: &str = "four machines, a save, 99 of 100";
/// In what they are told, in microseconds.
const SECOND: f64 = 1e6;
/// Requests whose time is taken.
const REQUESTS: usize = 20;

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    if ![TOTAL, SLOWEST, LATE]
        .iter()
        .any(|load| report.wants(Table::Objects, load))
    {
        return;
    }
    let lasts = Duration::from_secs(asked.rounds(50) as u64 * 2 / 5);
    let runtime = runtime();
    let (alone, together, request) = runtime.block_on(async {
        let one = open(options(far(&Arc::default()))).await;
        let alone = saves(&[one], lasts).await;
        let (bucket, mut machines) = (Arc::default(), Vec::new());
        for _ in 0..MACHINES {
            machines.push(open(options(far(&bucket))).await);
        }
        // What they do to get to know each other is not counted.
        saves(&machines, Duration::from_secs(1)).await;
        (alone, saves(&machines, lasts).await, request().await)
    });
    for figure in figures(&alone[0], &together, request, lasts) {
        if report.wants(Table::Objects, &figure.load) {
            report.tell(figure);
        }
    }
}

/// How long each save took, of each machine, in microseconds.
async fn saves(machines: &[Store], lasts: Duration) -> Vec<Vec<f64>> {
    let (until, states) = (Instant::now() + lasts, states());
    let running = machines.iter().enumerate().map(|(n, machine)| {
        let (machine, states) = (machine.clone(), states.clone());
        tokio::spawn(async move { one(&machine, &format!("m{n}"), &states, until).await })
    });
    let mut took = Vec::new();
    for running in running.collect::<Vec<_>>() {
        took.push(running.await.expect("ran"));
    }
    took
}

async fn one(machine: &Store, name: &str, states: &[Small], until: Instant) -> Vec<f64> {
    let session = session(machine, name).await;
    let (mut took, mut states) = (Vec::new(), states.iter().cycle());
    while Instant::now() < until {
        let begun = Instant::now();
        let state = states.next().expect("endless");
        session.save(state).tag("plan").await.expect("saved");
        took.push(begun.elapsed().as_secs_f64() * SECOND);
    }
    took
}

/// One request for an object that is not there.
async fn request() -> Spread {
    let bucket: Arc<InMemory> = Arc::default();
    let (objects, mut took) = (far(&bucket), Vec::new());
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        let found = objects.get(&"nothing".into()).await;
        took.push(begun.elapsed().as_secs_f64() * SECOND);
        assert!(found.is_err(), "nothing was put there");
    }
    Spread::of(&took)
}

fn figures(alone: &[f64], together: &[Vec<f64>], request: Spread, lasts: Duration) -> [Figure; 3] {
    let rate = |saves: usize| Spread::value(saves as f64 / lasts.as_secs_f64(), saves);
    let total: usize = together.iter().map(Vec::len).sum();
    let least = together.iter().map(Vec::len).min().unwrap_or_default();
    let share = Spread::value(rate(total).median / MACHINES as f64, total);
    let mut took = together.concat();
    took.sort_unstable_by(f64::total_cmp);
    let late = Spread::value(took[took.len() * 99 / 100], took.len());
    [
        Figure::alone(Table::Objects, TOTAL, "/s", rate(total)).beside(rate(alone.len())),
        Figure::alone(Table::Objects, SLOWEST, "/s", rate(least)).beside(share),
        Figure::alone(Table::Objects, LATE, "µs", late).beside(request),
    ]
}
