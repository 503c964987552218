//! Checkpoints for programs that must not lose their place.

mod diff;

pub use diff::{Diff, DiffEntry, DiffKind, DiffStat};
