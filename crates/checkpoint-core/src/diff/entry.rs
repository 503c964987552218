//! One difference.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::deep::Held;
use super::preview::Preview;
use crate::visible::Visible;

/// What became of a place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// Nothing was there before.
    Added,
    /// Nothing is there after.
    Removed,
    /// Another value is there after.
    Changed,
}

/// One difference between two documents: where it is, what was there and what is there now.
///
/// Serialises as `{"kind": "added" | "removed" | "changed", "path", "before", "after"}`, without
/// `before` when something was added and without `after` when something was removed (a value that
/// is there can be null). It cannot be read back: a list of entries from elsewhere need not be the
/// difference of anything.
///
/// `Display` gives one line, `+ /path: value`, `- /path: value` or `~ /path: old → new`. It is for
/// eyes: a value of more than 60 characters is cut and its size told, and characters that would move
/// a terminal's cursor or turn its text around are written as escapes. `Debug` shows no value, since
/// states hold secrets.
///
/// Cloning and dropping need no stack for deep values; serialising recurses as `serde_json` does.
///
/// # Examples
///
/// ```
/// use checkpoint_core::{Diff, DiffKind};
/// use serde_json::json;
///
/// let diff = Diff::between(&json!({"step": 1}), &json!({"step": 2}));
/// let entry = &diff.entries()[0];
/// assert_eq!(entry.kind(), DiffKind::Changed);
/// assert_eq!(entry.path(), "/step");
/// assert_eq!(entry.before(), Some(&json!(1)));
/// assert_eq!(entry.after(), Some(&json!(2)));
/// assert_eq!(entry.to_string(), "~ /step: 1 → 2");
/// ```
#[derive(Clone)]
pub struct DiffEntry {
    path: Box<str>,
    change: Change,
}

#[derive(Clone)]
pub(super) enum Change {
    Added(Held),
    Removed(Held),
    Changed(Held, Held),
}

impl DiffEntry {
    pub(super) fn new(path: &str, change: Change) -> Self {
        let path = path.into();
        Self { path, change }
    }

    /// Whether something was added, removed or changed.
    pub fn kind(&self) -> DiffKind {
        match self.change {
            Change::Added(_) => DiffKind::Added,
            Change::Removed(_) => DiffKind::Removed,
            Change::Changed(..) => DiffKind::Changed,
        }
    }

    /// Where, as a JSON Pointer (RFC 6901); empty for the document as a whole.
    ///
    /// Of what was removed it is the place in the document before, of all else the place in the
    /// document after. The two differ inside an array in which elements moved up or down.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was there; none when it was added.
    pub fn before(&self) -> Option<&Value> {
        match &self.change {
            Change::Added(_) => None,
            Change::Removed(before) | Change::Changed(before, _) => Some(before.get()),
        }
    }

    /// What is there now; none when it was removed.
    pub fn after(&self) -> Option<&Value> {
        match &self.change {
            Change::Removed(_) => None,
            Change::Added(after) | Change::Changed(_, after) => Some(after.get()),
        }
    }
}

impl Serialize for DiffEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 2 + [self.before(), self.after()].iter().flatten().count();
        let mut entry = serializer.serialize_struct("DiffEntry", fields)?;
        entry.serialize_field("kind", &self.kind())?;
        entry.serialize_field("path", self.path())?;
        if let Some(before) = self.before() {
            entry.serialize_field("before", before)?;
        }
        if let Some(after) = self.after() {
            entry.serialize_field("after", after)?;
        }
        entry.end()
    }
}

impl fmt::Display for DiffEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match &*self.path {
            "" => "(whole)",
            path => path,
        };
        let path = Visible(path);
        match &self.change {
            Change::Added(after) => write!(f, "+ {path}: {}", Preview(after.get())),
            Change::Removed(before) => write!(f, "- {path}: {}", Preview(before.get())),
            Change::Changed(before, after) => {
                let (before, after) = (Preview(before.get()), Preview(after.get()));
                write!(f, "~ {path}: {before} → {after}")
            }
        }
    }
}

impl fmt::Debug for DiffEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiffEntry")
            .field("kind", &self.kind())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
