//! A copy of a live store in a file of its own, which gets its name once it is known to be good.

use std::fmt;
use std::fs;
use std::io::ErrorKind as Io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::creation::{Maker, take_name};
use super::workshop::Bench;
use super::{file_fault, sync_directory};
use crate::backend::Backend;
use crate::backup::BackupDraft;
use crate::error::{Error, ErrorKind, Result};

/// Tells the thread that copies that nobody waits for it any more, once it is dropped.
#[derive(Debug, Default)]
pub struct Waiting(Arc<AtomicBool>);

impl Waiting {
    /// What that thread looks at.
    #[must_use]
    pub fn given_up(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Checks that there is nothing under a name.
///
/// # Errors
///
/// `AlreadyExists`, and those of the file system.
pub fn free(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(taken(path)),
        Err(error) if error.kind() == Io::NotFound => Ok(()),
        Err(error) => Err(file_fault(error, "look at the file", path)),
    }
}

/// That something is there already.
#[must_use]
pub fn taken(path: &Path) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "there is something under this name, and a backup replaces nothing; give another one, or move it away",
    )
    .with("path", path.display())
}

/// A copy that waits for its name: whole, on disk, and open for whoever looks at it.
pub struct FileDraft<M> {
    backend: Arc<dyn Backend>,
    bench: Bench,
    path: PathBuf,
    maker: PhantomData<fn() -> M>,
}

impl<M: Maker> FileDraft<M> {
    /// What was made on a bench, for this path; `backend` has it open.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, bench: Bench, path: PathBuf) -> Self {
        Self {
            backend,
            bench,
            path,
            maker: PhantomData,
        }
    }

    /// Gives the copy its name; answers its length.
    fn name(&self) -> Result<u64> {
        let (files, path) = (self.bench.files(), self.path.as_path());
        let made = self.bench.made();
        let length = files.metadata(&made).map(|metadata| metadata.len());
        let named = length.and_then(|length| Ok((take_name::<M>(files, &made, path)?, length)));
        let (ours, length) = named.map_err(|error| file_fault(error, "name the file", path))?;
        if !ours {
            return Err(taken(path));
        }
        sync_directory(files, path).inspect_err(|_| {
            // A name that may be gone after a power cut is no backup. It was this copy's.
            let _ = files.remove(path);
        })?;
        Ok(length)
    }
}

impl<M> fmt::Debug for FileDraft<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileDraft")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<M: Maker + 'static> BackupDraft for FileDraft<M> {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    async fn keep(self: Box<Self>) -> Result<u64> {
        self.backend.close().await?;
        // From here on nothing is awaited, so that nobody can be gone when the name is there.
        self.name()
    }
}
