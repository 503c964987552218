//! Two documents: the patch of the first is the second.

use checkpoint_core::{Codec, Diff, DiffKind, Limits};
use serde_json::{Value, json};

use crate::input::Input;
use crate::json::{edited, value};
use crate::store::{Bench, ok, wait};

pub(crate) fn body(data: &[u8]) {
    let (before, after) = documents(data);
    let diff = Diff::between(&before, &after);
    patches(&before, &after, &diff.to_json_patch());
    entries(&before, &after, &diff);
    text(&diff);
    let depth = |value| Codec::Json.encode(value, &Limits::default()).is_ok();
    if data.len() < 64 && depth(&before) && depth(&after) {
        through_a_store(&before, &after, &diff);
    }
}

/// Two strangers, or one some edits from the other.
pub(crate) fn documents(data: &[u8]) -> (Value, Value) {
    let mut input = Input::new(data);
    let strangers = input.byte().is_multiple_of(4);
    let before = value(&mut input);
    let after = if strangers {
        value(&mut input)
    } else {
        edited(before.clone(), &mut input)
    };
    (before, after)
}

/// The patch, applied to the one, gives the other.
pub(crate) fn patches(before: &Value, after: &Value, patch: &Value) {
    let patch: json_patch::Patch = ok(serde_json::from_value(patch.clone()), "reading a patch");
    let mut patched = before.clone();
    ok(json_patch::patch(&mut patched, &patch), "patching");
    assert_eq!(patched, *after, "the patch of {before}");
}

fn entries(before: &Value, after: &Value, diff: &Diff) {
    assert_eq!(diff.is_empty(), before == after);
    for entry in diff {
        assert!(
            entry.before() != entry.after(),
            "an entry that says nothing"
        );
        match entry.kind() {
            DiffKind::Removed => assert_eq!(entry.before(), before.pointer(entry.path())),
            _ => assert_eq!(entry.after(), after.pointer(entry.path())),
        }
    }
    assert_eq!(diff.stat().total(), diff.entries().len());
    let own = Diff::between(after, &after.clone());
    assert!(own.is_empty() && own.to_json_patch() == json!([]));
}

fn text(diff: &Diff) {
    let lines = diff.to_string();
    assert_eq!(lines.lines().count(), diff.entries().len());
    let controls = lines.lines().flat_map(str::chars).any(char::is_control);
    assert!(!controls, "a control character is shown");
    assert!(!diff.summary().contains(char::is_control));
}

/// Saved and compared they differ alike.
fn through_a_store(before: &Value, after: &Value, diff: &Diff) {
    let store = Bench::new().store();
    let session = ok(wait(store.session("s")), "making a session");
    let first = ok(wait(session.save(before)), "saving the first");
    let second = ok(wait(session.save(after)), "saving the second");
    let compared = ok(wait(store.compare(&first.id, &second.id)), "comparing");
    assert_eq!(compared.diff.to_json_patch(), diff.to_json_patch());
}
