//! What a sync that failed leaves in the log, or in the file, is never taken for what is on disk.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;

use checkpoint_core::{Applied, Backend, Budget, Durability, ErrorKind, Result, Store};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use checkpoint_sqlite_vfs::tapped_files;
use checkpoint_torture::disk::{Cut, Fault, Images, Op, Plan, Tap};
use checkpoint_torture::load::Seed;
use rusqlite::Connection;

async fn open(place: &Path, tap: Option<&Tap>) -> Store {
    let mut options = SqliteOptions::at(place.join("store.db")).with_log_pages(20);
    if let Some(tap) = tap {
        options = options.with_files(Arc::new(tapped_files(tap).unwrap()));
    }
    Store::new(Arc::new(SqliteBackend::open(options).await.unwrap()))
}

/// With commits that are not synced.
async fn open_unsynced(tap: &Tap) -> Store {
    let options = SqliteOptions::at(tap.root().join("store.db"))
        .with_log_pages(20)
        .with_durability(Durability::Os)
        .with_files(Arc::new(tapped_files(tap).unwrap()));
    Store::new(Arc::new(SqliteBackend::open(options).await.unwrap()))
}

async fn save(store: &Store, id: &str) -> Result<u64> {
    let session = store.session("s").await?;
    Ok(session.save(&id).id(id).await?.sequence)
}

fn fail_next_sync(tap: &Tap) {
    fail_sync(tap, 1);
}

fn fail_sync(tap: &Tap, nth: u64) {
    tap.plan(Some(Plan {
        op: Op::Sync,
        nth,
        fault: Fault::Io,
        for_good: false,
    }));
}

#[tokio::test]
async fn a_save_that_was_found_in_a_log_after_a_failed_sync_survives_once_it_is_acknowledged() {
    let (place, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tap = Tap::on(place.path()).unwrap();
    let store = open(place.path(), Some(&tap)).await;
    save(&store, "one").await.unwrap();
    fail_next_sync(&tap);
    let error = save(&store, "two").await.unwrap_err();
    let applied = Applied::Unknown;
    assert_eq!(*error.kind(), ErrorKind::Unavailable { applied });

    // The process is killed. The system still has what it wrote, and will not write it to the disk any more.
    let journal = tap.journal();
    journal.end().write_to(after.path()).unwrap();
    let tap = Tap::resume(after.path(), &journal).unwrap();
    let again = open(after.path(), Some(&tap)).await;
    assert_eq!(save(&again, "two").await.unwrap(), 2);
    let told = tap.mark();
    again.backend().close().await.unwrap();

    let journal = tap.journal();
    let cuts = Images::of(&journal, Seed(1), 200);
    let mut tried = 0;
    for cut in cuts.filter(|cut| cut.marks == told).take(40) {
        let left = tempfile::tempdir().unwrap();
        cut.image.write_to(left.path()).unwrap();
        let store = open(left.path(), None).await;
        let session = store.session("s").await.unwrap();
        let found = session.get("two").await.unwrap();
        assert_eq!(found.map(|it| it.sequence()), Some(2), "{}", cut.how);
        store.backend().close().await.unwrap();
        tried += 1;
    }
    assert!(tried > 10, "{tried}");
    store.backend().close().await.unwrap();
}

#[tokio::test]
async fn a_save_whose_sync_failed_can_be_sent_again_to_the_same_handle() {
    let place = tempfile::tempdir().unwrap();
    let tap = Tap::on(place.path()).unwrap();
    let store = open(place.path(), Some(&tap)).await;
    save(&store, "one").await.unwrap();
    for id in ["two", "three"] {
        fail_next_sync(&tap);
        save(&store, id).await.unwrap_err();
        assert_eq!(tap.struck(), 1);
    }
    assert_eq!(save(&store, "two").await.unwrap(), 2);
    assert_eq!(save(&store, "three").await.unwrap(), 3);
    store.backend().close().await.unwrap();
}

#[tokio::test]
async fn a_flush_after_one_that_failed_makes_up_for_it() {
    let place = tempfile::tempdir().unwrap();
    let tap = Tap::on(place.path()).unwrap();
    let store = open_unsynced(&tap).await;
    save(&store, "one").await.unwrap();
    store.backend().flush().await.unwrap();
    save(&store, "two").await.unwrap();
    fail_next_sync(&tap);
    store.backend().flush().await.unwrap_err();
    let receipt = store.backend().flush().await.unwrap();
    assert_eq!(receipt.durability, Durability::Disk);
    tap.mark();
    let journal = tap.journal();
    for cut in Images::of(&journal, Seed(1), 200)
        .after(journal.len())
        .take(40)
    {
        let left = tempfile::tempdir().unwrap();
        cut.image.write_to(left.path()).unwrap();
        let again = open(left.path(), None).await;
        let session = again.session("s").await.unwrap();
        assert!(session.get("two").await.unwrap().is_some(), "{}", cut.how);
        again.backend().close().await.unwrap();
    }
    store.backend().close().await.unwrap();
}

/// Another program with the store open.
fn other(place: &Path) -> Connection {
    let path = place.canonicalize().unwrap().join("store.db");
    Connection::open(path).unwrap()
}

fn begin_to_read(connection: &Connection) {
    let read = "BEGIN; SELECT * FROM sqlite_schema";
    connection.execute_batch(read).unwrap();
}

/// Who moves the log while somebody still reads what the store held before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mover {
    Store,
    Other,
}

/// What was acknowledged, in its order, with a mark after each.
struct Told<'t> {
    store: Store,
    tap: &'t Tap,
    ids: Vec<String>,
}

impl<'t> Told<'t> {
    fn new(store: Store, tap: &'t Tap) -> Self {
        let ids = Vec::new();
        Self { store, tap, ids }
    }

    /// Returns when the writer has done all that it does after a save: it moves the log if it is long.
    async fn rest(&self) {
        let budget = Budget::default();
        self.store.backend().maintain(&budget).await.unwrap();
    }

    /// Saves so much that few pages are written twice. What fails is sent again.
    async fn save(&mut self, count: usize) {
        for _ in 0..count {
            let id = format!("{:0>100}", self.ids.len());
            if save(&self.store, &id).await.is_err() {
                save(&self.store, &id).await.unwrap();
            }
            self.ids.push(id);
            self.tap.mark();
        }
    }
}

/// Moves a part of the log, which takes no sync of the file; then all of it, where the n-th sync fails; then all of it
/// once more. What a failed sync gave up of the file is what both of the first wrote.
async fn move_in_part_then_fail(tap: &Tap, mover: Mover, nth: u64) -> Told<'_> {
    let store = open(tap.root(), Some(tap)).await;
    let mut told = Told::new(store, tap);
    let (reader, another) = (other(tap.root()), other(tap.root()));
    told.save(10).await;
    begin_to_read(&reader);
    told.save(6).await;
    told.rest().await;
    if mover == Mover::Other {
        let moved = "PRAGMA wal_checkpoint(PASSIVE)";
        let (all, done): (i64, i64) = another
            .query_row(moved, [], |row| Ok((row.get(1)?, row.get(2)?)))
            .unwrap();
        assert!(0 < done && done < all, "{done} of {all}");
    }
    // As soon as nobody reads, the log may be moved.
    fail_sync(tap, nth);
    reader.execute_batch("COMMIT").unwrap();
    told.save(6).await;
    assert_eq!(tap.struck(), 1);
    told
}

#[tokio::test]
async fn what_was_moved_in_part_before_a_sync_of_the_file_fails_is_moved_again() {
    for (mover, nth) in [Mover::Store, Mover::Other]
        .into_iter()
        .flat_map(|mover| (1..=6).map(move |nth| (mover, nth)))
    {
        let place = tempfile::tempdir().unwrap();
        let tap = Tap::on(place.path()).unwrap();
        let told = move_in_part_then_fail(&tap, mover, nth).await;
        let journal = tap.journal();
        let cuts = Images::of(&journal, Seed(1), 100).after(tap.first_struck().unwrap());
        for cut in cuts.take(12) {
            let left = tempfile::tempdir().unwrap();
            cut.image.write_to(left.path()).unwrap();
            let again = open(left.path(), None).await;
            let session = again.session("s").await.unwrap();
            for id in &told.ids[..cut.marks] {
                let found = session.get(id.as_str()).await;
                let (marks, how) = (cut.marks, &cut.how);
                assert!(
                    matches!(found, Ok(Some(_))),
                    "{mover:?}, sync {nth}: {id} of {marks}: {how}: {found:?}"
                );
            }
            again.backend().close().await.unwrap();
        }
        told.store.backend().close().await.unwrap();
    }
}

/// A log that is long and that no sync made certain, and who keeps it from being moved.
async fn unsynced_log(tap: &Tap) -> (Told<'_>, Connection) {
    let mut told = Told::new(open_unsynced(tap).await, tap);
    let reader = other(tap.root());
    told.save(2).await;
    begin_to_read(&reader);
    told.save(16).await;
    told.rest().await;
    (told, reader)
}

#[tokio::test]
async fn a_flush_after_a_move_that_could_not_sync_the_log_makes_up_for_it() {
    let place = tempfile::tempdir().unwrap();
    let tap = Tap::on(place.path()).unwrap();
    let (told, reader) = unsynced_log(&tap).await;
    fail_next_sync(&tap);
    reader.execute_batch("COMMIT").unwrap();
    told.rest().await;
    assert_eq!(tap.struck(), 1);
    let receipt = told.store.backend().flush().await.unwrap();
    assert_eq!(receipt.durability, Durability::Disk);
    let journal = tap.journal();
    let cuts = Images::of(&journal, Seed(1), 200).after(journal.len());
    for cut in cuts.take(20) {
        assert_eq!(found(&told, &cut).await, told.ids.len(), "{}", cut.how);
    }
    told.store.backend().close().await.unwrap();
}

#[tokio::test]
async fn a_log_of_which_a_sync_failed_is_written_anew_before_it_is_moved() {
    let place = tempfile::tempdir().unwrap();
    let tap = Tap::on(place.path()).unwrap();
    let (told, reader) = unsynced_log(&tap).await;
    fail_next_sync(&tap);
    told.store.backend().flush().await.unwrap_err();
    reader.execute_batch("COMMIT").unwrap();
    told.rest().await;
    let journal = tap.journal();
    let (first, mut all) = (tap.first_struck().unwrap(), 0);
    for cut in Images::of(&journal, Seed(1), 200).after(first).take(60) {
        all += usize::from(found(&told, &cut).await == told.ids.len());
    }
    assert!(all > 20, "{all}");
    told.store.backend().close().await.unwrap();
}

#[tokio::test]
async fn a_log_that_could_not_be_written_anew_is_left_when_the_store_is_closed() {
    let place = tempfile::tempdir().unwrap();
    let tap = Tap::on(place.path()).unwrap();
    let (told, reader) = unsynced_log(&tap).await;
    fail_next_sync(&tap);
    told.store.backend().flush().await.unwrap_err();
    drop(reader);
    fail_next_sync(&tap);
    told.store.backend().close().await.unwrap();
    assert_eq!(tap.struck(), 1);
    let log = place.path().join("store.db-wal");
    assert!(log.metadata().unwrap().len() > 0);
    let journal = tap.journal();
    let (first, mut tried) = (tap.first_struck().unwrap(), 0);
    for cut in Images::of(&journal, Seed(1), 200).after(first).take(30) {
        found(&told, &cut).await;
        tried += 1;
    }
    assert!(tried > 10, "{tried}");
    let again = open(place.path(), None).await;
    let session = again.session("s").await.unwrap();
    assert_eq!(session.latest().await.unwrap().unwrap().sequence(), 18);
}

/// How many of the saves a cut left, which may be the newest that are missing; nothing else may be wrong.
async fn found(told: &Told<'_>, cut: &Cut) -> usize {
    let left = tempfile::tempdir().unwrap();
    cut.image.write_to(left.path()).unwrap();
    let store = open(left.path(), None).await;
    let backend = store.backend();
    assert!(backend.check().await.unwrap().is_empty(), "{}", cut.how);
    let session = store.session("s").await.unwrap();
    let mut there = Vec::new();
    for id in &told.ids {
        there.push(session.get(id.as_str()).await.unwrap().is_some());
    }
    assert!(
        there.is_sorted_by(|one, next| one >= next),
        "{}: {there:?}",
        cut.how
    );
    backend.close().await.unwrap();
    there.iter().filter(|it| **it).count()
}
