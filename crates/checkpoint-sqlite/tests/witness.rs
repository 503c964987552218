//! What a witness notices that the store cannot tell: rows that were put back or taken out whole, and a store that was
//! rolled back, in a file that somebody else can write.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::{Explanation, Session, Status, Store, Witness, WitnessReport};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use rusqlite::Connection;
use tempfile::TempDir;

const CHECKPOINTS: u64 = 25;

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store.db")
    }

    async fn open(&self) -> Store {
        let backend = SqliteBackend::open(SqliteOptions::at(self.path()));
        Store::new(Arc::new(backend.await.unwrap()))
    }

    /// A store of some checkpoints, and a witness of blocks of ten, as it was kept.
    async fn witnessed(&self) -> (Store, String) {
        let store = self.open().await;
        let session = store.session("s").await.unwrap();
        for n in 1..=CHECKPOINTS {
            let save = session.save(&n).id(format!("c{n}").as_str());
            save.await.unwrap();
        }
        let witness = store.witness().block(10).await.unwrap();
        assert_eq!(witness.checkpoints(), CHECKPOINTS);
        assert_eq!(witness.unreadable(), 0);
        (store, witness.to_json())
    }

    fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

async fn session(store: &Store) -> Session {
    store.session("s").existing().await.unwrap()
}

async fn check(store: &Store, kept: &str) -> WitnessReport {
    let witness = Witness::from_json(kept).unwrap();
    store.check_witness(witness).await.unwrap()
}

/// The first sequence and what explains it of each block that differs.
fn differing(report: &WitnessReport) -> Vec<(u64, Explanation)> {
    let findings = report.findings.iter();
    findings
        .map(|it| (*it.sequences.start(), it.explanation.clone()))
        .collect()
}

#[tokio::test]
async fn what_goes_on_as_it_should_is_clean() {
    let place = Place::new();
    let (store, kept) = place.witnessed().await;
    let report = check(&store, &kept).await;
    assert!(report.is_clean() && report.findings.is_empty());
    assert_eq!(report.blocks, 3);
    let session = session(&store).await;
    session.save(&0).await.unwrap();
    let report = check(&store, &kept).await;
    assert!(report.is_clean() && report.findings.is_empty());
    let update = session.update("c12").status(Status::Completed);
    update.await.unwrap();
    session.delete("c3").await.unwrap();
    store.close().await.unwrap();
    let report = check(&place.open().await, &kept).await;
    assert!(report.is_clean());
    let changed = Explanation::Changed(vec!["c12".try_into().unwrap()]);
    assert_eq!(
        differing(&report),
        [(1, Explanation::Deleted), (11, changed)]
    );
}

#[tokio::test]
async fn an_older_row_that_was_put_back_is_noticed() {
    let place = Place::new();
    let (store, _) = place.witnessed().await;
    store.close().await.unwrap();
    let raw = place.raw();
    raw.execute_batch(
        "ATTACH ':memory:' AS kept; CREATE TABLE kept.old AS SELECT * FROM checkpoint WHERE sequence = 12;",
    )
    .unwrap();
    let store = place.open().await;
    let update = session(&store).await.update("c12").message("not this");
    update.await.unwrap();
    let kept = store.witness().block(10).await.unwrap().to_json();
    store.close().await.unwrap();
    raw.execute_batch("REPLACE INTO checkpoint SELECT * FROM kept.old;")
        .unwrap();
    drop(raw);
    let store = place.open().await;
    let found = session(&store).await.get("c12").await.unwrap().unwrap();
    assert_eq!(found.message(), "", "it is whole, and opens");
    assert!(store.verify().await.unwrap().is_clean());
    let report = check(&store, &kept).await;
    assert!(!report.is_clean());
    assert_eq!(differing(&report), [(11, Explanation::Nothing)]);
}

#[tokio::test]
async fn a_row_that_was_taken_out_is_noticed() {
    let place = Place::new();
    let (store, kept) = place.witnessed().await;
    store.close().await.unwrap();
    place
        .raw()
        .execute("DELETE FROM checkpoint WHERE sequence = 25", [])
        .unwrap();
    let store = place.open().await;
    let report = check(&store, &kept).await;
    assert!(!report.is_clean());
    assert_eq!(differing(&report), [(21, Explanation::Nothing)]);
    assert_eq!(
        (report.findings[0].expected, report.findings[0].found),
        (5, 4)
    );
}

#[tokio::test]
async fn a_store_that_was_rolled_back_is_noticed() {
    let place = Place::new();
    let (store, _) = place.witnessed().await;
    store.close().await.unwrap();
    let before = std::fs::read(place.path()).unwrap();
    let store = place.open().await;
    let update = session(&store).await.update("c12").message("changed");
    update.await.unwrap();
    let kept = store.witness().await.unwrap().to_json();
    store.close().await.unwrap();
    roll_back(&place.path(), &before);
    let store = place.open().await;
    let report = check(&store, &kept).await;
    assert!(!report.is_clean());
    assert!(
        report
            .rolled_back
            .is_some_and(|it| it.sequence == CHECKPOINTS)
    );
    // Also when the store went on from there.
    for n in 0..3 {
        session(&store).await.save(&n).await.unwrap();
    }
    let report = check(&store, &kept).await;
    assert!(!report.is_clean() && report.rolled_back.is_none());
    assert_eq!(differing(&report), [(1, Explanation::Nothing)]);
}

fn roll_back(path: &Path, before: &[u8]) {
    for end in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        let _ = std::fs::remove_file(beside);
    }
    std::fs::write(path, before).unwrap();
}
