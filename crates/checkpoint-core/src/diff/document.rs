//! The difference of two documents.

use std::fmt;
use std::slice;

use serde::Serialize;
use serde_json::Value;

use super::align::Budget;
use super::entry::DiffEntry;
use super::patch;
use super::summary::{self, DiffStat};
use super::walk::walk;

/// The structural difference of two JSON values: what was added, removed and changed, each by its
/// JSON Pointer (RFC 6901).
///
/// `Display` gives one line an entry; it serialises as the array of its entries.
///
/// # What counts as equal
///
/// Values compare as `serde_json` compares them: objects without regard to the order of their
/// members, `1` and `1.0` as different numbers, `0.0` and `-0.0` as equal ones (unless its feature
/// `arbitrary_precision` is on, with which numbers compare as they are written).
///
/// # Objects and arrays
///
/// Members of objects are compared by key. Elements of arrays are aligned by Myers' algorithm (*An
/// O(ND) Difference Algorithm and Its Variations*, 1986, in the bounded form of the `similar` crate)
/// over whole elements. Where elements were removed and others added in the same place, those that
/// go together are compared in turn, so that one changed field of one element is one entry:
///
/// - objects whose `id` (failing that `key`, failing that `name`) is the same string or number;
/// - then, in order of position, an object with an object unless the two have different identities,
///   an array with an array, a scalar with a scalar.
///
/// A moved element is a removed and an added one: there is no entry for a move.
///
/// # Limits
///
/// Time and memory are bounded whatever the values. Laying out and comparing n values takes O(n),
/// sorting members O(n log n). Aligning an array of n elements, before and after together and
/// without their common head and tail, takes up to O(n·max(256, √n)) steps; all arrays of a diff
/// together may take 2²⁶ (one of 160,000 elements, or a thousand of 256). Arrays met after that are
/// aligned by the elements that occur once on each side, and by position between them, in
/// O(n log n).
///
/// A difference more than 128 levels down shows as one change of the value 128 levels down. So do
/// differences under very long keys, once the pointers of all entries have repeated 64 MiB.
/// Values of any depth can be compared, and a diff of them displayed, patched, cloned and dropped, in
/// bounded stack; serialising one recurses as `serde_json` does.
///
/// The result depends on the two values alone, never on the clock.
///
/// # Examples
///
/// ```
/// use checkpoint_core::Diff;
/// use serde_json::json;
///
/// let before = json!({
///     "step": 3,
///     "messages": [{"id": "a", "text": "hello"}, {"id": "b", "text": "wait"}],
///     "draft": true,
/// });
/// let after = json!({
///     "step": 4,
///     "messages": [{"id": "b", "text": "go"}, {"id": "c", "text": "done"}],
/// });
/// let diff = Diff::between(&before, &after);
///
/// assert_eq!(
///     diff.to_string(),
///     r#"- /draft: true
/// - /messages/0: {"id":"a","text":"hello"}
/// ~ /messages/0/text: "wait" → "go"
/// + /messages/1: {"id":"c","text":"done"}
/// ~ /step: 3 → 4"#
/// );
/// assert_eq!(
///     diff.summary(),
///     "1 added, 2 removed, 2 changed; most under /messages (3), /draft (1), /step (1)"
/// );
/// assert!(Diff::between(&after, &after).is_empty());
/// ```
#[derive(Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Diff {
    entries: Vec<DiffEntry>,
}

impl Diff {
    /// What must happen to `before` so that it is `after`.
    pub fn between(before: &Value, after: &Value) -> Self {
        Self::within(before, after, Budget::new(Budget::DEFAULT))
    }

    pub(super) fn within(before: &Value, after: &Value, budget: Budget) -> Self {
        let entries = walk(before, after, budget);
        Self { entries }
    }

    /// Every difference, from the beginning of the document to its end: object members in the order
    /// of their keys, array elements in theirs, of elements in one place the removed first.
    pub fn entries(&self) -> &[DiffEntry] {
        &self.entries
    }

    /// Whether the two values were equal.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries there are of each kind.
    pub fn stat(&self) -> DiffStat {
        DiffStat::of(&self.entries)
    }

    /// One line without values: how much of each kind, and under which children of the root most of
    /// it lies. `no changes` when there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// use checkpoint_core::Diff;
    /// use serde_json::json;
    ///
    /// let diff = Diff::between(&json!({"log": [1]}), &json!({"log": [1, 2, 3]}));
    /// assert_eq!(diff.summary(), "2 added, all under /log");
    /// ```
    pub fn summary(&self) -> String {
        summary::summary(&self.entries)
    }

    /// A JSON Patch (RFC 6902): applied to the value before, it gives exactly the value after.
    ///
    /// It is made of `remove`, `add` and `replace`, one for each entry; there is no `move`, `copy`
    /// or `test`. The removals come first, from the end of the document to its beginning, so that
    /// every index is right at its turn. It is a plain value: to drop one that holds values thousands
    /// of levels deep takes the stack that it takes to drop those.
    ///
    /// # Examples
    ///
    /// ```
    /// use checkpoint_core::Diff;
    /// use serde_json::json;
    ///
    /// let diff = Diff::between(&json!({"a/b": [1, 2, 3]}), &json!({"a/b": [2, 3, 4]}));
    /// assert_eq!(
    ///     diff.to_json_patch(),
    ///     json!([
    ///         {"op": "remove", "path": "/a~1b/0"},
    ///         {"op": "add", "path": "/a~1b/2", "value": 4},
    ///     ])
    /// );
    /// ```
    pub fn to_json_patch(&self) -> Value {
        patch::operations(&self.entries)
    }
}

impl<'d> IntoIterator for &'d Diff {
    type Item = &'d DiffEntry;
    type IntoIter = slice::Iter<'d, DiffEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for entry in self {
            write!(f, "{separator}{entry}")?;
            separator = "\n";
        }
        Ok(())
    }
}

/// Counts only: a diff can be large, and states hold secrets.
impl fmt::Debug for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diff")
            .field("stat", &self.stat())
            .finish_non_exhaustive()
    }
}
