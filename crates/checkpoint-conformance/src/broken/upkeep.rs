//! Faults of upkeep and of mending, where something is damaged. Damage is pretended.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use checkpoint_core::{
    Backend, Budget, Commit, Error, Item, MaintainStep, MetaRecord, Operation, Outcome, Receipt,
    RecordName, Result,
};
use parking_lot::Mutex;

use super::wrapper::Fault;
use crate::harness::Damage;

/// Fails upkeep as a whole when a session is damaged.
#[derive(Debug, Default)]
pub(super) struct StopsAtDamage(AtomicBool);

#[async_trait]
impl Fault for StopsAtDamage {
    async fn maintain(&self, inner: &dyn Backend, budget: &Budget) -> Result<MaintainStep> {
        if self.0.load(Ordering::SeqCst) {
            return Err(Error::corrupt("a damaged session"));
        }
        inner.maintain(budget).await
    }

    fn damage(&self, what: &Damage) -> bool {
        let hit = matches!(what, Damage::SessionHeader(_));
        self.0.fetch_or(hit, Ordering::SeqCst) || hit
    }
}

/// Sweeps nothing while a checkpoint is damaged, as if there were nothing to sweep.
#[derive(Debug, Default)]
pub(super) struct HidesUnswept(AtomicBool);

#[async_trait]
impl Fault for HidesUnswept {
    async fn maintain(&self, inner: &dyn Backend, budget: &Budget) -> Result<MaintainStep> {
        if self.0.load(Ordering::SeqCst) {
            return Ok(MaintainStep::default());
        }
        inner.maintain(budget).await
    }

    fn damage(&self, what: &Damage) -> bool {
        let hit = matches!(what, Damage::Header(_));
        self.0.fetch_or(hit, Ordering::SeqCst) || hit
    }
}

#[derive(Debug, Default)]
pub(super) struct ChecksNothing;

#[async_trait]
impl Fault for ChecksNothing {
    async fn check(&self, _: &dyn Backend) -> Result<Vec<Error>> {
        Ok(Vec::new())
    }

    fn damage(&self, what: &Damage) -> bool {
        matches!(what, Damage::Index(_))
    }
}

/// Takes a damaged record for one that never was.
#[derive(Debug, Default)]
pub(super) struct ForgetsVersions(Mutex<BTreeSet<RecordName>>);

#[async_trait]
impl Fault for ForgetsVersions {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let put = match &commit.operations[..] {
            [Operation::PutRecord(put)] => Some(put.name.clone()),
            _ => None,
        };
        let mut receipt = inner.commit(commit).await?;
        if put.is_some_and(|name| self.0.lock().remove(&name)) {
            receipt.outcomes = vec![Outcome::RecordPut { version: 1 }];
        }
        Ok(receipt)
    }

    async fn records(&self, inner: &dyn Backend, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        let items = inner.records(prefix).await?.into_iter();
        let show = |item: Item<MetaRecord>| match item {
            Item::Found(record) if self.0.lock().contains(&record.name) => {
                Item::Corrupt(Error::corrupt("a damaged record").with("record", &record.name))
            }
            item => item,
        };
        Ok(items.map(show).collect())
    }

    fn damage(&self, what: &Damage) -> bool {
        match what {
            Damage::Record(name) => self.0.lock().insert(name.clone()),
            _ => false,
        }
    }
}
