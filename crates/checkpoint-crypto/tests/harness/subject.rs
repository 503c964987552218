//! How the harnesses of torture open encrypted stores: as another subject does, with everything in them sealed. Their
//! command takes it from here.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Result};
use checkpoint_torture::disk::Tap;
use checkpoint_torture::requests::{ObjectSubject, Opening};
use checkpoint_torture::{Control, Subject};

use super::crypto::seal;

/// Tortures another subject's backend below `Encrypted`.
pub(crate) struct SealedSubject {
    below: Arc<dyn Subject>,
    name: String,
}

impl SealedSubject {
    pub(crate) fn new(below: Arc<dyn Subject>) -> Self {
        let name = format!("{}-encrypted", below.name());
        Self { below, name }
    }
}

#[async_trait]
impl Subject for SealedSubject {
    fn name(&self) -> &str {
        &self.name
    }

    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        seal(self.below.open(place).await?).await
    }

    async fn open_broken(&self, place: &Path, control: Control) -> Result<Arc<dyn Backend>> {
        if control.may_lie_below() {
            return seal(self.below.open_broken(place, control).await?).await;
        }
        control.spoil(self.open(place).await?).await
    }

    async fn open_tapped(&self, place: &Path, tap: &Tap, number: u64) -> Result<Arc<dyn Backend>> {
        seal(self.below.open_tapped(place, tap, number).await?).await
    }

    fn loses_on_power_cuts(&self) -> Vec<(&'static str, Arc<dyn Subject>)> {
        let broken = self.below.loses_on_power_cuts().into_iter();
        broken
            .map(|(what, below)| (what, Arc::new(Self::new(below)) as Arc<dyn Subject>))
            .collect()
    }
}

/// Lets requests fail below another subject's backend, itself below `Encrypted`.
pub(crate) struct SealedObjects {
    below: Arc<dyn ObjectSubject>,
    name: String,
}

impl SealedObjects {
    pub(crate) fn new(below: Arc<dyn ObjectSubject>) -> Self {
        let name = format!("{}-encrypted", below.name());
        Self { below, name }
    }
}

#[async_trait]
impl ObjectSubject for SealedObjects {
    fn name(&self) -> &str {
        &self.name
    }

    async fn open(&self, opening: Opening) -> Result<Arc<dyn Backend>> {
        seal(self.below.open(opening).await?).await
    }

    fn broken(&self) -> Vec<(&'static str, Arc<dyn ObjectSubject>)> {
        let broken = self.below.broken().into_iter();
        broken
            .map(|(what, below)| (what, Arc::new(Self::new(below)) as Arc<dyn ObjectSubject>))
            .collect()
    }
}
