//! Checkpoints of orchestrated tasks.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::clock::Timestamp;
use crate::status::Status;

const FORMAT: ImportFormat = ImportFormat::Orchestrator;

fn samples() -> Vec<Value> {
    let text = fs::read(sample("tasks.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// A directory as the samples lie in it, with one more file.
fn directory(files: &[(&str, &Value)]) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    for name in ["active", "completed", "failed"] {
        fs::create_dir(place.path().join(name)).unwrap();
    }
    for (name, value) in files {
        fs::write(place.path().join(name), value.to_string()).unwrap();
    }
    place
}

#[test]
fn a_directory_arrives_whole() {
    for name in ["tasks", "tasks.json"] {
        let foreign = open_path(&sample(name), FORMAT).unwrap();
        let came = all(&foreign);
        let ids: Vec<_> = came.iter().map(|it| it.header.id.to_string()).collect();
        assert_eq!(
            ids,
            [
                "cp_task_1_1_1700000000",
                "cp_task_1_2_1700000060",
                "cp_task_2_1_1700000100"
            ]
        );
        let [first, second, third] = &came[..] else {
            panic!("three");
        };
        let header = &second.header;
        assert_eq!(
            (header.session.to_string().as_str(), header.status),
            ("task_1", Status::Active)
        );
        assert_eq!(
            (header.step, header.worker.as_ref().unwrap().as_str()),
            (Some(2), "worker_1")
        );
        assert_eq!(
            header.created_at,
            Timestamp::parse("2023-11-14T22:14:20Z").unwrap()
        );
        assert_eq!(
            header.updated_at,
            Timestamp::parse("2023-11-14T22:15:00Z").unwrap()
        );
        assert_eq!(header.committed_at, header.created_at);
        assert_eq!(header.parent.as_ref(), Some(&first.header.id));
        assert_eq!(
            header.enclosing.as_ref().unwrap().to_string(),
            "cp_task_0_1_1690000000"
        );
        assert_eq!(second.description.message, "reading files");
        assert_eq!(second.description.title, "Build the index");
        assert_eq!(second.description.metadata["host"], "alpha");
        assert_eq!(second.imported("total_steps"), 5);
        assert_eq!(second.state, br#"{"files":["a","b"],"at":12}"#);
        assert_eq!(
            (third.header.status, third.header.worker.clone()),
            (Status::Failed, None)
        );
        assert_eq!(third.imported("total_steps"), &Value::Null);
        assert_eq!(foreign.report().wrong, 0);
        assert!(
            foreign.report().remarks.is_empty(),
            "{:?}",
            foreign.report()
        );
        assert_eq!(sessions(&foreign).len(), 2);
    }
}

#[test]
fn one_checkpoint_is_a_file_too() {
    let foreign = open_path(
        &sample("tasks/active/checkpoint_cp_task_1_2_1700000060.json"),
        FORMAT,
    )
    .unwrap();
    assert_eq!(all(&foreign).len(), 1);
    assert_eq!(open_value(&json!([]), FORMAT).1.report().checkpoints, 0);
}

#[test]
fn what_is_said_of_an_index_that_is_wrong() {
    let [active, completed, _] = &samples()[..] else {
        panic!("three");
    };
    let index = json!({
        "by_state": {"active": ["cp_task_1_1_1700000000", "cp_task_1_2_1700000060"], "completed": "odd"},
        "by_task": {"task_9": ["cp_task_1_1_1700000000"]},
        "by_worker": {"worker_1": ["absent"]},
        "metadata": {"total_checkpoints": 9},
    });
    let files = [
        ("active/checkpoint_cp_task_1_2_1700000060.json", active),
        (
            "completed/checkpoint_cp_task_1_1_1700000000.json",
            completed,
        ),
        ("index.json", &index),
    ];
    let place = directory(&files);
    let foreign = open_path(place.path(), FORMAT).unwrap();
    assert_eq!(all(&foreign).len(), 2, "the files count");
    assert_eq!(
        count(foreign.report(), Remark::Disagreement),
        4,
        "{:?}",
        foreign.report()
    );
    for broken in [
        &b"{"[..],
        b"",
        b"[]",
        b"\xff",
        b"{\"by_state\":{\"a\":[1]}}",
    ] {
        fs::write(place.path().join("index.json"), broken).unwrap();
        let foreign = open_path(place.path(), FORMAT).unwrap();
        assert_eq!((all(&foreign).len(), foreign.report().wrong), (2, 0));
    }
}

#[test]
fn the_content_of_a_file_counts_and_not_its_place() {
    let [active, ..] = &samples()[..] else {
        panic!("three");
    };
    let place = directory(&[("failed/checkpoint_other.json", active)]);
    let foreign = open_path(place.path(), FORMAT).unwrap();
    assert_eq!(all(&foreign)[0].header.status, Status::Active);
    assert_eq!(
        count(foreign.report(), Remark::Disagreement),
        2,
        "place and name"
    );
}

#[test]
fn of_two_copies_the_newer_is_taken() {
    let [active, ..] = &samples()[..] else {
        panic!("three");
    };
    let with = |changes: &[(&str, Value)]| {
        let mut value = active.clone();
        for (key, change) in changes {
            value[*key] = change.clone();
        }
        value
    };
    let later = ("updated_at", json!("2023-11-14T23:00:00Z"));
    let completed = ("state", json!("completed"));
    let marked = ("step_description", json!("newer"));
    let newer = [
        with(&[marked.clone(), completed.clone()]),
        with(&[marked.clone(), later.clone()]),
        with(&[marked.clone(), ("revision", json!(2))]),
        with(&[marked.clone(), ("revision", json!(3)), completed]),
    ];
    let older = [
        active.clone(),
        active.clone(),
        with(&[later]),
        with(&[("revision", json!(2))]),
    ];
    for (newer, older) in newer.iter().zip(&older) {
        for (first, second) in [(newer, older), (older, newer)] {
            let name = "checkpoint_cp_task_1_2_1700000060.json";
            let files = [
                (format!("active/{name}"), first),
                (format!("failed/{name}"), second),
            ];
            let place = directory(
                &files
                    .each_ref()
                    .map(|(name, value)| (name.as_str(), *value)),
            );
            let foreign = open_path(place.path(), FORMAT).unwrap();
            let came = all(&foreign);
            assert_eq!(came.len(), 1);
            assert_eq!(came[0].description.message, "newer");
            assert_eq!(count(foreign.report(), Remark::OlderLeft), 1);
            let revision = newer["revision"].as_u64().unwrap_or(1);
            assert_eq!(came[0].header.revision, revision);
        }
    }
}

#[test]
fn an_id_that_is_there_twice_is_refused_where_copies_make_no_sense() {
    let mut values = samples();
    values.push(values[0].clone());
    let (_place, foreign) = open_value(&json!(values), FORMAT);
    assert_eq!(all(&foreign).len(), 3);
    let reason = refusals(foreign.report()).remove(0);
    assert!(
        reason.contains("twice") && reason.contains("[3]"),
        "{reason}"
    );

    let mut other = values[0].clone();
    other["task_id"] = json!("another");
    let place = directory(&[
        ("active/checkpoint_a.json", &values[0]),
        ("failed/checkpoint_b.json", &other),
    ]);
    let foreign = open_path(place.path(), FORMAT).unwrap();
    assert_eq!(all(&foreign)[0].header.session.to_string(), "task_1");
    assert!(refusals(foreign.report())[0].contains("different sessions"));
}

#[test]
fn checkpoints_come_by_time_then_step_then_id() {
    let made = |id: &str, time: &str, step: u64| {
        let mut value = samples().remove(0);
        value["checkpoint_id"] = json!(id);
        value["created_at"] = json!(time);
        value["step_number"] = json!(step);
        value
    };
    let (early, late) = ("2023-01-01T00:00:00Z", "2023-01-01T00:00:01Z");
    let values = [
        made("a", late, 1),
        made("z", early, 2),
        made("y", early, 2),
        made("x", early, 3),
        made("b", early, 1),
    ];
    let (_place, foreign) = open_value(&json!(values), FORMAT);
    let ids: Vec<_> = all(&foreign)
        .iter()
        .map(|it| it.header.id.to_string())
        .collect();
    assert_eq!(ids, ["b", "y", "z", "x", "a"]);
}

#[test]
fn what_has_no_place_is_kept_in_the_metadata() {
    let mut value = samples().remove(0);
    value["surprise"] = json!({"deep": [1, 2]});
    value["metadata"] = json!({"imported": "mine", "x": 1});
    value["step_number"] = json!(9);
    let (_place, foreign) = open_value(&value, FORMAT);
    let metadata = all(&foreign).remove(0).description.metadata;
    let expected = json!({
        "x": 1,
        "imported": {"format": "orchestrator", "total_steps": 5, "metadata": "mine", "fields": {"surprise": {"deep": [1, 2]}}},
    });
    assert_eq!(Value::Object(metadata), expected);
    assert_eq!(count(foreign.report(), Remark::FieldUnknown), 1);
    assert_eq!(
        count(foreign.report(), Remark::Disagreement),
        1,
        "step 9 of 5"
    );
}

#[cfg(unix)]
#[test]
fn no_link_is_followed_out_of_a_directory() {
    let out = tempfile::tempdir().unwrap();
    let value = samples().remove(0);
    fs::write(out.path().join("checkpoint_x.json"), value.to_string()).unwrap();
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(out.path(), place.path().join("active")).unwrap();
    fs::create_dir(place.path().join("failed")).unwrap();
    let inside = place.path().join("failed/checkpoint_x.json");
    std::os::unix::fs::symlink(out.path().join("checkpoint_x.json"), inside).unwrap();
    let foreign = open_path(place.path(), FORMAT).unwrap();
    assert_eq!(all(&foreign).len(), 0);
    assert_eq!(count(foreign.report(), Remark::FileIgnored), 2);
}
