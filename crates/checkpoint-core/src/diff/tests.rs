//! Behaviour by example; `properties` has what holds for all values.

mod limits;
mod properties;
mod text;

use json_patch::Patch;
use serde_json::{Value, json};

use super::{Diff, DiffKind};

/// `before` as the independent judge patches it.
fn patched(before: &Value, diff: &Diff) -> Value {
    let patch: Patch = serde_json::from_value(diff.to_json_patch()).expect("a patch by RFC 6902");
    let mut document = before.clone();
    json_patch::patch(&mut document, &patch).expect("a patch that applies");
    document
}

/// The diff as lines, once it is sure that its patch is right.
fn lines(before: &Value, after: &Value) -> Vec<String> {
    let diff = Diff::between(before, after);
    assert_eq!(&patched(before, &diff), after);
    diff.entries().iter().map(ToString::to_string).collect()
}

#[test]
fn members_are_added_removed_and_changed() {
    let before = json!({"gone": 1, "kept": 2, "other": 3});
    let after = json!({"kept": 2, "new": null, "other": 4});
    assert_eq!(
        lines(&before, &after),
        ["- /gone: 1", "+ /new: null", "~ /other: 3 → 4"]
    );
}

#[test]
fn an_entry_tells_its_kind_its_place_and_both_values() {
    let diff = Diff::between(&json!({"a": null, "b": 1}), &json!({"b": [2], "c": null}));
    let facts: Vec<_> = diff
        .into_iter()
        .map(|entry| (entry.kind(), entry.path(), entry.before(), entry.after()))
        .collect();
    let (null, one, two) = (Value::Null, json!(1), json!([2]));
    assert_eq!(
        facts,
        [
            (DiffKind::Removed, "/a", Some(&null), None),
            (DiffKind::Changed, "/b", Some(&one), Some(&two)),
            (DiffKind::Added, "/c", None, Some(&null)),
        ]
    );
}

#[test]
fn a_document_of_another_kind_is_changed_as_a_whole() {
    assert_eq!(
        lines(&json!({"a": 1}), &json!([1])),
        [r#"~ (whole): {"a":1} → [1]"#]
    );
    assert_eq!(lines(&json!(null), &json!(0)), ["~ (whole): null → 0"]);
}

#[test]
fn a_member_that_is_null_differs_from_one_that_is_absent() {
    assert_eq!(lines(&json!({"a": null}), &json!({})), ["- /a: null"]);
}

#[test]
fn numbers_compare_as_json_values() {
    let nothing: [&str; 0] = [];
    assert_eq!(lines(&json!([1]), &json!([1.0])), ["~ /0: 1 → 1.0"]);
    assert_eq!(lines(&json!([1_u64]), &json!([1_i64])), nothing);
    assert_eq!(lines(&json!([0.0]), &json!([-0.0])), nothing);
    let (large, larger) = (u64::MAX - 1, u64::MAX);
    let change = format!("~ /0: {large} → {larger}");
    assert_eq!(lines(&json!([large]), &json!([larger])), [change]);
}

#[test]
fn keys_are_escaped_in_pointers() {
    let before = json!({"": 0, "/": 0, "~": 0, "~1": 0, "a/b~c": {"": 0}, "é✓": 0, "0": 0, "-": 0});
    let after = json!({"": 1, "/": 1, "~": 1, "~1": 1, "a/b~c": {"": 1}, "é✓": 1, "0": 1, "-": 1});
    let diff = Diff::between(&before, &after);
    let mut paths: Vec<_> = diff.entries().iter().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["/", "/-", "/0", "/a~1b~0c/", "/~0", "/~01", "/~1", "/é✓"]
    );
    assert_eq!(patched(&before, &diff), after);
}

#[test]
fn the_order_of_members_is_no_difference() {
    let one: Value = serde_json::from_str(r#"{"a": 1, "b": 2}"#).expect("JSON");
    let other: Value = serde_json::from_str(r#"{"b": 2, "a": 1}"#).expect("JSON");
    assert!(Diff::between(&one, &other).is_empty());
}

#[test]
fn elements_inserted_in_the_middle_leave_the_others_alone() {
    let change = lines(&json!([1, 2, 3, 4]), &json!([1, 2, 9, 8, 3, 4]));
    assert_eq!(change, ["+ /2: 9", "+ /3: 8"]);
}

#[test]
fn elements_removed_are_named_by_where_they_were() {
    let change = lines(&json!([1, 2, 3, 4, 5]), &json!([3, 5, 6]));
    assert_eq!(change, ["- /0: 1", "- /1: 2", "- /3: 4", "+ /2: 6"]);
}

#[test]
fn one_field_changed_in_an_element_is_one_entry() {
    let before =
        json!({"messages": [{"role": "user", "text": "a"}, {"role": "tool", "text": "b"}]});
    let after = json!({"messages": [{"role": "user", "text": "a"}, {"role": "tool", "text": "c"}]});
    assert_eq!(lines(&before, &after), [r#"~ /messages/1/text: "b" → "c""#]);
}

#[test]
fn elements_are_paired_by_identity_before_position() {
    for name in ["id", "key", "name"] {
        let before = json!([{name: 1, "v": 1}, {name: 2, "v": 2}, {name: 3, "v": 3}]);
        let after = json!([{name: 9, "v": 9}, {name: 1, "v": 0}, {name: 3, "v": 0}]);
        let gone = format!(r#"- /1: {{"{name}":2,"v":2}}"#);
        let new = format!(r#"+ /0: {{"{name}":9,"v":9}}"#);
        assert_eq!(
            lines(&before, &after),
            [&new, "~ /1/v: 1 → 0", &gone, "~ /2/v: 3 → 0"]
        );
    }
}

#[test]
fn elements_of_different_identity_are_not_paired() {
    let change = lines(&json!([{"id": "a", "v": 1}]), &json!([{"id": "b", "v": 1}]));
    assert_eq!(
        change,
        [r#"- /0: {"id":"a","v":1}"#, r#"+ /0: {"id":"b","v":1}"#]
    );
}

#[test]
fn an_identity_shared_by_several_elements_is_no_identity() {
    let before = json!([{"id": 1, "v": 1}, {"id": 1, "v": 2}]);
    let after = json!([{"id": 1, "v": 3}, {"id": 1, "v": 4}]);
    assert_eq!(lines(&before, &after), ["~ /0/v: 1 → 3", "~ /1/v: 2 → 4"]);
}

#[test]
fn elements_of_different_kinds_are_not_paired() {
    assert_eq!(lines(&json!([1]), &json!([[1]])), ["- /0: 1", "+ /0: [1]"]);
    assert_eq!(lines(&json!([{}]), &json!([[]])), ["- /0: {}", "+ /0: []"]);
    assert_eq!(lines(&json!([1]), &json!(["1"])), [r#"~ /0: 1 → "1""#]);
}

#[test]
fn a_moved_element_is_removed_and_added() {
    let change = lines(&json!(["a", "b", "c"]), &json!(["b", "c", "a"]));
    assert_eq!(change, [r#"- /0: "a""#, r#"+ /2: "a""#]);
}

#[test]
fn a_change_inside_a_shifted_element_is_patched_in_place() {
    let before = json!([0, 1, {"id": "x", "list": ["a", "b", "c"]}, 5]);
    let after = json!([{"id": "x", "list": ["c", "d"]}, 5, 6]);
    let change = lines(&before, &after);
    assert_eq!(
        change,
        [
            "- /0: 0",
            "- /1: 1",
            r#"- /2/list/0: "a""#,
            r#"- /2/list/1: "b""#,
            r#"+ /0/list/1: "d""#,
            "+ /2: 6",
        ]
    );
}

#[test]
fn arrays_are_emptied_and_filled() {
    assert_eq!(lines(&json!([1, 2]), &json!([])), ["- /0: 1", "- /1: 2"]);
    assert_eq!(lines(&json!([]), &json!([1, 2])), ["+ /0: 1", "+ /1: 2"]);
}

#[test]
fn an_empty_object_and_an_empty_array_differ() {
    assert_eq!(
        lines(&json!({"a": {}}), &json!({"a": []})),
        ["~ /a: {} → []"]
    );
}

#[test]
fn entries_serialise_without_the_side_that_is_not_there() {
    let diff = Diff::between(&json!({"a": null, "b": 1}), &json!({"b": 2, "c": null}));
    let wire = serde_json::to_value(&diff).expect("JSON");
    assert_eq!(
        wire,
        json!([
            {"kind": "removed", "path": "/a", "before": null},
            {"kind": "changed", "path": "/b", "before": 1, "after": 2},
            {"kind": "added", "path": "/c", "after": null},
        ])
    );
}

#[test]
fn debug_output_shows_no_value() {
    let diff = Diff::between(&json!({}), &json!({"token": "hunter2"}));
    let shown = format!("{diff:?} {:?}", diff.entries());
    assert!(shown.contains("/token"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}
