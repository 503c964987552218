//! Leaving the calling task for what takes long.

use tokio::runtime::Handle;

use crate::error::{Error, Result};

/// Does blocking work beside the calling task, where there is a runtime to leave it to, else on it.
///
/// # Errors
///
/// Those of the work; `Storage` when the runtime ends before it begins.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match Handle::try_current() {
        Ok(runtime) => runtime
            .spawn_blocking(work)
            .await
            .map_err(|error| Error::storage("a read was given up").because(error))?,
        Err(_) => work(),
    }
}
