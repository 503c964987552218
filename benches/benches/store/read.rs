//! What was saved, on the way back.

use checkpoint::blocking::Wait;
use checkpoint_benches::figure::{Figure, Table};
use checkpoint_benches::paired::{Rounds, measure, measure_prepared};
use checkpoint_benches::place::{bare, bare_list, bare_put, bare_select};
use checkpoint_benches::place::{directory, in_flight, runtime, store};
use checkpoint_benches::report::{Asked, Report};
use checkpoint_benches::state::{Conversation, Noise, Small, change, conversation, small};
use checkpoint_core::{Checkpoint, CheckpointId, Durability, Session, Store};
use rusqlite::Connection;
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const TABLE: Table = Table::Reads;
const ROWS: usize = 10_000;

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    small_states(report, asked);
    large_states(report, asked);
}

/// A store and the bare engine, with the same in both.
struct Both {
    runtime: Runtime,
    db: Connection,
    store: Store,
    session: Session,
    _dir: TempDir,
}

impl Both {
    fn new() -> Self {
        let (dir, runtime) = (directory(), runtime());
        let db = bare(&dir, Durability::Disk);
        let store = runtime.block_on(store(&dir));
        let session = store.session("s").into_future();
        Self {
            session: runtime.block_on(session).expect("made"),
            _dir: dir,
            runtime,
            db,
            store,
        }
    }

    /// The newest, with its bytes in the bare table under the same id.
    fn newest(&self) -> (CheckpointId, Checkpoint) {
        let newest = self.session.latest();
        let newest = self.runtime.block_on(newest).expect("read").expect("there");
        let bytes = self.runtime.block_on(newest.bytes()).expect("read");
        bare_put(&self.db, newest.id(), &bytes);
        (newest.id().clone(), newest)
    }

    fn save(&self, state: &impl Serialize) {
        let save = self.session.save(state).into_future();
        self.runtime.block_on(save).expect("saved");
    }

    /// By id from the store, verified and decoded, waiting on this thread.
    fn get<T: serde::de::DeserializeOwned>(&self, id: &CheckpointId) -> T {
        let found = self.store.get(id).wait().expect("read").expect("there");
        found.state().wait().expect("decoded")
    }
}

/// So many states of 1 KiB in a session, and in the bare table under the same ids.
fn filled() -> (Both, Vec<CheckpointId>) {
    let (both, mut noise) = (Both::new(), Noise::new(3));
    let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
    let sessions = std::slice::from_ref(&both.session);
    both.runtime
        .block_on(in_flight(sessions, &states, 64, ROWS as u64));
    let listed = both.session.list().limit(ROWS).into_future();
    let listed = both.runtime.block_on(listed).expect("listed");
    let ids = listed.checkpoints.iter().map(|it| it.id().clone());
    let ids: Vec<CheckpointId> = ids.collect();
    assert_eq!(ids.len(), ROWS, "all are listed");
    for (id, state) in ids.iter().zip(states.iter().cycle()) {
        bare_put(&both.db, id, &serde_json::to_vec(state).expect("encodes"));
    }
    (both, ids)
}

fn small_states(report: &mut Report, asked: &Asked) {
    let blocking = "get by id, 1 KiB, blocking";
    let awaited = "get by id, 1 KiB, async";
    let list = "the 100 newest of 10,000";
    if ![blocking, awaited, list]
        .iter()
        .any(|load| report.wants(TABLE, load))
    {
        return;
    }
    let (both, ids) = filled();
    let mut pick = Noise::new(4);
    let mut id = || &ids[(pick.number() % ids.len() as u64) as usize];
    let rounds = Rounds::batches(50, asked.rounds(600), 64);
    if report.wants(TABLE, blocking) {
        let (base, ours) = measure_prepared(
            rounds,
            &mut id,
            |id| bare_select(&both.db, id),
            |id| both.get::<Small>(id),
        );
        report.tell(Figure::alone(TABLE, blocking, "µs", ours).beside(base));
    }
    if report.wants(TABLE, awaited) {
        let get = async |id: &CheckpointId| -> Small {
            let found = both.store.get(id).await.expect("read").expect("there");
            found.state().await.expect("decoded")
        };
        let (base, ours) = measure_prepared(
            rounds,
            &mut id,
            |id| bare_select(&both.db, id),
            |id| both.runtime.block_on(get(id)),
        );
        report.tell(Figure::alone(TABLE, awaited, "µs", ours).beside(base));
    }
    if report.wants(TABLE, list) {
        let (base, ours) = measure(
            Rounds::batches(20, asked.rounds(300), 8),
            || bare_list(&both.db, 100),
            || {
                let list = both.session.list().limit(100).into_future();
                both.runtime.block_on(list).expect("listed")
            },
        );
        report.tell(Figure::alone(TABLE, list, "µs", ours).beside(base));
    }
}

fn large_states(report: &mut Report, asked: &Asked) {
    let (mut noise, rounds) = (Noise::new(5), Rounds::batches(10, asked.rounds(200), 2));
    let middle = "get by id, 64 KiB of JSON, decoded";
    if report.wants(TABLE, middle) {
        let both = Both::new();
        both.save(&conversation(&mut noise, 64 << 10));
        let (id, _) = both.newest();
        let (base, ours) = measure(
            Rounds::batches(20, asked.rounds(300), 8),
            || bare_select(&both.db, &id),
            || both.get::<Conversation>(&id),
        );
        report.tell(Figure::alone(TABLE, middle, "µs", ours).beside(base));
    }
    let decoded = "get by id, 1 MiB of JSON, decoded";
    let json = "1 MiB of JSON, back, not parsed";
    if report.wants(TABLE, decoded) || report.wants(TABLE, json) {
        let both = changed_often(&mut noise);
        let (id, newest) = both.newest();
        let select = || bare_select(&both.db, &id);
        if report.wants(TABLE, decoded) {
            let (base, ours) = measure(rounds, select, || both.get::<Conversation>(&id));
            report.tell(Figure::alone(TABLE, decoded, "µs", ours).beside(base));
        }
        if report.wants(TABLE, json) {
            report.tell(bytes_back(json, &both, &id, &newest, rounds));
        }
    }
    let random = "1 MiB that does not compress, back";
    if report.wants(TABLE, random) {
        let both = Both::new();
        let bytes = Noise::new(6).bytes(1 << 20);
        let save = both.session.save_bytes("x/random", bytes).into_future();
        both.runtime.block_on(save).expect("saved");
        let (id, newest) = both.newest();
        report.tell(bytes_back(random, &both, &id, &newest, rounds));
    }
}

/// 1 MiB as it lies after a hundred changes, with deltas upon deltas.
fn changed_often(noise: &mut Noise) -> Both {
    let both = Both::new();
    let mut state = conversation(noise, 1 << 20);
    both.save(&state);
    for _ in 0..100 {
        change(&mut state, noise);
        both.save(&state);
    }
    both
}

fn bytes_back(
    load: &str,
    both: &Both,
    id: &CheckpointId,
    newest: &Checkpoint,
    rounds: Rounds,
) -> Figure {
    let (base, ours) = measure(
        rounds,
        || bare_select(&both.db, id),
        || both.runtime.block_on(newest.bytes()).expect("read"),
    );
    Figure::alone(TABLE, load, "µs", ours).beside(base)
}
