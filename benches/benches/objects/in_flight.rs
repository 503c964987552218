//! Many saves at once, beside one writer who waits for each.

use std::sync::Arc;

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::{in_flight, runtime};
use checkpoint_benches::report::{Asked, Report};

use crate::far::{far, open, options, session, states};

/// Saves of one writer a round.
const ALONE: u64 = 50;
/// Saves of each of those in flight a round: as many round trips as there are between some snapshots.
const EACH: u64 = 50;

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    for (load, tasks) in [("64 saves in flight", 64), ("256 saves in flight", 256)] {
        if report.wants(Table::Objects, load) {
            report.tell(at_once(load, tasks, asked.rounds(8)));
        }
    }
}

fn at_once(load: &str, tasks: usize, rounds: usize) -> Figure {
    let (runtime, states) = (runtime(), states());
    let store = runtime.block_on(open(options(far(&Arc::default()))));
    let sessions: Vec<_> = (0..tasks)
        .map(|n| runtime.block_on(session(&store, &format!("s{n}"))))
        .collect();
    let rate = |tasks, saves| {
        let took = runtime.block_on(in_flight(&sessions, &states, tasks, saves));
        saves as f64 / took.as_secs_f64()
    };
    rate(tasks, tasks as u64 * 10);
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        one.push(rate(1, ALONE));
        all.push(rate(tasks, tasks as u64 * EACH));
    }
    Figure::alone(Table::Objects, load, "/s", Spread::of(&all)).beside(Spread::of(&one))
}
