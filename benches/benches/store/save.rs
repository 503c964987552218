//! One save after the other.

use checkpoint_benches::figure::{Figure, Table};
use checkpoint_benches::paired::{Rounds, measure, measure_prepared};
use checkpoint_benches::place::{bare, bare_insert, directory, runtime, store, store_at};
use checkpoint_benches::report::{Asked, Report};
use checkpoint_benches::state::{Conversation, Noise, Small, change, conversation, small};
use checkpoint_core::{Durability, MemoryBackend, Session, Store};
use tokio::runtime::Runtime;

const SMALL: &str = "save, 1 KiB, one tag, one writer";
const MEMORY: &str = "save, 1 KiB, one tag, in memory";

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    small_states(report, asked, Table::Durable, Durability::Disk);
    let first = [
        ("first save, 64 KiB of JSON", 64 << 10, 400),
        ("first save, 1 MiB of JSON", 1 << 20, 60),
    ];
    for (load, length, rounds) in first {
        if report.wants(Table::Durable, load) {
            let rounds = Rounds::single(5, asked.rounds(rounds));
            report.tell(first_saves(load, length, rounds));
        }
    }
    let load = "save, 1 MiB of JSON, 1 % changed";
    if report.wants(Table::Durable, load) {
        report.tell(changed(load, Rounds::single(5, asked.rounds(100))));
    }
}

pub(crate) fn run_not_durable(report: &mut Report, asked: &Asked) {
    small_states(report, asked, Table::NotDurable, Durability::Os);
    if !report.wants(Table::NotDurable, MEMORY) {
        return;
    }
    let runtime = runtime();
    let store = Store::new(std::sync::Arc::new(MemoryBackend::new()));
    let session = open(&runtime, &store, "s");
    let states = states();
    let mut next = states.iter().cycle();
    let (_, ours) = measure(
        Rounds::single(500, asked.rounds(5_000)),
        || (),
        || save_small(&runtime, &session, next.next().expect("endless")),
    );
    report.tell(Figure::alone(Table::NotDurable, MEMORY, "µs", ours));
}

/// One writer with a tag, beside inserts of the same, both encoding.
fn small_states(report: &mut Report, asked: &Asked, table: Table, durability: Durability) {
    if !report.wants(table, SMALL) {
        return;
    }
    let (dir, runtime) = (directory(), runtime());
    let db = bare(&dir, durability);
    let store = runtime.block_on(store_at(&dir.path().join("store.db"), durability));
    let session = open(&runtime, &store, "s");
    let states = states();
    let mut next = states.iter().cycle();
    let (base, ours) = measure_prepared(
        // Past the first moves of the log into the file.
        Rounds::single(1_500, asked.rounds(4_000)),
        || next.next().expect("endless"),
        |state| bare_insert(&db, &serde_json::to_vec(state).expect("encodes")),
        |state| save_small(&runtime, &session, state),
    );
    report.tell(Figure::alone(table, SMALL, "µs", ours).beside(base));
}

fn states() -> Vec<Small> {
    let mut noise = Noise::new(1);
    (0..256).map(|_| small(&mut noise)).collect()
}

fn save_small(runtime: &Runtime, session: &Session, state: &Small) {
    let save = session.save(state).tag("plan").into_future();
    runtime.block_on(save).expect("saved");
}

fn open(runtime: &Runtime, store: &Store, name: &str) -> Session {
    let session = store.session(name).into_future();
    runtime.block_on(session).expect("made")
}

/// A state of which the store has nothing yet, beside an insert of its bytes.
fn first_saves(load: &str, length: usize, rounds: Rounds) -> Figure {
    let (dir, runtime, mut noise) = (directory(), runtime(), Noise::new(5));
    let db = bare(&dir, Durability::Disk);
    let store = runtime.block_on(store(&dir));
    let mut n = 0;
    let prepare = || {
        n += 1;
        let session = open(&runtime, &store, &format!("first {n}"));
        let state = conversation(&mut noise, length);
        let encoded = serde_json::to_vec(&state).expect("encodes");
        (session, state, encoded)
    };
    let (base, ours) = measure_prepared(
        rounds,
        prepare,
        |(_, _, encoded)| bare_insert(&db, encoded),
        |(session, state, _)| save(&runtime, session, state),
    );
    let figure = Figure::alone(Table::Durable, load, "µs", ours).beside(base);
    // Every few of these moves the log; small ones hardly ever do.
    if length > 256 << 10 {
        figure.by_means()
    } else {
        figure
    }
}

/// A state that is much like the one before, beside an insert of all of its bytes.
fn changed(load: &str, rounds: Rounds) -> Figure {
    let (dir, runtime, mut noise) = (directory(), runtime(), Noise::new(5));
    let db = bare(&dir, Durability::Disk);
    let store = runtime.block_on(store(&dir));
    let session = open(&runtime, &store, "s");
    let mut state = conversation(&mut noise, 1 << 20);
    save(&runtime, &session, &state);
    let prepare = || {
        change(&mut state, &mut noise);
        let encoded = serde_json::to_vec(&state).expect("encodes");
        (state.clone(), encoded)
    };
    let (base, ours) = measure_prepared(
        rounds,
        prepare,
        |(_, encoded)| bare_insert(&db, encoded),
        |(state, _)| save(&runtime, &session, state),
    );
    Figure::alone(Table::Durable, load, "µs", ours)
        .beside(base)
        .by_means()
}

fn save(runtime: &Runtime, session: &Session, state: &Conversation) {
    runtime
        .block_on(session.save(state).into_future())
        .expect("saved");
}
