//! The redb backend against bare redb, in turn in one run: `cargo xtask bench redb`.

use std::process::ExitCode;
use std::sync::Arc;

use checkpoint::blocking::Wait;
use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::paired::{Rounds, measure_prepared};
use checkpoint_benches::place::{directory, in_flight, runtime};
use checkpoint_benches::report::{Asked, Report, program};
use checkpoint_benches::state::{Noise, Small, small};
use checkpoint_core::{CheckpointId, Session, Store};
use checkpoint_redb::{RedbBackend, RedbOptions};
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const HELP: &str = "\
cargo xtask bench redb [--filter TEXT] [--quick]

  --filter TEXT  only loads whose name contains this
  --quick        a tenth of the rounds

CHECKPOINT_BENCH_DIR names the disk to measure on.
";

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
const BY_ID: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("by_id");
/// In flight, and of one writer and of all of them a round.
const TASKS: usize = 64;
const SAVES: (u64, u64) = (200, 3_200);
/// Checkpoints of the store that is read from.
const FILLED: u64 = 10_000;

fn main() -> ExitCode {
    program(HELP, run)
}

fn run(report: &mut Report, asked: &Asked) -> Result<(), String> {
    let save = "redb: save, 1 KiB, one tag, one writer";
    if report.wants(Table::Durable, save) {
        report.tell(saves(save, asked.rounds(2_000)));
    }
    for (load, sessions) in [
        ("redb: 64 saves, 64 sessions", TASKS),
        ("redb: 64 saves, one session", 1),
    ] {
        if report.wants(Table::InFlight, load) {
            report.tell(at_once(load, sessions, asked.rounds(20)));
        }
    }
    let get = "redb: get by id, 1 KiB, blocking";
    if report.wants(Table::Reads, get) {
        report.tell(gets(get, asked.rounds(600)));
    }
    Ok(())
}

/// A store, and beside it the engine itself.
struct Both {
    runtime: Runtime,
    store: Store,
    bare: Database,
    _dir: TempDir,
}

impl Both {
    fn new() -> Self {
        let (dir, runtime) = (directory(), runtime());
        let options = RedbOptions::at(dir.path().join("store.redb"));
        let backend = runtime.block_on(RedbBackend::open(options));
        let bare = Database::create(dir.path().join("bare.redb")).expect("made");
        Self {
            store: Store::new(Arc::new(backend.expect("opened"))),
            runtime,
            bare,
            _dir: dir,
        }
    }

    fn session(&self, name: &str) -> Session {
        let session = self.store.session(name).into_future();
        self.runtime.block_on(session).expect("made")
    }

    /// One row in a commit of its own, at the settings that the store has.
    fn insert(&self, key: u64, bytes: &[u8]) {
        let mut write = self.bare.begin_write().expect("begun");
        write
            .set_durability(Durability::Immediate)
            .expect("durable");
        write.set_quick_repair(true);
        {
            let mut rows = write.open_table(ROWS).expect("opened");
            rows.insert(key, bytes).expect("inserted");
        }
        write.commit().expect("committed");
    }
}

fn states() -> Vec<Small> {
    let mut noise = Noise::new(1);
    (0..256).map(|_| small(&mut noise)).collect()
}

/// One writer with a tag, beside inserts of the same, both encoding.
fn saves(load: &str, rounds: usize) -> Figure {
    let both = Both::new();
    let session = both.session("s");
    let states = states();
    let mut next = states.iter().enumerate().cycle();
    let mut key = 0;
    let (base, ours) = measure_prepared(
        Rounds::single(300, rounds),
        || {
            key += 1;
            (key, next.next().expect("endless").1)
        },
        |(key, state)| both.insert(*key, &serde_json::to_vec(state).expect("encodes")),
        |(_, state)| {
            let save = session.save(*state).tag("plan").into_future();
            both.runtime.block_on(save).expect("saved");
        },
    );
    Figure::alone(Table::Durable, load, "µs", ours).beside(base)
}

/// Many saves at once, beside one writer who waits for each.
fn at_once(load: &str, sessions: usize, rounds: usize) -> Figure {
    let both = Both::new();
    let states = states();
    let sessions: Vec<_> = (0..sessions)
        .map(|n| both.session(&format!("s{n}")))
        .collect();
    let rate = |tasks, saves| {
        let took = both
            .runtime
            .block_on(in_flight(&sessions, &states, tasks, saves));
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

/// Verified and decoded, beside a select of the bytes with a digest over them and decoding.
fn gets(load: &str, rounds: usize) -> Figure {
    let both = Both::new();
    let session = both.session("s");
    let states = states();
    let sessions = std::slice::from_ref(&session);
    both.runtime
        .block_on(in_flight(sessions, &states, TASKS, FILLED));
    let listed = session
        .list()
        .limit(FILLED as usize)
        .wait()
        .expect("listed");
    let ids: Vec<CheckpointId> = listed
        .checkpoints
        .iter()
        .map(|it| it.id().clone())
        .collect();
    let write = both.bare.begin_write().expect("begun");
    {
        let mut rows = write.open_table(BY_ID).expect("opened");
        for (id, state) in ids.iter().zip(states.iter().cycle()) {
            let bytes = serde_json::to_vec(state).expect("encodes");
            rows.insert(key(id).as_slice(), bytes.as_slice())
                .expect("inserted");
        }
    }
    write.commit().expect("committed");
    let mut pick = Noise::new(4);
    let (base, ours) = measure_prepared(
        Rounds::batches(50, rounds, 64),
        || &ids[(pick.number() % ids.len() as u64) as usize],
        |id| select(&both.bare, id),
        |id| -> Small {
            let found = both.store.get(*id).wait().expect("read").expect("there");
            found.state().wait().expect("decoded")
        },
    );
    Figure::alone(Table::Reads, load, "µs", ours).beside(base)
}

fn key(id: &CheckpointId) -> [u8; 16] {
    id.as_uuid().expect("a UUID").into_bytes()
}

/// What a program would do itself: read, compare a digest, decode.
fn select(bare: &Database, id: &CheckpointId) -> (Small, blake3::Hash) {
    let read = bare.begin_read().expect("begun");
    let rows = read.open_table(BY_ID).expect("opened");
    let bytes = rows.get(key(id).as_slice()).expect("read").expect("there");
    let digest = blake3::hash(bytes.value());
    (
        serde_json::from_slice(bytes.value()).expect("decoded"),
        digest,
    )
}
