//! The file of a conversation that is saved whole at each turn.

use std::path::Path;
use std::time::Instant;

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::{directory, runtime, store};
use checkpoint_benches::report::Report;
use checkpoint_benches::state::{Turn, Turns};
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use tempfile::TempDir;

const READS: usize = 101;

#[derive(Debug, Default, Serialize)]
struct State {
    messages: Vec<Turn>,
}

pub(crate) fn run(report: &mut Report) {
    report.say("growth: 200 turns of 2 KiB, all of the conversation saved each turn");
    for turns in Turns::ALL {
        measure(report, turns);
    }
}

fn measure(report: &mut Report, turns: Turns) {
    let (dir, runtime) = (directory(), runtime());
    runtime.block_on(async {
        let (store, mut state) = (store(&dir).await, State::default());
        let session = store.session("conversation").await.expect("made");
        for turn in turns.messages() {
            state.messages.push(turn);
            session.save(&state).await.expect("saved");
        }
        store.close().await.expect("closed");
    });
    let back = runtime.block_on(read_back(&dir));
    let path = dir.path().join("store.db");
    let length = std::fs::metadata(&path).expect("a file").len();
    let mut tell = |what: &str, unit: &str, spread| {
        let load = format!("{}, {what}", turns.name());
        report.tell(Figure::alone(Table::Growth, load, unit, spread));
    };
    let one = |value| Spread::value(value, 1);
    tell("file after close", "MB", one(length as f64 / 1e6));
    let mut rest = length;
    for (tree, bytes) in takers(&path) {
        rest -= bytes;
        let what = format!("of it {tree}");
        tell(&what, "kB", one(bytes as f64 / 1e3));
    }
    tell("of it the rest", "kB", one(rest as f64 / 1e3));
    tell("the newest state back", "µs", back);
}

/// Microseconds in which the newest state is read by a handle that did not save it.
async fn read_back(dir: &TempDir) -> Spread {
    let store = store(dir).await;
    let session = store.session("conversation").await.expect("made");
    let mut times = Vec::new();
    for _ in 0..READS {
        let start = Instant::now();
        let newest = session.latest().await.expect("read").expect("there");
        newest.bytes().await.expect("read");
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    store.close().await.expect("closed");
    Spread::of(&times)
}

/// What takes the space, and the bytes of its pages.
fn takers(path: &Path) -> [(&'static str, u64); 3] {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opens");
    let size = |tree: &str| {
        let sum = "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name = ?1";
        let bytes: i64 = db.query_row(sum, [tree], |row| row.get(0)).expect("a tree");
        bytes.unsigned_abs()
    };
    [
        ("chunks", size("chunk")),
        ("checkpoints", size("checkpoint")),
        ("ids of chunks", size("chunk_id")),
    ]
}
