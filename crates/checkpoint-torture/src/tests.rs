use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use checkpoint_core::{Backend, MemoryBackend, Result};

use crate::faults::{self, Faults};
use crate::load::Seed;
use crate::power::{self, Power};
use crate::subject::Subject;

/// Has no layer that a tap could hear.
struct Deaf;

#[async_trait]
impl Subject for Deaf {
    fn name(&self) -> &str {
        "deaf"
    }

    async fn open(&self, _: &Path) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(MemoryBackend::new()))
    }
}

#[test]
fn a_backend_whose_files_nobody_hears_is_left_out_with_a_reason() {
    let subject: Arc<dyn Subject> = Arc::new(Deaf);
    let cut = power::run(&subject, &Power::new(Seed(1)), |_| {}).unwrap();
    let failed = faults::run(&subject, &Faults::new(Seed(1)), |_| {}).unwrap();
    for why in [cut.skipped, failed.skipped] {
        assert!(why.unwrap().contains("no layer"));
    }
    assert!(cut.images == 0 && failed.trials == 0);
}
