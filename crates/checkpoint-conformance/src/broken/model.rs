//! Faults that the model test is there for: small, and only after other things were done.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use checkpoint_core::{
    Backend, CheckpointId, Commit, Expectation, Header, Item, Operation, Outcome, Page, Parts,
    Query, Receipt, Record, Result,
};

use super::wrapper::Fault;
use super::writing::another;

fn change(items: &mut [Item<Record>], by: impl Fn(&mut Header)) {
    for item in items {
        if let Item::Found(record) = item {
            by(&mut record.header);
        }
    }
}

/// A codec that drops a field.
#[derive(Debug, Default)]
pub(super) struct DropsTheStep;

#[async_trait]
impl Fault for DropsTheStep {
    async fn get(
        &self,
        inner: &dyn Backend,
        ids: &[CheckpointId],
        parts: Parts,
    ) -> Result<Vec<Item<Record>>> {
        let mut items = inner.get(ids, parts).await?;
        change(&mut items, |header| header.step = None);
        Ok(items)
    }

    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let mut page = inner.scan(query).await?;
        change(&mut page.items, |header| header.step = None);
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(super) struct LosesEnclosing(AtomicBool);

#[async_trait]
impl Fault for LosesEnclosing {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let mut page = inner.scan(query).await?;
        if self.0.load(Ordering::SeqCst) {
            change(&mut page.items, |header| header.enclosing = None);
        }
        Ok(page)
    }

    fn left(&self) -> Option<Vec<Commit>> {
        self.0.store(true, Ordering::SeqCst);
        None
    }
}

#[derive(Debug, Default)]
pub(super) struct UnpinsUpdated;

#[async_trait]
impl Fault for UnpinsUpdated {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        for operation in &mut commit.operations {
            if let Operation::Update(update) = operation {
                update.pinned = false;
            }
        }
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct RenumbersRetries;

#[async_trait]
impl Fault for RenumbersRetries {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let mut receipt = inner.commit(commit).await?;
        let newest = inner.stats().await?.position.sequence;
        for outcome in &mut receipt.outcomes {
            if let Outcome::Appended(appended) = outcome
                && receipt.replayed
            {
                appended.sequence = newest;
            }
        }
        Ok(receipt)
    }
}

#[derive(Debug, Default)]
pub(super) struct ForgetsTombstones;

#[async_trait]
impl Fault for ForgetsTombstones {
    async fn get(
        &self,
        inner: &dyn Backend,
        ids: &[CheckpointId],
        parts: Parts,
    ) -> Result<Vec<Item<Record>>> {
        let items = inner.get(ids, parts).await?.into_iter();
        let forgotten = |item| match item {
            Item::Deleted => Item::Absent,
            other => other,
        };
        Ok(items.map(forgotten).collect())
    }
}

#[derive(Debug, Default)]
pub(super) struct JudgesLate;

#[async_trait]
impl Fault for JudgesLate {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let expected: Vec<Expectation> = std::mem::take(&mut commit.expectations);
        let mut judging = Commit::new(another(commit.id, 1));
        let receipt = inner.commit(commit).await?;
        if !receipt.replayed {
            judging.expectations = expected;
            inner.commit(judging).await?;
        }
        Ok(receipt)
    }
}
