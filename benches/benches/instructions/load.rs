//! What is counted, each done in a process of its own.

use std::sync::Arc;

use checkpoint::blocking::Wait;
use checkpoint_benches::place::directory;
use checkpoint_benches::state::{Noise, Small, small};
use checkpoint_core::{Backend, CheckpointId, FakeClock, MemoryBackend, SeededIds, Session, Store};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};

/// How many checkpoints there are before anything is counted.
const FILLED: usize = 300;

/// One operation on one backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    operation: Operation,
    sqlite: bool,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Save,
    Get,
    List,
}

impl Load {
    pub(crate) const ALL: [Self; 6] = [
        Self::new(Operation::Save, false),
        Self::new(Operation::Save, true),
        Self::new(Operation::Get, false),
        Self::new(Operation::Get, true),
        Self::new(Operation::List, false),
        Self::new(Operation::List, true),
    ];

    const fn new(operation: Operation, sqlite: bool) -> Self {
        Self { operation, sqlite }
    }

    pub(crate) const fn name(self) -> &'static str {
        match (self.operation, self.sqlite) {
            (Operation::Save, false) => "save, 1 KiB, memory",
            (Operation::Save, true) => "save, 1 KiB, SQLite",
            (Operation::Get, false) => "get by id, 1 KiB, memory",
            (Operation::Get, true) => "get by id, 1 KiB, SQLite",
            (Operation::List, false) => "the 100 newest, memory",
            (Operation::List, true) => "the 100 newest, SQLite",
        }
    }

    /// How often it is done, so that what comes once in a while is shared out.
    pub(crate) const fn times(self) -> usize {
        match self.operation {
            Operation::Save => 500,
            Operation::Get => 1_000,
            Operation::List => 100,
        }
    }
}

/// Does the load of this number so many times.
pub(crate) fn child(args: &[String]) -> Result<(), String> {
    let number = |at: usize| args.get(at).and_then(|arg| arg.parse::<usize>().ok());
    let load = number(0).and_then(|at| Load::ALL.get(at).copied());
    let (Some(load), Some(times)) = (load, number(1)) else {
        return Err("which load, and how often?".to_owned());
    };
    let dir = directory();
    let clock = FakeClock::at("2026-01-01T00:00:00Z").expect("a time");
    let backend: Arc<dyn Backend> = if load.sqlite {
        let options = SqliteOptions::at(dir.path().join("store.db"))
            .with_clock(Arc::new(clock.clone()))
            .with_ids(Arc::new(SeededIds::new(1)));
        Arc::new(SqliteBackend::open(options).wait().expect("opens"))
    } else {
        Arc::new(MemoryBackend::new())
    };
    // The same ids in each run: where a row lands decides how far its neighbours are moved.
    let store = Store::builder(backend)
        .clock(clock)
        .ids(SeededIds::new(2))
        .build();
    let session = store.session("s").wait().expect("made");
    let (states, ids) = fill(&session);
    for n in 0..times {
        match load.operation {
            Operation::Save => save(&session, &states[n % states.len()]),
            Operation::Get => get(&store, &ids[n * 7 % ids.len()]),
            Operation::List => {
                drop(session.list().limit(100).wait().expect("listed"));
            }
        }
    }
    store.close().wait().expect("closed");
    Ok(())
}

fn fill(session: &Session) -> (Vec<Small>, Vec<CheckpointId>) {
    let mut noise = Noise::new(1);
    let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
    for state in states.iter().cycle().take(FILLED) {
        save(session, state);
    }
    let listed = session.list().limit(FILLED).wait().expect("listed");
    let ids = listed.checkpoints.iter().map(|it| it.id().clone());
    let ids = ids.collect();
    (states, ids)
}

fn save(session: &Session, state: &Small) {
    let save = session.save(state).tag("plan");
    save.wait().expect("saved");
}

fn get(store: &Store, id: &CheckpointId) {
    let found = store.get(id).wait().expect("read").expect("there");
    found.state::<Small>().wait().expect("decoded");
}
