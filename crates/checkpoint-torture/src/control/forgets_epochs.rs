//! A backend that does not ask who owns a session.

use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{Backend, Commit, Expectation, Receipt, Result};

#[derive(Debug)]
struct ForgetsEpochs;

pub(super) fn spoil(backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
    with_fault(backend, Arc::new(ForgetsEpochs))
}

#[async_trait]
impl Fault for ForgetsEpochs {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let is_of_epoch = |it: &Expectation| matches!(it, Expectation::Epoch(..));
        commit.expectations.retain(|it| !is_of_epoch(it));
        inner.commit(commit).await
    }
}
