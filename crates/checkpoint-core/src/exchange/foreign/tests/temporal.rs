//! Exports of temporal checkpoints.

use serde_json::json;

use super::*;
use crate::clock::Timestamp;
use crate::status::{Status, Trigger};

const FORMAT: ImportFormat = ImportFormat::Temporal;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A checkpoint with nothing unusual.
fn entry(n: u64) -> Value {
    json!({
        "id": format!("cp-{n}"), "timestamp": format!("2025-01-01T00:00:{:02}Z", n % 60), "sequence_number": n,
        "message": "m", "tags": [], "state": {"n": n}, "trigger": "Manual", "session_id": "s", "checksum": "",
    })
}

fn export(entries: &[Value]) -> Value {
    json!({"checkpoints": entries, "global_sequence": entries.len(), "exported_at": "2025-01-02T00:00:00Z"})
}

#[test]
fn an_export_of_everything_arrives_whole() {
    let foreign = open_path(&sample("temporal.json"), FORMAT).unwrap();
    let came = all(&foreign);
    let sequences: Vec<_> = came.iter().map(|it| it.header.sequence).collect();
    assert_eq!(sequences, [1, 2, 4]);
    assert_eq!(now(foreign.newest()).unwrap(), 7, "what the export says");
    let [first, second, third] = &came[..] else {
        panic!("three");
    };
    assert_eq!(
        first.header.id.to_string(),
        "018f3c5e-0000-7000-8000-000000000001"
    );
    assert_eq!(
        first.header.session.to_string(),
        "2b1f8a44-93c1-4c39-8d0f-6f6e5e2f5a10"
    );
    let time = at("2025-03-01T09:00:00.123456Z");
    let Header {
        created_at,
        committed_at,
        updated_at,
        ..
    } = first.header;
    assert_eq!((created_at, committed_at, updated_at), (time, time, time));
    assert_eq!(
        (first.header.revision, first.header.status),
        (1, Status::Created)
    );
    let tags: Vec<_> = first.header.tags.iter().map(|it| it.as_str()).collect();
    assert_eq!(tags, ["begin", "plan"]);
    assert_eq!(first.description.message, "start");
    assert_eq!(
        (first.header.trigger, first.header.parent.clone()),
        (Trigger::Manual, None)
    );
    assert_eq!(
        (second.header.trigger, second.header.created_at),
        (Trigger::BranchSwitch, at("2025-03-01T09:05:00Z"))
    );
    assert_eq!(second.header.parent.as_ref(), Some(&first.header.id));
    assert_eq!(
        (third.header.trigger, third.header.created_at),
        (Trigger::Scheduled, at("2025-03-01T09:06:00.5Z"))
    );
    assert_eq!(third.header.parent, None, "the first of its session");
    let made: Vec<_> = sessions(&foreign)
        .iter()
        .map(|it| (it.id.to_string(), it.created_at))
        .collect();
    assert_eq!(made[0], (first.header.session.to_string(), time));
    assert_eq!(
        made[1],
        (third.header.session.to_string(), third.header.created_at)
    );
}

#[test]
fn a_state_is_kept_but_for_its_environment() {
    let came = all(&open_path(&sample("temporal.json"), FORMAT).unwrap());
    let text = String::from_utf8(came[0].state.clone()).unwrap();
    assert!(
        !text.contains("hunter2") && !text.contains("/home/agent"),
        "{text}"
    );
    assert!(
        text.contains(r#""env_vars":{"HOME":"***","API_TOKEN":"***"},"#),
        "{text}"
    );
    assert!(
        text.contains(r#""confidence":0.1234567890123456789"#),
        "digits are kept: {text}"
    );
    assert!(
        text.starts_with(r#"{"session_id":"2b1f8a44"#),
        "and the order of keys: {text}"
    );
    let report = open_path(&sample("temporal.json"), FORMAT)
        .unwrap()
        .report()
        .clone();
    assert_eq!(
        count(&report, Remark::EnvironmentMasked),
        2,
        "an empty one has nothing to mask"
    );

    let how = ForeignOptions {
        keep_environment: true,
        ..ForeignOptions::default()
    };
    let foreign = open(&sample("temporal.json"), FORMAT, &how, &Limits::default()).unwrap();
    assert_eq!(all(&foreign)[0].value()["env_vars"]["API_TOKEN"], "hunter2");
    assert_eq!(count(foreign.report(), Remark::EnvironmentMasked), 0);
}

#[test]
fn an_environment_is_masked_however_it_is_written() {
    for (environment, masked) in [
        (
            r#"{"A":"secret","B":{"C":"secret"},"A":["secret"]}"#,
            r#"{"A":"***","B":"***","A":"***"}"#,
        ),
        (r#""A=secret""#, r#""***""#),
        (r#"["A=secret"]"#, r#""***""#),
        ("null", "null"),
        ("{}", "{}"),
    ] {
        for key in ["env_vars", r"env\u005fvars"] {
            let state = format!(r#"{{"{key}":{environment}, "{key}":{environment}}}"#);
            let mut text = export(&[entry(1)]).to_string();
            text = text.replace(r#"{"n":1}"#, &state);
            let (_place, foreign) = open_bytes(text.as_bytes(), FORMAT).unwrap();
            let state = String::from_utf8(all(&foreign)[0].state.clone()).unwrap();
            assert_eq!(
                state,
                format!(r#"{{"env_vars":{masked},"env_vars":{masked}}}"#)
            );
        }
    }
}

#[test]
fn checksums_are_kept_and_told_and_never_a_reason_to_refuse() {
    let foreign = open_path(&sample("temporal.json"), FORMAT).unwrap();
    let report = foreign.report();
    assert_eq!(count(report, Remark::ChecksumUnverifiable), 1);
    assert_eq!(count(report, Remark::ChecksumEmpty), 2);
    let came = all(&foreign);
    assert!(
        came[0]
            .imported("checksum")
            .as_str()
            .unwrap()
            .starts_with("5f1d7a84")
    );
    assert_eq!(
        came[1].description.metadata["imported"],
        json!({"format": "temporal"})
    );
    for odd in [
        json!(7),
        json!([1]),
        json!({"a": 1}),
        json!(true),
        json!("x".repeat(5_000)),
    ] {
        let mut one = entry(1);
        one["checksum"] = odd.clone();
        let (_place, foreign) = open_value(&export(&[one]), FORMAT);
        assert_eq!(
            count(foreign.report(), Remark::ChecksumUnverifiable),
            1,
            "{odd}"
        );
        assert_eq!(all(&foreign)[0].imported("checksum"), &Value::Null);
    }
}

#[test]
fn the_export_of_one_session_may_tell_its_session_last() {
    let foreign = open_path(&sample("session.json"), FORMAT).unwrap();
    let came = all(&foreign);
    let ids: Vec<_> = came
        .iter()
        .map(|it| it.header.session.to_string())
        .collect();
    assert_eq!(ids, ["2b1f8a44-93c1-4c39-8d0f-6f6e5e2f5a10"; 2]);
    assert_eq!(
        (came[0].description.message.as_str(), came[0].header.trigger),
        ("first", Trigger::ToolCall)
    );
    assert_eq!(
        (came[1].header.trigger, came[1].description.reason.as_str()),
        (Trigger::Custom, "the moon is full")
    );
    assert_eq!(count(foreign.report(), Remark::OutOfOrder), 1);
    assert_eq!(now(foreign.newest()).unwrap(), 2);
}

#[test]
fn a_checkpoint_of_another_session_does_not_slip_into_an_export_of_one() {
    let mut other = entry(2);
    other["session_id"] = json!("t");
    let file = json!({"version": "1.0", "session_id": "s", "checkpoints": [entry(1), other]});
    let (_place, foreign) = open_value(&file, FORMAT);
    assert_eq!(all(&foreign).len(), 1);
    let reasons = refusals(foreign.report());
    assert!(
        reasons[0].contains("another session") && reasons[0].contains("checkpoints[1]"),
        "{reasons:?}"
    );
}

#[test]
fn another_version_is_refused_naming_both() {
    let file = json!({"version": "2.0", "session_id": "s", "checkpoints": []});
    let error = open_bytes(file.to_string().as_bytes(), FORMAT).unwrap_err();
    assert!(matches!(error.kind(), crate::ErrorKind::Unsupported));
    let text = error.to_string();
    assert!(text.contains("2.0") && text.contains("1.0"), "{text}");
}

#[test]
fn every_reason_of_an_automatic_checkpoint_is_known() {
    let names = [
        ("HypothesisStatusChange", Trigger::HypothesisStatusChange),
        (
            "NewContradictionDetected",
            Trigger::NewContradictionDetected,
        ),
        ("VerificationComplete", Trigger::VerificationComplete),
        ("BranchSwitch", Trigger::BranchSwitch),
        ("GapFilled", Trigger::GapFilled),
        ("CodeModified", Trigger::CodeModified),
        ("SignificantTimePassed", Trigger::SignificantTimePassed),
        (
            "ContextCompactionWarning",
            Trigger::ContextCompactionWarning,
        ),
        ("Error", Trigger::Error),
        ("ToolCall", Trigger::ToolCall),
        ("tool_call", Trigger::ToolCall),
    ];
    for (name, trigger) in names {
        let came = triggered(json!({"Automatic": name}));
        assert_eq!(
            (came.header.trigger, came.description.reason.as_str()),
            (trigger, ""),
            "{name}"
        );
    }
    for (written, reason) in [
        (json!({"Automatic": "Manual"}), "Manual"),
        (json!({"Automatic": "Custom"}), "Custom"),
        (json!({"Automatic": "Überraschung"}), "Überraschung"),
        (json!({"Automatic": {"Custom": "mine"}}), "mine"),
        (json!({"Automatic": {"Odd": 3}}), "Odd"),
        (json!("Whenever"), "Whenever"),
        (json!({"Whenever": 1}), "Whenever"),
    ] {
        let came = triggered(written.clone());
        assert_eq!(
            (came.header.trigger, came.description.reason.as_str()),
            (Trigger::Custom, reason),
            "{written}"
        );
    }
}

fn triggered(trigger: Value) -> Came {
    let mut one = entry(1);
    one["trigger"] = trigger;
    let (_place, foreign) = open_value(&export(&[one]), FORMAT);
    all(&foreign).remove(0)
}

#[test]
fn sequences_that_repeat_or_are_zero_are_given_anew_in_order() {
    let numbers = [3, 0, 3, 4, 9, 0, 3];
    let entries: Vec<_> = numbers
        .iter()
        .enumerate()
        .map(|(n, number)| {
            let mut one = entry(n as u64);
            one["sequence_number"] = json!(number);
            one
        })
        .collect();
    let (_place, foreign) = open_value(&export(&entries), FORMAT);
    let came = all(&foreign);
    let order: Vec<_> = came
        .iter()
        .map(|it| {
            (
                it.header.id.to_string(),
                it.header.sequence,
                it.imported("sequence_number").as_u64(),
            )
        })
        .collect();
    let expected = [
        ("cp-1", 1, Some(0)),
        ("cp-5", 2, Some(0)),
        ("cp-0", 3, None),
        ("cp-2", 4, Some(3)),
        ("cp-6", 5, Some(3)),
        ("cp-3", 6, Some(4)),
        ("cp-4", 9, None),
    ];
    assert_eq!(
        order,
        expected.map(|(id, new, old)| (id.to_owned(), new, old))
    );
    assert_eq!(count(foreign.report(), Remark::Renumbered), 5);
    assert_eq!(count(foreign.report(), Remark::OutOfOrder), 2);
}

#[test]
fn huge_sequences_are_refused_and_raise_no_counter() {
    let mut entries = [entry(1), entry(2), entry(3), entry(4)];
    entries[1]["sequence_number"] = json!(u64::MAX);
    entries[2]["sequence_number"] = json!(1_u64 << 62);
    entries[3]["sequence_number"] = json!(1_u64 << 62);
    let mut file = export(&entries);
    file["global_sequence"] = json!(u64::MAX);
    let (_place, foreign) = open_value(&file, FORMAT);
    assert_eq!(all(&foreign).len(), 2);
    assert_eq!(now(foreign.newest()).unwrap(), 1 << 62);
    let reasons = refusals(foreign.report()).join("\n");
    assert_eq!(foreign.report().wrong, 3, "{reasons}");
    assert!(
        reasons.contains("global_sequence") && reasons.contains("no sequence up to"),
        "{reasons}"
    );
}

#[test]
fn what_is_said_about_the_whole_is_judged() {
    let with = |key: &str, value: Value| {
        let mut file = export(&[entry(5)]);
        file[key] = value;
        open_value(&file, FORMAT)
    };
    let (_place, foreign) = with("exported_at", json!(3));
    assert_eq!(count(foreign.report(), Remark::OutlineIgnored), 1);
    let (_place, foreign) = with("invented", json!({"a": 1}));
    assert_eq!(count(foreign.report(), Remark::OutlineIgnored), 1);
    let (_place, foreign) = with("global_sequence", Value::Null);
    assert_eq!(now(foreign.newest()).unwrap(), 5);
    let (_place, foreign) = with("global_sequence", json!(2));
    assert_eq!(
        (
            count(foreign.report(), Remark::Disagreement),
            now(foreign.newest()).unwrap()
        ),
        (1, 5)
    );
    let (_place, foreign) = with("global_sequence", json!("2"));
    assert_eq!(foreign.report().wrong, 1);
    let (_place, foreign) = with("checkpoints", Value::Null);
    assert_eq!(
        (
            foreign.report().checkpoints,
            count(foreign.report(), Remark::FieldAssumed)
        ),
        (0, 1)
    );
    for bad in [json!({}), json!(1), json!("[]")] {
        let mut file = export(&[]);
        file["checkpoints"] = bad;
        let error = open_bytes(file.to_string().as_bytes(), FORMAT)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("must be an array") && error.contains("column"),
            "{error}"
        );
    }
    for key in ["session_id", "version"] {
        let mut file = export(&[]);
        file[key] = json!(3);
        let error = open_bytes(file.to_string().as_bytes(), FORMAT)
            .unwrap_err()
            .to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn a_zone_can_be_stated() {
    let how = ForeignOptions {
        zone: chrono::FixedOffset::east_opt(3_600).unwrap(),
        ..ForeignOptions::default()
    };
    let foreign = open(&sample("temporal.json"), FORMAT, &how, &Limits::default()).unwrap();
    assert_eq!(
        all(&foreign)[2].header.created_at,
        at("2025-03-01T08:06:00.5Z")
    );
}

#[test]
fn many_pages_follow_each_other() {
    let entries: Vec<_> = (1..=700).map(entry).collect();
    let (_place, foreign) = open_value(&export(&entries), FORMAT);
    let came = all(&foreign);
    assert_eq!(came.len(), 700);
    assert!(
        came.windows(2)
            .all(|pair| pair[1].header.parent.as_ref() == Some(&pair[0].header.id))
    );
    let page = now(foreign.arrivals(0)).unwrap();
    assert!(page.items.len() < 700 && page.next.is_some());
    assert!(now(foreign.arrivals(700)).unwrap().items.is_empty());
    assert!(now(foreign.arrivals(u64::MAX)).unwrap().items.is_empty());
}
