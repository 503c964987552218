//! Work that goes on beside what its owner does.

use std::fmt;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// Bytes up to which something is made ready while what came before it is still at hand. Above, memory counts for more.
pub(super) const AHEAD: u64 = 4 << 20;

/// Work that was started where blocking is allowed; where there is no runtime it is done by then.
///
/// Dropped, it goes on to its end, and nobody hears of it.
pub(super) enum Beside<T> {
    Done(T),
    Busy(JoinHandle<T>),
}

impl<T: Send + 'static> Beside<T> {
    pub(super) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        match Handle::try_current() {
            Ok(runtime) => Self::Busy(runtime.spawn_blocking(work)),
            Err(_) => Self::Done(work()),
        }
    }

    /// Waits for it.
    pub(super) async fn end(self) -> Result<T> {
        match self {
            Self::Done(made) => Ok(made),
            Self::Busy(running) => running
                .await
                .map_err(|error| Error::storage("work on a file was stopped").because(error)),
        }
    }
}

impl<T> fmt::Debug for Beside<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done(_) => "Done",
            Self::Busy(_) => "Busy",
        })
    }
}
