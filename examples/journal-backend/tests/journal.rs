//! What the journal owes beyond the contract: a torn end is cut off, any other damage refused, a failed write told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::{fs, io};

use checkpoint_conformance::samples;
use checkpoint_core::{
    Applied, Backend, Budget, Commit, CommitId, ErrorKind, IdSource, Operation, Parts, Result,
    SystemIds,
};
use checkpoint_journal::{Disk, JournalBackend, JournalOptions, System};
use tempfile::TempDir;

fn commit(operation: impl Into<Operation>) -> Commit {
    Commit::new(CommitId::from_uuid(SystemIds.next())).with(operation)
}

fn open(place: &Path) -> Result<JournalBackend> {
    JournalBackend::open(JournalOptions::at(place))
}

async fn save(store: &JournalBackend, id: &str) -> Result<()> {
    store
        .commit(commit(samples::append("s", id)))
        .await
        .map(|_| ())
}

/// A store with one checkpoint an entry, closed; answers the bytes of its journal after each.
async fn filled(place: &Path, ids: &[&str]) -> Vec<usize> {
    let store = open(place).unwrap();
    let mut sizes = Vec::new();
    store.commit(commit(samples::create("s"))).await.unwrap();
    for id in ids {
        save(&store, id).await.unwrap();
        sizes.push(journal(place).len());
    }
    store.close().await.unwrap();
    sizes
}

fn journal(place: &Path) -> Vec<u8> {
    fs::read(place.join("journal")).unwrap()
}

async fn there(store: &JournalBackend, ids: &[&str]) -> Vec<bool> {
    let ids: Vec<_> = ids.iter().map(|id| samples::id(id)).collect();
    let found = store.get(&ids, Parts::ALL).await.unwrap();
    let found = found.into_iter().map(|item| item.into_option().unwrap());
    found.map(|record| record.is_some()).collect()
}

#[tokio::test]
async fn an_end_that_is_torn_anywhere_is_cut_off_and_nothing_else_is() {
    let place = TempDir::new().unwrap();
    let sizes = filled(place.path(), &["a", "b"]).await;
    let whole = journal(place.path());
    for length in (sizes[0]..sizes[1]).step_by(3) {
        fs::write(place.path().join("journal"), &whole[..length]).unwrap();
        let store = open(place.path()).unwrap();
        assert_eq!(
            there(&store, &["a", "b"]).await,
            [true, false],
            "{length} bytes"
        );
        save(&store, "c").await.unwrap();
        store.close().await.unwrap();
        let store = open(place.path()).unwrap();
        assert_eq!(there(&store, &["a", "b", "c"]).await, [true, false, true]);
    }
}

#[tokio::test]
async fn an_end_with_its_length_and_not_its_bytes_is_cut_off() {
    let place = TempDir::new().unwrap();
    let sizes = filled(place.path(), &["a", "b"]).await;
    let mut bytes = journal(place.path());
    bytes[sizes[0] + 30..].fill(0);
    fs::write(place.path().join("journal"), bytes).unwrap();
    let store = open(place.path()).unwrap();
    assert_eq!(there(&store, &["a", "b"]).await, [true, false]);
}

#[tokio::test]
async fn a_damaged_byte_before_the_last_entry_is_refused_and_left_as_it_is() {
    let place = TempDir::new().unwrap();
    let sizes = filled(place.path(), &["a", "b"]).await;
    let whole = journal(place.path());
    for at in 0..sizes[0] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(place.path().join("journal"), &bytes).unwrap();
        let error = open(place.path()).unwrap_err();
        let refused = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported);
        assert!(refused, "byte {at}: {error}");
        assert_eq!(journal(place.path()), bytes, "byte {at}");
    }
}

#[tokio::test]
async fn what_only_looks_like_an_entry_is_none() {
    let place = TempDir::new().unwrap();
    filled(place.path(), &["a"]).await;
    let store = open(place.path()).unwrap();
    let mut inner = samples::append("s", "b");
    inner.meta = journal(place.path()).into();
    let before = journal(place.path()).len();
    store.commit(commit(inner)).await.unwrap();
    store.close().await.unwrap();
    let mut bytes = journal(place.path());
    bytes[before + 50] ^= 1;
    fs::write(place.path().join("journal"), bytes).unwrap();
    let store = open(place.path()).unwrap();
    assert_eq!(there(&store, &["a", "b"]).await, [true, false]);
}

#[tokio::test]
async fn damage_is_found_while_the_store_is_open() {
    let place = TempDir::new().unwrap();
    let sizes = filled(place.path(), &["a", "b"]).await;
    let store = open(place.path()).unwrap();
    assert_eq!(store.check().await.unwrap().len(), 0);
    for at in [70, sizes[0] + 70] {
        let mut bytes = journal(place.path());
        bytes[at] ^= 1;
        fs::write(place.path().join("journal"), &bytes).unwrap();
        let found = store.check().await.unwrap();
        assert!(
            found.len() == 1 && found[0].is_corrupt(),
            "byte {at}: {found:?}"
        );
        bytes[at] ^= 1;
        fs::write(place.path().join("journal"), &bytes).unwrap();
    }
}

#[tokio::test]
async fn a_rewritten_journal_is_shorter_and_holds_the_same() {
    let place = TempDir::new().unwrap();
    filled(place.path(), &["a", "b"]).await;
    let store = open(place.path()).unwrap();
    for _ in 0..50 {
        let put = samples::record("r", Some(&"content".repeat(1_000)));
        store.commit(commit(put)).await.unwrap();
    }
    let before = journal(place.path()).len();
    let budget = Budget::default().with_compact(true);
    store.maintain(&budget).await.unwrap();
    assert!(journal(place.path()).len() < before / 2);
    save(&store, "c").await.unwrap();
    store.close().await.unwrap();
    let store = open(place.path()).unwrap();
    assert_eq!(there(&store, &["a", "b", "c"]).await, [true; 3]);
}

#[tokio::test]
async fn another_file_under_the_name_is_refused_and_left_as_it_is() {
    let place = TempDir::new().unwrap();
    for bytes in [
        &b""[..],
        b"dear journal",
        b"journal\n\x01\0\0\0 and no more",
    ] {
        fs::write(place.path().join("journal"), bytes).unwrap();
        assert!(open(place.path()).is_err());
        assert_eq!(journal(place.path()), bytes);
    }
}

/// Lets calls through until none are left; from then on all fail.
#[derive(Debug)]
struct Failing {
    left: AtomicI64,
}

impl Failing {
    fn after(calls: i64) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicI64::new(calls),
        })
    }

    fn call<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            call()
        } else {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
}

impl Disk for Failing {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|| System.make_directory(path))
    }

    fn open(&self, path: &Path) -> io::Result<fs::File> {
        self.call(|| System.open(path))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.call(|| System.read(path))
    }

    fn write(&self, file: &fs::File, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.call(|| System.write(file, path, at, bytes))
    }

    fn truncate(&self, file: &fs::File, path: &Path, length: u64) -> io::Result<()> {
        self.call(|| System.truncate(file, path, length))
    }

    fn sync(&self, file: &fs::File, path: &Path) -> io::Result<()> {
        self.call(|| System.sync(file, path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| System.rename(from, to))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|| System.sync_directory(path))
    }
}

/// Opens, saves three checkpoints, rewrites, saves one more; answers what was acknowledged.
async fn work(place: &Path, disk: Arc<Failing>) -> Vec<&'static str> {
    let mut acknowledged = Vec::new();
    let Ok(store) = JournalBackend::open(JournalOptions::at(place).with_disk(disk)) else {
        return acknowledged;
    };
    let _ = store.commit(commit(samples::create("s"))).await;
    for id in ["a", "b", "c", "d"] {
        if id == "d" {
            let _ = store.maintain(&Budget::default().with_compact(true)).await;
        }
        if save(&store, id).await.is_ok() {
            acknowledged.push(id);
        }
    }
    acknowledged
}

#[tokio::test]
async fn whichever_call_fails_what_was_acknowledged_is_there_and_numbers_have_no_gap() {
    let mut calls = 0;
    loop {
        let place = TempDir::new().unwrap();
        let disk = Failing::after(calls);
        let acknowledged = work(place.path(), Arc::clone(&disk)).await;
        let store = open(place.path()).unwrap();
        let found = there(&store, &acknowledged).await;
        assert!(
            found.iter().all(|found| *found),
            "{calls}: {acknowledged:?}"
        );
        let stats = store.stats().await.unwrap();
        assert_eq!(stats.checkpoints, stats.position.sequence, "{calls}");
        if disk.left.load(Ordering::SeqCst) > 0 {
            assert_eq!(acknowledged, ["a", "b", "c", "d"]);
            return;
        }
        calls += 1;
    }
}

#[tokio::test]
async fn after_a_write_that_failed_the_handle_writes_no_more_and_says_so() {
    let place = TempDir::new().unwrap();
    filled(place.path(), &["a"]).await;
    let disk = Failing::after(i64::MAX);
    let options = JournalOptions::at(place.path()).with_disk(Arc::clone(&disk) as _);
    let store = JournalBackend::open(options).unwrap();
    // The write takes place, and its sync fails.
    disk.left.store(1, Ordering::SeqCst);
    let unknown = save(&store, "b").await.unwrap_err();
    let applied = Applied::Unknown;
    assert_eq!(*unknown.kind(), ErrorKind::Unavailable { applied });
    disk.left.store(i64::MAX, Ordering::SeqCst);
    let refused = save(&store, "c").await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Stopped);
    assert!(
        refused.to_string().contains("open the store again"),
        "{refused}"
    );
    assert!(store.flush().await.is_err());
    assert_eq!(there(&store, &["a", "b", "c"]).await, [true, false, false]);
    store.close().await.unwrap();
    let store = open(place.path()).unwrap();
    save(&store, "b").await.unwrap();
    assert_eq!(there(&store, &["a", "b", "c"]).await, [true, true, false]);
}
