//! How the harnesses of torture open SQLite stores. Their command takes it from here.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Result};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use checkpoint_torture::Subject;

/// Tortures [`SqliteBackend`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SqliteSubject;

#[async_trait]
impl Subject for SqliteSubject {
    fn name(&self) -> &str {
        "sqlite"
    }

    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        let options = SqliteOptions::at(place.join("store.db"));
        Ok(Arc::new(SqliteBackend::open(options).await?))
    }
}
