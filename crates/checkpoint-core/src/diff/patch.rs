//! A diff as a JSON Patch (RFC 6902).

use serde_json::{Map, Value};

use super::deep::copy;
use super::entry::{DiffEntry, DiffKind};

/// The operations that turn the document before into the document after.
///
/// The removals come first, from the end of the document to its beginning: so each one's place in
/// the document before is still its place when its turn comes. The rest follow from the beginning
/// to the end: all before such an operation's place is then as it is after, so that its place in the
/// document after is where it belongs.
pub(super) fn operations(entries: &[DiffEntry]) -> Value {
    let removals = entries.iter().rev().filter(|entry| is_removal(entry));
    let rest = entries.iter().filter(|entry| !is_removal(entry));
    Value::Array(removals.chain(rest).map(operation).collect())
}

fn is_removal(entry: &DiffEntry) -> bool {
    entry.kind() == DiffKind::Removed
}

fn operation(entry: &DiffEntry) -> Value {
    let name = match entry.kind() {
        DiffKind::Added => "add",
        DiffKind::Removed => "remove",
        DiffKind::Changed => "replace",
    };
    let mut operation = Map::new();
    operation.insert("op".to_owned(), name.into());
    operation.insert("path".to_owned(), entry.path().into());
    if let Some(after) = entry.after() {
        operation.insert("value".to_owned(), copy(after));
    }
    Value::Object(operation)
}
