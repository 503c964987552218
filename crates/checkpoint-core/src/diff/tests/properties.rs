//! What holds for all values.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::align::Budget;
use super::super::deep;
use super::super::{Diff, DiffKind, DiffStat};
use super::patched;

/// Few and awkward: what two documents share makes a diff interesting.
const KEYS: [&str; 14] = [
    "",
    "/",
    "~",
    "~0",
    "~1",
    "a/b",
    "m~n",
    "0",
    "-",
    "id",
    "name",
    "é",
    "\u{1f980}",
    "\n\u{0}",
];

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4).prop_map(Value::from),
        prop::sample::select(vec![0.0, -0.0, 1.0, 0.5, -1e300]).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        key().prop_map(Value::from),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 80, 8, |inner| {
        let named = (0..5, inner.clone()).prop_map(|(id, v)| json!({"id": id, "v": v}));
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec(named, 0..8).prop_map(Value::from),
            btree_map(key(), inner, 0..8).prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// Changes a value here and there, as the choices say.
fn edit(value: &mut Value, choices: &mut impl Iterator<Item = usize>) {
    let (Some(action), Some(which)) = (choices.next(), choices.next()) else {
        return;
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            let at = which % items.len();
            match action % 6 {
                0 => drop(items.remove(at)),
                1 => items.insert(at, json!(which)),
                2 => items.push(items[at].clone()),
                3 => items.rotate_left(at),
                _ => edit(&mut items[at], choices),
            }
        }
        Value::Object(members) if !members.is_empty() => {
            let at = which % members.len();
            let key = members.keys().nth(at).cloned().unwrap_or_default();
            match action % 6 {
                0 => drop(members.remove(&key)),
                1 => drop(members.insert(KEYS[which % KEYS.len()].to_owned(), json!(which))),
                2 => drop(members.insert(key + "/", json!([which]))),
                _ => edit(&mut members[&key], choices),
            }
        }
        other => *other = json!([which]),
    }
}

/// Two documents: strangers, or one a few edits from the other.
fn documents() -> impl Strategy<Value = (Value, Value)> {
    let edits = vec(vec(0..1000_usize, 0..12), 1..6);
    let edited = (document(), edits).prop_map(|(before, edits)| {
        let mut after = before.clone();
        for choices in edits {
            edit(&mut after, &mut choices.into_iter());
        }
        (before, after)
    });
    prop_oneof![1 => (document(), document()), 3 => edited]
}

/// Two arrays of few different elements, in which much can be aligned in many ways.
fn arrays() -> impl Strategy<Value = (Value, Value)> {
    let element = || {
        prop_oneof![
            (0..3).prop_map(|n| json!(n)),
            (0..3, 0..3).prop_map(|(id, v)| json!({"id": id, "v": v})),
            vec(0..2, 0..3).prop_map(|list| json!(list)),
        ]
    };
    let array = move || vec(element(), 0..40).prop_map(Value::from);
    (array(), array())
}

/// What every diff owes, whatever was spent on finding it.
fn holds(before: &Value, after: &Value, diff: &Diff) -> Result<(), TestCaseError> {
    prop_assert_eq!(&patched(before, diff), after);
    prop_assert_eq!(diff.is_empty(), before == after);
    for entry in diff {
        match entry.kind() {
            DiffKind::Removed => prop_assert_eq!(entry.before(), before.pointer(entry.path())),
            _ => prop_assert_eq!(entry.after(), after.pointer(entry.path())),
        }
        prop_assert!(entry.before() != entry.after());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn patching_before_gives_after((before, after) in documents()) {
        holds(&before, &after, &Diff::between(&before, &after))?;
    }

    #[test]
    fn patching_before_gives_after_past_the_budget((before, after) in documents()) {
        holds(&before, &after, &Diff::within(&before, &after, Budget::new(0)))?;
    }

    #[test]
    fn array_edits_are_positioned_in_sequence((before, after) in arrays()) {
        holds(&before, &after, &Diff::between(&before, &after))?;
        holds(&before, &after, &Diff::within(&before, &after, Budget::new(0)))?;
    }

    #[test]
    fn a_document_does_not_differ_from_itself(document in document()) {
        let diff = Diff::between(&document, &document.clone());
        prop_assert!(diff.is_empty());
        prop_assert_eq!(diff.to_json_patch(), json!([]));
    }

    #[test]
    fn counts_agree_with_entries((before, after) in documents()) {
        let diff = Diff::between(&before, &after);
        let count = |kind| diff.into_iter().filter(|entry| entry.kind() == kind).count();
        let DiffStat { added, removed, changed } = diff.stat();
        prop_assert_eq!(added, count(DiffKind::Added));
        prop_assert_eq!(removed, count(DiffKind::Removed));
        prop_assert_eq!(changed, count(DiffKind::Changed));
        prop_assert_eq!(diff.stat().total(), diff.entries().len());
    }

    #[test]
    fn an_entry_is_one_line_of_text((before, after) in documents()) {
        let diff = Diff::between(&before, &after);
        let text = diff.to_string();
        prop_assert_eq!(text.lines().count(), diff.entries().len());
        prop_assert!(text.lines().flat_map(str::chars).all(|part| !part.is_control()));
        prop_assert!(!diff.summary().contains(char::is_control));
    }

    #[test]
    fn a_copy_equals_its_original(document in document()) {
        prop_assert_eq!(deep::copy(&document), document);
    }

    #[test]
    fn one_pair_of_values_has_one_diff((before, after) in documents()) {
        let (one, other) = (Diff::between(&before, &after), Diff::between(&before, &after));
        prop_assert_eq!(one.to_json_patch(), other.to_json_patch());
    }
}
