//! redb files.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Result, SeededIds};
use checkpoint_redb::{RedbBackend, RedbOptions};
use checkpoint_torture::Subject;

use crate::store::clock;

#[derive(Debug)]
pub(super) struct Redb;

#[async_trait]
impl Subject for Redb {
    fn name(&self) -> &str {
        "redb"
    }

    /// Always with the same ids and clock, so that an input means the same in every run.
    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        let options = RedbOptions::at(place.join("store.redb"))
            .with_clock(Arc::new(clock()))
            .with_ids(Arc::new(SeededIds::new(1)));
        Ok(Arc::new(RedbBackend::open(options).await?))
    }
}
