//! Copying a live store to a file, and looking at the copy before it is taken for one.

use std::future::IntoFuture;
use std::path::PathBuf;

use futures_core::future::BoxFuture;

use super::{Store, VerifyReport};
use crate::backup::Meter;
use crate::error::Result;

/// A backup of a store to a file that is not there yet. Await it.
///
/// # Cancel safety
///
/// Dropping the future leaves nothing under the name, and soon nothing at all.
#[must_use = "nothing is copied until it is awaited"]
#[derive(Clone, Debug)]
pub struct Backup {
    store: Store,
    to: PathBuf,
    copying: Meter,
    verifying: Meter,
}

/// What a backup is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BackupReport {
    /// Where it is.
    pub path: PathBuf,
    /// The bytes it takes.
    pub bytes: u64,
    /// What checking all of the copy found: what was damaged in the store is damaged in its copy.
    pub verified: VerifyReport,
}

impl Backup {
    pub(super) fn new(store: Store, to: PathBuf) -> Self {
        Self {
            store,
            to,
            copying: Meter::default(),
            verifying: Meter::default(),
        }
    }

    /// Hears how many bytes are copied, and of how many.
    pub fn progress(mut self, hears: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.copying = Meter::new(hears);
        self
    }

    /// Hears how far the check of the copy is, as [`Verify::progress`](super::Verify::progress) tells it.
    pub fn verifying(mut self, hears: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.verifying = Meter::new(hears);
        self
    }

    async fn run(self) -> Result<BackupReport> {
        let Self {
            store,
            to,
            copying,
            verifying,
        } = self;
        let blame = |error| store.blame(error, "backup");
        let draft = store.0.backend.backup(&to, &copying).await.map_err(blame)?;
        let verified = store
            .on(draft.backend())
            .verify()
            .meter(verifying)
            .await
            .map_err(blame)?;
        let bytes = draft.keep().await.map_err(blame)?;
        Ok(BackupReport {
            path: to,
            bytes,
            verified,
        })
    }
}

impl IntoFuture for Backup {
    type Output = Result<BackupReport>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
