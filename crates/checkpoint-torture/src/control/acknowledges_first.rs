//! A backend that answers before anything is written.

use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{Backend, Budget, Commit, MaintainStep, MemoryBackend, Receipt, Result};
use tokio::sync::{Mutex, mpsc};

use crate::load::prepare;

/// Memory answers, and what it took goes to the store in the same order, some time.
#[derive(Debug)]
struct AcknowledgesFirst {
    later: Mutex<mpsc::UnboundedSender<Commit>>,
    store: Arc<dyn Backend>,
}

pub(super) async fn spoil(store: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
    let memory: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    prepare(Arc::clone(&memory)).await?;
    let (later, mut queue) = mpsc::unbounded_channel();
    let writes = Arc::clone(&store);
    tokio::spawn(async move {
        while let Some(commit) = queue.recv().await {
            if let Err(error) = writes.commit(commit).await {
                tracing::debug!(%error, "what was acknowledged is refused");
            }
        }
    });
    let later = Mutex::new(later);
    Ok(with_fault(
        memory,
        Arc::new(AcknowledgesFirst { later, store }),
    ))
}

#[async_trait]
impl Fault for AcknowledgesFirst {
    async fn commit(&self, memory: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let later = self.later.lock().await;
        let receipt = memory.commit(commit.clone()).await?;
        let _ = later.send(commit);
        Ok(receipt)
    }

    async fn maintain(&self, _: &dyn Backend, _: &Budget) -> Result<MaintainStep> {
        // A sweep of both would have to come at the same place in their order.
        Ok(MaintainStep::default())
    }

    async fn close(&self, memory: &dyn Backend) -> Result<()> {
        memory.close().await?;
        self.store.close().await
    }
}
