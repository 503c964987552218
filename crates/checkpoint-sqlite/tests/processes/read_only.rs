//! Reading a store with as few rights as can be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use checkpoint_core::Store;
use tempfile::TempDir;

use crate::peer::{Peer, open, runtime};
use crate::{creation::names, peer};

/// A store in a directory, in which peers can be started that cannot write.
struct Place {
    directory: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a store.db");
        Self { directory, path }
    }

    fn save(&self, state: &str) -> Store {
        runtime().block_on(async {
            let store = open(&self.path).await;
            store.session("s").await.unwrap().save(state).await.unwrap();
            store
        })
    }

    fn save_and_close(&self, state: &str) {
        let store = self.save(state);
        runtime().block_on(store.close()).unwrap();
    }

    /// Saves, and is killed before it can close.
    fn save_and_die(&self, state: &str) {
        let mut peer = Peer::start();
        assert_eq!(peer.ask(&self.open("rw")).len(), 36);
        peer.ask(&format!("save\ts\t{state}"));
        peer.kill();
    }

    fn open(&self, how: &str) -> String {
        format!("open\t{}\t{how}", self.path.display())
    }

    /// A peer to which the directory, and all in it, is read-only.
    fn sealed_peer(&self) -> Peer {
        Peer::spawn(sealed(self.directory.path(), &Peer::command()))
    }

    fn names(&self) -> Vec<String> {
        names(self.directory.path())
    }

    fn file(&self, suffix: &str) -> Vec<u8> {
        fs::read(format!("{}{suffix}", self.path.display())).unwrap()
    }
}

/// A program that sees a directory as on a read-only medium. It takes a mount of its own, since permissions mean
/// nothing to the superuser.
fn sealed(directory: &Path, program: &Command) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg("mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && exec \"$1\"")
        .args([directory.as_os_str(), program.get_program()])
        .env(peer::ROLE, "1");
    command
}

/// Why no peer can be sealed here, if so.
pub(crate) fn cannot_seal() -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let tried = sealed(directory.path(), &Command::new("true")).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

pub(crate) fn a_closed_store_is_read_where_nothing_can_be_made() {
    let place = Place::new();
    place.save_and_close("first");
    let before = place.file("");
    let mut peer = place.sealed_peer();
    assert_eq!(peer.ask(&place.open("ro")).len(), 36);
    assert_eq!(peer.ask("latest\ts"), "first");
    assert_eq!(place.names(), ["a store.db"]);
    assert_eq!(place.file(""), before);

    // While another writes it says so, and never mixes what was with what is.
    let writer = place.save("second");
    let refused = peer.ask("latest\ts");
    assert!(refused.starts_with("Unavailable"), "{refused}");
    runtime().block_on(writer.close()).unwrap();
    assert_eq!(peer.ask("latest\ts"), "second");
    let refused = peer.ask("save\ts\tthird");
    assert!(refused.starts_with("Denied"), "{refused}");
}

pub(crate) fn a_store_at_work_is_read_where_nothing_can_be_made() {
    let place = Place::new();
    let first = place.save("first");
    let mut peer = place.sealed_peer();
    assert_eq!(peer.ask(&place.open("ro")).len(), 36);
    assert_eq!(peer.ask("latest\ts"), "first");
    let second = place.save("second");
    assert_eq!(peer.ask("latest\ts"), "second");
    runtime().block_on(async { (first.close().await.unwrap(), second.close().await.unwrap()) });
}

pub(crate) fn a_log_that_was_left_is_read_where_nothing_can_be_made() {
    let place = Place::new();
    place.save_and_die("kept");
    let before = (place.file(""), place.file("-wal"));
    let mut peer = place.sealed_peer();
    assert_eq!(peer.ask(&place.open("ro")).len(), 36);
    assert_eq!(peer.ask("latest\ts"), "kept");
    assert_eq!((place.file(""), place.file("-wal")), before);
}

pub(crate) fn a_log_that_cannot_be_read_is_not_passed_over() {
    let place = Place::new();
    place.save_and_die("kept");
    fs::remove_file(format!("{}-shm", place.path.display())).unwrap();
    let mut peer = place.sealed_peer();
    let refused = peer.ask(&place.open("ro"));
    assert!(refused.starts_with("Denied"), "{refused}");
    assert!(refused.contains("open it once for writing"), "{refused}");
    place.save_and_close("later");
    assert_eq!(peer.ask(&place.open("ro")).len(), 36);
    assert_eq!(peer.ask("latest\ts"), "later");
}

pub(crate) fn who_may_not_write_is_told_so_and_can_read() {
    let place = Place::new();
    let mut peer = place.sealed_peer();
    let refused = peer.ask(&place.open("rw"));
    assert!(refused.starts_with("Denied"), "{refused}");
    place.save_and_close("first");
    let refused = peer.ask(&place.open("rw"));
    assert!(
        refused.starts_with("Denied") && refused.contains("reading only"),
        "{refused}"
    );
    assert_eq!(peer.ask(&place.open("ro")).len(), 36);
}

pub(crate) fn reading_alone_never_writes_what_is_stored() {
    let place = Place::new();
    place.save_and_close("first");
    let before = place.file("");
    let mut peer = Peer::start();
    assert_eq!(peer.ask(&place.open("ro")).len(), 36);
    assert_eq!(peer.ask("latest\ts"), "first");
    assert_eq!(peer.ask("close"), "closed");
    assert_eq!(place.file(""), before);
    // What the engine takes its locks in may stay; nothing is in it.
    for name in place.names() {
        assert!(
            name == "a store.db" || name.ends_with("-shm") || place.file("-wal").is_empty(),
            "{name}"
        );
    }
    place.save_and_die("second");
    let before = (place.file(""), place.file("-wal"));
    assert_eq!(peer.ask(&place.open("ro")).len(), 36);
    assert_eq!(peer.ask("latest\ts"), "second");
    assert_eq!(peer.ask("close"), "closed");
    assert_eq!((place.file(""), place.file("-wal")), before);
}
