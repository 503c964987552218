//! Stores that released versions wrote still open, and hold what was put in.
//!
//! `CHECKPOINT_WRITE_FIXTURE=directory cargo test -p checkpoint-s3 --test format` writes the objects anew, for a format
//! that has no fixture yet. A fixture that is committed is never written again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_conformance::format::{WRITTEN, holds, write};
use checkpoint_core::{Backend, FakeClock, SeededIds};
use checkpoint_s3::{ObjectBackend, ObjectOptions};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

const READ: &str = "2026-11-20T12:00:00Z";

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/store-{version}"))
}

/// Nobody may give an id that was given before.
async fn open(objects: Arc<InMemory>, clock: &FakeClock, seed: u64) -> Arc<dyn Backend> {
    let options = ObjectOptions::new(objects)
        .with_snapshot_after(10)
        .with_clock(Arc::new(clock.clone()))
        .with_ids(Arc::new(SeededIds::new(seed)));
    Arc::new(ObjectBackend::open(options).await.expect("the store opens"))
}

async fn written() -> Arc<InMemory> {
    let (objects, clock) = (Arc::default(), FakeClock::at(WRITTEN).expect("a time"));
    let backend = open(Arc::clone(&objects), &clock, 1).await;
    write(backend, &clock).await.expect("written");
    objects
}

async fn holds_what_was_put_in(objects: Arc<InMemory>) {
    let clock = FakeClock::at(READ).expect("a time");
    let backend = open(objects, &clock, 2).await;
    holds(backend, &clock).await.expect("what was put in");
}

/// The objects of a directory.
async fn read(directory: &Path, below: &str, objects: &InMemory) {
    for entry in std::fs::read_dir(directory).expect("the fixture is there") {
        let entry = entry.expect("an entry");
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            Box::pin(read(&entry.path(), &format!("{name}/"), objects)).await;
        } else {
            let bytes = std::fs::read(entry.path()).expect("read");
            objects.put(&name.into(), bytes.into()).await.expect("put");
        }
    }
}

async fn write_to(directory: &Path, objects: &InMemory) {
    let listed: Vec<_> = objects.list(None).try_collect().await.expect("listed");
    for meta in listed {
        let got = objects.get(&meta.location).await.expect("got");
        let path = directory.join(meta.location.as_ref());
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, got.bytes().await.expect("bytes")).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_format_1_opens_and_holds_what_was_put_in() {
    if let Some(directory) = std::env::var_os("CHECKPOINT_WRITE_FIXTURE") {
        write_to(Path::new(&directory), &*written().await).await;
    }
    let objects = Arc::new(InMemory::new());
    read(&fixture(1), "", &objects).await;
    holds_what_was_put_in(objects).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_written_now_holds_what_was_put_in() {
    holds_what_was_put_in(written().await).await;
}
