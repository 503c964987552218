//! A path names one file, whatever stands in it, and what cannot be a store's place is said to be so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use checkpoint_core::{Backend, Error, ErrorKind};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use common::{append, commit, open, session, state};

async fn refused(path: impl AsRef<Path>) -> Error {
    let path = path.as_ref();
    let error = SqliteBackend::open(SqliteOptions::at(path)).await;
    let error = error.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    error
}

/// Saves through a handle of its own; answers the sequence.
async fn save(path: &Path) -> u64 {
    let db = open(path).await;
    db.commit(session("s")).await.unwrap();
    let next = db.stats().await.unwrap().position.sequence + 1;
    let saved = commit().with(append("s", &format!("c{next}"), state(1)));
    let sequence = db.commit(saved).await.unwrap().first.sequence;
    db.close().await.unwrap();
    sequence
}

fn names(directory: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_name_is_that_of_a_file_whatever_stands_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let hostile = [
        "file:x?mode=memory",
        "file::memory:?cache=shared",
        "memory:",
        ":memory:.db",
        "a?b=c&d",
        "a#b",
        "a%20b%2Fc",
        "a b",
        "'; DROP TABLE checkpoint; --",
        "*",
        "-wal",
        ".hidden",
        "naïve-\u{1f980}",
        "line\nbreak",
    ];
    for name in hostile {
        let path = directory.path().join(name);
        assert_eq!((save(&path).await, save(&path).await), (1, 2), "{name}");
        assert_eq!(names(directory.path()), [name], "{name}");
        fs::remove_file(path).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"not \xff\xfe text");
    let path = directory.path().join(name);
    assert_eq!((save(&path).await, save(&path).await), (1, 2));
    assert_eq!(names(directory.path()), [name]);
}

#[tokio::test]
async fn what_names_no_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let with_slash = |name: &str| format!("{}/{name}/", at.display());
    save(&at.join("store.db")).await;
    let refusals = [
        (String::new(), "the path is empty"),
        (":memory:".to_owned(), "without a path"),
        ("a\0b".to_owned(), "NUL"),
        (with_slash("new.db"), "names a directory"),
        (with_slash("store.db"), "names a directory"),
        (at.display().to_string(), "is a directory"),
        (format!("{}/.", at.display()), "is a directory"),
        (format!("{}/..", at.display()), "is a directory"),
        #[cfg(unix)]
        ("/dev/null".to_owned(), "no regular file"),
    ];
    for (path, expected) in refusals {
        let error = refused(&path).await;
        assert_eq!(*error.kind(), ErrorKind::Invalid, "{path}: {error}");
        assert!(error.to_string().contains(expected), "{path}: {error}");
    }
    let error = refused(at.join("no").join("such.db")).await;
    assert_eq!(*error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("the directory"), "{error}");
    assert_eq!(names(at), ["store.db"]);
}

#[tokio::test]
async fn a_path_as_long_as_can_be_is_taken_and_a_longer_one_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let name = |length: usize| root.join("n".repeat(length));
    assert_eq!((save(&name(239)).await, save(&name(239)).await), (1, 2));
    for length in [240, 255, 300, 5_000] {
        let error = refused(name(length)).await;
        assert_eq!(*error.kind(), ErrorKind::Invalid, "{error}");
    }
    let mut deep = root;
    while deep.as_os_str().len() < 300 {
        deep.push("d".repeat(40));
    }
    fs::create_dir_all(&deep).unwrap();
    let left = 431 - deep.as_os_str().len() - 1;
    let longest = deep.join("n".repeat(left));
    assert_eq!((save(&longest).await, save(&longest).await), (1, 2));
    let error = refused(deep.join("n".repeat(left + 1))).await;
    let text = error.to_string();
    assert!(text.contains("432") && text.contains("431"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_and_what_it_leads_to_are_one_store() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let (real, links) = (
        directory.path().join("real"),
        directory.path().join("links"),
    );
    fs::create_dir(&real).unwrap();
    fs::create_dir(&links).unwrap();
    // To a store that is not there yet, by way of another link.
    symlink("second.db", links.join("first.db")).unwrap();
    symlink("../real/store.db", links.join("second.db")).unwrap();
    let (link, target) = (links.join("first.db"), real.join("store.db"));
    assert_eq!(save(&link).await, 1);
    assert_eq!(names(&real), ["store.db"]);
    let (through_link, direct) = (open(&link).await, open(&target).await);
    for (n, db) in [&through_link, &direct, &through_link]
        .into_iter()
        .enumerate()
    {
        let saved = commit().with(append("s", &format!("x{n}"), state(n)));
        let receipt = db.commit(saved).await.unwrap();
        assert_eq!(receipt.first.sequence, n as u64 + 2);
    }
    assert_eq!(names(&real), ["store.db", "store.db-shm", "store.db-wal"]);
    assert_eq!(names(&links), ["first.db", "second.db"]);
    assert!(
        through_link.stats().await.unwrap().stored_bytes > 100_000,
        "with the log"
    );

    symlink("loop.db", links.join("loop.db")).unwrap();
    symlink("../nowhere/store.db", links.join("nowhere.db")).unwrap();
    refused(links.join("loop.db")).await;
    let error = refused(links.join("nowhere.db")).await;
    assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_directory_in_the_place_of_the_log_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    save(&path).await;
    let before = fs::read(&path).unwrap();
    let log = directory.path().join("store.db-wal");
    fs::create_dir(&log).unwrap();
    let error = refused(&path).await;
    assert_eq!(*error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains(&log.display().to_string()));
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::remove_dir(log).unwrap();
    assert_eq!(save(&path).await, 2);
}

/// The engine would play it into the new store, and mix the two.
#[tokio::test]
async fn a_log_without_its_store_is_not_played_into_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let (path, log) = (
        directory.path().join("store.db"),
        directory.path().join("store.db-wal"),
    );
    let db = open(&path).await;
    db.commit(session("s")).await.unwrap();
    let bytes = fs::read(&log).unwrap();
    db.close().await.unwrap();
    for (left, empty) in [
        ("store.db-wal", false),
        ("store.db-wal", true),
        ("store.db-journal", false),
    ] {
        fs::remove_file(&path).unwrap();
        if empty {
            fs::write(&path, "").unwrap();
        }
        let left = directory.path().join(left);
        fs::write(&left, &bytes).unwrap();
        let error = refused(&path).await;
        assert_eq!(*error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(&left.display().to_string()));
        assert_eq!(
            fs::read(&left).unwrap(),
            bytes,
            "it may be all that is left"
        );
        fs::remove_file(left).unwrap();
        assert_eq!(save(&path).await, 1);
    }
}
