//! Backends that are broken on purpose, to show that the model test sees it.

use crate::broken::{Control, negative, of_model};

/// Faults of the suite that no list of steps shows: nothing is damaged here or heavy, and nobody waits.
const BEYOND: &[&str] = &[
    "waits on when its handle is closed",
    "hides a page behind one bad row",
    "reads damaged bytes as if they were whole",
    "ends the list of sessions at a damaged one",
    "hides all records behind a damaged one",
    "leaves a damaged change out of the feed",
    "stops all upkeep at a damaged session",
    "does not say that a sweep was held up",
    "finds nothing when it checks itself",
    "starts the versions of a damaged record anew",
    "takes a page that ended early for the last",
];

/// Every backend that is broken on purpose and that [`run`](super::run) must catch: some for it alone, and those of
/// [`negative`](crate::negative) that it can see.
#[must_use]
pub fn controls() -> Vec<Control> {
    let mut all = of_model();
    all.extend(negative());
    all.retain(|control| !BEYOND.contains(&control.name));
    all
}
