//! What the author of a backend over an object store writes to have it tried: how to open a store in one.

use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, FakeClock, IdSource, Result};
use object_store::ObjectStore;

/// A backend that keeps its data in an object store, and that many machines may have open at once.
#[async_trait]
pub trait ObjectSubject: Send + Sync {
    /// By what people call the backend, such as `s3`.
    fn name(&self) -> &str;

    /// Opens the store that lies in these objects, making it when it is not there.
    async fn open(&self, opening: Opening) -> Result<Arc<dyn Backend>>;

    /// The same backend, broken in ways only its author can break it, each with what is wrong with it: the harness must
    /// find it out.
    fn broken(&self) -> Vec<(&'static str, Arc<dyn ObjectSubject>)> {
        Vec::new()
    }
}

/// What a store is opened with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opening {
    /// Where it lies, at the root. They fail, hang and lie.
    pub objects: Arc<dyn ObjectStore>,
    /// Where the time of commits comes from. The dates of objects come from it too.
    pub clock: FakeClock,
    /// Where ids come from. No other opening gets the same.
    pub ids: Arc<dyn IdSource>,
    /// Settings that only change how the store is written may differ with it, so that more is tried; 0 is the default.
    pub number: u64,
}
