//! The runtime on which the log is read on, connections live, and threads wait for requests that are not async
//! themselves: writers, and readings that must fetch.
//!
//! It is the library's own, since a caller's may be gone while a handle lives: a store may be opened on one runtime and
//! used on another, or on none.

use std::sync::OnceLock;

use checkpoint_core::{Error, Result};
use tokio::runtime::{Builder, Handle, Runtime};

/// Does what blocks its thread on one of the runtime's.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = handle()?.spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::storage("the work was given up").because(error)))
}

/// The runtime that all stores of this process share. It is never shut down.
pub(crate) fn handle() -> Result<Handle> {
    static SHARED: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = SHARED.get() {
        return Ok(runtime.handle().clone());
    }
    let started = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("checkpoint-objects")
        .enable_all()
        .build()
        .map_err(|error| {
            Error::storage("the thread for requests cannot be started").because(error)
        })?;
    // Of two that start one at the same time the second lets its own go, without waiting: it may be inside a runtime.
    if let Err(spare) = SHARED.set(started) {
        spare.shutdown_background();
    }
    let shared = SHARED.get().map(|runtime| runtime.handle().clone());
    shared.ok_or_else(|| Error::storage("the runtime for requests is gone"))
}
