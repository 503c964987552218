//! The structural diff of two JSON values.
//!
//! `forest` lays both values out flat and numbers equal subtrees alike; `walk` goes down where the
//! numbers differ, asking `steps` how one container became the other, which asks `align` which
//! array elements stayed; what differs becomes an `entry`. A `document` is the list of entries, and
//! `patch`, `summary` and `preview` are its forms for machines and for eyes.
//!
//! Architecture invariant: nothing here recurses along a value, and nothing takes quadratic time or
//! memory in a value's size.

mod align;
mod deep;
mod document;
mod entry;
mod forest;
mod patch;
mod pointer;
mod preview;
mod steps;
mod summary;
#[cfg(test)]
mod tests;
mod walk;

pub use document::Diff;
pub use entry::{DiffEntry, DiffKind};
pub use summary::DiffStat;
