//! Files that are no store, or no longer one. None of them panics, none yields wrong data.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::{
    Backend, CheckpointId, Error, ErrorKind, Item, Parts, Payload, Position, Query, SessionQuery,
    Store,
};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use common::{append, commit, mix, open, session, state};

const SAVED: usize = 30;

async fn refused(path: &Path) -> Error {
    let error = SqliteBackend::open(SqliteOptions::at(path))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    error
}

/// The bytes of a closed store with some checkpoints.
async fn bytes(directory: &Path) -> Vec<u8> {
    let path = directory.join("sound.db");
    let db = open(&path).await;
    db.commit(session("s")).await.unwrap();
    for n in 0..SAVED {
        let saved = commit().with(append("s", &format!("c{n}"), state(n)));
        db.commit(saved).await.unwrap();
    }
    db.close().await.unwrap();
    fs::read(&path).unwrap()
}

fn place(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    assert_eq!(*refused(at).await.kind(), ErrorKind::Invalid);
    let texts: &[&[u8]] = &[
        b"hello, this is no database",
        &[0; 5_000],
        &[255; 4_096],
        b"\n",
    ];
    for (n, text) in texts.iter().enumerate() {
        let path = place(at, &format!("text{n}"), text);
        assert_eq!(*refused(&path).await.kind(), ErrorKind::Unsupported, "{n}");
        assert_eq!(fs::read(&path).unwrap(), *text);
    }
    let foreign = at.join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1)")
        .unwrap();
    let before = fs::read(&foreign).unwrap();
    assert_eq!(*refused(&foreign).await.kind(), ErrorKind::Unsupported);
    assert_eq!(fs::read(&foreign).unwrap(), before);
    let nowhere = at.join("no").join("such.db");
    assert_eq!(*refused(&nowhere).await.kind(), ErrorKind::NotFound);
    let missing = SqliteOptions::at(at.join("missing.db")).with_create(false);
    let error = SqliteBackend::open(missing).await.unwrap_err();
    assert!(error.is_not_found());
    assert!(!at.join("missing.db").exists());
}

#[tokio::test]
async fn a_newer_format_is_refused_naming_both() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = bytes(directory.path()).await;
    file[60..64].copy_from_slice(&9_u32.to_be_bytes());
    let path = place(directory.path(), "newer.db", &file);
    let error = refused(&path).await;
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(text.contains('9') && text.contains('1'), "{text}");
    assert_eq!(fs::read(&path).unwrap(), file);
}

/// The engine would open it and refuse each write as if the file could not be written.
#[tokio::test]
async fn a_file_for_a_newer_engine_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for at in [18, 19] {
        let mut file = bytes(directory.path()).await;
        file[at] = 3;
        let path = place(directory.path(), &format!("newer{at}.db"), &file);
        let error = refused(&path).await;
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(
            error.to_string().contains("newer version of the engine"),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), file);
    }
}

#[tokio::test]
async fn another_schema_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = bytes(directory.path()).await;
    let more = [
        "CREATE TRIGGER t AFTER INSERT ON tag BEGIN DELETE FROM checkpoint; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE INDEX i ON checkpoint(hex(meta))",
        "DROP INDEX checkpoint_id",
        "DROP TABLE tombstone",
    ];
    for (n, sql) in more.iter().enumerate() {
        let path = place(directory.path(), &format!("schema{n}.db"), &file);
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        assert_eq!(*refused(&path).await.kind(), ErrorKind::Corrupt, "{sql}");
    }
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = bytes(directory.path()).await;
    let pages = file.len() / 4096;
    let lengths = [1, 15, 16, 50, 99, 100, 512, 4_095, 4_097, file.len() - 1]
        .into_iter()
        .chain((1..pages).map(|page| page * 4096));
    for length in lengths {
        let path = place(
            directory.path(),
            &format!("cut{length}.db"),
            &file[..length],
        );
        assert_eq!(*refused(&path).await.kind(), ErrorKind::Corrupt, "{length}");
        assert_eq!(fs::read(&path).unwrap(), file[..length]);
    }
}

#[tokio::test]
async fn flipped_bytes_never_panic_and_never_lie() {
    let directory = tempfile::tempdir().unwrap();
    let file = bytes(directory.path()).await;
    let path = directory.path().join("flipped.db");
    let (mut opened, mut told) = (0, 0);
    for seed in 0..200 {
        let mut flipped = file.clone();
        let at = (mix(seed) % file.len() as u64) as usize;
        flipped[at] ^= 1 << (mix(seed + 1_000) % 8);
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(directory.path().join(format!("flipped.db{suffix}")));
        }
        fs::write(&path, &flipped).unwrap();
        let Ok(db) = SqliteBackend::open(SqliteOptions::at(&path)).await else {
            told += 1;
            continue;
        };
        opened += 1;
        told += usize::from(look_at(&db, seed).await);
        db.close().await.unwrap();
    }
    assert!(opened > 100 && told > 20, "{opened} opened, {told} told");
}

/// Reads everything; answers whether damage was told. What is found must be what was saved.
async fn look_at(db: &SqliteBackend, seed: u64) -> bool {
    let mut told = false;
    let mut judge = |item: Item<checkpoint_core::Record>| match item {
        Item::Found(record) => {
            let id = record.header.id.to_string();
            let n: usize = id[1..].parse().unwrap();
            assert_eq!(record.header.sequence, n as u64 + 1, "seed {seed}");
            assert_eq!(
                record.payload,
                Some(Payload::Inline(state(n).into())),
                "seed {seed}"
            );
            assert_eq!(
                record.meta.as_deref(),
                Some(format!("meta of {id}").as_bytes())
            );
        }
        Item::Corrupt(error) => {
            assert!(error.is_corrupt());
            told = true;
        }
        Item::Absent | Item::Deleted => told = true,
    };
    for n in 0..SAVED {
        let id = CheckpointId::new(format!("c{n}")).unwrap();
        match db.get(&[id], Parts::ALL).await {
            Ok(items) => items.into_iter().for_each(&mut judge),
            Err(error) => judge(Item::Corrupt(error)),
        }
    }
    let query = Query {
        parts: Parts::ALL,
        ..Query::default()
    };
    match db.scan(&query).await {
        Ok(page) => page.items.into_iter().for_each(&mut judge),
        Err(error) => judge(Item::Corrupt(error)),
    }
    let sessions = db.sessions(&SessionQuery::default()).await;
    let whole = |it: &Item<checkpoint_core::SessionRecord>| matches!(it, Item::Found(_));
    told |= !sessions.is_ok_and(|page| page.items.iter().all(whole));
    let feed = db.changes(Default::default(), 100).await;
    told |= feed.and_then(checkpoint_core::Feed::whole).is_err();
    let saved = commit().with(append("s", "x99", state(99)));
    told |= db.commit(saved).await.is_err();
    told
}

#[tokio::test]
async fn a_store_tells_what_is_damaged_beside_what_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::new(Arc::new(open(&path).await));
    for name in ["one", "hurt", "three"] {
        let session = store.session(name).await.unwrap();
        session.save(name).await.unwrap();
    }
    store.close().await.unwrap();
    let file = rusqlite::Connection::open(&path).unwrap();
    let damage = "UPDATE session SET created = created + 1 WHERE id = 'hurt';
        UPDATE change SET committed = committed + 1 WHERE session = 'three'";
    file.execute_batch(damage).unwrap();
    drop(file);

    let store = Store::new(Arc::new(open(&path).await));
    let sessions = store.sessions(10, None).await.unwrap();
    let ids: Vec<String> = sessions
        .sessions
        .iter()
        .map(|it| it.id.to_string())
        .collect();
    assert_eq!(ids, ["one", "three"]);
    assert!(sessions.damaged.len() == 1 && sessions.damaged[0].to_string().contains("hurt"));

    let (mut told, mut damaged, mut after) = (0, 0, Position::START);
    loop {
        let page = store.changes(after, 2).await.unwrap();
        if page.end == after {
            break;
        }
        (told, damaged, after) = (
            told + page.changes.len(),
            damaged + page.damaged.len(),
            page.end,
        );
    }
    // The session of an append cannot be told either.
    assert_eq!((told, damaged, after), (4, 2, Position::of(3)));

    let report = store.verify().newest(1).await.unwrap();
    assert_eq!((report.valid, report.invalid), (2, 1));
    // Nobody knows whether it was deleted, so it takes no more.
    let session = store.session("hurt").await.unwrap();
    let errors = [
        session.info().await.unwrap_err(),
        session.save(&1).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            error.is_corrupt() && error.to_string().contains("hurt"),
            "{error}"
        );
    }
}
