//! How the harnesses of torture open redb stores. Their command takes it from here.

#[path = "tapped.rs"]
mod tapped;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Result};
use checkpoint_redb::{RedbBackend, RedbOptions};
use checkpoint_torture::Subject;
use checkpoint_torture::disk::Tap;

use tapped::TappedMedia;

/// Tortures [`RedbBackend`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RedbSubject {
    /// The engine is told that its file is synced, and it is not.
    forgets_files: bool,
    /// Directories are not synced.
    forgets_directories: bool,
}

fn options(place: &Path) -> RedbOptions {
    RedbOptions::at(place.join("store.redb"))
}

#[async_trait]
impl Subject for RedbSubject {
    fn name(&self) -> &str {
        "redb"
    }

    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(RedbBackend::open(options(place)).await?))
    }

    async fn open_tapped(&self, place: &Path, tap: &Tap, number: u64) -> Result<Arc<dyn Backend>> {
        let mut media = TappedMedia::new(tap);
        if self.forgets_directories {
            media = media.without_sync_of_directories();
        }
        if self.forgets_files {
            media = media.without_sync_of_files();
        }
        // With little memory the engine reads what it wrote, and writes before it commits.
        let cache = if number.is_multiple_of(2) {
            32 << 20
        } else {
            0
        };
        let options = options(place).with_media(Arc::new(media)).with_cache(cache);
        Ok(Arc::new(RedbBackend::open(options).await?))
    }

    fn loses_on_power_cuts(&self) -> Vec<(&'static str, Arc<dyn Subject>)> {
        let files = Self {
            forgets_files: true,
            ..Self::default()
        };
        let names = Self {
            forgets_directories: true,
            ..Self::default()
        };
        vec![
            ("which does not sync its file", Arc::new(files)),
            ("which does not sync directories", Arc::new(names)),
        ]
    }
}
