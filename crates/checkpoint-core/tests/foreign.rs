//! Files of other systems, brought into a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::{
    ErrorKind, ImportFormat, MemoryBackend, Remark, Status, Store, Timestamp, Trigger,
};
use serde_json::{Value, json};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/foreign")
        .join(name)
}

fn store() -> Store {
    Store::new(Arc::new(MemoryBackend::new()))
}

const AGENT: &str = "2b1f8a44-93c1-4c39-8d0f-6f6e5e2f5a10";

#[tokio::test]
async fn temporal_checkpoints_go_on_in_a_store() {
    let store = store();
    let report = store.import(sample("temporal.json")).await.unwrap();
    assert_eq!(report.format, ImportFormat::Temporal);
    assert!(report.is_whole());
    assert_eq!((report.found, report.received.checkpoints), (3, 3));
    assert_eq!(report.remarks[&Remark::EnvironmentMasked].count, 2);
    assert_eq!(report.remarks[&Remark::TimeWithoutZone].count, 1);

    let session = store.session(AGENT).existing().await.unwrap();
    let latest = session.latest().await.unwrap().unwrap();
    assert_eq!((latest.message(), latest.sequence()), ("branch", 2));
    assert_eq!(latest.header().trigger, Trigger::BranchSwitch);
    let first = session
        .get("018f3c5e-0000-7000-8000-000000000001")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(latest.header().parent.as_ref(), Some(first.id()));
    let state: Value = first.state().await.unwrap();
    assert_eq!(state["env_vars"]["API_TOKEN"], "***");
    let time = Timestamp::parse("2025-03-01T09:00:00.123456Z").unwrap();
    let Value::Object(_) = state else {
        panic!("an object");
    };
    assert_eq!(
        (first.header().created_at, first.header().committed_at),
        (time, time)
    );
    let verified = store.verify().await.unwrap();
    assert!(verified.is_clean(), "{verified:?}");

    // The export told that 7 were given.
    let saved = session.save(&1).await.unwrap();
    assert_eq!(saved.sequence, 8);
    let again = store.import(sample("temporal.json")).await.unwrap();
    assert_eq!((again.received.skipped, again.received.checkpoints), (3, 0));
}

#[tokio::test]
async fn features_and_tasks_come_with_their_status() {
    let store = store();
    let report = store.import(sample("features")).await.unwrap();
    assert_eq!(
        (report.format, report.received.sessions),
        (ImportFormat::Dispatcher, 3)
    );
    let report = store.import(sample("tasks")).await.unwrap();
    assert_eq!(
        (report.format, report.received.checkpoints),
        (ImportFormat::Orchestrator, 3)
    );
    for (id, status, step) in [
        ("F052", Status::Active, Some(1)),
        ("F054", Status::Completed, Some(2)),
        ("task_1", Status::Active, Some(2)),
        ("task_2", Status::Failed, Some(1)),
    ] {
        let session = store.session(id).existing().await.unwrap();
        let latest = session.latest().await.unwrap().unwrap();
        assert_eq!(
            (latest.header().status, latest.header().step),
            (status, step),
            "{id}"
        );
    }
    let session = store.session("task_1").existing().await.unwrap();
    let latest = session.latest().await.unwrap().unwrap();
    assert_eq!(
        (latest.title(), latest.message()),
        ("Build the index", "reading files")
    );
    assert_eq!(
        latest.state::<Value>().await.unwrap(),
        json!({"files": ["a", "b"], "at": 12})
    );
    assert_eq!(latest.metadata()["imported"]["total_steps"], 5);
    assert!(store.verify().await.unwrap().is_clean());
    for name in ["features", "tasks", "tasks.json"] {
        let again = store.import(sample(name)).await.unwrap();
        assert_eq!(
            (again.received.skipped, again.received.checkpoints),
            (3, 0),
            "{name}"
        );
    }
}

#[tokio::test]
async fn of_a_file_with_a_fault_nothing_is_brought_unless_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("export.json");
    let text = std::fs::read_to_string(sample("temporal.json")).unwrap();
    std::fs::write(&path, text.replace("2025-03-01T10:05:00+01:00", "later")).unwrap();
    let store = store();
    let error = store.import(&path).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid), "{error}");
    let told = error.to_string();
    for part in [
        "\"later\"",
        "timestamp",
        "line: ",
        "column: ",
        "checkpoints[1]",
        "imported: nothing",
        "export.json",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(store.sequence().await.unwrap(), 0);

    let report = store.import(&path).check_only().await.unwrap();
    assert_eq!(
        (report.found, report.wrong, report.received.checkpoints),
        (2, 1, 0)
    );
    assert_eq!(store.sequence().await.unwrap(), 0);

    let report = store.import(&path).despite_faults().await.unwrap();
    assert!(!report.is_whole());
    assert_eq!((report.wrong, report.received.checkpoints), (1, 2));
}

#[tokio::test]
async fn one_session_may_be_taken_and_the_environment_kept() {
    let store = store();
    let import = store.import(sample("temporal.json"));
    let report = import.session(AGENT).keep_environment(true).await.unwrap();
    assert_eq!(report.received.checkpoints, 2);
    assert!(!report.remarks.contains_key(&Remark::EnvironmentMasked));
    let session = store.session(AGENT).existing().await.unwrap();
    let first = session
        .get("018f3c5e-0000-7000-8000-000000000001")
        .await
        .unwrap();
    let state: Value = first.unwrap().state().await.unwrap();
    assert_eq!(state["env_vars"]["API_TOKEN"], "hunter2");
    assert_eq!(store.sessions(10, None).await.unwrap().sessions.len(), 1);
}

#[tokio::test]
async fn a_masked_checkpoint_is_not_replaced_by_one_with_its_environment() {
    let store = store();
    store.import(sample("temporal.json")).await.unwrap();
    let import = store.import(sample("temporal.json"));
    let again = import.keep_environment(true).await.unwrap();
    // The one without variables is the same either way.
    assert_eq!((again.received.refused, again.received.skipped), (2, 1));
    let refusal = &again.received.refusals[0];
    assert!(
        matches!(refusal.error.kind(), ErrorKind::AlreadyExists),
        "{refusal:?}"
    );
}

#[tokio::test]
async fn sequences_that_are_taken_are_kept_as_origins() {
    let store = store();
    let own = store.session("own").await.unwrap();
    for n in 0..5 {
        own.save(&n).await.unwrap();
    }
    store.import(sample("temporal.json")).await.unwrap();
    let session = store.session(AGENT).existing().await.unwrap();
    let latest = session.latest().await.unwrap().unwrap();
    assert_eq!(latest.sequence(), 7);
    let origin = latest.header().origin.unwrap();
    assert_eq!(origin.sequence, 2);
    assert_eq!(origin.committed_at, latest.header().created_at);
}

#[tokio::test]
async fn what_is_of_no_system_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("notes.json");
    std::fs::write(&path, "{\"notes\":[]}").unwrap();
    let error = store().import(&path).await.unwrap_err().to_string();
    assert!(error.contains("notes.json"), "{error}");
    // Also when it is said to be one.
    let import = store().import(&path).format(ImportFormat::Temporal);
    let error = import.await.unwrap_err().to_string();
    assert!(
        error.contains("checkpoints") && error.contains("notes.json"),
        "{error}"
    );
}
