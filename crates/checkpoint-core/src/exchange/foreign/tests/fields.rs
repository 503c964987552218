//! Every field of each format: missing, null, and of every type that it is not.

use std::fs;

use serde_json::json;

use super::*;

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is brought.
    Taken,
    /// It is brought, and something was assumed.
    Assumed,
    /// It is refused, naming the field.
    Refused,
}
use Fate::{Assumed, Refused, Taken};

/// A field by its path, what becomes of an entry that lacks it or has null there, and the kinds of value that it may be.
type Row = (&'static str, Fate, Fate, &'static [&'static str]);

const TEMPORAL: &[Row] = &[
    ("/id", Refused, Refused, &["text"]),
    ("/timestamp", Refused, Refused, &[]),
    ("/sequence_number", Refused, Refused, &["whole"]),
    ("/message", Assumed, Assumed, &["text"]),
    ("/tags", Taken, Taken, &["array"]),
    ("/state", Refused, Refused, &["object"]),
    ("/state/env_vars", Taken, Taken, ANY),
    ("/state/hypothesis_state", Taken, Taken, ANY),
    ("/state/metrics", Taken, Taken, ANY),
    ("/trigger", Assumed, Assumed, &["text"]),
    ("/session_id", Refused, Refused, &["text"]),
    ("/checksum", Taken, Taken, ANY),
];

const DISPATCHER: &[Row] = &[
    ("/version", Refused, Refused, &[]),
    ("/feature_id", Refused, Refused, &["text"]),
    ("/timestamp", Refused, Refused, &[]),
    ("/completed", Taken, Taken, &["array"]),
    ("/failed", Taken, Taken, &["array"]),
    ("/graph", Taken, Taken, &["object"]),
    ("/graph/nodes", Taken, Taken, &["array"]),
    ("/graph/nodes/0/id", Refused, Refused, &["text"]),
    ("/graph/nodes/0/depends_on", Taken, Taken, &["array"]),
    ("/graph/nodes/0/indegree", Taken, Taken, &["whole"]),
    ("/graph/nodes/0/completed", Taken, Taken, &["flag"]),
    ("/graph/edges", Taken, Taken, &["object"]),
    ("/graph/edges/T1", Taken, Taken, &["array"]),
    ("/circuit_breaker", Taken, Taken, &["object"]),
    ("/circuit_breaker/state", Taken, Taken, &["whole"]),
    ("/circuit_breaker/failure_count", Taken, Taken, &["whole"]),
    ("/circuit_breaker/success_count", Taken, Taken, &["whole"]),
    (
        "/circuit_breaker/consecutive_opens",
        Taken,
        Taken,
        &["whole"],
    ),
    ("/circuit_breaker/last_failure_time", Taken, Taken, &[]),
    ("/circuit_breaker/last_state_change", Taken, Taken, ANY),
];

const ORCHESTRATOR: &[Row] = &[
    ("/checkpoint_id", Refused, Refused, &["text"]),
    ("/task_id", Refused, Refused, &["text"]),
    ("/task_title", Assumed, Assumed, &["text"]),
    ("/state", Refused, Refused, &[]),
    ("/step_number", Assumed, Assumed, &["whole"]),
    ("/total_steps", Taken, Taken, &["whole"]),
    ("/step_description", Assumed, Assumed, &["text"]),
    ("/data", Assumed, Assumed, &["object"]),
    ("/metadata", Assumed, Assumed, &["object"]),
    ("/created_at", Refused, Refused, &[]),
    ("/updated_at", Assumed, Assumed, &[]),
    ("/worker_id", Taken, Taken, &["text"]),
    ("/parent_checkpoint_id", Taken, Taken, &["text"]),
];

const ANY: &[&str] = &[
    "text", "whole", "negative", "fraction", "flag", "array", "object",
];

fn values() -> Vec<(&'static str, Value)> {
    vec![
        ("text", json!("text")),
        ("whole", json!(1)),
        ("negative", json!(-1)),
        ("fraction", json!(1.5)),
        ("flag", json!(true)),
        ("array", json!([])),
        ("object", json!({})),
    ]
}

/// What becomes of an entry, which is brought before and after it is changed.
fn fate(entry: &Value, format: ImportFormat, path: &str) -> Fate {
    let file = if format == ImportFormat::Temporal {
        json!({"checkpoints": [entry]})
    } else {
        entry.clone()
    };
    let (_place, foreign) = open_value(&file, format);
    let report = foreign.report();
    assert_eq!(report.checkpoints + report.wrong, 1);
    assert_eq!(
        all(&foreign).len() as u64,
        report.checkpoints,
        "also when it is read again"
    );
    if report.wrong == 1 {
        let reason = refusals(report).remove(0);
        let field = path
            .rsplit('/')
            .find(|part| part.parse::<u8>().is_err())
            .unwrap();
        // An edge has no name of its own.
        let field = if field == "T1" { "edges" } else { field };
        assert!(reason.contains(field), "{path}: {reason}");
        assert!(
            reason.contains("line: ") && reason.contains("column: "),
            "{path}: {reason}"
        );
        return Refused;
    }
    if count(report, Remark::FieldAssumed) > 0 {
        Assumed
    } else {
        Taken
    }
}

fn try_all(base: &Value, format: ImportFormat, rows: &[Row]) {
    assert_eq!(fate(base, format, ""), Taken, "unchanged");
    for (path, missing, null, kinds) in rows {
        let (parent, key) = path.rsplit_once('/').unwrap();
        let mut changed = base.clone();
        let object = changed
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        assert!(object.remove(key).is_some(), "{path} is in the sample");
        assert_eq!(fate(&changed, format, path), *missing, "{path} missing");
        let with = |value: Value| {
            let mut changed = base.clone();
            *changed.pointer_mut(path).unwrap() = value;
            fate(&changed, format, path)
        };
        assert_eq!(with(Value::Null), *null, "{path} null");
        for (kind, value) in values() {
            let expected = if kinds.contains(&kind) {
                Taken
            } else {
                Refused
            };
            assert_eq!(with(value), expected, "{path} as {kind}");
        }
    }
}

#[test]
fn a_temporal_checkpoint_with_each_field_wrong() {
    let text = fs::read(sample("temporal.json")).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    try_all(&file["checkpoints"][0], ImportFormat::Temporal, TEMPORAL);
}

#[test]
fn a_dispatchers_file_with_each_field_wrong() {
    let text = fs::read(sample("features/F052-checkpoint.json")).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    try_all(&file, ImportFormat::Dispatcher, DISPATCHER);
}

#[test]
fn a_checkpoint_of_a_task_with_each_field_wrong() {
    let name = "tasks/active/checkpoint_cp_task_1_2_1700000060.json";
    let file: Value = serde_json::from_slice(&fs::read(sample(name)).unwrap()).unwrap();
    try_all(&file, ImportFormat::Orchestrator, ORCHESTRATOR);
}

#[test]
fn elements_of_lists_are_looked_at_too() {
    let text = fs::read(sample("temporal.json")).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    let mut entry = file["checkpoints"][0].clone();
    for bad in [
        json!([1]),
        json!(["a", null]),
        json!([""]),
        json!(["a\u{0}"]),
        json!(["x".repeat(300)]),
    ] {
        entry["tags"] = bad.clone();
        assert_eq!(
            fate(&entry, ImportFormat::Temporal, "/tags"),
            Refused,
            "{bad}"
        );
    }
    let many: Vec<_> = (0..65).map(|n| json!(n.to_string())).collect();
    entry["tags"] = json!(many);
    let (_place, foreign) = open_value(&json!({"checkpoints": [entry]}), ImportFormat::Temporal);
    assert!(refusals(foreign.report())[0].contains("at most 64"));
    entry["tags"] = json!(["b", "a", "b"]);
    let (_place, foreign) = open_value(&json!({"checkpoints": [entry]}), ImportFormat::Temporal);
    let tags: Vec<_> = all(&foreign)[0]
        .header
        .tags
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(tags, ["a", "b"]);
    assert_eq!(count(foreign.report(), Remark::TagTwice), 1);

    let text = fs::read(sample("features/F052-checkpoint.json")).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    for (path, bad) in [
        ("/completed", json!([1])),
        ("/failed", json!([null])),
        ("/graph/nodes", json!([1])),
        ("/graph/edges", json!({"a": [1]})),
        ("/circuit_breaker/state", json!(3)),
    ] {
        let mut changed = file.clone();
        *changed.pointer_mut(path).unwrap() = bad;
        assert_eq!(fate(&changed, ImportFormat::Dispatcher, path), Refused);
    }
}

#[test]
fn every_status_is_known_by_name_and_no_other() {
    let name = "tasks/active/checkpoint_cp_task_1_2_1700000060.json";
    let mut file: Value = serde_json::from_slice(&fs::read(sample(name)).unwrap()).unwrap();
    for status in crate::Status::ALL {
        file["state"] = json!(status.name());
        let (_place, foreign) = open_value(&file, ImportFormat::Orchestrator);
        assert_eq!(all(&foreign)[0].header.status, *status);
    }
    for bad in ["Active", "done", "", "active "] {
        file["state"] = json!(bad);
        let (_place, foreign) = open_value(&file, ImportFormat::Orchestrator);
        let reason = refusals(foreign.report()).remove(0);
        assert!(reason.contains("known are created active"), "{reason}");
    }
}
