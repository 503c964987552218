//! A store of many checkpoints against one of a thousand, interleaved in one run.

use std::fs::File;
use std::future::IntoFuture;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use checkpoint_benches::{Noise, Small, directory, in_flight, runtime, small, store_at};
use checkpoint_core::{Session, Store};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::Report;
use crate::process::{Moved, PAGE};

const FEW: u64 = 1_000;
const SESSIONS: usize = 8;
const WARM_UP: usize = 100;
const ROUNDS: usize = 600;
/// How many times the pages that few checkpoints take, beyond the further levels of the trees.
const REACH_PAGES: f64 = 1.3;
const REACH_TIME: f64 = 1.5;

/// What is measured, and the trees that it goes down.
const LOADS: [(&str, &[&str]); 4] = [
    (
        "durable create",
        &["checkpoint", "checkpoint_id", "checkpoint_session", "tag"],
    ),
    ("latest", &["checkpoint", "checkpoint_session"]),
    (
        "100 newest of a session",
        &["checkpoint", "checkpoint_session"],
    ),
    ("100 newest of the store", &["checkpoint"]),
];

pub(crate) fn run(report: &mut Report, rows: u64) {
    report.say(&format!(
        "many: {rows} checkpoints of 1 KiB with a tag in {SESSIONS} sessions, against {FEW}"
    ));
    let (dir, runtime) = (directory(), runtime());
    let (few, many) = runtime.block_on(async {
        (
            Filled::new(report, &dir, "few", FEW).await,
            Filled::new(report, &dir, "many", rows).await,
        )
    });
    let mut pairs = LOADS.map(|_| Pair::default());
    for round in 0..WARM_UP + ROUNDS {
        for (load, pair) in pairs.iter_mut().enumerate() {
            // Who comes second finds the processor's caches warm: each in turn.
            let found = if round % 2 == 0 {
                let few = few.cost(&runtime, load, round);
                (few, many.cost(&runtime, load, round))
            } else {
                let many = many.cost(&runtime, load, round);
                (few.cost(&runtime, load, round), many)
            };
            if round >= WARM_UP {
                pair.few.push(found.0);
                pair.many.push(found.1);
            }
        }
    }
    for ((what, trees), pair) in LOADS.iter().zip(&pairs) {
        let further = many.levels(trees).saturating_sub(few.levels(trees));
        pair.tell(report, what, further as f64);
    }
}

/// A store with so many checkpoints.
struct Filled {
    store: Store,
    sessions: Vec<Session>,
    states: Vec<Small>,
    path: PathBuf,
}

impl Filled {
    async fn new(report: &Report, dir: &TempDir, name: &str, rows: u64) -> Self {
        let path = dir.path().join(format!("{name}.db"));
        let mut noise = Noise::new(rows);
        let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
        let store = store_at(&path).await;
        let took = in_flight(&sessions(&store).await, &states, 256, rows).await;
        // Opened anew, so that both are measured from the same start.
        store.close().await.expect("closed");
        let store = store_at(&path).await;
        let length = std::fs::metadata(&path).expect("a file").len();
        report.say(&format!(
            "  {rows} saved in {:.1} s, {:.0}/s, 256 in flight; the file has {:.1} MB",
            took.as_secs_f64(),
            rows as f64 / took.as_secs_f64(),
            length as f64 / 1e6
        ));
        Self {
            sessions: sessions(&store).await,
            store,
            states,
            path,
        }
    }

    /// What one of the loads costs.
    fn cost(&self, runtime: &tokio::runtime::Runtime, load: usize, round: usize) -> Cost {
        let session = &self.sessions[round % SESSIONS];
        let state = &self.states[round % self.states.len()];
        let before = Moved::now();
        let start = Instant::now();
        runtime.block_on(async {
            match load {
                0 => drop(session.save(state).tag("plan").await.expect("saved")),
                1 => drop(session.latest().await.expect("read").expect("there")),
                2 => drop(session.list().limit(100).into_future().await.expect("read")),
                _ => drop(
                    self.store
                        .list()
                        .limit(100)
                        .into_future()
                        .await
                        .expect("read"),
                ),
            }
        });
        let took = start.elapsed();
        let pages = Moved::now()
            .zip(before)
            .map(|(now, then)| now.pages_since(then));
        Cost { took, pages }
    }

    /// How many levels these trees have together.
    fn levels(&self, trees: &[&str]) -> u64 {
        let db = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let db = db.expect("opens");
        let levels = trees.iter().map(|tree| {
            let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
            let root: u32 = db
                .query_row(root, [tree], |row| row.get(0))
                .expect("a tree");
            depth(&self.path, root).expect("a file that can be read")
        });
        levels.sum()
    }
}

async fn sessions(store: &Store) -> Vec<Session> {
    let mut sessions = Vec::new();
    for n in 0..SESSIONS {
        sessions.push(store.session(format!("s{n}")).await.expect("made"));
    }
    sessions
}

/// Down the right edge of a tree, by the file format of SQLite (<https://sqlite.org/fileformat2.html#b_tree_pages>).
fn depth(path: &Path, root: u32) -> std::io::Result<u64> {
    let mut file = File::open(path)?;
    let (mut page, mut levels) = (root, 1);
    loop {
        let mut header = [0; 12];
        file.seek(SeekFrom::Start(u64::from(page - 1) * PAGE))?;
        file.read_exact(&mut header)?;
        // Inner pages of an index, and of a table.
        if !matches!(header[0], 2 | 5) {
            return Ok(levels);
        }
        page = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        levels += 1;
    }
}

/// What one operation took.
#[derive(Clone, Copy, Debug)]
struct Cost {
    took: Duration,
    pages: Option<(u64, u64)>,
}

/// What one load took in both stores.
#[derive(Debug, Default)]
struct Pair {
    few: Vec<Cost>,
    many: Vec<Cost>,
}

impl Pair {
    fn tell(&self, report: &mut Report, what: &str, further: f64) {
        let (few, many) = (median(&self.few), median(&self.many));
        report.at_most(&format!("{what}, time"), many / few, REACH_TIME, "×");
        let mut seen = format!("    {few:.0} µs, {many:.0} µs");
        for (way, kind, levels) in [
            (0, "pages read", further),
            // Only leaves change, but for the rare split.
            (1, "pages written", 0.0),
        ] {
            let Some((few, many)) = mean(&self.few, way).zip(mean(&self.many, way)) else {
                seen += "; the system does not tell pages";
                break;
            };
            if few.max(many) >= 0.05 {
                let what = format!("{what}, {kind}");
                report.at_most(&what, many, few * REACH_PAGES + levels, "");
                seen += &format!("; {kind}: {few:.2}, {many:.2}");
            }
        }
        report.say(&seen);
    }
}

/// In microseconds.
fn median(costs: &[Cost]) -> f64 {
    let mut times: Vec<_> = costs.iter().map(|cost| cost.took).collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Pages read, or written, on average: the log is moved into the file by one commit for hundreds.
fn mean(costs: &[Cost], way: usize) -> Option<f64> {
    let mut sum = 0;
    for cost in costs {
        let (read, written) = cost.pages?;
        sum += if way == 0 { read } else { written };
    }
    Some(sum as f64 / costs.len() as f64)
}
