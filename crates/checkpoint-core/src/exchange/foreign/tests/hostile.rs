//! Files made to do harm.

use std::fs;

use serde_json::json;

use super::*;

const FORMATS: [(ImportFormat, &str); 4] = [
    (ImportFormat::Temporal, "temporal.json"),
    (ImportFormat::Temporal, "session.json"),
    (ImportFormat::Dispatcher, "features/F052-checkpoint.json"),
    (ImportFormat::Orchestrator, "tasks.json"),
];

fn text_of(name: &str) -> String {
    fs::read_to_string(sample(name)).unwrap()
}

/// A file of one temporal checkpoint in which a mark is replaced by a text.
fn temporal(state: &str) -> String {
    let entry = r#"{"id":"a","timestamp":"2025-01-01T00:00:00Z","sequence_number":1,"message":"m","tags":[],
        "state":STATE,"trigger":"Manual","session_id":"s","checksum":""}"#;
    format!("{{\"checkpoints\":[{}]}}", entry.replace("STATE", state))
}

fn task(data: &str, metadata: &str) -> String {
    format!(
        r#"{{"checkpoint_id":"a","task_id":"t","task_title":"","state":"active","step_number":1,"total_steps":null,
        "step_description":"","data":{data},"metadata":{metadata},"created_at":"2025-01-01T00:00:00Z",
        "updated_at":"2025-01-01T00:00:00Z","worker_id":null,"parent_checkpoint_id":null}}"#
    )
}

#[test]
fn a_file_cut_at_any_byte_is_refused_and_says_where() {
    for (format, name) in FORMATS {
        let whole = text_of(name);
        let whole = whole.trim_end().as_bytes();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            recognise(&path).unwrap();
            let text = match open_path(&path, format) {
                Err(error) => error.to_string(),
                Ok(foreign) => {
                    assert!(format == ImportFormat::Dispatcher, "{name} at {length}");
                    assert_eq!(all(&foreign).len(), 0);
                    refusals(foreign.report()).join("")
                }
            };
            assert!(
                text.contains("line: ") && text.contains("column: "),
                "{name} at {length}: {text}"
            );
        }
    }
}

#[test]
fn a_file_with_a_byte_changed_does_no_harm() {
    for (format, name) in FORMATS {
        let whole = text_of(name).into_bytes();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        for at in (0..whole.len()).step_by(2) {
            let mut changed = whole.clone();
            changed[at] = b"\"}{[]:,\\0\x00\xff "[at / 2 % 12];
            fs::write(&path, &changed).unwrap();
            recognise(&path).unwrap();
            if let Ok(foreign) = open_path(&path, format) {
                all(&foreign);
            }
        }
    }
}

#[test]
fn ten_thousand_levels_are_refused_where_they_are_and_hide_nothing() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let deep = format!("{{\"a\":{deep}}}");
        let text = temporal(&deep);
        let good = temporal("{}").replace("\"id\":\"a\"", "\"id\":\"b\"");
        let good = good.trim_start_matches("{\"checkpoints\":[");
        let text = format!("{},{good}", text.strip_suffix("]}").unwrap());
        let (_place, foreign) = open_bytes(text.as_bytes(), ImportFormat::Temporal).unwrap();
        assert_eq!(all(&foreign).len(), 1);
        let reason = refusals(foreign.report()).remove(0);
        assert!(
            reason.contains("state") && reason.contains("deeper"),
            "{reason}"
        );

        let (_place, foreign) =
            open_bytes(task("{}", &deep).as_bytes(), ImportFormat::Orchestrator).unwrap();
        assert!(refusals(foreign.report())[0].contains("deeper"));
        for format in [
            ImportFormat::Temporal,
            ImportFormat::Dispatcher,
            ImportFormat::Orchestrator,
        ] {
            // Nothing but brackets.
            if let Ok((_place, foreign)) = open_bytes(open.repeat(10_000).as_bytes(), format) {
                assert_eq!(all(&foreign).len(), 0);
            }
            assert_eq!(recognised(open.repeat(10_000).as_bytes()), None);
        }
    }
}

#[test]
fn a_state_as_deep_as_the_limit_can_be_read_back_and_no_deeper_one_is_taken() {
    let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let taken = |levels, depth| {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        fs::write(&path, temporal(&nested(levels))).unwrap();
        let limits = Limits {
            depth,
            ..Limits::default()
        };
        let foreign = open(
            &path,
            ImportFormat::Temporal,
            &ForeignOptions::default(),
            &limits,
        )
        .unwrap();
        let came = all(&foreign);
        came.iter().for_each(|it| drop(it.value()));
        came.len() == 1
    };
    assert!(taken(127, 127) && !taken(128, 127));
    assert!(
        !taken(128, 10_000),
        "no more can be read back, whatever the limit"
    );
    assert!(taken(5, 5) && !taken(6, 5));
}

/// A checkpoint whose ids are all this one.
fn named(id: &str) -> (TempDir, Foreign) {
    let mut file: Value = serde_json::from_str(&task("{}", "{}")).unwrap();
    file["checkpoint_id"] = json!(id);
    file["task_id"] = json!(id);
    file["worker_id"] = json!(id);
    open_value(&file, ImportFormat::Orchestrator)
}

#[test]
fn odd_ids_are_kept_where_they_are_legal() {
    for kept in [
        "../../etc/passwd",
        "a/b\\c",
        "%s'; DROP",
        "F052",
        "ключ",
        " ",
        "\u{feff}",
        &"y".repeat(256),
    ] {
        let (_place, foreign) = named(kept);
        let came = all(&foreign).remove(0);
        assert_eq!(
            (came.header.id.to_string(), came.header.session.to_string()),
            (kept.to_owned(), kept.to_owned())
        );
        assert_eq!(count(foreign.report(), Remark::IdMadeLegal), 0);
        assert_eq!(came.imported("checkpoint_id"), &Value::Null);
    }
}

#[test]
fn ids_are_made_legal_or_refused() {
    let long = "x".repeat(10 << 10);
    let wide = "ü".repeat(5_000);
    let mut made = std::collections::BTreeSet::new();
    for bad in [
        "a\0b",
        "a_b\n",
        "\u{1b}[2J",
        "\u{85}",
        &long,
        &wide,
        &format!("{long}y"),
        &"z".repeat(257),
    ] {
        let (_place, foreign) = named(bad);
        let came = all(&foreign).remove(0);
        let id = came.header.id.to_string();
        assert!(id.len() <= 256 && !id.contains(char::is_control), "{id:?}");
        assert_eq!(came.header.session.to_string(), id);
        assert_eq!(came.header.worker.as_ref().unwrap().as_str(), id);
        assert!(made.insert(id), "different ids stay different");
        for name in ["checkpoint_id", "task_id", "worker_id"] {
            assert_eq!(came.imported(name), bad, "as it was written");
        }
        assert_eq!(count(foreign.report(), Remark::IdMadeLegal), 3);
        let told = foreign.report().remarks.values();
        let mut told = told.flat_map(|it| &it.examples);
        assert!(told.all(|it| !it.contains(char::is_control) && it.len() < 1_000));
    }
    let (_place, foreign) = named("");
    let reason = refusals(foreign.report()).remove(0);
    assert!(
        reason.contains("empty") && reason.contains("checkpoint_id"),
        "{reason}"
    );
}

#[test]
fn a_duplicate_is_refused_however_often_it_comes() {
    let one = temporal("{\"n\":1}");
    let one = one
        .trim_start_matches("{\"checkpoints\":[")
        .trim_end_matches("]}");
    let text = format!("{{\"checkpoints\":[{}]}}", vec![one; 3_000].join(","));
    let (_place, foreign) = open_bytes(text.as_bytes(), ImportFormat::Temporal).unwrap();
    let report = foreign.report();
    assert_eq!(
        (report.checkpoints, report.wrong, report.faults.len()),
        (1, 2_999, 1_000)
    );
    let reason = refusals(report).remove(0);
    assert!(
        reason.contains("twice") && reason.contains("checkpoints[1]"),
        "{reason}"
    );
}

#[test]
fn huge_numbers_are_refused_or_kept_digit_by_digit() {
    let digits = "9".repeat(1_000_000);
    for state in [
        format!("{{\"a\":{digits}}}"),
        format!("{{\"a\":1e{digits}}}"),
        "{\"a\":1e999}".to_owned(),
    ] {
        let (_place, foreign) =
            open_bytes(temporal(&state).as_bytes(), ImportFormat::Temporal).unwrap();
        let reason = refusals(foreign.report()).remove(0);
        assert!(
            reason.contains("number out of range"),
            "{}",
            &reason[..200.min(reason.len())]
        );
        assert!(reason.len() < 1_000);
    }
    for kept in [
        "12345678901234567890123456789",
        "0.1000000000000000055511151231257827",
        "1e400000000e",
    ] {
        let state = format!(
            "{{\"a\":{}}}",
            kept.trim_end_matches('e').replace("1e400000000", "1e300")
        );
        let (_place, foreign) =
            open_bytes(temporal(&state).as_bytes(), ImportFormat::Temporal).unwrap();
        assert_eq!(
            String::from_utf8(all(&foreign).remove(0).state).unwrap(),
            state
        );
    }
    // In the metadata they become data, so none may be rounded.
    for (number, taken) in [
        ("18446744073709551615", true),
        ("-9223372036854775808", true),
        ("18446744073709551616", false),
        ("-9223372036854775809", false),
        (digits.as_str(), false),
    ] {
        let text = task("{}", &format!("{{\"e\":true,\"1e\":{number}}}"));
        let (_place, foreign) = open_bytes(text.as_bytes(), ImportFormat::Orchestrator).unwrap();
        assert_eq!(all(&foreign).len() == 1, taken, "{}", &number[..20]);
        for reason in refusals(foreign.report()) {
            assert!(
                reason.contains("metadata") && reason.len() < 1_000,
                "{}",
                &reason[..200]
            );
        }
    }
    let sequence = temporal("{}").replace(
        "\"sequence_number\":1",
        &format!("\"sequence_number\":{digits}"),
    );
    let (_place, foreign) = open_bytes(sequence.as_bytes(), ImportFormat::Temporal).unwrap();
    let reason = refusals(foreign.report()).remove(0);
    assert!(reason.contains("must be a whole number") && reason.len() < 1_000);
}

#[test]
fn keys_that_are_there_twice_are_refused_where_one_would_be_lost() {
    let text = temporal("{}").replace("\"message\":\"m\"", "\"message\":\"m\",\"message\":\"n\"");
    let (_place, foreign) = open_bytes(text.as_bytes(), ImportFormat::Temporal).unwrap();
    assert!(refusals(foreign.report())[0].contains("there twice"));
    let text = temporal("{}")
        .replace('}', "")
        .replace("{\"checkpoints\"", "{\"checkpoints\":[],\"checkpoints\"");
    let error = open_bytes(text.as_bytes(), ImportFormat::Temporal).unwrap_err();
    assert!(matches!(error.kind(), crate::ErrorKind::Invalid));
    let (_place, foreign) = open_bytes(
        task("{}", "{\"a\":{\"b\":1,\"b\":2}}").as_bytes(),
        ImportFormat::Orchestrator,
    )
    .unwrap();
    assert!(refusals(foreign.report())[0].contains("there twice"));
    // A state is kept as it is written.
    let (_place, foreign) = open_bytes(
        task("{\"b\":1, \"b\":2}", "{}").as_bytes(),
        ImportFormat::Orchestrator,
    )
    .unwrap();
    assert_eq!(all(&foreign)[0].state, br#"{"b":1,"b":2}"#);
}

#[test]
fn marks_and_line_ends_of_other_systems_are_understood() {
    for (format, name) in FORMATS {
        let text = text_of(name);
        let (_place, foreign) = open_bytes(text.as_bytes(), format).unwrap();
        let plain: Vec<_> = all(&foreign)
            .into_iter()
            .map(|it| (it.header, it.state))
            .collect();
        let odd = format!("\u{feff}{}\r\n\r\n", text.replace('\n', "\r\n"));
        assert_eq!(recognised(odd.as_bytes()), Some(format));
        let (_place, foreign) = open_bytes(odd.as_bytes(), format).unwrap();
        let came: Vec<_> = all(&foreign)
            .into_iter()
            .map(|it| (it.header, it.state))
            .collect();
        assert_eq!(came, plain, "{name}");
    }
}

#[test]
fn text_that_is_none_is_refused() {
    for bad in [
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\x""#,
        "\"\u{1}\"",
        r#""\u12"#,
        "nul",
        "+1",
        "01",
        "1.",
        "'a'",
    ] {
        let (_place, foreign) = open_bytes(
            temporal(&format!("{{\"a\":{bad}}}")).as_bytes(),
            ImportFormat::Temporal,
        )
        .unwrap_or_else(|_| open_bytes(b"{\"checkpoints\":[1]}", ImportFormat::Temporal).unwrap());
        assert_eq!(all(&foreign).len(), 0, "{bad}");
        assert_eq!(foreign.report().wrong, 1, "{bad}");
    }
    let mut bytes = temporal("{\"a\":\"X\"}").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'X').unwrap();
    bytes[at] = 0xff;
    let (_place, foreign) = open_bytes(&bytes, ImportFormat::Temporal).unwrap();
    let reason = refusals(foreign.report()).remove(0);
    assert!(
        reason.contains("not UTF-8") && reason.contains("line: 2"),
        "{reason}"
    );
}

#[test]
fn what_is_larger_than_the_limits_is_refused_before_it_is_read() {
    let limits = Limits {
        state: 1_000,
        message: 100,
        metadata: 500,
        meta: 2_000,
        ..Limits::default()
    };
    let taken = |text: &str, format| {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        fs::write(&path, text).unwrap();
        let foreign = open(&path, format, &ForeignOptions::default(), &limits).unwrap();
        let reasons = refusals(foreign.report()).join("");
        assert!(
            reasons.is_empty() || reasons.contains("too large"),
            "{reasons}"
        );
        all(&foreign).len() == 1
    };
    let state = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    let temporal_takes = |text: &str| taken(text, ImportFormat::Temporal);
    assert!(temporal_takes(&temporal(&state(1_000))));
    assert!(!temporal_takes(&temporal(&state(1_001))));
    assert!(
        temporal_takes(&temporal(
            &state(1_000).replace(':', &format!(":{}", " ".repeat(2_000)))
        )),
        "white space"
    );
    assert!(
        !temporal_takes(&temporal(&state(1 << 20))),
        "too large to look at"
    );
    let message = |n| temporal("{}").replace("\"m\"", &format!("\"{}\"", "x".repeat(n)));
    assert!(temporal_takes(&message(100)) && !temporal_takes(&message(101)));
    let metadata = |n: usize| task("{}", &format!("{{\"a\":\"{}\"}}", "x".repeat(n)));
    assert!(taken(&metadata(300), ImportFormat::Orchestrator));
    assert!(!taken(&metadata(500), ImportFormat::Orchestrator));
}

#[test]
fn times_out_of_range_are_refused_and_odd_ones_understood() {
    let with = |time: &str| {
        let text = temporal("{}").replace("2025-01-01T00:00:00Z", time);
        let (_place, foreign) = open_bytes(text.as_bytes(), ImportFormat::Temporal).unwrap();
        all(&foreign)
            .first()
            .map(|it| it.header.created_at.to_string())
    };
    for (time, read) in [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        (
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59.999999Z",
        ),
        ("2025-01-01T00:00:00", "2025-01-01T00:00:00Z"),
        ("2025-01-01 00:00:00.25", "2025-01-01T00:00:00.250Z"),
        ("2025-01-01T00:00:00-23:59", "2025-01-01T23:59:00Z"),
    ] {
        assert_eq!(with(time).as_deref(), Some(read), "{time}");
    }
    for bad in [
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "10000-01-01T00:00:00Z",
        "+262143-01-01T00:00:00",
        "-0001-01-01T00:00:00",
        "2025-02-30T00:00:00Z",
        "2025-01-01",
        "yesterday",
        "",
    ] {
        assert_eq!(with(bad), None, "{bad}");
    }
}

#[test]
fn entries_that_are_no_objects_are_refused_by_place() {
    let text = "{\"checkpoints\":[1,\n null, \"a\",[],{},\n{\"id\":3}]}";
    let (_place, foreign) = open_bytes(text.as_bytes(), ImportFormat::Temporal).unwrap();
    let reasons = refusals(foreign.report());
    assert_eq!(reasons.len(), 6);
    assert!(
        reasons[1].contains("line: 2") && reasons[1].contains("column: 2"),
        "{}",
        reasons[1]
    );
    assert!(
        reasons[5].contains("line: 3") && reasons[5].contains("checkpoints[5]"),
        "{}",
        reasons[5]
    );
    for bad in [
        "{\"checkpoints\":[1 2]}",
        "{\"checkpoints\":[1,]}",
        "{\"checkpoints\":[,]}",
        "{\"checkpoints\":[]} x",
        "{\"checkpoints\" []}",
        "{,}",
        "{\"checkpoints\":[],}",
        "{1:2}",
    ] {
        let error = open_bytes(bad.as_bytes(), ImportFormat::Temporal)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("expected") && error.contains("column"),
            "{bad}: {error}"
        );
    }
}
