//! Damage that is not in what is read but in how it is found, and what a sweep makes of damage.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::{
    Backend, Budget, CheckpointId, ChunkId, ContentHasher, FakeClock, Item, MaintainStep, NewChunk,
    Operation, Parts, Payload, Purpose, Quarantine, Query, Tag,
};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use common::{append, commit, session, state};
use rusqlite::Connection;
use tempfile::TempDir;

struct Place {
    _directory: TempDir,
    path: PathBuf,
    clock: FakeClock,
}

impl Place {
    /// Trees under `a` and `b`, a chunk for nobody, a small state under `c`, and a session that is deleted.
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Self {
            path: directory.path().join("store.db"),
            _directory: directory,
            clock: FakeClock::at("2026-11-20T10:00:00Z").unwrap(),
        };
        let db = place.open().await;
        db.commit(session("s")).await.unwrap();
        db.commit(session("gone")).await.unwrap();
        for id in ["a", "b", "nobody"] {
            let mut commit = commit();
            commit.chunks = vec![leaf(id), node(id)];
            if id != "nobody" {
                let mut append = append("s", id, Vec::new());
                append.payload = Payload::Tree(node(id).id);
                append.length = 10;
                commit = commit.with(append);
            }
            db.commit(commit).await.unwrap();
        }
        db.commit(commit().with(append("s", "c", state(1))))
            .await
            .unwrap();
        db.commit(commit().with(append("gone", "d", state(2))))
            .await
            .unwrap();
        let gone = checkpoint_core::SessionId::new("gone").unwrap();
        db.commit(commit().with(Operation::DeleteSession(gone)))
            .await
            .unwrap();
        db.close().await.unwrap();
        place
            .clock
            .advance(std::time::Duration::from_secs(30 * 24 * 60 * 60));
        place
    }

    async fn open(&self) -> SqliteBackend {
        let options = SqliteOptions::at(&self.path).with_clock(Arc::new(self.clock.clone()));
        SqliteBackend::open(options).await.unwrap()
    }

    /// Makes an index what it would be after a change of the rows that did not take place.
    fn index_as_after(&self, index: &str, change: &str) {
        let mut file = std::fs::read(&self.path).unwrap();
        assert!(damage(&self.path, change) > 0, "{change}");
        let changed = std::fs::read(&self.path).unwrap();
        let page = page_of(&self.path, index);
        file[page.clone()].copy_from_slice(&changed[page]);
        std::fs::write(&self.path, file).unwrap();
    }

    /// Opens the store after it was damaged; something must have been.
    async fn damaged(&self, sql: &str) -> SqliteBackend {
        assert!(damage(&self.path, sql) > 0, "{sql}");
        self.open().await
    }
}

fn damage(path: &Path, sql: &str) -> usize {
    Connection::open(path).unwrap().execute(sql, []).unwrap()
}

fn leaf(of: &str) -> NewChunk {
    let bytes = format!("leaf of {of}").into_bytes();
    chunk(Purpose::Leaf, bytes, Arc::new([]))
}

fn node(of: &str) -> NewChunk {
    let bytes = format!("node of {of}").into_bytes();
    chunk(Purpose::Node, bytes, Arc::new([leaf(of).id]))
}

fn chunk(purpose: Purpose, bytes: Vec<u8>, children: Arc<[ChunkId]>) -> NewChunk {
    NewChunk {
        id: ChunkId::from_bytes(ContentHasher::plain().digest(purpose, &bytes)),
        children,
        bytes: bytes.into(),
    }
}

/// Which of the trees are whole.
async fn whole(db: &SqliteBackend) -> Vec<&'static str> {
    let mut whole = Vec::new();
    for of in ["a", "b", "nobody"] {
        let items = db.chunks(&[leaf(of).id, node(of).id]).await.unwrap();
        if items.iter().all(|item| matches!(item, Item::Found(_))) {
            whole.push(of);
        }
    }
    whole
}

async fn maintain(db: &SqliteBackend) -> MaintainStep {
    let mut sum = MaintainStep::default();
    loop {
        let step = db.maintain(&Budget::default().with_rows(2)).await.unwrap();
        sum.purged += step.purged;
        sum.trimmed += step.trimmed;
        sum.swept += step.swept;
        sum.unswept |= step.unswept;
        if !step.more {
            return sum;
        }
    }
}

fn id(id: &str) -> CheckpointId {
    CheckpointId::new(id).unwrap()
}

async fn delete(db: &SqliteBackend, checkpoint: &str) {
    let delete = Operation::Delete(checkpoint_core::Delete {
        session: checkpoint_core::SessionId::new("s").unwrap(),
        id: id(checkpoint),
    });
    db.commit(commit().with(delete)).await.unwrap();
}

#[tokio::test]
async fn a_sound_store_is_swept_and_agrees_with_its_indexes() {
    let place = Place::new().await;
    let db = place.open().await;
    assert!(db.check().await.unwrap().is_empty());
    let step = maintain(&db).await;
    assert_eq!((step.purged, step.swept, step.unswept), (1, 2, false));
    assert_eq!(whole(&db).await, ["a", "b"]);
    assert!(db.check().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_checkpoint_holds_up_the_sweep_until_it_is_set_aside() {
    let place = Place::new().await;
    let db = place
        .damaged("UPDATE checkpoint SET packed = CAST(x'0102030405060708' || substr(packed, 9) AS BLOB) WHERE id = 'a'")
        .await;
    let step = maintain(&db).await;
    assert!(step.unswept && step.swept == 0, "{step:?}");
    assert!(
        step.purged > 0 && step.trimmed > 0,
        "the rest goes on: {step:?}"
    );
    assert_eq!(whole(&db).await, ["a", "b", "nobody"]);

    let aside = Operation::Quarantine(Quarantine {
        session: checkpoint_core::SessionId::new("s").unwrap(),
        id: id("a"),
        aside: true,
    });
    db.commit(commit().with(aside)).await.unwrap();
    let step = maintain(&db).await;
    assert_eq!((step.swept, step.unswept), (2, false));
    assert_eq!(
        whole(&db).await,
        ["a", "b"],
        "what can be read of it is believed"
    );

    delete(&db, "a").await;
    place
        .clock
        .advance(std::time::Duration::from_secs(30 * 24 * 60 * 60));
    assert_eq!(maintain(&db).await.swept, 2);
    assert_eq!(whole(&db).await, ["b"]);
}

#[tokio::test]
async fn what_is_set_aside_is_told_as_such_though_its_row_cannot_be_read() {
    let place = Place::new().await;
    let db = place
        .damaged("UPDATE checkpoint SET packed = CAST(x'0102030405060708' || substr(packed, 9) AS BLOB) WHERE id = 'a'")
        .await;
    let store = checkpoint_core::Store::new(std::sync::Arc::new(db));
    for (quarantine, aside) in [(false, false), (true, true), (false, true), (true, true)] {
        let report = store.verify().quarantine(quarantine).await.unwrap();
        let mut findings = report.findings.iter();
        let hurt = findings.find(|finding| finding.checkpoint == Some(id("a")));
        assert_eq!(hurt.unwrap().set_aside, aside, "{quarantine}: {report:?}");
    }
}

#[tokio::test]
async fn a_damaged_chunk_holds_up_the_sweep_while_it_is_needed() {
    for column in ["children = x'05'", "size = 3", "id = zeroblob(32)"] {
        let place = Place::new().await;
        let sql = format!("UPDATE chunk SET {column} WHERE CAST(data AS TEXT) = 'node of a'");
        let db = place.damaged(&sql).await;
        let step = maintain(&db).await;
        assert!(step.unswept && step.swept == 0, "{column}: {step:?}");
        delete(&db, "a").await;
        let step = maintain(&db).await;
        assert_eq!((step.swept, step.unswept), (4, false), "{column}");
        assert_eq!(whole(&db).await, ["b"]);
        assert!(db.check().await.unwrap().is_empty(), "{column}");
    }
}

#[tokio::test]
async fn a_chunk_that_the_index_lost_is_not_swept() {
    for sql in [
        "DELETE FROM chunk_id WHERE no = 2",
        "UPDATE chunk_id SET id = zeroblob(32) WHERE no = 2",
        "UPDATE chunk_id SET no = 1 WHERE no = 2",
    ] {
        let place = Place::new().await;
        let db = place.damaged(sql).await;
        assert!(!db.check().await.unwrap().is_empty(), "{sql}");
        let step = maintain(&db).await;
        assert!(step.unswept && step.swept == 0, "{sql}: {step:?}");
        // Nothing of it is gone: with its entry it is whole.
        db.close().await.unwrap();
        let connection = Connection::open(&place.path).unwrap();
        let mend = "INSERT OR REPLACE INTO chunk_id SELECT id, no, 0 FROM chunk";
        connection.execute(mend, []).unwrap();
        drop(connection);
        assert_eq!(
            whole(&place.open().await).await,
            ["a", "b", "nobody"],
            "{sql}"
        );
    }
}

#[tokio::test]
async fn an_index_that_disagrees_with_its_rows_is_told_both_ways() {
    let cases = [
        ("DELETE FROM tag WHERE sequence = 2", "not found by its tag"),
        (
            "UPDATE tag SET tag = 'plbn' WHERE sequence = 2",
            "not found by its tag",
        ),
        (
            "UPDATE tag SET tag = 'plbn' WHERE sequence = 2",
            "does not have it",
        ),
        ("INSERT INTO tag VALUES('plan', 77)", "does not have it"),
        (
            "UPDATE checkpoint SET worker = 'else' WHERE id = 'a'",
            "by its worker",
        ),
        (
            "UPDATE checkpoint SET status = 4 WHERE id = 'a'",
            "by its status",
        ),
        ("DELETE FROM chunk_id WHERE no = 3", "not in the index"),
        (
            "UPDATE chunk_id SET no = 4 WHERE no = 3",
            "not in the index",
        ),
        ("INSERT INTO chunk_id VALUES(x'07', 900, 0)", "not there"),
        ("DELETE FROM chunk WHERE no = 1", "not there"),
    ];
    for (sql, expected) in cases {
        let place = Place::new().await;
        let db = place.damaged(sql).await;
        let found = db.check().await.unwrap();
        assert!(found.iter().all(checkpoint_core::Error::is_corrupt));
        let told = found
            .iter()
            .any(|error| error.to_string().contains(expected));
        assert!(told, "{sql}: {found:?}");
    }
}

/// Why there is a check: what is not found looks as if it were not there.
#[tokio::test]
async fn a_lost_tag_hides_a_checkpoint_and_a_lost_chunk_is_told() {
    let place = Place::new().await;
    damage(&place.path, "DELETE FROM chunk_id WHERE no = 2");
    let db = place.damaged("DELETE FROM tag WHERE sequence = 3").await;
    let mut query = Query::default();
    query.filter.all_tags = vec![Tag::new("plan").unwrap()];
    let page = db.scan(&query).await.unwrap();
    assert_eq!(page.items.len(), 2, "of three");
    let items = db.chunks(&[node("a").id]).await.unwrap();
    assert!(matches!(items[..], [Item::Absent]));
    let store = checkpoint_core::Store::new(Arc::new(db));
    let report = store.verify().await.unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|it| it.checkpoint == Some(id("a")))
    );
}

#[tokio::test]
async fn verifying_the_whole_store_tells_what_an_index_lost() {
    let place = Place::new().await;
    let db = place.damaged("DELETE FROM chunk_id WHERE no = 2").await;
    let of_backend = db.check().await.unwrap();
    let report = checkpoint_core::Store::new(Arc::new(db))
        .verify()
        .await
        .unwrap();
    assert!(!report.is_clean());
    let told = |error: &checkpoint_core::Error| error.to_string();
    for error in &of_backend {
        assert!(
            report
                .findings
                .iter()
                .any(|it| told(&it.error) == told(error))
        );
    }
}

/// Name and metadata are not needed to go on: an agent gets at its checkpoints, and `info` tells the damage.
#[tokio::test]
async fn a_session_whose_name_is_damaged_is_opened_and_gone_on_with() {
    let place = Place::new().await;
    let db = place
        .damaged("UPDATE session SET body = x'0102' WHERE id = 's'")
        .await;
    let store = checkpoint_core::Store::new(Arc::new(db));
    for open in [store.session("s"), store.session("s").existing()] {
        let session = open.await.unwrap();
        let error = session.info().await.unwrap_err();
        assert!(
            error.is_corrupt() && error.to_string().contains("session: s"),
            "{error}"
        );
        let page = session.list().await.unwrap();
        assert!(page.checkpoints.len() + page.damaged.len() >= 3);
        session.save(&1).await.unwrap();
    }
    let twice = store.session("s").create_new().await.unwrap_err();
    assert_eq!(*twice.kind(), checkpoint_core::ErrorKind::AlreadyExists);
    assert!(!store.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_record_whose_version_is_damaged_is_not_put_again() {
    let place = Place::new().await;
    let name = checkpoint_core::RecordName::new("key").unwrap();
    let put = || {
        commit().with(checkpoint_core::PutRecord {
            name: name.clone(),
            bytes: Some("content".into()),
        })
    };
    let db = place.open().await;
    for _ in 0..3 {
        db.commit(put()).await.unwrap();
    }
    db.close().await.unwrap();
    let db = place.damaged("UPDATE record SET version = 1").await;
    let error = db.commit(put()).await.unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("record: key"),
        "{error}"
    );
}

/// Pages of indexes as they were before the purge: what is found by them is no longer so.
#[tokio::test]
async fn what_an_index_still_has_to_purge_is_told_and_not_purged_without_end() {
    for indexes in [
        &["session_deleted"][..],
        &["session_deleted", "checkpoint_session"],
    ] {
        let place = Place::new().await;
        let before = std::fs::read(&place.path).unwrap();
        let db = place.open().await;
        maintain(&db).await;
        db.close().await.unwrap();
        let mut file = std::fs::read(&place.path).unwrap();
        for index in indexes {
            let page = page_of(&place.path, index);
            file[page.clone()].copy_from_slice(&before[page]);
        }
        std::fs::write(&place.path, file).unwrap();

        let db = place.open().await;
        let mut steps = Vec::new();
        while steps.last().is_none_or(|step: &MaintainStep| step.more) {
            assert!(steps.len() < 100, "upkeep without end");
            let budget = Budget::default().with_rows(1);
            steps.push(db.maintain(&budget).await.unwrap());
        }
        assert!(steps.iter().any(|step| step.unpurged), "{steps:?}");
        let found = db.check().await.unwrap();
        assert!(
            !found.is_empty(),
            "what an index has and its row has not is damage"
        );
    }
}

#[tokio::test]
async fn what_an_index_alone_has_as_deleted_is_not_purged() {
    for (index, change) in [
        (
            "session_deleted",
            "UPDATE session SET deleted = 1 WHERE key = 1",
        ),
        (
            "checkpoint_session",
            "UPDATE checkpoint SET session = 2 WHERE session = 1",
        ),
    ] {
        let place = Place::new().await;
        place.index_as_after(index, change);
        let db = place.open().await;
        let found = db.check().await.unwrap();
        assert!(!found.is_empty(), "{index} disagrees with the rows");
        let mut steps = Vec::new();
        while steps.last().is_none_or(|step: &MaintainStep| step.more) {
            steps.push(db.maintain(&Budget::default()).await.unwrap());
        }
        assert!(steps.iter().any(|step| step.unpurged), "{steps:?}");
        let ids = ["a", "b", "c"].map(|id| CheckpointId::new(id).unwrap());
        for item in db.get(&ids, Parts::HEADER).await.unwrap() {
            assert!(matches!(item, Item::Found(_)), "{index}: {item:?}");
        }
        assert_eq!(whole(&db).await, ["a", "b"]);
    }
}

/// Where the one page of a small index lies in the file.
fn page_of(path: &Path, index: &str) -> std::ops::Range<usize> {
    const PAGE: usize = 4_096;
    let root: u32 = Connection::open(path)
        .unwrap()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
            [index],
            |row| row.get(0),
        )
        .unwrap();
    (root as usize - 1) * PAGE..root as usize * PAGE
}
