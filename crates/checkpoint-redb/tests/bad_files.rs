//! Files that are no store, or no longer one. None of them panics, none yields wrong data, and none is changed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use checkpoint_core::{
    Backend, CheckpointId, Error, ErrorKind, Item, Parts, Payload, Query, Record,
};
use checkpoint_redb::{RedbBackend, RedbOptions};
use common::{append, commit, mix, open, session, state};
use redb::{Database, TableDefinition};

const SAVED: usize = 30;

async fn refused(path: &Path) -> Error {
    let error = RedbBackend::open(RedbOptions::at(path)).await.unwrap_err();
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    error
}

/// The bytes of a closed store with some checkpoints.
async fn bytes(directory: &Path) -> Vec<u8> {
    let path = directory.join("sound.redb");
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
    let nowhere = at.join("no").join("such.redb");
    assert_eq!(*refused(&nowhere).await.kind(), ErrorKind::NotFound);
    let missing = RedbOptions::at(at.join("missing.redb")).with_create(false);
    let error = RedbBackend::open(missing).await.unwrap_err();
    assert!(error.is_not_found());
    assert!(!at.join("missing.redb").exists());
}

/// A database of another program's, closed in order, or as a process that was killed left it.
fn foreign(path: &Path, closed: bool) -> Vec<u8> {
    let database = Database::create(path).unwrap();
    let write = database.begin_write().unwrap();
    let table = TableDefinition::<u64, &str>::new("theirs");
    write.open_table(table).unwrap().insert(1, "one").unwrap();
    write.commit().unwrap();
    let open = fs::read(path).unwrap();
    drop(database);
    if !closed {
        fs::write(path, &open).unwrap();
    }
    fs::read(path).unwrap()
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_not_even_repaired() {
    let directory = tempfile::tempdir().unwrap();
    for closed in [true, false] {
        let path = directory.path().join(format!("foreign-{closed}.redb"));
        let before = foreign(&path, closed);
        for read_only in [false, true] {
            let options = RedbOptions::at(&path).with_read_only(read_only);
            let error = RedbBackend::open(options).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("another program"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), before);
        }
    }
}

#[tokio::test]
async fn tables_of_another_shape_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = bytes(directory.path()).await;
    let path = place(directory.path(), "shape.redb", &file);
    let database = Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    let tombstones = TableDefinition::<&[u8], &[u8]>::new("tombstone");
    assert!(write.delete_table(tombstones).unwrap());
    write.commit().unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    assert_eq!(*refused(&path).await.kind(), ErrorKind::Corrupt);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_newer_format_is_refused_naming_both() {
    let directory = tempfile::tempdir().unwrap();
    let file = bytes(directory.path()).await;
    let path = place(directory.path(), "newer.redb", &file);
    let database = Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    let store = TableDefinition::<&[u8], &[u8]>::new("store");
    let newer = 9_u32.to_le_bytes();
    let mut table = write.open_table(store).unwrap();
    table.insert(&b"format"[..], &newer[..]).unwrap();
    drop(table);
    write.commit().unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    let error = refused(&path).await;
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(
        text.contains("format 9") && text.contains("up to 1"),
        "{text}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_newer_format_of_the_engine_is_refused_naming_both() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = bytes(directory.path()).await;
    // The version stands at the start of each of the two slots.
    (file[64], file[192]) = (4, 4);
    let path = place(directory.path(), "newer.redb", &file);
    let error = refused(&path).await;
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(
        text.contains("version 4") && text.contains("up to 3"),
        "{text}"
    );
    (file[64], file[192]) = (2, 2);
    let path = place(directory.path(), "older.redb", &file);
    assert_eq!(*refused(&path).await.kind(), ErrorKind::Unsupported);
    assert_eq!(fs::read(&path).unwrap(), file);
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = bytes(directory.path()).await;
    let pages = file.len() / 4096;
    let lengths = [1, 8, 9, 50, 319, 320, 512, 4_095, 4_097, file.len() - 1]
        .into_iter()
        .chain((1..pages).map(|page| page * 4096));
    for length in lengths {
        let path = place(directory.path(), "cut.redb", &file[..length]);
        assert_eq!(*refused(&path).await.kind(), ErrorKind::Corrupt, "{length}");
        assert_eq!(fs::read(&path).unwrap(), file[..length]);
    }
}

#[tokio::test]
async fn an_empty_file_becomes_a_store_unless_none_may_be_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(directory.path(), "empty.redb", b"");
    let options = RedbOptions::at(&path).with_create(false);
    assert!(RedbBackend::open(options).await.unwrap_err().is_not_found());
    let options = RedbOptions::at(&path).with_read_only(true);
    assert!(RedbBackend::open(options).await.unwrap_err().is_not_found());
    assert_eq!(fs::read(&path).unwrap(), b"");
    let db = open(&path).await;
    db.commit(session("s")).await.unwrap();
    db.close().await.unwrap();
    assert!(!directory.path().join("empty.redb-creating").exists());
}

#[tokio::test]
async fn flipped_bytes_never_panic_and_never_lie() {
    let directory = tempfile::tempdir().unwrap();
    let file = bytes(directory.path()).await;
    let path = directory.path().join("flipped.redb");
    // Most of a small file is pages that nobody has used yet.
    let used: Vec<usize> = (0..file.len())
        .filter(|at| file[at / 4096 * 4096..(at / 4096 + 1) * 4096] != [0; 4096])
        .collect();
    let (mut opened, mut told) = (0, 0);
    for seed in 0..300 {
        let mut flipped = file.clone();
        let at = used[(mix(seed) % used.len() as u64) as usize];
        flipped[at] ^= 1 << (mix(seed + 1_000) % 8);
        fs::write(&path, &flipped).unwrap();
        let Ok(db) = RedbBackend::open(RedbOptions::at(&path)).await else {
            told += 1;
            continue;
        };
        opened += 1;
        told += usize::from(look_at(&db, seed).await);
        db.close().await.unwrap();
    }
    assert!(opened > 100 && told > 20, "{opened} opened, {told} told");
}

/// Reads everything, and writes; answers whether damage was told. What is found must be what was saved.
async fn look_at(db: &RedbBackend, seed: u64) -> bool {
    let mut told = false;
    let mut judge = |item: Item<Record>| match item {
        Item::Found(record) => {
            let id = record.header.id.to_string();
            let n: usize = id[1..].parse().unwrap();
            assert_eq!(record.header.sequence, n as u64 + 1, "seed {seed}");
            let payload = Some(Payload::Inline(state(n).into()));
            assert_eq!(record.payload, payload, "seed {seed}");
            let meta = format!("meta of {id}");
            assert_eq!(record.meta.as_deref(), Some(meta.as_bytes()));
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
    let sessions = db.sessions(&Default::default()).await;
    told |= !sessions.is_ok_and(|page| page.items.iter().all(|it| matches!(it, Item::Found(_))));
    let feed = db.changes(Default::default(), 100).await;
    told |= feed.and_then(checkpoint_core::Feed::whole).is_err();
    let saved = commit().with(append("s", "x99", state(99)));
    told |= db.commit(saved).await.is_err();
    told |= db.check().await.map_or(true, |found| !found.is_empty());
    told
}
