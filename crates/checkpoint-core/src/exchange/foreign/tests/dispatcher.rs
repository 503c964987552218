//! Checkpoint files of a dispatcher.

use std::fs;

use serde_json::json;

use super::*;
use crate::clock::Timestamp;
use crate::status::Status;

const FORMAT: ImportFormat = ImportFormat::Dispatcher;

fn file() -> Value {
    let text = fs::read(sample("features/F052-checkpoint.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn a_directory_of_features_arrives_whole() {
    let foreign = open_path(&sample("features"), FORMAT).unwrap();
    let came = all(&foreign);
    let told: Vec<_> = came
        .iter()
        .map(|it| {
            let Header {
                session,
                status,
                step,
                sequence,
                ..
            } = &it.header;
            (session.to_string(), *status, step.unwrap(), *sequence)
        })
        .collect();
    let expected = [
        ("F053", Status::Created, 0, 1),
        ("F052", Status::Active, 1, 2),
        ("F054", Status::Completed, 2, 3),
    ];
    assert_eq!(
        told,
        expected.map(|(id, status, step, n)| (id.to_owned(), status, step, n))
    );
    assert_eq!(came[0].header.created_at, Timestamp::MIN);
    assert_eq!(
        came[1].value(),
        file(),
        "the state is all that the file holds"
    );
    assert_eq!(
        came[1].value()["circuit_breaker"]["last_state_change"],
        "2025-04-01T11:59:00Z"
    );
    assert_eq!(came[1].imported("total_steps"), 3);
    let report = foreign.report();
    assert_eq!(
        (report.checkpoints, report.sessions, report.wrong),
        (3, 3, 0)
    );
    assert_eq!(
        (
            count(report, Remark::BackupTaken),
            count(report, Remark::TimeNotSet)
        ),
        (1, 1)
    );
    let told = &report.remarks[&Remark::BackupTaken].examples[0];
    assert!(
        told.contains("F054-checkpoint.json") && told.contains("cut off"),
        "{told}"
    );
    assert_eq!(sessions(&foreign).len(), 3);
}

#[test]
fn the_same_file_is_the_same_checkpoint_and_a_changed_one_the_next() {
    let id = |value: &Value| {
        let (_place, foreign) = open_value(value, FORMAT);
        all(&foreign)[0].header.id.to_string()
    };
    let first = id(&file());
    assert!(first.starts_with("F052-"), "{first}");
    let pretty = serde_json::to_vec_pretty(&file()).unwrap();
    let (_place, foreign) = open_bytes(&pretty, FORMAT).unwrap();
    assert_eq!(
        all(&foreign)[0].header.id.to_string(),
        first,
        "white space means nothing"
    );
    let mut changed = file();
    changed["completed"] = json!(["T1", "T3"]);
    assert_ne!(id(&changed), first);
}

#[test]
fn the_status_follows_from_what_ended() {
    let graph = |nodes: &[(&str, &[&str])]| {
        let nodes: Vec<_> = nodes
            .iter()
            .map(|(id, on)| json!({"id": id, "depends_on": on}))
            .collect();
        json!({"nodes": nodes, "edges": null})
    };
    let chain = graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let beside = graph(&[("a", &[]), ("b", &["a"]), ("c", &[])]);
    let circle = graph(&[("a", &["b"]), ("b", &["a"])]);
    for (completed, failed, graph, status) in [
        (json!([]), json!([]), &Value::Null, Status::Created),
        (json!(["a"]), json!([]), &Value::Null, Status::Active),
        (json!(["a"]), json!(["b"]), &Value::Null, Status::Failed),
        (json!([]), json!([]), &chain, Status::Created),
        (json!(["a"]), json!([]), &chain, Status::Active),
        (json!(["a", "b", "c"]), json!([]), &chain, Status::Completed),
        (json!([]), json!(["a"]), &chain, Status::Failed),
        (json!(["a"]), json!(["b"]), &chain, Status::Failed),
        (json!([]), json!(["a"]), &beside, Status::Active),
        (json!(["c"]), json!(["a"]), &beside, Status::Failed),
        (json!([]), json!(["a"]), &circle, Status::Failed),
        (json!(["nobody"]), json!([]), &chain, Status::Active),
    ] {
        let mut value = file();
        (value["completed"], value["failed"]) = (completed.clone(), failed.clone());
        value["graph"] = graph.clone();
        let (_place, foreign) = open_value(&value, FORMAT);
        assert_eq!(
            all(&foreign)[0].header.status,
            status,
            "{completed} {failed} {graph}"
        );
    }
}

#[test]
fn nothing_of_a_file_may_be_null_but_what_may() {
    let mut value = file();
    for key in ["completed", "failed", "graph", "circuit_breaker"] {
        value[key] = Value::Null;
    }
    let (_place, foreign) = open_value(&value, FORMAT);
    let came = all(&foreign);
    assert_eq!(came[0].value(), value, "null stays null");
    assert_eq!(came[0].header.status, Status::Created);
}

#[test]
fn another_version_is_refused_naming_both() {
    let mut value = file();
    value["version"] = json!("1.1");
    let (_place, foreign) = open_value(&value, FORMAT);
    let reason = refusals(foreign.report()).remove(0);
    assert!(reason.contains("1.1") && reason.contains("1.0"), "{reason}");
    assert!(reason.contains("id: \"F052\""), "{reason}");
}

#[test]
fn a_backup_stands_for_a_file_that_is_broken_or_gone() {
    let good = fs::read(sample("features/F052-checkpoint.json")).unwrap();
    for broken in [
        Some(&b""[..]),
        Some(b"{\"version\""),
        Some(b"{}x"),
        Some(b"\xff\xff"),
        None,
    ] {
        let place = tempfile::tempdir().unwrap();
        let main = place.path().join("F052-checkpoint.json");
        if let Some(broken) = broken {
            fs::write(&main, broken).unwrap();
        }
        fs::write(place.path().join("F052-checkpoint.json.bak"), &good).unwrap();
        let foreign = open_path(place.path(), FORMAT).unwrap();
        assert_eq!(all(&foreign)[0].value(), file());
        assert_eq!(foreign.report().wrong, 0);
        assert_eq!(
            count(foreign.report(), Remark::BackupTaken),
            u64::from(broken.is_some())
        );
        assert_eq!(recognise(place.path()).unwrap(), Some(FORMAT));
        if broken.is_some() {
            assert_eq!(
                all(&open_path(&main, FORMAT).unwrap()).len(),
                1,
                "also alone"
            );
        }
    }
}

#[test]
fn a_broken_file_without_a_good_backup_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("F1-checkpoint.json"), "{").unwrap();
    fs::write(place.path().join("F2-checkpoint.json"), "[}").unwrap();
    fs::write(place.path().join("F2-checkpoint.json.bak"), "nothing").unwrap();
    fs::write(place.path().join("F3-checkpoint.json"), file().to_string()).unwrap();
    let foreign = open_path(place.path(), FORMAT).unwrap();
    assert_eq!(all(&foreign).len(), 1, "what is whole is not hidden");
    let reasons = refusals(foreign.report());
    assert!(
        reasons[0].contains("F1-checkpoint.json") && reasons[0].contains("line"),
        "{reasons:?}"
    );
    assert!(reasons[1].contains("F2-checkpoint.json"), "{reasons:?}");
    assert_eq!(
        count(foreign.report(), Remark::Disagreement),
        1,
        "F3 holds F052"
    );
}

#[test]
fn other_files_and_links_of_a_directory_are_left_aside() {
    let place = tempfile::tempdir().unwrap();
    let out = tempfile::NamedTempFile::new().unwrap();
    fs::write(out.path(), file().to_string()).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(out.path(), place.path().join("F9-checkpoint.json")).unwrap();
    for name in [
        "F1-checkpoint.json.tmp",
        "F1-checkpoint.json.corrupt.2",
        "notes.txt",
        "F1-checkpoint.json.lock",
    ] {
        fs::write(place.path().join(name), file().to_string()).unwrap();
    }
    fs::create_dir(place.path().join("F8-checkpoint.json")).unwrap();
    let foreign = open_path(place.path(), FORMAT).unwrap();
    assert_eq!(all(&foreign).len(), 0);
    assert_eq!(
        count(foreign.report(), Remark::FileIgnored),
        if cfg!(unix) { 6 } else { 5 }
    );
    assert_eq!(foreign.report().wrong, 0);
}

#[test]
fn two_files_of_one_feature_are_its_history() {
    let place = tempfile::tempdir().unwrap();
    let mut older = file();
    older["timestamp"] = json!("2025-01-01T00:00:00Z");
    fs::write(place.path().join("b-checkpoint.json"), older.to_string()).unwrap();
    fs::write(place.path().join("c-checkpoint.json"), file().to_string()).unwrap();
    fs::write(place.path().join("d-checkpoint.json"), file().to_string()).unwrap();
    let foreign = open_path(place.path(), FORMAT).unwrap();
    let came = all(&foreign);
    assert_eq!(came.len(), 2, "the third is the second again");
    assert_eq!(came[1].header.parent.as_ref(), Some(&came[0].header.id));
    assert!(refusals(foreign.report())[0].contains("twice"));
}

#[cfg(unix)]
#[test]
fn a_backup_that_is_a_link_is_not_followed() {
    let out = tempfile::NamedTempFile::new().unwrap();
    fs::write(out.path(), file().to_string()).unwrap();
    let place = tempfile::tempdir().unwrap();
    let main = place.path().join("F1-checkpoint.json");
    fs::write(&main, "{").unwrap();
    let link = place.path().join("F1-checkpoint.json.bak");
    std::os::unix::fs::symlink(out.path(), link).unwrap();
    for path in [place.path(), &main] {
        let foreign = open_path(path, FORMAT).unwrap();
        assert_eq!((all(&foreign).len(), foreign.report().wrong), (0, 1));
    }
}
