//! What a backend author writes to have a backend tortured: how to open a store in a directory.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Result};

/// A persistent backend, as the harnesses see it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// By what people call the backend, such as `sqlite`.
    fn name(&self) -> &str;

    /// Opens the store that lies in a directory, with its default settings, making it when it is not there.
    ///
    /// Everything that belongs to the store lies below the directory, and nothing else does: a harness copies it,
    /// throws parts of it away, and opens what is left.
    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>>;
}
