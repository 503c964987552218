//! Many saves at once, beside one writer who waits for each.

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::{directory, in_flight, runtime, store};
use checkpoint_benches::report::{Asked, Report};
use checkpoint_benches::state::{Noise, Small, small};
use checkpoint_core::Session;

const TASKS: usize = 64;
/// Of one writer, and of all that are in flight, a round.
const SAVES: (u64, u64) = (200, 3_200);

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    let loads = [
        ("64 saves, 64 sessions", TASKS),
        ("64 saves, one session", 1),
    ];
    for (load, sessions) in loads {
        if report.wants(Table::InFlight, load) {
            report.tell(at_once(load, sessions, asked.rounds(30)));
        }
    }
}

fn at_once(load: &str, sessions: usize, rounds: usize) -> Figure {
    let (dir, runtime, mut noise) = (directory(), runtime(), Noise::new(2));
    let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
    let store = runtime.block_on(store(&dir));
    let sessions: Vec<Session> = (0..sessions)
        .map(|n| {
            let session = store.session(format!("s{n}")).into_future();
            runtime.block_on(session).expect("made")
        })
        .collect();
    let rate = |tasks, saves| {
        let took = runtime.block_on(in_flight(&sessions, &states, tasks, saves));
        saves as f64 / took.as_secs_f64()
    };
    rate(TASKS, SAVES.1);
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        one.push(rate(1, SAVES.0));
        all.push(rate(TASKS, SAVES.1));
    }
    Figure::alone(Table::InFlight, load, "/s", Spread::of(&all)).beside(Spread::of(&one))
}
