//! A diff in numbers and in a sentence.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use super::entry::{DiffEntry, DiffKind};
use crate::visible::Visible;

/// How many places a summary names.
const NAMED: usize = 3;
/// How many characters of a place's name it shows.
const SHOWN: usize = 40;

/// How many entries of each kind a diff has.
///
/// # Examples
///
/// ```
/// use checkpoint_core::Diff;
/// use serde_json::json;
///
/// let stat = Diff::between(&json!({"a": 1, "b": 2}), &json!({"b": 3, "c": 4, "d": 5})).stat();
/// assert_eq!((stat.added, stat.removed, stat.changed), (2, 1, 1));
/// assert_eq!(stat.total(), 4);
/// assert_eq!(stat.to_string(), "2 added, 1 removed, 1 changed");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct DiffStat {
    /// Entries of [`DiffKind::Added`].
    pub added: usize,
    /// Entries of [`DiffKind::Removed`].
    pub removed: usize,
    /// Entries of [`DiffKind::Changed`].
    pub changed: usize,
}

impl DiffStat {
    pub(super) fn of(entries: &[DiffEntry]) -> Self {
        let mut stat = Self::default();
        for entry in entries {
            match entry.kind() {
                DiffKind::Added => stat.added += 1,
                DiffKind::Removed => stat.removed += 1,
                DiffKind::Changed => stat.changed += 1,
            }
        }
        stat
    }

    /// All entries.
    pub fn total(&self) -> usize {
        self.added + self.removed + self.changed
    }
}

/// As in `3 added, 1 removed, 2 changed`, without the kinds of which there are none; `no changes` when
/// there are none at all.
impl fmt::Display for DiffStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.added, "added"),
            (self.removed, "removed"),
            (self.changed, "changed"),
        ];
        let mut separator = "";
        for (count, kind) in kinds.into_iter().filter(|&(count, _)| count > 0) {
            write!(f, "{separator}{count} {kind}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("no changes")?;
        }
        Ok(())
    }
}

/// The text of [`Diff::summary`](super::Diff::summary).
pub(super) fn summary(entries: &[DiffEntry]) -> String {
    format!("{}{}", DiffStat::of(entries), Where(entries))
}

/// The second half of a summary: where the entries are.
struct Where<'d>(&'d [DiffEntry]);

impl fmt::Display for Where<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = places(self.0);
        match (places.as_slice(), self.0) {
            ([], _) => Ok(()),
            ([("", _)], _) => f.write_str(", the document as a whole"),
            (_, [entry]) => write!(f, ", at {}", Short(entry.path())),
            ([(place, _)], _) => write!(f, ", all under {}", Short(place)),
            ([(_, 1), _, _, _, ..], _) => write!(f, "; in {} places", places.len()),
            ([(_, 1), ..], _) => {
                f.write_str("; under")?;
                list(f, &places)
            }
            _ => {
                f.write_str("; most under")?;
                list(f, &places)
            }
        }
    }
}

/// The children of the root under which there are entries, the fullest first, then in order.
fn places(entries: &[DiffEntry]) -> Vec<(&str, usize)> {
    let mut found: HashMap<&str, usize> = HashMap::new();
    let mut places: Vec<(&str, usize)> = Vec::new();
    for entry in entries {
        let place = top(entry.path());
        let at = *found.entry(place).or_insert_with(|| {
            places.push((place, 0));
            places.len() - 1
        });
        places[at].1 += 1;
    }
    places.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    places
}

/// The first token of a pointer, with its slash.
fn top(pointer: &str) -> &str {
    let rest = pointer.get(1..).unwrap_or_default();
    rest.find('/').map_or(pointer, |end| &pointer[..=end])
}

fn list(f: &mut fmt::Formatter<'_>, places: &[(&str, usize)]) -> fmt::Result {
    let (named, others) = places.split_at(places.len().min(NAMED));
    let mut separator = " ";
    for (place, count) in named {
        write!(f, "{separator}{} ({count})", Short(place))?;
        separator = ", ";
    }
    let elsewhere: usize = others.iter().map(|(_, count)| count).sum();
    if elsewhere > 0 {
        write!(f, " and {elsewhere} elsewhere")?;
    }
    Ok(())
}

/// A pointer cut to what a sentence can bear.
struct Short<'t>(&'t str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            None => write!(f, "{}", Visible(self.0)),
            Some((end, _)) => write!(f, "{}…", Visible(&self.0[..end])),
        }
    }
}
