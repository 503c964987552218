//! The backends that are tried, in one list.

use std::sync::Arc;

use checkpoint_conformance::{Harness, Memory};

/// The harness of a backend lives with the tests of its crate.
#[path = "../../crates/checkpoint-sqlite/tests/harness/mod.rs"]
mod sqlite;

/// Every backend that this workspace has, each with a way to make stores.
pub(crate) fn all() -> Vec<Arc<dyn Harness>> {
    vec![Arc::new(Memory), Arc::new(sqlite::Sqlite)]
}
