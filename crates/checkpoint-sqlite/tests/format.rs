//! Files that released versions wrote still open, and hold what was put in.
//!
//! `CHECKPOINT_WRITE_FIXTURE=path cargo test -p checkpoint-sqlite --test format` writes the file anew, for a format
//! that has no fixture yet. A fixture that is committed is never written again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{
    ChangeKind, FakeClock, Position, SeededIds, Severity, Status, Store, Trigger,
};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};

const TEXT: &str =
    "a state long enough for chunks of its own, and repeated so that it compresses; ";

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{version}.db"))
}

async fn open(path: &Path, clock: &FakeClock) -> Store {
    let options = SqliteOptions::at(path)
        .with_clock(Arc::new(clock.clone()))
        .with_ids(Arc::new(SeededIds::new(1)));
    let backend = SqliteBackend::open(options).await.expect("the file opens");
    Store::builder(Arc::new(backend))
        .clock(clock.clone())
        .ids(SeededIds::new(2))
        .build()
}

fn large(n: usize) -> String {
    format!("{n} {}", TEXT.repeat(2_000))
}

async fn write(path: &Path) {
    let clock = FakeClock::at("2026-11-20T10:00:00Z").expect("a time");
    let store = open(path, &clock).await;
    let session = store
        .session("research-42")
        .name("Research")
        .await
        .expect("made");
    session
        .save("small")
        .id("first")
        .message("plan agreed")
        .tag("plan")
        .await
        .expect("saved");
    clock.advance(Duration::from_secs(60));
    session
        .save(&large(1))
        .id("second")
        .trigger(Trigger::ToolCall)
        .worker("w1")
        .await
        .expect("saved");
    clock.advance(Duration::from_secs(60));
    session
        .save(&large(2))
        .id("third")
        .step(3)
        .pinned()
        .schema("notes", 1)
        .await
        .expect("saved");
    session.save(&1).id("gone").await.expect("saved");
    session.delete("gone").await.expect("deleted");
    session
        .update("second")
        .status(Status::Completed)
        .tag("done")
        .await
        .expect("updated");
    let second = session.get("second").await.expect("read").expect("there");
    session
        .annotate(second.id(), "look here", Severity::Warning, "ann")
        .await
        .expect("annotated");
    session.fork("first", "fork").await.expect("forked");
    session.claim().await.expect("claimed");
    store.close().await.expect("closed");
}

async fn holds_what_was_put_in(path: &Path) {
    let clock = FakeClock::at("2026-11-20T12:00:00Z").expect("a time");
    let store = open(path, &clock).await;
    assert_eq!(store.sequence().await.expect("read"), 5);
    let session = store
        .session("research-42")
        .existing()
        .await
        .expect("there");
    let info = session.info().await.expect("read");
    assert_eq!((info.name.as_str(), info.epoch), ("Research", 1));
    let listed = session.list().oldest_first().await.expect("listed");
    let ids: Vec<String> = listed
        .checkpoints
        .iter()
        .map(|it| it.id().to_string())
        .collect();
    assert_eq!(ids, ["first", "second", "third"]);
    let first = &listed.checkpoints[0];
    assert_eq!(
        (first.message(), first.tags()[0].as_str()),
        ("plan agreed", "plan")
    );
    assert_eq!(first.state::<String>().await.expect("read"), "small");
    let second = &listed.checkpoints[1];
    assert_eq!((second.status(), second.revision()), (Status::Completed, 2));
    assert_eq!(second.state::<String>().await.expect("read"), large(1));
    assert_eq!(
        session.annotations(second.id()).await.expect("read")[0].note,
        "look here"
    );
    let third = &listed.checkpoints[2];
    assert_eq!(
        (third.schema(), third.header().step),
        (Some(("notes", 1)), Some(3))
    );
    assert_eq!(third.state::<String>().await.expect("read"), large(2));
    assert_eq!(
        third.header().committed_at.to_string(),
        "2026-11-20T10:02:00Z"
    );
    let feed = store.changes(Position::START, 100).await.expect("read");
    let mut kinds = feed.changes.iter().map(|it| it.kind);
    assert!(kinds.any(|it| it == ChangeKind::Deleted));
    let report = store.verify().await.expect("checked");
    assert_eq!(
        (report.valid, report.total()),
        (4, 4),
        "{:?}",
        report.findings
    );
    session
        .save("more")
        .await
        .expect("it is written to as well");
    assert_eq!(store.sequence().await.expect("read"), 6);
    store.close().await.expect("closed");
}

#[tokio::test]
async fn a_file_of_format_1_opens_and_holds_what_was_put_in() {
    if let Some(path) = std::env::var_os("CHECKPOINT_WRITE_FIXTURE") {
        write(Path::new(&path)).await;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("copy.db");
    std::fs::copy(fixture(1), &copy).expect("the fixture is there");
    holds_what_was_put_in(&copy).await;
}

#[tokio::test]
async fn a_file_written_now_holds_what_was_put_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("new.db");
    write(&path).await;
    holds_what_was_put_in(&path).await;
}
