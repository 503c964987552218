//! How the harnesses of torture open stores in directories. Their command takes it from here.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::files::{Files, SystemFiles};
use checkpoint_core::{Backend, Result};
use checkpoint_s3::{DirectoryOptions, ObjectBackend};
use checkpoint_torture::Subject;
use checkpoint_torture::disk::{Tap, TappedFiles};

/// Tortures [`ObjectBackend`] in a directory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DirectorySubject {
    /// Files are said to be synced, and are not.
    forgets_files: bool,
    /// Directories are not synced.
    forgets_directories: bool,
}

async fn open(place: &Path, files: Arc<dyn Files>, number: u64) -> Result<Arc<dyn Backend>> {
    let options = DirectoryOptions::at(place.join("store")).with_files(files);
    let options = options.find().await?;
    // With more snapshots more is put that no entry names yet.
    let options = match number {
        0 => options,
        number => options.with_snapshot_after(1 + number % 4),
    };
    Ok(Arc::new(ObjectBackend::open(options).await?))
}

#[async_trait]
impl Subject for DirectorySubject {
    fn name(&self) -> &str {
        "file"
    }

    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        open(place, Arc::new(SystemFiles), 0).await
    }

    async fn open_tapped(&self, place: &Path, tap: &Tap, number: u64) -> Result<Arc<dyn Backend>> {
        let mut files = TappedFiles::new(tap);
        if self.forgets_directories {
            files = files.without_sync_of_directories();
        }
        if self.forgets_files {
            files = files.without_sync_of_files();
        }
        open(place, Arc::new(files), number).await
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
            ("which does not sync its files", Arc::new(files)),
            ("which does not sync directories", Arc::new(names)),
        ]
    }
}
