//! Handles on one store: who may have it, what closing does, and what a handle that only reads may do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{
    Backend, Budget, CheckpointId, Durability, ErrorKind, FakeClock, Item, Meter, Parts, Position,
    Query,
};
use checkpoint_redb::{RedbBackend, RedbOptions};
use common::{append, commit, open, session, state};

async fn read_only(path: &Path) -> checkpoint_core::Result<RedbBackend> {
    RedbBackend::open(RedbOptions::at(path).with_read_only(true)).await
}

async fn saved(path: &Path, count: usize) -> RedbBackend {
    let db = open(path).await;
    db.commit(session("s")).await.unwrap();
    for n in 0..count {
        let saved = commit().with(append("s", &format!("c{n}"), state(n)));
        assert_eq!(db.commit(saved).await.unwrap().durability, Durability::Disk);
    }
    db
}

#[tokio::test]
async fn a_second_open_is_locked_at_once_also_for_reading() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.redb");
    let db = saved(&path, 1).await;
    for result in [
        RedbBackend::open(RedbOptions::at(&path)).await,
        read_only(&path).await,
    ] {
        let error = result.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Locked);
        assert!(error.to_string().contains("a.redb"), "{error}");
    }
    // The one that was refused took nothing from the one that has it.
    db.commit(session("t")).await.unwrap();
    db.close().await.unwrap();
    open(&path).await.close().await.unwrap();
}

#[tokio::test]
async fn many_may_read_and_none_of_them_changes_a_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.redb");
    saved(&path, 3).await.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let (one, two) = (
        read_only(&path).await.unwrap(),
        read_only(&path).await.unwrap(),
    );
    for db in [&one, &two] {
        assert!(db.info().read_only);
        assert_eq!(db.scan(&Query::default()).await.unwrap().items.len(), 3);
        assert!(db.check().await.unwrap().is_empty());
        let error = db.commit(session("t")).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Denied);
        let error = db.maintain(&Budget::default()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Denied);
    }
    let error = RedbBackend::open(RedbOptions::at(&path)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Locked);
    one.close().await.unwrap();
    drop(two);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_store_that_was_not_closed_is_read_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (
        directory.path().join("a.redb"),
        directory.path().join("b.redb"),
    );
    let db = saved(&path, 3).await;
    // As a process that is killed leaves it: every acknowledged commit is in the file.
    fs::copy(&path, &copy).unwrap();
    let before = fs::read(&copy).unwrap();
    let read = read_only(&copy).await.unwrap();
    assert_eq!(read.scan(&Query::default()).await.unwrap().items.len(), 3);
    read.close().await.unwrap();
    assert_eq!(fs::read(&copy).unwrap(), before);
    let again = open(&copy).await;
    assert_eq!(again.scan(&Query::default()).await.unwrap().items.len(), 3);
    again.close().await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_lock_of_a_dead_process_holds_nobody_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.redb");
    saved(&path, 1).await.close().await.unwrap();
    let file = fs::File::open(&path).unwrap();
    file.try_lock().unwrap();
    let error = RedbBackend::open(RedbOptions::at(&path)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Locked);
    // What the system does when a process ends.
    drop(file);
    open(&path).await.close().await.unwrap();
}

#[tokio::test]
async fn a_closed_handle_says_so_and_lets_go_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.redb");
    let db = saved(&path, 1).await;
    db.close().await.unwrap();
    db.close().await.unwrap();
    let other = open(&path).await;
    let id = CheckpointId::new("c0").unwrap();
    let errors = [
        db.get(std::slice::from_ref(&id), Parts::ALL)
            .await
            .unwrap_err(),
        db.commit(session("t")).await.unwrap_err(),
        db.flush().await.unwrap_err(),
        db.stats().await.unwrap_err(),
        db.check().await.unwrap_err(),
        db.changed(Position::START, Default::default())
            .await
            .unwrap_err(),
        db.maintain(&Budget::default()).await.unwrap_err(),
        db.backup(&directory.path().join("b.redb"), &Meter::default())
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(*error.kind(), ErrorKind::Stopped, "{error}");
    }
    other.close().await.unwrap();
}

#[tokio::test]
async fn a_store_follows_its_directory_and_not_that_of_the_program() {
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (
        directory.path().join("a.redb"),
        directory.path().join("link"),
    );
    saved(&path, 1).await.close().await.unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, &link).unwrap();
    #[cfg(unix)]
    {
        let db = open(&link).await;
        let error = RedbBackend::open(RedbOptions::at(&path)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Locked);
        db.close().await.unwrap();
    }
    for bad in ["", "no\0name", "dir/"] {
        let error = RedbBackend::open(RedbOptions::at(bad)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Invalid, "{bad:?}");
    }
}

#[tokio::test]
async fn of_many_creators_each_finds_one_store_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.redb");
    let opens = (0..8).map(|_| {
        let path = path.clone();
        tokio::spawn(async move { RedbBackend::open(RedbOptions::at(path)).await })
    });
    let (mut opened, mut locked) = (0, 0);
    for open in opens.collect::<Vec<_>>() {
        match open.await.unwrap() {
            Ok(db) => {
                opened += 1;
                db.close().await.unwrap();
            }
            Err(error) => {
                assert_eq!(*error.kind(), ErrorKind::Locked, "{error}");
                locked += 1;
            }
        }
    }
    assert!(opened >= 1 && opened + locked == 8, "{opened} {locked}");
    open(&path).await.close().await.unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_backup_holds_the_moment_at_which_it_was_made() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (
        directory.path().join("a.redb"),
        directory.path().join("b.redb"),
    );
    let db = saved(&path, 20).await;
    let meter = Meter::default();
    let draft = db.backup(&copy, &meter).await.unwrap();
    assert!(!copy.exists(), "it was not kept yet");
    assert!(draft.keep().await.unwrap() > 0);
    let error = db.backup(&copy, &meter).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AlreadyExists);
    db.commit(commit().with(append("s", "later", state(1))))
        .await
        .unwrap();
    let made = open(&copy).await;
    assert_eq!(made.info().id, db.info().id);
    assert_eq!(made.scan(&Query::default()).await.unwrap().items.len(), 20);
    assert!(made.check().await.unwrap().is_empty());
    made.commit(session("t")).await.unwrap();
    made.close().await.unwrap();
    assert_eq!(db.scan(&Query::default()).await.unwrap().items.len(), 21);
    db.close().await.unwrap();
}

#[tokio::test]
async fn compacting_gives_space_back_beside_readers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.redb");
    let clock = FakeClock::at("2026-11-20T10:00:00Z").unwrap();
    let options = RedbOptions::at(&path).with_clock(Arc::new(clock.clone()));
    let db = Arc::new(RedbBackend::open(options).await.unwrap());
    db.commit(session("s")).await.unwrap();
    let bytes = Bytes::from(vec![7; 300_000]);
    for n in 0..40 {
        db.commit(commit().with(append("s", &format!("c{n}"), bytes.to_vec())))
            .await
            .unwrap();
    }
    let full = fs::metadata(&path).unwrap().len();
    let session = checkpoint_core::SessionId::new("s").unwrap();
    for n in 1..40 {
        let delete = checkpoint_core::Delete {
            session: session.clone(),
            id: CheckpointId::new(format!("c{n}")).unwrap(),
        };
        db.commit(commit().with(delete)).await.unwrap();
    }
    let reader = {
        let db = Arc::clone(&db);
        tokio::spawn(async move {
            for _ in 0..200 {
                let id = CheckpointId::new("c0").unwrap();
                let found = db.get(&[id], Parts::ALL).await.unwrap();
                assert!(matches!(found[..], [Item::Found(_)]));
                tokio::task::yield_now().await;
            }
        })
    };
    let budget = Budget::default().with_compact(true);
    while db.maintain(&budget).await.unwrap().more {}
    reader.await.unwrap();
    let left = fs::metadata(&path).unwrap().len();
    assert!(left < full / 4, "{left} of {full} bytes are left");
    assert!(db.check().await.unwrap().is_empty());
    db.close().await.unwrap();
}

#[tokio::test]
async fn who_reads_a_little_again_and_again_lets_others_have_their_turn() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory.path().join("a.redb")).await;
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
    let db = open(&path("a.redb")).await;
    db.commit(session("s")).await.unwrap();
    let save = |id: &'static str| {
        let commit = commit().with(append("s", id, state(1)));
        db.commit(commit)
    };
    std::fs::rename(path("a.redb"), path("elsewhere")).unwrap();
    let error = save("a").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("was removed"), "{error}");
    if cfg!(unix) {
        std::fs::write(path("a.redb"), "another").unwrap();
        let error = save("b").await.unwrap_err();
        assert!(error.to_string().contains("was replaced"), "{error}");
    }
    std::fs::rename(path("elsewhere"), path("a.redb")).unwrap();
    save("c").await.unwrap();
    db.close().await.unwrap();
    let db = open(&path("a.redb")).await;
    let ids = ["a", "b", "c"].map(|id| CheckpointId::new(id).unwrap());
    let items = db.get(&ids, Parts::HEADER).await.unwrap();
    let is_there = |item: &Item<_>| matches!(item, Item::Found(_));
    assert_eq!(
        items.iter().map(is_there).collect::<Vec<_>>(),
        [false, false, true]
    );
}
