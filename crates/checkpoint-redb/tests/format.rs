//! Files that released versions wrote still open, and hold what was put in.
//!
//! `CHECKPOINT_WRITE_FIXTURE=path cargo test -p checkpoint-redb --test format` writes the file anew, for a format
//! that has no fixture yet. A fixture that is committed is never written again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_conformance::format::{WRITTEN, holds, write};
use checkpoint_core::{Backend, FakeClock, SeededIds};
use checkpoint_redb::{RedbBackend, RedbOptions};

const READ: &str = "2026-11-20T12:00:00Z";

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{version}.redb"))
}

async fn open(path: &Path, clock: &FakeClock) -> Arc<dyn Backend> {
    let options = RedbOptions::at(path)
        .with_clock(Arc::new(clock.clone()))
        .with_ids(Arc::new(SeededIds::new(1)));
    Arc::new(RedbBackend::open(options).await.expect("the file opens"))
}

async fn written(path: &Path) {
    let clock = FakeClock::at(WRITTEN).expect("a time");
    let backend = open(path, &clock).await;
    write(backend, &clock).await.expect("written");
}

async fn holds_what_was_put_in(path: &Path) {
    let clock = FakeClock::at(READ).expect("a time");
    let backend = open(path, &clock).await;
    holds(backend, &clock).await.expect("what was put in");
}

#[tokio::test]
async fn a_file_of_format_1_opens_and_holds_what_was_put_in() {
    if let Some(path) = std::env::var_os("CHECKPOINT_WRITE_FIXTURE") {
        written(Path::new(&path)).await;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("copy.redb");
    std::fs::copy(fixture(1), &copy).expect("the fixture is there");
    holds_what_was_put_in(&copy).await;
}

#[tokio::test]
async fn a_file_written_now_holds_what_was_put_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("new.redb");
    written(&path).await;
    holds_what_was_put_in(&path).await;
}
