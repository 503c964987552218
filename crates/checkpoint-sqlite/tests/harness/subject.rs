//! How the harnesses of torture open SQLite stores. Their command takes it from here.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Durability, Result};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use checkpoint_sqlite_vfs::tapped_files;
use checkpoint_torture::Subject;
use checkpoint_torture::disk::Tap;

/// Tortures [`SqliteBackend`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SqliteSubject {
    /// Opened so that the newest commits may be lost.
    leaves_syncs_to_the_system: bool,
    /// Directories are not synced.
    forgets_directories: bool,
}

/// Lengths of the log, so that it is moved often, sometimes, and as seldom as by default.
const LOG_PAGES: [u32; 4] = [2_000, 24, 60, 200];

fn options(place: &Path) -> SqliteOptions {
    SqliteOptions::at(place.join("store.db"))
}

#[async_trait]
impl Subject for SqliteSubject {
    fn name(&self) -> &str {
        "sqlite"
    }

    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(SqliteBackend::open(options(place)).await?))
    }

    async fn open_tapped(&self, place: &Path, tap: &Tap, number: u64) -> Result<Arc<dyn Backend>> {
        let mut files = tapped_files(tap)?;
        if self.forgets_directories {
            files = files.without_sync_of_directories();
        }
        let mut options = options(place)
            .with_files(Arc::new(files))
            .with_log_pages(LOG_PAGES[(number % LOG_PAGES.len() as u64) as usize]);
        if self.leaves_syncs_to_the_system {
            options = options.with_durability(Durability::Os);
        }
        Ok(Arc::new(SqliteBackend::open(options).await?))
    }

    fn loses_on_power_cuts(&self) -> Vec<(&'static str, Arc<dyn Subject>)> {
        let os = Self {
            leaves_syncs_to_the_system: true,
            ..Self::default()
        };
        let names = Self {
            forgets_directories: true,
            ..Self::default()
        };
        vec![
            ("with synchronous=NORMAL", Arc::new(os)),
            ("which does not sync directories", Arc::new(names)),
        ]
    }
}
