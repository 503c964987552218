//! Backends that are broken on purpose, to show that the model test sees it.

use crate::broken::{Control, of_model};

/// Every backend that is broken on purpose and that [`run`](super::run) must catch.
#[must_use]
pub fn controls() -> Vec<Control> {
    of_model()
}
