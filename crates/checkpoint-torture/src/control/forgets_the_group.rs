//! A backend that tells who shared a transaction with one for which there was no room that all is well.
//!
//! An engine may undo the whole of a transaction when one part of it does not fit. Who groups commits must then do those
//! before it again, alone. This one forgets that: it answers as if they were there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{
    Backend, Budget, Commit, ErrorKind, MaintainStep, MemoryBackend, Receipt, Result,
};
use tokio::sync::Mutex;

use crate::load::prepare;

/// Answers as memory does, also where the store answered otherwise.
#[derive(Debug)]
struct ForgetsTheGroup {
    memory: Arc<dyn Backend>,
    order: Mutex<()>,
    waiting: AtomicUsize,
}

pub(super) async fn spoil(store: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
    let memory: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    prepare(Arc::clone(&memory)).await?;
    let fault = ForgetsTheGroup {
        memory,
        order: Mutex::new(()),
        waiting: AtomicUsize::new(0),
    };
    Ok(with_fault(store, Arc::new(fault)))
}

#[async_trait]
impl Fault for ForgetsTheGroup {
    async fn commit(&self, store: &dyn Backend, commit: Commit) -> Result<Receipt> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _turn = self.order.lock().await;
        let others = self.waiting.fetch_sub(1, Ordering::SeqCst) > 1;
        match store.commit(commit.clone()).await {
            Err(error) if others && *error.kind() == ErrorKind::Storage => {
                self.memory.commit(commit).await
            }
            Ok(receipt) => {
                self.memory.commit(commit).await?;
                Ok(receipt)
            }
            failed => failed,
        }
    }

    async fn maintain(&self, _: &dyn Backend, _: &Budget) -> Result<MaintainStep> {
        // A sweep of both would have to come at the same place in their order.
        Ok(MaintainStep::default())
    }
}
