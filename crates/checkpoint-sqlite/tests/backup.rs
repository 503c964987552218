//! Backups of live stores, beyond what the contract tells: who gives up, what fails, and what may be copied.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use checkpoint_core::{Backend, ErrorKind, Meter, Store};
use checkpoint_sqlite::{Files, SqliteBackend, SqliteOptions};
use common::{append, commit, open, session, state};
use parking_lot::Mutex;
use tempfile::TempDir;

/// A store of some MiB in a directory of its own, and a directory for backups.
struct Place {
    source: TempDir,
    target: TempDir,
}

impl Place {
    async fn new() -> Self {
        let place = Self {
            source: tempfile::tempdir().unwrap(),
            target: tempfile::tempdir().unwrap(),
        };
        let db = open(&place.store()).await;
        db.commit(session("s")).await.unwrap();
        for n in 0..20 {
            let state = state(n).repeat(400);
            let saved = commit().with(append("s", &format!("c{n}"), state));
            db.commit(saved).await.unwrap();
        }
        db.close().await.unwrap();
        place
    }

    fn store(&self) -> PathBuf {
        self.source.path().join("store.db")
    }

    fn backup(&self) -> PathBuf {
        self.target.path().join("backup.db")
    }

    fn left(&self) -> Vec<String> {
        names(self.target.path())
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

/// All files of a directory with their bytes.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| {
        let bytes = fs::read(directory.join(&name)).unwrap();
        (name, bytes)
    };
    names(directory).into_iter().map(read).collect()
}

async fn checkpoints(path: &Path) -> u64 {
    let options = SqliteOptions::at(path).with_create(false);
    let db = SqliteBackend::open(options).await.unwrap();
    let count = db.stats().await.unwrap().checkpoints;
    assert!(db.check().await.unwrap().is_empty());
    db.close().await.unwrap();
    count
}

#[tokio::test]
async fn a_backup_is_checked_and_told_in_full() {
    let place = Place::new().await;
    let store = Store::new(Arc::new(open(&place.store()).await));
    let saved = store
        .session("typed")
        .await
        .unwrap()
        .save(&"state")
        .await
        .unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let backup = store
        .backup(place.backup())
        .verifying(move |done, total| heard.lock().push((done, total)));
    let report = backup.await.unwrap();
    assert_eq!(report.bytes, fs::metadata(place.backup()).unwrap().len());
    assert_eq!(report.verified.valid, 1);
    // The others have descriptions that no store wrote: what is damaged is damaged in the copy, and told.
    assert_eq!(report.verified.invalid, 20);
    assert_eq!(told.lock().last(), Some(&(21, 21)));
    assert_eq!(place.left(), ["backup.db"]);
    let copy = Store::new(Arc::new(open(&place.backup()).await));
    let state: String = copy
        .get(&saved.id)
        .await
        .unwrap()
        .unwrap()
        .state()
        .await
        .unwrap();
    assert_eq!(state, "state");
    assert_eq!(copy.info().id, store.info().id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_given_up_leaves_nothing() {
    let place = Place::new().await;
    let db = open(&place.store()).await;
    for steps in [1, 2, 3] {
        let (begun, begins) = std::sync::mpsc::channel();
        let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
        let goes_on = Mutex::new(goes_on);
        let count = std::sync::atomic::AtomicUsize::new(0);
        let meter = Meter::new(move |_, _| {
            if count.fetch_add(1, Ordering::SeqCst) + 1 == steps {
                begun.send(()).unwrap();
                let _ = goes_on.lock().recv();
            }
        });
        let to = place.backup();
        let mut backup = Box::pin(db.backup(&to, &meter));
        let polled = backup
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
        begins.recv().unwrap();
        drop(backup);
        go_on.send(()).unwrap();
        while !place.left().is_empty() {
            tokio::task::yield_now().await;
        }
    }
    assert!(!place.backup().exists());
    db.commit(commit().with(append("s", "later", state(1))))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_name_that_leads_anywhere_is_taken() {
    let place = Place::new().await;
    let db = open(&place.store()).await;
    let before = files(place.source.path()).into_iter().map(|(name, _)| name);
    let before: Vec<_> = before.collect();
    let mut taken = vec![place.store(), place.source.path().to_owned()];
    #[cfg(unix)]
    {
        let (dangling, link) = (place.backup(), place.target.path().join("link"));
        std::os::unix::fs::symlink(place.target.path().join("nowhere"), &dangling).unwrap();
        std::os::unix::fs::symlink(place.store(), &link).unwrap();
        taken.extend([dangling, link]);
    }
    let left = place.left();
    for path in taken {
        let error = db.backup(&path, &Meter::default()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert!(error.to_string().contains(&path.display().to_string()));
    }
    assert_eq!(place.left(), left);
    assert_eq!(names(place.source.path()), before);
    let log = place.target.path().join("other.db-wal");
    fs::write(&log, b"the log of a store that is gone").unwrap();
    let beside = place.target.path().join("other.db");
    let error = db.backup(&beside, &Meter::default()).await.unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("-wal"),
        "{error}"
    );
    assert!(!beside.exists());
}

#[tokio::test]
async fn what_lies_in_the_log_is_in_the_backup_also_when_reading_alone() {
    let place = Place::new().await;
    let db = open(&place.store()).await;
    db.commit(commit().with(append("s", "logged", state(1))))
        .await
        .unwrap();
    let read_only = SqliteOptions::at(place.store()).with_read_only(true);
    let reader = SqliteBackend::open(read_only).await.unwrap();
    let before = files(place.source.path());
    let draft = reader
        .backup(&place.backup(), &Meter::default())
        .await
        .unwrap();
    draft.keep().await.unwrap();
    let written = |files: Vec<(String, Vec<u8>)>| -> Vec<(String, Vec<u8>)> {
        let kept = files.into_iter();
        kept.filter(|(name, _)| !name.ends_with("-shm")).collect()
    };
    assert_eq!(written(files(place.source.path())), written(before));
    assert_eq!(checkpoints(&place.backup()).await, 21);
}

#[tokio::test]
async fn a_store_in_memory_is_brought_to_a_file() {
    let place = Place::new().await;
    let db = SqliteBackend::open(SqliteOptions::memory()).await.unwrap();
    assert!(db.info().capabilities.backup);
    db.commit(session("s")).await.unwrap();
    db.commit(commit().with(append("s", "a", state(1))))
        .await
        .unwrap();
    let draft = db.backup(&place.backup(), &Meter::default()).await.unwrap();
    draft.keep().await.unwrap();
    assert_eq!(checkpoints(&place.backup()).await, 1);
    let again = open(&place.backup()).await;
    again
        .commit(commit().with(append("s", "b", state(2))))
        .await
        .unwrap();
}

/// Files of which some calls fail.
#[derive(Debug, Default)]
struct Failing {
    links: AtomicBool,
    no_links: AtomicBool,
    directories: AtomicBool,
    syncs: AtomicBool,
}

fn failing(flag: &AtomicBool) -> io::Result<()> {
    if flag.load(Ordering::SeqCst) {
        return Err(io::Error::from_raw_os_error(5));
    }
    Ok(())
}

impl Files for Failing {
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        failing(&self.links)?;
        if self.no_links.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        fs::hard_link(from, to)
    }

    fn sync(&self, file: &fs::File, _: &Path) -> io::Result<()> {
        failing(&self.syncs)?;
        file.sync_all()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        failing(&self.directories)?;
        fs::File::open(path)?.sync_all()
    }
}

#[tokio::test]
async fn what_fails_leaves_nothing_under_the_name() {
    let place = Place::new().await;
    let files = Arc::new(Failing::default());
    let options = SqliteOptions::at(place.store()).with_files(Arc::clone(&files) as Arc<dyn Files>);
    let db = SqliteBackend::open(options).await.unwrap();
    for flag in [&files.links, &files.directories, &files.syncs] {
        flag.store(true, Ordering::SeqCst);
        let kept = match db.backup(&place.backup(), &Meter::default()).await {
            Ok(draft) => draft.keep().await,
            Err(error) => Err(error),
        };
        assert_eq!(*kept.unwrap_err().kind(), ErrorKind::Storage);
        assert_eq!(place.left(), [""; 0]);
        flag.store(false, Ordering::SeqCst);
    }
    // A file system without links will do.
    files.no_links.store(true, Ordering::SeqCst);
    let draft = db.backup(&place.backup(), &Meter::default()).await.unwrap();
    draft.keep().await.unwrap();
    assert_eq!(place.left(), ["backup.db"]);
    assert_eq!(checkpoints(&place.backup()).await, 20);
}

#[tokio::test]
async fn what_a_killed_backup_left_goes_with_the_next() {
    let place = Place::new().await;
    let db = open(&place.store()).await;
    let draft = db.backup(&place.backup(), &Meter::default()).await.unwrap();
    let workshop = place.target.path().join("backup.db-creating");
    let made = names(&workshop);
    assert!(made.iter().any(|name| name.ends_with("-db")), "{made:?}");
    drop(draft);
    fs::create_dir(&workshop).unwrap();
    let id = &made[0][..36];
    for suffix in ["", "-db", "-db-wal"] {
        fs::write(workshop.join(format!("{id}{suffix}")), b"left").unwrap();
    }
    let draft = db.backup(&place.backup(), &Meter::default()).await.unwrap();
    assert!(!workshop.join(id).exists());
    draft.keep().await.unwrap();
    assert_eq!(place.left(), ["backup.db"]);
}
