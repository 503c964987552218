use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, MemoryBackend, Result};

use super::*;

/// Keeps nothing in objects.
struct Aside;

#[async_trait]
impl ObjectSubject for Aside {
    fn name(&self) -> &str {
        "aside"
    }

    async fn open(&self, _: Opening) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(MemoryBackend::new()))
    }
}

#[test]
fn machines_that_share_nothing_are_noticed() {
    let subject: Arc<dyn ObjectSubject> = Arc::new(Aside);
    let faults = RequestFaults::new(Seed(1)).with_schedules(20).as_control();
    let report = run(&subject, &faults, |_| {}).unwrap();
    assert!(report.broken > 0, "{report}");
}
