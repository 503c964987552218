//! The groups of benchmarks that users of other stores know, by criterion: `cargo xtask bench groups`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use checkpoint::blocking::Wait;
use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::{directory, runtime, store};
use checkpoint_benches::report::{Asked, Report, program};
use checkpoint_benches::state::{Noise, Small, small};
use checkpoint_core::{CheckpointId, ExportFormat, Session, Store};
use criterion::{Bencher, Criterion};
use serde::Deserialize;
use tempfile::TempDir;

const HELP: &str = "\
cargo xtask bench groups [--filter TEXT] [--quick]

  --filter TEXT  only loads whose name contains this
  --quick        a tenth of the time

CHECKPOINT_BENCH_DIR names the disk to measure on.
";

const TAGS: [&str; 3] = ["plan", "draft", "final"];
const THREADS: usize = 4;
const FILLED: usize = 500;

/// A group: where it belongs, what it is called, what is done.
type Group = (Table, &'static str, fn(&Filled, &mut Bencher<'_>));

const GROUPS: [Group; 9] = [
    (Table::DurableGroups, "create, no tag", |it, b| {
        it.create(b, 0)
    }),
    (Table::DurableGroups, "create, 1 tag", |it, b| {
        it.create(b, 1)
    }),
    (Table::DurableGroups, "create, 2 tags", |it, b| {
        it.create(b, 2)
    }),
    (Table::DurableGroups, "create, 3 tags", |it, b| {
        it.create(b, 3)
    }),
    (
        Table::DurableGroups,
        "concurrent creates, 4 threads",
        |it, b| b.iter_custom(|creates| it.concurrent_creates(creates)),
    ),
    (
        Table::DurableGroups,
        "restore, noted in the feed",
        Filled::restore,
    ),
    (Table::ReadGroups, "list 100", Filled::list),
    (Table::ReadGroups, "compare", Filled::compare),
    (
        Table::ReadGroups,
        "export of 500 as lines, into memory",
        Filled::export,
    ),
];

/// A store with some checkpoints of 1 KiB in one session.
struct Filled {
    store: Store,
    session: Session,
    states: Vec<Small>,
    ids: Vec<CheckpointId>,
    _dir: TempDir,
}

impl Filled {
    fn new() -> Self {
        let (dir, mut noise) = (directory(), Noise::new(7));
        let store = runtime().block_on(store(&dir));
        let session = store.session("s").wait().expect("made");
        let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
        let ids = states.iter().cycle().take(FILLED).map(|state| {
            let saved = session.save(state).tag(TAGS[0]).wait();
            saved.expect("saved").id.clone()
        });
        Self {
            ids: ids.collect(),
            store,
            session,
            states,
            _dir: dir,
        }
    }

    fn create(&self, b: &mut Bencher<'_>, tags: usize) {
        let mut states = self.states.iter().cycle();
        b.iter(|| {
            let save = self.session.save(states.next().expect("endless"));
            save.tags(TAGS[..tags].iter().copied())
                .wait()
                .expect("saved")
        });
    }

    /// So many among threads that each have a session and wait for one before the next; answers how long all took.
    fn concurrent_creates(&self, creates: u64) -> Duration {
        let sessions: Vec<Session> = (0..THREADS)
            .map(|n| self.store.session(format!("t{n}")).wait().expect("made"))
            .collect();
        let start = Instant::now();
        std::thread::scope(|threads| {
            for (n, session) in (0_u64..).zip(&sessions) {
                let of = THREADS as u64;
                let mine = creates / of + u64::from(n < creates % of);
                threads.spawn(move || {
                    for state in self.states.iter().cycle().take(mine as usize) {
                        session.save(state).tag(TAGS[0]).wait().expect("saved");
                    }
                });
            }
        });
        start.elapsed()
    }

    fn restore(&self, b: &mut Bencher<'_>) {
        let mut ids = self.ids.iter().cycle();
        b.iter(|| {
            let restored = self.session.restore(ids.next().expect("endless")).wait();
            restored
                .expect("restored")
                .state::<Small>()
                .wait()
                .expect("decoded")
        });
    }

    fn list(&self, b: &mut Bencher<'_>) {
        b.iter(|| self.session.list().limit(100).wait().expect("listed"));
    }

    fn compare(&self, b: &mut Bencher<'_>) {
        let mut pairs = self.ids.windows(2).cycle();
        b.iter(|| {
            let pair = pairs.next().expect("endless");
            self.store
                .compare(&pair[0], &pair[1])
                .wait()
                .expect("compared")
        });
    }

    fn export(&self, b: &mut Bencher<'_>) {
        b.iter(|| {
            let mut lines = Vec::new();
            let export = self.store.export().format(ExportFormat::Lines);
            let report = export.to_writer(&mut lines).wait().expect("exported");
            assert_eq!(report.checkpoints, FILLED as u64, "all are there");
            lines
        });
    }
}

fn main() -> ExitCode {
    program(HELP, run)
}

fn run(report: &mut Report, asked: &Asked) -> Result<(), String> {
    let results = directory();
    for (table, load, measure) in GROUPS {
        if report.wants(table, load) {
            // A store of its own: what was created by one group is not listed by the next.
            let filled = Filled::new();
            criterion(asked, results.path())
                .bench_function(load, |bencher| measure(&filled, bencher));
            let spread = sample(results.path(), load)?;
            report.tell(Figure::alone(table, load, "µs", spread));
        }
    }
    Ok(())
}

fn criterion(asked: &Asked, results: &Path) -> Criterion {
    let criterion = Criterion::default().output_directory(results);
    if asked.quick {
        criterion
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_millis(500))
    } else {
        criterion
    }
}

/// What criterion measured: so many iterations in so many nanoseconds each time.
#[derive(Debug, Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// Microseconds of one iteration.
fn sample(results: &Path, load: &str) -> Result<Spread, String> {
    let path = results.join(load).join("new/sample.json");
    let cannot = |why: String| format!("criterion left no {}: {why}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|error| cannot(error.to_string()))?;
    let sample: Sample = serde_json::from_str(&text).map_err(|error| cannot(error.to_string()))?;
    let pairs = sample.times.iter().zip(&sample.iters);
    let micros: Vec<f64> = pairs.map(|(time, iters)| time / iters / 1e3).collect();
    if micros.is_empty() {
        return Err(cannot("no samples".to_owned()));
    }
    Ok(Spread::of(&micros))
}
