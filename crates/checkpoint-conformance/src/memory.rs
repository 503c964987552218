//! The harness of the store in memory.

use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Capabilities, FakeClock, MemoryBackend, Result};

use crate::harness::{Damage, Fixture, Harness};

/// Tries [`MemoryBackend`]. It is not persistent, and has no bytes that could be damaged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

#[async_trait]
impl Harness for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_shared(true)
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        let store = MemoryBackend::builder().clock(Arc::new(clock)).build();
        Ok(Box::new(Place(store)))
    }
}

/// Keeps a handle that nobody closes, so that the store outlives all that are opened.
struct Place(MemoryBackend);

#[async_trait]
impl Fixture for Place {
    async fn open(&self) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(self.0.clone()))
    }

    async fn damage(&self, _: &Damage) -> Result<bool> {
        Ok(false)
    }
}
