//! How the harnesses of torture open journals.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Result};
use checkpoint_journal::{JournalBackend, JournalOptions};
use checkpoint_torture::Subject;
use checkpoint_torture::disk::{Op, Tap};

use crate::tapped::Tapped;

/// Tortures [`JournalBackend`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JournalSubject {
    /// What it leaves out, when a tap hears it.
    leaves_out: Option<Op>,
}

#[async_trait]
impl Subject for JournalSubject {
    fn name(&self) -> &str {
        "journal"
    }

    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(JournalBackend::open(JournalOptions::at(place))?))
    }

    async fn open_tapped(&self, place: &Path, tap: &Tap, number: u64) -> Result<Arc<dyn Backend>> {
        let disk = Arc::new(Tapped {
            tap: tap.clone(),
            leaves_out: self.leaves_out,
        });
        let mut options = JournalOptions::at(place).with_disk(disk);
        if number % 2 == 1 {
            // So that the journal is replaced within the few steps of a load.
            options = options.with_rewrite_from(0);
        }
        Ok(Arc::new(JournalBackend::open(options)?))
    }

    fn loses_on_power_cuts(&self) -> Vec<(&'static str, Arc<dyn Subject>)> {
        let without = |op| -> Arc<dyn Subject> {
            Arc::new(Self {
                leaves_out: Some(op),
            })
        };
        vec![
            ("does not sync its files", without(Op::Sync)),
            ("does not sync its directory", without(Op::SyncDirectory)),
        ]
    }
}
