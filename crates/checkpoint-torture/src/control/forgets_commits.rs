//! A backend that does a commit again that it has done.
//!
//! Only a commit that was done and not told is sent again, and few kills come between the two; so some answers are lost.

use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{Backend, Commit, CommitId, IdSource, Receipt, Result, SystemIds};

use super::loses_answers::lose_answers;

#[derive(Debug)]
struct ForgetsCommits;

pub(super) fn spoil(backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
    lose_answers(with_fault(backend, Arc::new(ForgetsCommits)))
}

#[async_trait]
impl Fault for ForgetsCommits {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        commit.id = CommitId::from_uuid(SystemIds.next());
        inner.commit(commit).await
    }
}
