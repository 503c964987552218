//! How the harnesses of torture open journals.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Result};
use checkpoint_journal::{JournalBackend, JournalOptions};
use checkpoint_torture::Subject;

/// Tortures [`JournalBackend`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JournalSubject;

#[async_trait]
impl Subject for JournalSubject {
    fn name(&self) -> &str {
        "journal"
    }

    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(JournalBackend::open(JournalOptions::at(place))?))
    }
}
