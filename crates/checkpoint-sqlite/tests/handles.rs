//! Groups, handles, restarts, a full disk.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{Backend, CheckpointId, Expectation, Item, Parts, Payload, Query, SessionId};
use checkpoint_core::{ErrorKind, SystemClock, Timestamp};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use common::{append, commit, open, session, state};

async fn ids(db: &SqliteBackend) -> Vec<String> {
    let query = Query {
        limit: 1_000,
        ..Query::default()
    };
    let page = db.scan(&query).await.unwrap();
    let mut ids: Vec<String> = page
        .items
        .into_iter()
        .map(|item| item.into_option().unwrap().unwrap().header.id.to_string())
        .collect();
    ids.reverse();
    ids
}

#[tokio::test]
async fn a_reopened_store_holds_what_it_held() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let db = open(&path).await;
    let id = db.info().id;
    db.commit(session("s")).await.unwrap();
    for n in 0..20 {
        let saved = commit().with(append("s", &format!("c{n}"), state(n)));
        assert_eq!(db.commit(saved).await.unwrap().first.sequence, n as u64 + 1);
    }
    db.close().await.unwrap();
    assert!(matches!(
        db.commit(session("t")).await.unwrap_err().kind(),
        ErrorKind::Stopped
    ));

    let db = open(&path).await;
    assert_eq!(db.info().id, id);
    let item = db
        .get(&[CheckpointId::new("c7").unwrap()], Parts::ALL)
        .await
        .unwrap()
        .remove(0);
    let record = item.into_option().unwrap().unwrap();
    assert_eq!(record.payload, Some(Payload::Inline(state(7).into())));
    assert_eq!(record.header.parent, Some(CheckpointId::new("c6").unwrap()));
    assert_eq!(ids(&db).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_member_takes_no_other_of_its_group_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let db = Arc::new(open(&directory.path().join("store.db")).await);
    db.commit(session("s")).await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                let mut it = commit().with(append("s", &format!("c{n}"), state(n)));
                if n % 5 == 0 {
                    let expected = CheckpointId::new("nobody").unwrap();
                    let session = SessionId::new("s").unwrap();
                    it = it.expecting(Expectation::Head(session, Some(expected)));
                }
                db.commit(it).await
            })
        })
        .collect();
    let mut sequences = Vec::new();
    for (n, task) in tasks.into_iter().enumerate() {
        match task.await.unwrap() {
            Ok(receipt) => sequences.push(receipt.first.sequence),
            Err(error) => {
                assert!(n % 5 == 0 && error.as_conflict().is_some(), "{n}: {error}");
            }
        }
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=80).collect::<Vec<u64>>());
    assert_eq!(ids(&db).await.len(), 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_on_one_file_share_one_sequence() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let (one, two) = (open(&path).await, open(&path).await);
    one.commit(session("s")).await.unwrap();
    for n in 0..40 {
        let db = if n % 2 == 0 { &one } else { &two };
        let saved = commit().with(append("s", &format!("c{n}"), state(n)));
        assert_eq!(db.commit(saved).await.unwrap().first.sequence, n as u64 + 1);
    }
    assert_eq!(ids(&one).await, ids(&two).await);
    let before = one
        .changed(Default::default(), Duration::ZERO)
        .await
        .unwrap();
    let waiting = one.changed(before, Duration::from_secs(20));
    let writing = two.commit(commit().with(append("s", "last", state(1))));
    let (seen, written) = tokio::join!(waiting, writing);
    assert_eq!(seen.unwrap(), written.unwrap().last);
}

#[tokio::test]
async fn a_dropped_future_leaves_a_commit_done_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory.path().join("store.db")).await;
    db.commit(session("s")).await.unwrap();
    for n in 0..50 {
        let two = commit()
            .with(append("s", &format!("a{n}"), state(n)))
            .with(append("s", &format!("b{n}"), state(n)));
        let _ = tokio::time::timeout(Duration::from_micros(n as u64 * 10), db.commit(two)).await;
    }
    db.commit(commit().with(append("s", "end", state(0))))
        .await
        .unwrap();
    for n in 0..50 {
        let pair = [format!("a{n}"), format!("b{n}")].map(|id| CheckpointId::new(id).unwrap());
        let items = db.get(&pair, Parts::HEADER).await.unwrap();
        let there: Vec<bool> = items
            .iter()
            .map(|item| matches!(item, Item::Found(_)))
            .collect();
        assert_eq!(there[0], there[1], "half of commit {n}");
    }
}

#[tokio::test]
async fn a_store_in_memory_is_whole_and_gone_with_its_handle() {
    let options = SqliteOptions::memory().with_clock(Arc::new(SystemClock));
    let db = SqliteBackend::open(options).await.unwrap();
    db.commit(session("s")).await.unwrap();
    db.commit(commit().with(append("s", "a", state(1))))
        .await
        .unwrap();
    assert_eq!(ids(&db).await, ["a"]);
    assert!(!db.info().capabilities.persistent);
    db.close().await.unwrap();
    assert!(db.stats().await.is_err());
}

#[tokio::test]
async fn a_read_only_handle_reads_and_refuses_to_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let db = open(&path).await;
    db.commit(session("s")).await.unwrap();
    db.commit(commit().with(append("s", "a", state(1))))
        .await
        .unwrap();
    db.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let read = SqliteBackend::open(SqliteOptions::at(&path).with_read_only(true))
        .await
        .unwrap();
    assert_eq!(ids(&read).await, ["a"]);
    let error = read.commit(session("t")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Denied);
    read.close().await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// The engine's ways to copy a store leave a file without a log's mark.
#[tokio::test]
async fn a_copy_made_by_the_engine_is_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let db = open(&path).await;
    db.commit(session("s")).await.unwrap();
    for n in 0..3 {
        let saved = commit().with(append("s", &format!("c{n}"), state(n)));
        db.commit(saved).await.unwrap();
    }
    let source = rusqlite::Connection::open(&path).unwrap();
    let place = |name: &str| directory.path().join(name);
    let (vacuumed, backup) = (place("vacuumed.db"), place("backup.db"));
    source
        .execute("VACUUM INTO ?1", [vacuumed.to_str().unwrap()])
        .unwrap();
    let silent = None::<fn(rusqlite::backup::Progress)>;
    source.backup("main", &backup, silent).unwrap();
    for copy in [vacuumed, backup] {
        let read = SqliteBackend::open(SqliteOptions::at(&copy).with_read_only(true)).await;
        let read = read.unwrap();
        assert_eq!(ids(&read).await, ["c0", "c1", "c2"]);
        read.close().await.unwrap();
        let db = open(&copy).await;
        let saved = commit().with(append("s", "more", state(3)));
        let receipt = db.commit(saved).await.unwrap();
        assert_eq!(receipt.first.sequence, 4);
        assert!(place(&format!("{}-wal", copy.file_name().unwrap().display())).exists());
        db.close().await.unwrap();
    }
    db.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let db = open(&path).await;
    db.commit(session("s")).await.unwrap();
    for name in ["store.db", "store.db-wal"] {
        let mode = std::fs::metadata(directory.path().join(name)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert!(Timestamp::MIN < common::time());
}

#[tokio::test]
async fn who_reads_a_little_again_and_again_lets_others_have_their_turn() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory.path().join("store.db")).await;
    let query = Query {
        limit: 1,
        ..Query::default()
    };
    let reads = async {
        for _ in 0..1_000 {
            db.scan(&query).await.unwrap();
        }
    };
    // What is asked for second is looked at when the first waits.
    tokio::select! {
        biased;
        () = reads => panic!("no read waited, so that nothing could end them"),
        () = std::future::ready(()) => {}
    }
}

/// The disk would take it, and nobody would find it.
#[tokio::test]
async fn nothing_is_acknowledged_in_a_file_that_lost_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let db = open(&path("store.db")).await;
    db.commit(session("s")).await.unwrap();
    let save = |id: &'static str| {
        let commit = commit().with(append("s", id, state(1)));
        db.commit(commit)
    };
    std::fs::rename(path("store.db"), path("elsewhere")).unwrap();
    let error = save("a").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("was removed"), "{error}");
    if cfg!(unix) {
        std::fs::write(path("store.db"), "another").unwrap();
        let error = save("b").await.unwrap_err();
        assert!(error.to_string().contains("was replaced"), "{error}");
    }
    std::fs::rename(path("elsewhere"), path("store.db")).unwrap();
    save("c").await.unwrap();
    db.close().await.unwrap();
    let db = open(&path("store.db")).await;
    let ids = ["a", "b", "c"].map(|id| CheckpointId::new(id).unwrap());
    let items = db.get(&ids, Parts::HEADER).await.unwrap();
    let is_there = |item: &Item<_>| matches!(item, Item::Found(_));
    assert_eq!(
        items.iter().map(is_there).collect::<Vec<_>>(),
        [false, false, true]
    );
}
