//! A backend whose answer does not always arrive, as happens between machines. That alone is no fault: who asked tries
//! again, and the commit is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{Applied, Backend, Commit, Error, ErrorKind, Receipt, Result};

/// Of so many answers one is lost.
const ONE_OF: u64 = 8;

#[derive(Debug, Default)]
struct LosesAnswers {
    answers: AtomicU64,
}

pub(crate) fn lose_answers(backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
    with_fault(backend, Arc::new(LosesAnswers::default()))
}

#[async_trait]
impl Fault for LosesAnswers {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let receipt = inner.commit(commit).await?;
        if self.answers.fetch_add(1, Ordering::Relaxed) % ONE_OF == ONE_OF - 1 {
            let applied = Applied::Unknown;
            let kind = ErrorKind::Unavailable { applied };
            return Err(Error::new(kind, "the answer is lost"));
        }
        Ok(receipt)
    }
}
