//! A store opened for reading alone: every call that would write is refused by name, and not a byte changes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use checkpoint_core::{
    Budget, CheckpointId, Durability, Error, ErrorKind, Result, SessionId, Severity, Status, Store,
};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};

async fn store(options: SqliteOptions) -> Store {
    Store::new(Arc::new(SqliteBackend::open(options).await.unwrap()))
}

/// All that is in a directory but where the engine keeps its locks.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(&path).unwrap())
        })
        .filter(|(name, bytes)| {
            !(name.ends_with("-shm") || name.ends_with("-wal") && bytes.is_empty())
        })
        .collect();
    files.sort();
    files
}

/// Fails when a file is another, without all that is in it.
fn unchanged(directory: &Path, before: &[(String, Vec<u8>)]) {
    let after = files(directory);
    let names = |files: &[(String, Vec<u8>)]| -> Vec<(String, usize)> {
        let sizes = files
            .iter()
            .map(|(name, bytes)| (name.clone(), bytes.len()));
        sizes.collect()
    };
    assert_eq!(names(&after), names(before));
    for ((name, after), (_, before)) in after.iter().zip(before) {
        let differs = after
            .iter()
            .zip(before)
            .position(|(after, before)| after != before);
        assert_eq!(differs, None, "the first byte of {name} that changed");
    }
}

fn refused<T>(what: &str, answer: Result<T>) {
    let error: Error = match answer {
        Ok(_) => panic!("{what} was done"),
        Err(error) => error,
    };
    assert_eq!(*error.kind(), ErrorKind::Denied, "{what}: {error}");
    let text = error.to_string();
    assert!(text.contains("reading alone"), "{what}: {text}");
    assert!(text.contains("open it for writing"), "{what}: {text}");
    assert!(text.contains("sqlite://"), "{what}: which store? {text}");
}

async fn every_write_is_refused(store: &Store) {
    let id = CheckpointId::new("a").unwrap();
    let session = store.session("s").await.unwrap();
    let large = vec![7_u8; 3 << 20];
    refused("a new session", store.session("new").await);
    refused("a session of its own", store.new_session().await);
    refused("deleting a session", store.delete_session("s").await);
    refused("describing", session.describe(Some("x".into()), None).await);
    refused("claiming", session.claim().await);
    refused("saving", session.save(&1).await);
    let saved = session.save_bytes("text/plain", large.clone()).await;
    refused("saving what is large", saved);
    let reader = std::io::Cursor::new(large);
    let streamed = session.save_reader("text/plain", reader).await.unwrap();
    refused("streaming", streamed.await);
    refused(
        "updating",
        session.update(id.clone()).status(Status::Completed).await,
    );
    refused(
        "annotating",
        session.annotate(&id, "x", Severity::Warning, "me").await,
    );
    refused("attaching", session.attach(&id, "k", "k", &b"x"[..]).await);
    refused("restoring", session.restore("a").await);
    refused("deleting", session.delete("a").await);
    refused("forking", session.fork("a", "f").await);
    refused("a transaction", store.transaction().commit().await);
    refused("upkeep", store.maintain(&Budget::default()).await);
    refused("setting aside", store.verify().quarantine(true).await);
    store.flush().await.unwrap();
}

async fn all_is_read(store: &Store) {
    let session = store.session("s").existing().await.unwrap();
    assert_eq!(
        session.latest_as::<String>().await.unwrap().unwrap(),
        "state"
    );
    assert_eq!(
        session.latest_good().await.unwrap().unwrap().message(),
        "said"
    );
    assert!(store.verify().await.unwrap().is_clean());
    assert_eq!(store.sequence().await.unwrap(), 1);
    assert_eq!(store.stats().await.unwrap().checkpoints, 1);
}

#[tokio::test]
async fn every_call_that_would_write_is_refused_and_not_a_byte_changes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let writer = store(SqliteOptions::at(&path)).await;
    let session = writer.session("s").await.unwrap();
    session.save("state").id("a").message("said").await.unwrap();
    // The log is extended after the first commit, and before the next.
    writer.delete_session("none").await.unwrap();
    let of = SqliteOptions::at(&path).with_read_only(true);
    for durability in [Durability::Disk, Durability::Os] {
        // Beside a writer, with what it wrote still in its log.
        let before = files(directory.path());
        assert_eq!(before.len(), 2);
        let reader = store(of.clone().with_durability(durability)).await;
        assert!(reader.info().read_only);
        all_is_read(&reader).await;
        every_write_is_refused(&reader).await;
        all_is_read(&reader).await;
        reader.close().await.unwrap();
        unchanged(directory.path(), &before);
    }
    writer.close().await.unwrap();
    let before = files(directory.path());
    assert_eq!(before.len(), 1, "the log is empty");
    let reader = store(of).await;
    all_is_read(&reader).await;
    every_write_is_refused(&reader).await;
    reader.close().await.unwrap();
    unchanged(directory.path(), &before);
}

#[tokio::test]
async fn nothing_is_made_for_who_reads_alone() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in [("missing.db", None), ("empty.db", Some(&b""[..]))] {
        let path = directory.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let options = SqliteOptions::at(&path).with_read_only(true);
        let error = SqliteBackend::open(options).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }
    assert_eq!(
        files(directory.path()),
        [("empty.db".to_owned(), Vec::new())]
    );
    // Nor by the way of a session that is not there.
    let path = directory.path().join("store.db");
    store(SqliteOptions::at(&path)).await.close().await.unwrap();
    let reader = store(SqliteOptions::at(&path).with_read_only(true)).await;
    let asked = reader
        .session(SessionId::new("x").unwrap())
        .existing()
        .await;
    assert!(asked.unwrap_err().is_not_found());
}
