//! A store with a history made by chance.

use std::time::Duration;

use checkpoint_core::{
    Backend, CheckpointId, Commit, CommitId, FakeClock, IdSource, Item, Operation, Quarantine,
    Query, Severity, Status, Store, SystemIds,
};

use crate::common::mix;

pub(crate) struct History {
    store: Store,
    clock: FakeClock,
    seed: u64,
    at: u64,
}

impl History {
    pub(crate) async fn of(seed: u64, store: &Store, clock: &FakeClock) -> Self {
        for n in 0..3 {
            let session = store.session(format!("s{n}").as_str());
            session.name(format!("session {n}")).await.unwrap();
        }
        Self {
            store: store.clone(),
            clock: clock.clone(),
            seed,
            at: 0,
        }
    }

    fn dice(&mut self, below: u64) -> u64 {
        self.at += 1;
        mix(self.seed << 32 | self.at) % below
    }

    pub(crate) async fn go(&mut self, steps: usize) {
        for _ in 0..steps {
            let passed = self.dice(5_000);
            self.clock.advance(Duration::from_millis(passed));
            self.step().await;
        }
    }

    async fn step(&mut self) {
        let name = format!("s{}", self.dice(5));
        let session = self.store.session(name.as_str()).await.unwrap();
        let known = self.any().await;
        match self.dice(24) {
            0..=9 => self.save(&session).await,
            10..=12 => self.change(known).await,
            13 | 14 => {
                if let Some((session, id)) = known {
                    let text = format!("note {}", self.at);
                    let noted = session.annotate(&id, "me", Severity::Info, &text);
                    noted.await.unwrap();
                    let (key, size) = (self.dice(3).to_string(), self.dice(4_000));
                    let bytes = vec![self.at.to_le_bytes()[0]; usize::try_from(size).unwrap()];
                    let attached = session.attach(&id, "work", &key, bytes);
                    attached.await.unwrap();
                }
            }
            15 => {
                if let Some((session, id)) = known {
                    let fork = format!("fork {}", self.at);
                    session.fork(id, fork.as_str()).await.unwrap();
                }
            }
            16 | 17 => {
                if let Some((session, id)) = known {
                    session.delete(id).await.unwrap();
                }
            }
            18 => drop(self.store.delete_session("s4").await.unwrap()),
            19 => drop(session.claim().await.unwrap()),
            20 => {
                let name = format!("named at {}", self.at);
                session.describe(Some(name), None).await.unwrap();
            }
            21 => {
                if let Some((session, id)) = known {
                    let aside = Operation::from(Quarantine {
                        session: session.id().clone(),
                        id,
                        aside: !self.at.is_multiple_of(3),
                    });
                    let commit = Commit::new(CommitId::from_uuid(SystemIds.next())).with(aside);
                    self.store.backend().commit(commit).await.unwrap();
                }
            }
            _ => {
                let bytes: Vec<u8> = (0..200_000u64)
                    .map(|n| mix(n ^ self.seed).to_le_bytes()[0])
                    .collect();
                let save = session.save_reader("application/octet-stream", &bytes[..]);
                save.await.unwrap().await.unwrap();
            }
        }
    }

    async fn save(&mut self, session: &checkpoint_core::Session) {
        let count = match self.dice(6) {
            0 | 1 => 2,
            2 | 3 => 300,
            4 => 6_000,
            _ => 30_000,
        };
        let mut state: Vec<u64> = (0..count).map(mix).collect();
        let changed = usize::try_from(self.dice(count)).unwrap();
        state[changed] = self.at;
        let id = match self.dice(4) {
            0 => Some(CheckpointId::new(format!("c'%_{}\u{e9}", self.at)).unwrap()),
            _ => None,
        };
        let mut save = session.save(&state).message(format!("at {}", self.at));
        if let Some(id) = id {
            save = save.id(id);
        }
        if self.dice(3) == 0 {
            save = save
                .tag("plan")
                .tag(format!("t{}", self.at).as_str())
                .step(self.at);
        }
        if self.dice(5) == 0 {
            save = save
                .pinned()
                .worker("w")
                .status(Status::Active)
                .metadata("n", self.at);
        }
        save.await.unwrap();
    }

    async fn change(&mut self, known: Option<(checkpoint_core::Session, CheckpointId)>) {
        let Some((session, id)) = known else { return };
        for _ in 0..=self.dice(3) {
            let status = [Status::Active, Status::Completed, Status::Failed];
            let status = status[usize::try_from(self.dice(3)).unwrap()];
            let update = session.update(id.clone()).status(status);
            update.tag(format!("u{}", self.at).as_str()).await.unwrap();
        }
    }

    /// One of the checkpoints, with its session.
    async fn any(&mut self) -> Option<(checkpoint_core::Session, CheckpointId)> {
        let mut query = Query {
            limit: 1_000,
            ..Query::default()
        };
        query.filter.quarantined = true;
        let page = self.store.backend().scan(&query).await.unwrap();
        let count = u64::try_from(page.items.len()).unwrap();
        if count == 0 {
            return None;
        }
        let n = usize::try_from(self.dice(count)).unwrap();
        let Item::Found(record) = &page.items[n] else {
            return None;
        };
        let session = self.store.session(record.header.session.clone());
        let session = session.existing().await.unwrap();
        Some((session, record.header.id.clone()))
    }
}
