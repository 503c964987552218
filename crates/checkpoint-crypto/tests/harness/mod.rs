//! How the conformance suite tries a backend with everything in it sealed. The suite's command takes it from here too.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_conformance::{Damage, Fixture, Harness};
use checkpoint_core::{Backend, Capabilities, FakeClock, Result};
use checkpoint_crypto::{Encrypted, Key};

/// Tries another harness's backend below [`Encrypted`].
pub(crate) struct Sealed {
    below: Arc<dyn Harness>,
    name: String,
}

impl Sealed {
    pub(crate) fn new(below: Arc<dyn Harness>) -> Self {
        let name = format!("{}-encrypted", below.name());
        Self { below, name }
    }
}

#[async_trait]
impl Harness for Sealed {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.below.capabilities()
    }

    fn reopens(&self) -> bool {
        self.below.reopens()
    }

    fn chunk_overhead(&self) -> u64 {
        // The envelope's header, and the tag of one segment.
        self.below.chunk_overhead() + 73 + 16
    }

    async fn make(&self, clock: FakeClock) -> Result<Box<dyn Fixture>> {
        Ok(Box::new(Place(self.below.make(clock).await?)))
    }
}

struct Place(Box<dyn Fixture>);

/// Opens the encrypted store in a backend, which is let go when that fails.
pub(crate) async fn seal(backend: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
    let key = Key::from_bytes(&[7; 32]);
    match Encrypted::open(Arc::clone(&backend), key).await {
        Ok(sealed) => Ok(Arc::new(sealed)),
        Err(error) => {
            let _ = backend.close().await;
            Err(error)
        }
    }
}

#[async_trait]
impl Fixture for Place {
    async fn open(&self) -> Result<Arc<dyn Backend>> {
        seal(self.0.open().await?).await
    }

    async fn open_read_only(&self) -> Result<Option<Arc<dyn Backend>>> {
        match self.0.open_read_only().await? {
            Some(backend) => Ok(Some(seal(backend).await?)),
            None => Ok(None),
        }
    }

    async fn open_backup(&self, at: &Path) -> Result<Arc<dyn Backend>> {
        seal(self.0.open_backup(at).await?).await
    }

    async fn damage(&self, what: &Damage) -> Result<bool> {
        self.0.damage(what).await
    }
}
