//! SQLite files.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Durability, Result, SeededIds};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use checkpoint_torture::Subject;

use crate::store::clock;

#[derive(Debug)]
pub(super) struct Sqlite;

#[async_trait]
impl Subject for Sqlite {
    fn name(&self) -> &str {
        "sqlite"
    }

    /// Always with the same ids and clock, so that an input means the same in every run.
    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        let options = SqliteOptions::at(place.join("store.db"))
            .with_clock(Arc::new(clock()))
            .with_ids(Arc::new(SeededIds::new(1)))
            .with_durability(Durability::Os);
        Ok(Arc::new(SqliteBackend::open(options).await?))
    }
}
