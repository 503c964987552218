//! How the harness of requests that fail opens stores. Its command takes it from here.

use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, Result};
use checkpoint_s3::{Flaw, ObjectBackend, ObjectOptions};
use checkpoint_torture::requests::{ObjectSubject, Opening};

/// Tries [`ObjectBackend`] on objects in memory, whose requests fail.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestSubject {
    flaw: Option<Flaw>,
}

#[async_trait]
impl ObjectSubject for RequestSubject {
    fn name(&self) -> &str {
        "s3"
    }

    async fn open(&self, opening: Opening) -> Result<Arc<dyn Backend>> {
        let Opening { clock, ids, .. } = opening;
        let options = ObjectOptions::new(opening.objects)
            .with_clock(Arc::new(clock))
            .with_ids(ids);
        // With little in entries there are packs, and with more snapshots more is put that no entry names yet.
        let mut options = match opening.number {
            0 => options,
            number => options
                .with_inline(4 << (9 + number % 4))
                .with_snapshot_after(1 + number % 6),
        };
        if let Some(flaw) = self.flaw {
            options = options.with_flaw(flaw);
        }
        Ok(Arc::new(ObjectBackend::open(options).await?))
    }

    fn broken(&self) -> Vec<(&'static str, Arc<dyn ObjectSubject>)> {
        let with = |flaw| Arc::new(Self { flaw: Some(flaw) }) as Arc<dyn ObjectSubject>;
        vec![
            (
                "which takes `AlreadyExists` for a failure",
                with(Flaw::TakesTakenForFailure),
            ),
            ("which sweeps by age alone", with(Flaw::SweepsByAge)),
            (
                "which trims its log by deletion",
                with(Flaw::TrimsByDeletion),
            ),
            (
                "which uses operation ids for other bytes",
                with(Flaw::ReusesOperations),
            ),
        ]
    }
}
