//! An encrypted store and a plain one, both in SQLite, in turn in one run: `cargo xtask bench sealed`.

use std::process::ExitCode;
use std::sync::Arc;

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit};
use checkpoint::blocking::Wait;
use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::paired::{Rounds, measure, measure_prepared};
use checkpoint_benches::place::{directory, in_flight, runtime, sqlite};
use checkpoint_benches::report::{Asked, Report, program};
use checkpoint_benches::state::{Conversation, Noise, Small, change, conversation, small};
use checkpoint_core::{CheckpointId, Durability, MemoryBackend, Session, Store};
use checkpoint_crypto::measure::Envelope;
use checkpoint_crypto::{Encrypted, Key};
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const HELP: &str = "\
cargo xtask bench sealed [--filter TEXT] [--quick]

  --filter TEXT  only loads whose name contains this
  --quick        a tenth of the rounds

CHECKPOINT_BENCH_DIR names the disk to measure on.
";

const TABLE: Table = Table::Sealed;
/// Checkpoints of the stores that are read from.
const FILLED: u64 = 10_000;
const TASKS: usize = 64;

fn main() -> ExitCode {
    program(HELP, run)
}

fn run(report: &mut Report, asked: &Asked) -> Result<(), String> {
    let load = "save, 1 KiB, one tag, one writer";
    if report.wants(TABLE, load) {
        report.tell(small_saves(load, asked.rounds(4_000)));
    }
    let load = "first save, 64 KiB of JSON";
    if report.wants(TABLE, load) {
        report.tell(first_saves(load, asked.rounds(400)));
    }
    let load = "save, 1 MiB of JSON, 1 % changed";
    if report.wants(TABLE, load) {
        report.tell(changes(load, asked.rounds(200)));
    }
    let load = "1 MiB of JSON, 1 % changed, chunks stored";
    if report.wants(TABLE, load) {
        report.tell(added(load, asked.rounds(24)));
    }
    let load = "get by id, 1 KiB, blocking";
    if report.wants(TABLE, load) {
        report.tell(gets(load, asked.rounds(600)));
    }
    let load = "1 MiB in the envelope, and the cipher alone";
    if report.wants(TABLE, load) {
        report.tell(envelope(load, asked.rounds(400)));
    }
    Ok(())
}

/// A store, and a session in it.
struct Side {
    store: Store,
    session: Session,
}

impl Side {
    fn save(&self, runtime: &Runtime, state: &impl Serialize) {
        let save = self.session.save(state).tag("plan").into_future();
        runtime.block_on(save).expect("saved");
    }

    fn session(&self, name: &str) -> Session {
        self.store.session(name).wait().expect("made")
    }

    fn get(&self, id: &CheckpointId) -> Small {
        let found = self.store.get(id).wait().expect("read").expect("there");
        found.state().wait().expect("decoded")
    }

    fn chunk_bytes(&self) -> u64 {
        self.store.stats().wait().expect("counted").chunk_bytes
    }
}

/// A plain store and an encrypted one, on one disk.
struct Both {
    runtime: Runtime,
    plain: Side,
    sealed: Side,
    _dir: TempDir,
}

impl Both {
    fn new() -> Self {
        let (dir, runtime) = (directory(), runtime());
        let side = |store: Store| Side {
            session: store.session("s").wait().expect("made"),
            store,
        };
        let path = |name| dir.path().join(name);
        let (plain, sealed) = runtime.block_on(async {
            let sealed = sqlite(&path("sealed.db"), Durability::Disk).await;
            let sealed = Encrypted::open(sealed, Key::from_bytes(&[7; 32])).await;
            let plain = sqlite(&path("plain.db"), Durability::Disk).await;
            (plain, sealed.expect("opened"))
        });
        Self {
            plain: side(Store::new(Arc::new(plain))),
            sealed: side(Store::new(Arc::new(sealed))),
            runtime,
            _dir: dir,
        }
    }
}

fn small_saves(load: &str, rounds: usize) -> Figure {
    let (both, mut noise) = (Both::new(), Noise::new(1));
    let states: Vec<Small> = (0..256).map(|_| small(&mut noise)).collect();
    let mut next = states.iter().cycle();
    let (base, ours) = measure_prepared(
        // Past the first moves of the log into the file.
        Rounds::single(1_500, rounds),
        || next.next().expect("endless"),
        |state| both.plain.save(&both.runtime, state),
        |state| both.sealed.save(&both.runtime, state),
    );
    Figure::alone(TABLE, load, "µs", ours).beside(base)
}

/// States of which the stores have nothing yet.
fn first_saves(load: &str, rounds: usize) -> Figure {
    let (both, mut noise, mut n) = (Both::new(), Noise::new(5), 0);
    let prepare = || {
        n += 1;
        let sessions = [&both.plain, &both.sealed].map(|side| side.session(&format!("first {n}")));
        (sessions, conversation(&mut noise, 64 << 10))
    };
    let save = |session: &Session, state: &Conversation| {
        let save = session.save(state).into_future();
        both.runtime.block_on(save).expect("saved");
    };
    let (base, ours) = measure_prepared(
        Rounds::single(20, rounds),
        prepare,
        |([plain, _], state)| save(plain, state),
        |([_, sealed], state)| save(sealed, state),
    );
    Figure::alone(TABLE, load, "µs", ours).beside(base)
}

/// A state that is much like the one before.
fn changes(load: &str, rounds: usize) -> Figure {
    let (both, mut noise) = (Both::new(), Noise::new(5));
    let mut state = conversation(&mut noise, 1 << 20);
    for side in [&both.plain, &both.sealed] {
        side.save(&both.runtime, &state);
    }
    let prepare = || {
        change(&mut state, &mut noise);
        state.clone()
    };
    let (base, ours) = measure_prepared(
        Rounds::single(10, rounds),
        prepare,
        |state| both.plain.save(&both.runtime, state),
        |state| both.sealed.save(&both.runtime, state),
    );
    Figure::alone(TABLE, load, "µs", ours)
        .beside(base)
        .by_means()
}

/// The bytes of chunks that a save of such a state adds. Where states are cut follows from a secret that each encrypted
/// store has of its own, so this is told of many stores.
fn added(load: &str, stores: usize) -> Figure {
    const SAVES: u64 = 40;
    let runtime = runtime();
    let of_one = |store: Store, seed: u64| {
        let session = store.session("s").wait().expect("made");
        let side = Side { store, session };
        let mut noise = Noise::new(seed);
        let mut state = conversation(&mut noise, 1 << 20);
        side.save(&runtime, &state);
        let before = side.chunk_bytes();
        for _ in 0..SAVES {
            change(&mut state, &mut noise);
            side.save(&runtime, &state);
        }
        (side.chunk_bytes() - before) as f64 / SAVES as f64 / 1e3
    };
    let (mut plain, mut sealed) = (Vec::new(), Vec::new());
    for seed in 0..stores as u64 {
        let below = MemoryBackend::new();
        plain.push(of_one(Store::new(Arc::new(below)), seed));
        let below = Encrypted::open(MemoryBackend::new(), Key::from_bytes(&[7; 32]));
        let below = runtime.block_on(below).expect("opened");
        sealed.push(of_one(Store::new(Arc::new(below)), seed));
    }
    Figure::alone(TABLE, load, "kB", Spread::of(&sealed))
        .beside(Spread::of(&plain))
        .by_means()
}

fn gets(load: &str, rounds: usize) -> Figure {
    let (both, mut noise) = (Both::new(), Noise::new(3));
    let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
    let ids = [&both.plain, &both.sealed].map(|side| {
        let sessions = std::slice::from_ref(&side.session);
        both.runtime
            .block_on(in_flight(sessions, &states, TASKS, FILLED));
        let listed = side.session.list().limit(FILLED as usize).wait();
        let listed = listed.expect("listed").checkpoints;
        listed.iter().map(|it| it.id().clone()).collect::<Vec<_>>()
    });
    let mut pick = Noise::new(4);
    let (base, ours) = measure_prepared(
        Rounds::batches(50, rounds, 64),
        || (pick.number() % FILLED) as usize,
        |n| both.plain.get(&ids[0][*n]),
        |n| both.sealed.get(&ids[1][*n]),
    );
    Figure::alone(TABLE, load, "µs", ours).beside(base)
}

/// MiB a second, of 1 MiB in segments of 64 KiB, beside the cipher under one key on the same segments.
fn envelope(load: &str, rounds: usize) -> Figure {
    const SEGMENT: usize = 64 << 10;
    let (key, plain) = ([7; 32], Noise::new(6).bytes(1 << 20));
    let (envelope, cipher) = (Envelope::new(&key), Aes256Gcm::new(&key.into()));
    let bare = || {
        let mut out = plain.clone();
        for (n, segment) in out.chunks_mut(SEGMENT).enumerate() {
            let number = [n as u8; 12].into();
            let tag = cipher.encrypt_inout_detached(&number, b"", InOutBuf::from(segment));
            std::hint::black_box(tag.expect("sealed"));
        }
        out
    };
    let sealed = || envelope.seal(b"bound", &plain).expect("sealed");
    let (base, ours) = measure(Rounds::batches(20, rounds, 4), bare, sealed);
    Figure::alone(TABLE, load, "MiB/s", rate(ours)).beside(rate(base))
}

/// Of microseconds for 1 MiB.
fn rate(micros: Spread) -> Spread {
    let of = |micros: f64| 1e6 / micros;
    Spread {
        median: of(micros.median),
        low: of(micros.high),
        high: of(micros.low),
        mean: of(micros.mean),
        ..micros
    }
}
