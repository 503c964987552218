//! A store of many checkpoints against one of a thousand, interleaved in one run.

use std::fs::File;
use std::future::IntoFuture;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::{directory, in_flight, runtime, store_at};
use checkpoint_benches::process::{Moved, PAGE};
use checkpoint_benches::report::Report;
use checkpoint_benches::state::{Noise, Small, small};
use checkpoint_core::{Durability, Session, Store};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

const FEW: u64 = 1_000;
/// How many there are unless told otherwise.
pub(crate) const FULL: u64 = 1_000_000;
const SESSIONS: usize = 8;
const WARM_UP: usize = 100;
const ROUNDS: usize = 600;

/// What is measured, and the trees that it goes down.
const LOADS: [(&str, &[&str]); 4] = [
    (
        "durable create",
        &["checkpoint", "checkpoint_id", "checkpoint_session", "tag"],
    ),
    ("latest", &["checkpoint", "checkpoint_session"]),
    (
        "the 100 newest of a session",
        &["checkpoint", "checkpoint_session"],
    ),
    ("the 100 newest of the store", &["checkpoint"]),
];

pub(crate) fn run(report: &mut Report, rows: u64) {
    report.say(&format!(
        "many: {rows} checkpoints of 1 KiB with a tag in {SESSIONS} sessions, against {FEW}"
    ));
    let (dir, runtime) = (directory(), runtime());
    let (few, many) = runtime.block_on(async {
        (
            Filled::new(&dir, "few", FEW).await,
            Filled::new(&dir, "many", rows).await,
        )
    });
    // Figures of another size are told apart, so that nothing promised of a million is held against them.
    let size = if rows == FULL {
        String::new()
    } else {
        format!(" ({rows} rows)")
    };
    for (what, unit, value) in [
        ("filling, 256 saves in flight", "/s", many.rate),
        ("file", "MB", many.megabytes),
    ] {
        let value = Spread::value(value, 1);
        report.tell(Figure::alone(
            Table::Many,
            format!("{what}{size}"),
            unit,
            value,
        ));
    }
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
    // Until then the log holds pages of trees that grew, and the files do not.
    runtime.block_on(async {
        few.store.close().await.expect("closed");
        many.store.close().await.expect("closed");
    });
    for ((what, trees), pair) in LOADS.iter().zip(&pairs) {
        let further = many.levels(trees).saturating_sub(few.levels(trees));
        pair.tell(report, what, &size, further as f64);
    }
}

/// A store with so many checkpoints.
struct Filled {
    /// Saves a second while it was filled.
    rate: f64,
    /// Of its file.
    megabytes: f64,
    store: Store,
    sessions: Vec<Session>,
    states: Vec<Small>,
    path: PathBuf,
}

impl Filled {
    async fn new(dir: &TempDir, name: &str, rows: u64) -> Self {
        let path = dir.path().join(format!("{name}.db"));
        let mut noise = Noise::new(rows);
        let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
        let store = store_at(&path, Durability::Disk).await;
        let took = in_flight(&sessions(&store).await, &states, 256, rows).await;
        // Opened anew, so that both are measured from the same start.
        store.close().await.expect("closed");
        let store = store_at(&path, Durability::Disk).await;
        let length = std::fs::metadata(&path).expect("a file").len();
        Self {
            rate: rows as f64 / took.as_secs_f64(),
            megabytes: length as f64 / 1e6,
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
    fn tell(&self, report: &mut Report, what: &str, size: &str, further: f64) {
        let figure = |kind: &str, unit: &str, few, many| {
            let load = format!("{what}, {kind}{size}");
            Figure::alone(Table::Many, load, unit, many).beside(few)
        };
        report.tell(figure("time", "µs", times(&self.few), times(&self.many)));
        for (way, kind, excused) in [
            // Only leaves change, but for the rare split.
            (1, "pages written", 0.0),
            (0, "pages read", further),
        ] {
            let Some((few, many)) = mean(&self.few, way).zip(mean(&self.many, way)) else {
                report.say("  the system does not tell pages");
                break;
            };
            if few.median.max(many.median) >= 0.05 {
                let mut figure = figure(kind, "pages", few, many);
                figure.excused = excused;
                report.tell(figure);
            }
        }
    }
}

/// In microseconds.
fn times(costs: &[Cost]) -> Spread {
    let times = costs.iter().map(|cost| cost.took.as_secs_f64() * 1e6);
    Spread::of(&times.collect::<Vec<_>>())
}

/// Pages read, or written, on average: the log is moved into the file by one commit for hundreds.
fn mean(costs: &[Cost], way: usize) -> Option<Spread> {
    let mut sum = 0;
    for cost in costs {
        let (read, written) = cost.pages?;
        sum += if way == 0 { read } else { written };
    }
    Some(Spread::value(sum as f64 / costs.len() as f64, costs.len()))
}
