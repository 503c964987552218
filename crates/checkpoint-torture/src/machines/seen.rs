//! Changes as they were read, from the first, as one number.

use checkpoint_core::Change;
use xxhash_rust::xxh3::Xxh3Default;

/// So many changes, and their digest.
#[derive(Default)]
pub(super) struct Seen {
    changes: u64,
    digest: Xxh3Default,
}

impl Seen {
    pub(super) fn take(&mut self, change: &Change) {
        self.changes += 1;
        self.digest.update(format!("{change:?}\n").as_bytes());
    }

    pub(super) fn now(&self) -> (u64, u64) {
        (self.changes, self.digest.digest())
    }
}
