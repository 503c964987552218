//! What a sync that failed leaves in the log is never taken for what is on disk.

use std::path::Path;
use std::sync::Arc;

use checkpoint_core::{Applied, Backend, Durability, ErrorKind, Result, Store};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use checkpoint_sqlite_vfs::tapped_files;
use checkpoint_torture::disk::{Fault, Images, Op, Plan, Tap};
use checkpoint_torture::load::Seed;

async fn open(place: &Path, tap: Option<&Tap>) -> Store {
    let mut options = SqliteOptions::at(place.join("store.db")).with_log_pages(20);
    if let Some(tap) = tap {
        options = options.with_files(Arc::new(tapped_files(tap).expect("a layer")));
    }
    Store::new(Arc::new(
        SqliteBackend::open(options).await.expect("a store"),
    ))
}

async fn save(store: &Store, id: &str) -> Result<u64> {
    let session = store.session("s").await?;
    Ok(session.save(&id).id(id).await?.sequence)
}

fn fail_next_sync(tap: &Tap) {
    tap.plan(Some(Plan {
        op: Op::Sync,
        nth: 1,
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
    let options = SqliteOptions::at(place.path().join("store.db"))
        .with_log_pages(20)
        .with_durability(Durability::Os)
        .with_files(Arc::new(tapped_files(&tap).unwrap()));
    let store = Store::new(Arc::new(SqliteBackend::open(options).await.unwrap()));
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
