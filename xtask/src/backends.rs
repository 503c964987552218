//! The backends that are tried, in one list.

use std::sync::Arc;

use checkpoint_conformance::{Harness, Memory};

/// Every backend that this workspace has, each with a way to make stores.
pub(crate) fn all() -> Vec<Arc<dyn Harness>> {
    vec![Arc::new(Memory)]
}
