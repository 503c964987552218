//! Faults of commits.

use std::collections::HashMap;

use async_trait::async_trait;
use checkpoint_core::{
    Backend, Budget, CheckpointId, Commit, CommitId, Durability, Error, ErrorKind, Expectation,
    Item, MaintainStep, NewChunk, Operation, Origin, Outcome, Parent, Parts, Receipt, Record,
    Result, SessionId,
};
use parking_lot::Mutex;

use super::wrapper::Fault;
use crate::samples;

/// A receipt for what was not done.
pub(super) async fn pretend(
    inner: &dyn Backend,
    commit: CommitId,
    outcomes: Vec<Outcome>,
) -> Result<Receipt> {
    let mut receipt = inner.flush().await?;
    receipt.commit = commit;
    receipt.outcomes = outcomes;
    Ok(receipt)
}

/// The id of a commit that the client did not send, from that of one that it did.
pub(super) fn another(id: CommitId, n: u8) -> CommitId {
    let mut bytes = *id.as_bytes();
    bytes[15] ^= 0x80 | n;
    CommitId::from_bytes(bytes)
}

pub(super) async fn header(inner: &dyn Backend, id: &CheckpointId) -> Result<Option<Record>> {
    let item = inner.get(std::slice::from_ref(id), Parts::ALL).await?.pop();
    item.map_or(Ok(None), Item::into_option)
}

#[derive(Debug, Default)]
pub(super) struct LosesTheLast(Mutex<Vec<Commit>>);

#[async_trait]
impl Fault for LosesTheLast {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let receipt = inner.commit(commit.clone()).await?;
        self.0.lock().push(commit);
        Ok(receipt)
    }

    fn left(&self) -> Option<Vec<Commit>> {
        let mut commits = self.0.lock();
        commits.pop()?;
        Some(commits.clone())
    }
}

#[derive(Debug, Default)]
pub(super) struct LeavesGaps;

#[async_trait]
impl Fault for LeavesGaps {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let highest = inner.stats().await?.position.sequence;
        for operation in &mut commit.operations {
            if let Operation::Append(append) = operation {
                let sequence = highest + 2;
                append.origin.get_or_insert(Origin {
                    sequence,
                    committed_at: append.created_at,
                });
            }
        }
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct ReusesTheNewest(Mutex<Vec<u64>>);

#[async_trait]
impl Fault for ReusesTheNewest {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let newest = inner.stats().await?.position.sequence;
        for operation in &commit.operations {
            if let Operation::Delete(delete) = operation
                && let Some(record) = header(inner, &delete.id).await?
                && record.header.sequence == newest
            {
                self.0.lock().push(newest);
            }
        }
        let mut receipt = inner.commit(commit).await?;
        for outcome in &mut receipt.outcomes {
            if let Outcome::Appended(appended) = outcome {
                let given = appended.sequence;
                let freed = self.0.lock().iter().filter(|freed| **freed < given).count();
                appended.sequence -= freed as u64;
            }
        }
        Ok(receipt)
    }
}

#[derive(Debug, Default)]
pub(super) struct IgnoresExpectations;

#[async_trait]
impl Fault for IgnoresExpectations {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        commit
            .expectations
            .retain(|expected| matches!(expected, Expectation::Epoch(..)));
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct AcceptsStaleEpochs;

#[async_trait]
impl Fault for AcceptsStaleEpochs {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        commit
            .expectations
            .retain(|expected| !matches!(expected, Expectation::Epoch(..)));
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct ForgetsRevisions;

#[async_trait]
impl Fault for ForgetsRevisions {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        for operation in &mut commit.operations {
            if let Operation::Update(update) = operation
                && let Some(record) = header(inner, &update.id).await?
            {
                update.revision = record.header.revision;
            }
        }
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct DoesHalf;

#[async_trait]
impl Fault for DoesHalf {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let answer = inner.commit(commit.clone()).await;
        if answer.is_err() {
            for (n, operation) in (1..).zip(commit.operations) {
                let part = Commit::new(another(commit.id, n)).with(operation);
                if inner.commit(part).await.is_err() {
                    break;
                }
            }
        }
        answer
    }
}

/// Takes the head of a session from what it last tried to append there, also when that failed.
#[derive(Debug, Default)]
pub(super) struct RemembersFailures(Mutex<HashMap<SessionId, CheckpointId>>);

#[async_trait]
impl Fault for RemembersFailures {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let tried = commit.clone();
        for operation in &mut commit.operations {
            if let Operation::Append(append) = operation
                && append.parent == Parent::Head
                && let Some(head) = self.0.lock().remove(&append.session)
            {
                append.parent = Parent::Id(head);
            }
        }
        let answer = inner.commit(commit).await;
        for operation in tried.operations {
            if let Operation::Append(append) = operation
                && answer.is_err()
            {
                self.0.lock().insert(append.session, append.id);
            }
        }
        answer
    }
}

#[derive(Debug, Default)]
pub(super) struct AcceptsDangling;

#[async_trait]
impl Fault for AcceptsDangling {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let answer = inner.commit(commit.clone()).await;
        let Err(error) = &answer else { return answer };
        let ErrorKind::MissingChunks(missing) = error.kind() else {
            return answer;
        };
        let stub = |id: &checkpoint_core::ChunkId| NewChunk {
            id: *id,
            ..samples::leaf("")
        };
        commit.chunks.extend(missing.iter().map(stub));
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct Resurrects;

#[async_trait]
impl Fault for Resurrects {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let receipt = inner.commit(commit.clone()).await?;
        let dead =
            |outcome: &Outcome| matches!(outcome, Outcome::Appended(appended) if appended.deleted);
        if !receipt.outcomes.iter().any(dead) {
            return Ok(receipt);
        }
        for operation in &mut commit.operations {
            if let Operation::Append(append) = operation {
                append.revive = true;
            }
        }
        commit.id = another(commit.id, 1);
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct ConflictsWithItself;

#[async_trait]
impl Fault for ConflictsWithItself {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let expectations = commit.expectations.clone();
        let mut probe = Commit::new(another(commit.id, 3));
        probe.expectations = expectations;
        inner.commit(probe).await?;
        commit.expectations.clear();
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct ForgetsCommits(Mutex<u64>);

#[async_trait]
impl Fault for ForgetsCommits {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let id = commit.id;
        let n = {
            let mut counter = self.0.lock();
            *counter += 1;
            *counter
        };
        commit.id = samples::commit_id(1_000_000 + n);
        let mut receipt = inner.commit(commit).await?;
        receipt.commit = id;
        Ok(receipt)
    }
}

/// Takes as many operations under a used commit id for the same.
#[derive(Debug, Default)]
pub(super) struct CountsOperations(Mutex<HashMap<CommitId, (bool, Receipt)>>);

#[async_trait]
impl Fault for CountsOperations {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let (id, appends) = (commit.id, commit.only_appends());
        let known = self.0.lock().get(&id).cloned();
        if let Some((false, mut receipt)) = known
            && receipt.outcomes.len() == commit.operations.len()
        {
            receipt.replayed = true;
            return Ok(receipt);
        }
        let receipt = inner.commit(commit).await?;
        self.0.lock().insert(id, (appends, receipt.clone()));
        Ok(receipt)
    }
}

#[derive(Debug, Default)]
pub(super) struct AcceptsOversize;

#[async_trait]
impl Fault for AcceptsOversize {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let id = commit.id;
        match inner.commit(commit).await {
            Err(error) if matches!(error.kind(), ErrorKind::TooLarge { .. }) => {
                pretend(inner, id, Vec::new()).await
            }
            answer => answer,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct DeletesLate(Mutex<Vec<Commit>>);

#[async_trait]
impl Fault for DeletesLate {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        if let [Operation::DeleteSession(_)] = commit.operations[..] {
            let id = commit.id;
            self.0.lock().push(commit);
            return pretend(inner, id, vec![Outcome::SessionDeleted { existed: true }]).await;
        }
        inner.commit(commit).await
    }

    async fn maintain(&self, inner: &dyn Backend, budget: &Budget) -> Result<MaintainStep> {
        let late = std::mem::take(&mut *self.0.lock());
        for commit in late {
            inner.commit(commit).await?;
        }
        inner.maintain(budget).await
    }
}

/// Takes back first what is to be set aside.
#[derive(Debug, Default)]
pub(super) struct TellsAnyway;

#[async_trait]
impl Fault for TellsAnyway {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        if let [Operation::Quarantine(quarantine)] = &commit.operations[..] {
            let mut back = quarantine.clone();
            back.aside = !quarantine.aside;
            let back = Commit::new(another(commit.id, 7)).with(back);
            inner.commit(back).await?;
        }
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct WantsParents;

#[async_trait]
impl Fault for WantsParents {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        for operation in &commit.operations {
            if let Operation::Append(append) = operation
                && let Parent::Id(parent) = &append.parent
                && header(inner, parent).await?.is_none()
            {
                return Err(Error::not_found("no such parent").with("checkpoint", parent));
            }
        }
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct MovesReplaced;

#[async_trait]
impl Fault for MovesReplaced {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        if let [Operation::Attach(attach)] = &commit.operations[..] {
            let mut removed = attach.clone();
            removed.bytes = None;
            inner
                .commit(Commit::new(another(commit.id, 5)).with(Operation::Attach(removed)))
                .await?;
        }
        inner.commit(commit).await
    }
}

#[derive(Debug, Default)]
pub(super) struct ClaimsTooMuch;

#[async_trait]
impl Fault for ClaimsTooMuch {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let mut receipt = inner.commit(commit).await?;
        receipt.durability = Durability::Remote;
        Ok(receipt)
    }
}
