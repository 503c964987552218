//! Faults of what copies and backups ask for.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{
    Backend, BackupDraft, Commit, Error, MemoryBackend, Meter, Operation, Outcome, Receipt, Result,
};

use super::wrapper::Fault;
use super::writing::pretend;

#[derive(Debug, Default)]
pub(super) struct StandsStill;

#[async_trait]
impl Fault for StandsStill {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        let mut advanced = Vec::new();
        for (n, operation) in commit.operations.iter().enumerate() {
            if let Operation::Advance(sequence) = *operation {
                advanced.push((n, Outcome::Advanced { sequence }));
            }
        }
        commit
            .operations
            .retain(|operation| !matches!(operation, Operation::Advance(_)));
        let mut receipt = if commit.operations.is_empty() && !advanced.is_empty() {
            pretend(inner, commit.id, Vec::new()).await?
        } else {
            inner.commit(commit).await?
        };
        for (n, outcome) in advanced {
            receipt.outcomes.insert(n, outcome);
        }
        Ok(receipt)
    }
}

#[derive(Debug, Default)]
pub(super) struct NamesEarly;

#[async_trait]
impl Fault for NamesEarly {
    async fn backup(
        &self,
        inner: &dyn Backend,
        to: &Path,
        meter: &Meter,
    ) -> Result<Box<dyn BackupDraft>> {
        let bytes = inner.backup(to, meter).await?.keep().await?;
        Ok(Box::new(Named(bytes)))
    }
}

/// A draft that has its name already.
#[derive(Debug)]
struct Named(u64);

#[async_trait]
impl BackupDraft for Named {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(MemoryBackend::new())
    }

    async fn keep(self: Box<Self>) -> Result<u64> {
        Ok(self.0)
    }
}

#[derive(Debug, Default)]
pub(super) struct Replaces;

#[async_trait]
impl Fault for Replaces {
    async fn backup(
        &self,
        inner: &dyn Backend,
        to: &Path,
        meter: &Meter,
    ) -> Result<Box<dyn BackupDraft>> {
        match fs::remove_file(to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::storage("the old copy stays").because(error));
            }
            _ => inner.backup(to, meter).await,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct TellsNobody;

#[async_trait]
impl Fault for TellsNobody {
    async fn backup(
        &self,
        inner: &dyn Backend,
        to: &Path,
        _: &Meter,
    ) -> Result<Box<dyn BackupDraft>> {
        inner.backup(to, &Meter::default()).await
    }
}

/// Copies what was there when it was opened.
#[derive(Debug, Default)]
pub(super) struct CopiesThePast {
    past: tokio::sync::Mutex<Option<(tempfile::TempDir, Box<dyn BackupDraft>)>>,
}

#[async_trait]
impl Fault for CopiesThePast {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let mut past = self.past.lock().await;
        if past.is_none() {
            let place = tempfile::tempdir();
            let place = place.map_err(|error| Error::storage("no directory").because(error))?;
            let (to, meter) = (place.path().join("past"), Meter::default());
            let draft = inner.backup(&to, &meter).await?;
            *past = Some((place, draft));
        }
        drop(past);
        inner.commit(commit).await
    }

    async fn backup(
        &self,
        inner: &dyn Backend,
        to: &Path,
        meter: &Meter,
    ) -> Result<Box<dyn BackupDraft>> {
        // What is asked of the name still holds.
        drop(inner.backup(to, meter).await?);
        match self.past.lock().await.take() {
            None => inner.backup(to, meter).await,
            Some((place, draft)) => {
                draft.keep().await?;
                let copied = fs::copy(place.path().join("past"), to);
                let bytes =
                    copied.map_err(|error| Error::storage("it is not copied").because(error))?;
                Ok(Box::new(Named(bytes)))
            }
        }
    }
}
