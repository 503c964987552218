//! The file of a conversation that is saved whole at each turn.

use std::path::Path;
use std::time::Instant;

use checkpoint_benches::{Noise, directory, runtime, store};
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use tempfile::TempDir;

use crate::Report;

const TURNS: usize = 200;
const TURN: usize = 2_048;
const READS: usize = 101;
const REACH: f64 = 0.6;

#[derive(Debug, Serialize)]
struct State {
    messages: Vec<Message>,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    id: String,
    content: String,
}

pub(crate) fn run(report: &mut Report) {
    report.say("growth: 200 turns of 2 KiB, all of the conversation saved each turn");
    let words = |noise: &mut Noise| {
        let mut text = noise.words(TURN);
        text.truncate(TURN);
        text
    };
    turns(report, "words, file after close", words);
    turns(report, "hex digits, file after close", |noise| {
        noise.hex(TURN)
    });
}

fn turns(report: &mut Report, what: &str, content: impl Fn(&mut Noise) -> String) {
    let (dir, mut noise) = (directory(), Noise::new(8));
    let mut state = State {
        messages: Vec::new(),
    };
    let runtime = runtime();
    runtime.block_on(async {
        let store = store(&dir).await;
        let session = store.session("conversation").await.expect("made");
        for _ in 0..TURNS {
            state.messages.push(Message {
                role: "assistant",
                id: noise.hex(32),
                content: content(&mut noise),
            });
            session.save(&state).await.expect("saved");
        }
        store.close().await.expect("closed");
    });
    let back = runtime.block_on(read_back(&dir));
    let path = dir.path().join("store.db");
    let length = std::fs::metadata(&path).expect("a file").len();
    report.at_most(what, length as f64 / 1e6, REACH, "MB");
    report.say(&format!("    the newest state read back in {back:.2} ms"));
    for line in takers(&path) {
        report.say(&line);
    }
}

/// Milliseconds in which the newest state is read by a handle that did not save it.
async fn read_back(dir: &TempDir) -> f64 {
    let store = store(dir).await;
    let session = store.session("conversation").await.expect("made");
    let mut times = Vec::new();
    for _ in 0..READS {
        let start = Instant::now();
        let newest = session.latest().await.expect("read").expect("there");
        newest.bytes().await.expect("read");
        times.push(start.elapsed());
    }
    store.close().await.expect("closed");
    times.sort_unstable();
    times[READS / 2].as_secs_f64() * 1e3
}

/// What takes the space: pages, and of their bytes those in use.
fn takers(path: &Path) -> Vec<String> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opens");
    let mut tables = db
        .prepare(
            "SELECT name, sum(pgsize), sum(payload), sum(ncell) FROM dbstat WHERE aggregate = FALSE
             GROUP BY name HAVING sum(pgsize) > 8192 ORDER BY 2 DESC",
        )
        .expect("prepared");
    let rows = tables.query_map([], |row| {
        let (name, bytes, used, cells): (String, i64, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(format!(
            "    {name:<22} {bytes:>7} bytes in pages, {used:>7} in {cells} cells"
        ))
    });
    rows.expect("read").map(|row| row.expect("read")).collect()
}
