//! A backend that does a commit of several operations in two.

use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{Backend, Commit, CommitId, Receipt, Result};

#[derive(Debug)]
struct Halves;

pub(super) fn spoil(backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
    with_fault(backend, Arc::new(Halves))
}

#[async_trait]
impl Fault for Halves {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        if commit.operations.len() < 2 {
            return inner.commit(commit).await;
        }
        let mut first = commit;
        let mut second = Commit::new(other(first.id));
        second.operations = first.operations.split_off(first.operations.len() / 2);
        let first = inner.commit(first).await?;
        let second = inner.commit(second).await?;
        Ok(Receipt {
            last: second.last,
            outcomes: [first.outcomes, second.outcomes].concat(),
            ..first
        })
    }
}

fn other(id: CommitId) -> CommitId {
    let mut bytes = *id.as_bytes();
    bytes[15] ^= 1;
    CommitId::from_bytes(bytes)
}
