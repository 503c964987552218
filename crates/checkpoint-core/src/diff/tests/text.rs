//! What people read.

use serde_json::{Value, json};

use super::super::Diff;
use super::super::preview::Preview;
use super::super::summary::DiffStat;

fn summary(before: Value, after: Value) -> String {
    Diff::between(&before, &after).summary()
}

#[test]
fn a_value_of_sixty_characters_is_shown_whole() {
    let text = "é".repeat(58);
    assert_eq!(Preview(&json!(text)).to_string(), format!("\"{text}\""));
}

#[test]
fn a_longer_value_is_cut_and_its_size_told() {
    let text = "é".repeat(59);
    let start = "é".repeat(59);
    assert_eq!(
        Preview(&json!(text)).to_string(),
        format!("\"{start}… (120 B)")
    );

    let list = json!(vec![0; 1000]);
    let start = "[".to_owned() + &"0,".repeat(29) + "0";
    assert_eq!(Preview(&list).to_string(), format!("{start}… (1.9 KiB)"));

    let large = json!("x".repeat(3 << 20));
    assert!(Preview(&large).to_string().ends_with("… (3.0 MiB)"));
}

#[test]
fn a_short_value_is_shown_as_compact_json() {
    let value = json!({"a": [1, {"b": []}, {}], "c\n\"": [null, true, -1.5e300]});
    assert_eq!(Preview(&value).to_string(), value.to_string());
}

#[test]
fn characters_that_move_the_cursor_are_escaped() {
    let (before, after) = (
        json!({}),
        json!({"a\nb\u{1b}[2J\u{202e}": "\u{9b}2J\u{2028}"}),
    );
    let shown = Diff::between(&before, &after).to_string();
    assert_eq!(shown, r#"+ /a\u000ab\u001b[2J\u202e: "\u009b2J\u2028""#);
}

#[test]
fn a_diff_of_nothing_displays_as_nothing() {
    let diff = Diff::between(&json!([1]), &json!([1]));
    assert_eq!(diff.to_string(), "");
    assert_eq!(diff.summary(), "no changes");
    assert_eq!(diff.stat(), DiffStat::default());
}

#[test]
fn the_summary_names_the_only_place() {
    assert_eq!(
        summary(json!({"a": {"b": 1}}), json!({"a": {"b": 2}})),
        "1 changed, at /a/b"
    );
    assert_eq!(
        summary(json!({"a": [1]}), json!({"a": [1, 2, 3]})),
        "2 added, all under /a"
    );
    assert_eq!(
        summary(json!(1), json!(2)),
        "1 changed, the document as a whole"
    );
}

#[test]
fn the_summary_names_the_fullest_places_first() {
    let before = json!({"messages": [1, 2], "env": {"a": 1, "b": 1}, "x": 1, "y": 1, "z": 1});
    let after = json!({"messages": [1, 2, 3, 4, 5], "env": {"a": 2, "b": 2}});
    assert_eq!(
        summary(before, after),
        "3 added, 3 removed, 2 changed; \
         most under /messages (3), /env (2), /x (1) and 2 elsewhere"
    );
}

#[test]
fn the_summary_counts_places_that_are_all_alike() {
    assert_eq!(
        summary(json!({}), json!({"a": 1, "b": 1})),
        "2 added; under /a (1), /b (1)"
    );
    let many = json!({"a": 1, "b": 1, "c": 1, "d": 1});
    assert_eq!(summary(json!({}), many), "4 added; in 4 places");
}

#[test]
fn the_summary_shortens_long_keys() {
    let key = "k".repeat(1000);
    let shown = format!("1 added, at /{}…", "k".repeat(39));
    assert_eq!(summary(json!({}), json!({ key: 1 })), shown);
}
