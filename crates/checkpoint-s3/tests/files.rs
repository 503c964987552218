//! A store in a directory: who may read it, what is not followed, and what a failed sync means.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use checkpoint_core::files::{Files, SystemFiles};
use checkpoint_core::{Applied, Budget, Durability, ErrorKind, Result, Store};
use checkpoint_s3::{DirectoryOptions, ObjectBackend};
use futures::TryStreamExt;
use object_store::path::Path as Location;
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store");
    (directory, path)
}

async fn open_with(path: &Path, files: Arc<dyn Files>) -> Result<Store> {
    let options = DirectoryOptions::at(path).with_files(files).find().await?;
    Ok(Store::new(Arc::new(ObjectBackend::open(options).await?)))
}

async fn open(path: &Path) -> Result<Store> {
    open_with(path, Arc::new(SystemFiles)).await
}

async fn save(store: &Store, state: u32) -> Result<()> {
    let session = store.session("s").await?;
    session.save(&state).await.map(drop)
}

/// The files below a directory.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).expect("a directory") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a kind").is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[tokio::test]
async fn what_is_saved_is_on_disk_and_nothing_else_lies_there() {
    let (_directory, path) = place();
    let store = open(&path).await.unwrap();
    assert_eq!(store.backend().info().durability, Durability::Disk);
    save(&store, 1).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(fs::read_dir(path.join("probe")).unwrap().count(), 0);
    let store = open(&path).await.unwrap();
    let session = store.session("s").await.unwrap();
    assert_eq!(session.latest_as::<u32>().await.unwrap(), Some(1));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_what_is_there() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = place();
    save(&open(&path).await.unwrap(), 1).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for directory in ["", "log", "packs", "segments", "snapshots", "probe"] {
        assert_eq!(mode(&path.join(directory)), 0o700, "{directory}");
    }
    let files = files(&path);
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_not_followed() {
    use std::os::unix::fs::symlink;
    let (directory, path) = place();
    save(&open(&path).await.unwrap(), 1).await.unwrap();
    // An entry that leads out of the directory is none, though what it leads to is a good one.
    let entry = path.join("log/00000000000000000001");
    let outside = directory.path().join("outside");
    fs::rename(&entry, &outside).unwrap();
    symlink(&outside, &entry).unwrap();
    let error = open(&path).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Storage, "{error}");
    fs::rename(&outside, &entry).unwrap();
    open(&path).await.unwrap();
    // So is a directory.
    fs::rename(path.join("packs"), directory.path().join("packs")).unwrap();
    symlink(directory.path().join("packs"), path.join("packs")).unwrap();
    let error = open(&path).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("put the directory back"),
        "{error}"
    );
}

#[tokio::test]
async fn no_store_is_made_among_other_files() {
    let (directory, path) = place();
    fs::write(directory.path().join("letter"), "dear").unwrap();
    let error = open(directory.path()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("found: letter"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    // What a maker left that was killed is gone on with.
    fs::create_dir_all(path.join("log")).unwrap();
    save(&open(&path).await.unwrap(), 1).await.unwrap();
    let error = open(&directory.path().join("letter")).await.unwrap_err();
    assert!(error.to_string().contains("no directory"), "{error}");
}

#[tokio::test]
async fn a_store_that_is_not_there_is_not_found() {
    let (_directory, path) = place();
    for options in [
        DirectoryOptions::at(&path).with_create(false),
        DirectoryOptions::at(&path).with_read_only(true),
    ] {
        let error = options.find().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
    }
    assert!(!path.exists());
    let deeper = path.join("deeper");
    let error = open(&deeper).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn directories_that_a_copy_left_out_are_made_again() {
    let (_directory, path) = place();
    save(&open(&path).await.unwrap(), 1).await.unwrap();
    for empty in ["packs", "probe"] {
        fs::remove_dir(path.join(empty)).unwrap();
    }
    let options = DirectoryOptions::at(&path).with_read_only(true);
    let options = options.find().await.unwrap();
    let store = Store::new(Arc::new(ObjectBackend::open(options).await.unwrap()));
    let session = store.session("s").existing().await.unwrap();
    assert_eq!(session.latest_as::<u32>().await.unwrap(), Some(1));
    assert!(!path.join("probe").exists());
    save(&open(&path).await.unwrap(), 2).await.unwrap();
}

#[tokio::test]
async fn what_a_killed_writer_left_goes_after_an_hour() {
    let (_directory, path) = place();
    open(&path).await.unwrap().close().await.unwrap();
    let left = |digit: char, age: Duration| {
        let path = path.join("probe").join(digit.to_string().repeat(32));
        let file = File::create(&path).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - age).unwrap();
        path
    };
    let (old, young) = (left('1', HOUR), left('2', HOUR / 2));
    let foreign = path.join("probe/letter");
    fs::write(&foreign, "dear").unwrap();
    let store = open(&path).await.unwrap();
    assert!(!old.exists() && young.exists() && foreign.exists());
    // Upkeep does the same.
    let old = left('3', HOUR);
    let budget = Budget::default();
    while store.maintain(&budget).await.unwrap().more {}
    assert!(!old.exists() && young.exists() && foreign.exists());
}

/// Syncs fail when they are told to, and those of directories are counted.
#[derive(Debug, Default)]
struct Failing {
    file: AtomicBool,
    directory: AtomicBool,
    synced: AtomicUsize,
}

impl Files for Failing {
    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        if self.file.load(Ordering::SeqCst) {
            return Err(io::Error::other("an injected error"));
        }
        SystemFiles.sync(file, path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.synced.fetch_add(1, Ordering::SeqCst);
        if self.directory.load(Ordering::SeqCst) {
            return Err(io::Error::other("an injected error"));
        }
        SystemFiles.sync_directory(path)
    }
}

#[tokio::test]
async fn after_a_failed_sync_of_names_nobody_knows_and_the_handle_stops() {
    let (_directory, path) = place();
    let files = Arc::new(Failing::default());
    let store = open_with(&path, Arc::clone(&files) as _).await.unwrap();
    save(&store, 1).await.unwrap();
    let session = store.session("s").await.unwrap();
    files.directory.store(true, Ordering::SeqCst);
    let unknown = ErrorKind::Unavailable {
        applied: Applied::Unknown,
    };
    // The entry has its name: to read it back would say that it is there.
    let error = session.save(&2_u32).await.unwrap_err();
    assert_eq!(*error.kind(), unknown, "{error}");
    assert!(path.join("log/00000000000000000004").exists());
    files.directory.store(false, Ordering::SeqCst);
    let error = session.save(&3_u32).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Stopped, "{error}");
    let error = session.latest_as::<u32>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Stopped, "{error}");
    drop(store.close().await);
    let store = open(&path).await.unwrap();
    save(&store, 4).await.unwrap();
    let session = store.session("s").await.unwrap();
    assert_eq!(session.latest_as::<u32>().await.unwrap(), Some(4));
}

#[tokio::test]
async fn after_a_failed_sync_of_a_file_nothing_has_its_name_and_the_handle_stops() {
    let (_directory, path) = place();
    let files = Arc::new(Failing::default());
    let store = open_with(&path, Arc::clone(&files) as _).await.unwrap();
    let session = store.session("s").await.unwrap();
    let before = fs::read_dir(path.join("log")).unwrap().count();
    files.file.store(true, Ordering::SeqCst);
    let error = session.save(&1_u32).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Storage, "{error}");
    assert_eq!(fs::read_dir(path.join("log")).unwrap().count(), before);
    files.file.store(false, Ordering::SeqCst);
    let error = session.save(&1_u32).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Stopped, "{error}");
}

#[tokio::test]
async fn what_another_one_put_is_synced_before_it_is_answered() {
    let (_directory, path) = place();
    let writer = open(&path).await.unwrap();
    save(&writer, 1).await.unwrap();
    let files = Arc::new(Failing::default());
    let reader = open_with(&path, Arc::clone(&files) as _).await.unwrap();
    let session = reader.session("s").existing().await.unwrap();
    assert_eq!(session.latest_as::<u32>().await.unwrap(), Some(1));
    let before = files.synced.load(Ordering::SeqCst);
    assert_eq!(session.latest_as::<u32>().await.unwrap(), Some(1));
    assert_eq!(
        files.synced.load(Ordering::SeqCst),
        before,
        "nothing is new"
    );
    save(&writer, 2).await.unwrap();
    assert_eq!(session.latest_as::<u32>().await.unwrap(), Some(2));
    assert_eq!(files.synced.load(Ordering::SeqCst), before + 1);
    // An answer that rests on what may be gone is none.
    save(&writer, 3).await.unwrap();
    files.directory.store(true, Ordering::SeqCst);
    let error = session.latest_as::<u32>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Storage, "{error}");
    let error = session.latest_as::<u32>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Stopped, "{error}");
}

#[tokio::test]
async fn a_list_has_what_comes_behind_a_name() {
    let (_directory, path) = place();
    let store = open(&path).await.unwrap();
    for state in 0..5 {
        save(&store, state).await.unwrap();
    }
    store.close().await.unwrap();
    let objects = DirectoryOptions::at(&path).find().await.unwrap().objects;
    let log = Location::from("log");
    let all: Vec<_> = objects.list(Some(&log)).try_collect().await.unwrap();
    assert!(all.len() >= 5);
    let names = all.iter().map(|it| it.location.clone());
    for after in names.chain(["log", "log/1", "log/zz", "other"].map(Location::from)) {
        let listed = objects.list_with_offset(Some(&log), &after);
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        let mut expected = all.clone();
        expected.retain(|it| it.location > after);
        assert_eq!(listed, expected, "{after}");
    }
}
