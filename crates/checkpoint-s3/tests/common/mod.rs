//! Stores of objects that tests put together.

#![allow(
    dead_code,
    reason = "each test takes what it needs, and is compiled with all of it"
)]

use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{Backend, Budget, FakeClock, Result, Store};
use checkpoint_s3::{ObjectBackend, ObjectOptions};
use object_store::ObjectStore;

pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn clock() -> FakeClock {
    FakeClock::at("2026-11-20T10:00:00Z").expect("a time")
}

/// A machine that has the store open.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) store: Store,
    pub(crate) backend: Arc<dyn Backend>,
}

pub(crate) fn options(objects: Arc<dyn ObjectStore>, clock: &FakeClock) -> ObjectOptions {
    ObjectOptions::new(objects).with_clock(Arc::new(clock.clone()))
}

pub(crate) async fn open(options: ObjectOptions) -> Machine {
    try_open(options).await.expect("a store")
}

pub(crate) async fn try_open(options: ObjectOptions) -> Result<Machine> {
    let backend: Arc<dyn Backend> = Arc::new(ObjectBackend::open(options).await?);
    Ok(Machine {
        store: Store::new(Arc::clone(&backend)),
        backend,
    })
}

impl Machine {
    /// Saves a state under an id; answers its sequence.
    pub(crate) async fn save(&self, session: &str, id: &str, state: &str) -> Result<u64> {
        let session = self.store.session(session).await?;
        Ok(session.save(&state).id(id).await?.sequence)
    }

    /// Saves so many small states, one after the other, named after `prefix`.
    pub(crate) async fn save_many(&self, session: &str, prefix: &str, count: usize) {
        for n in 0..count {
            let saved = self.save(session, &format!("{prefix}{n}"), "small").await;
            saved.expect("saved");
        }
    }

    /// The state under an id.
    pub(crate) async fn state(&self, session: &str, id: &str) -> Result<Option<String>> {
        let session = self.store.session(session).await?;
        match session.get(id).await? {
            Some(checkpoint) => checkpoint.state().await.map(Some),
            None => Ok(None),
        }
    }

    /// All upkeep that there is to do.
    pub(crate) async fn maintain(&self) {
        for _ in 0..1_000 {
            let step = self.backend.maintain(&Budget::default()).await;
            if !step.expect("upkeep").more {
                return;
            }
        }
        panic!("upkeep has no end");
    }

    /// The sequences that a list tells, in their order.
    pub(crate) async fn sequences(&self) -> Vec<u64> {
        let mut found = Vec::new();
        let mut query = checkpoint_core::Query {
            limit: 500,
            ..checkpoint_core::Query::default()
        };
        loop {
            let page = self.backend.scan(&query).await.expect("a page");
            for item in page.items {
                let record = item.into_option().expect("whole").expect("there");
                found.push(record.header.sequence);
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        found.sort_unstable();
        found
    }

    /// That the store is whole.
    pub(crate) async fn verify(&self) {
        let report = self.store.verify().await.expect("verified");
        assert!(report.is_clean(), "{report:?}");
        let found = self.backend.check().await.expect("checked");
        assert!(found.is_empty(), "{found:?}");
    }
}

/// A state of so many bytes, which does not compress.
pub(crate) fn noise(bytes: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state >> 32) as u8 % 90)
            .escape_default()
            .last()
            .unwrap_or('a')
    });
    letters.take(bytes).collect()
}
