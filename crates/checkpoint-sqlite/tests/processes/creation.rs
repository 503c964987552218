//! Stores made by several processes at once, and by some that do not come to an end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use checkpoint_core::{Clock, Timestamp};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};

use crate::peer::{Peer, say};

/// A clock that never answers: asked for the time of creation, it leaves the creator where it is.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        say("stopped");
        loop {
            std::thread::park();
        }
    }
}

/// Stops inside the creation of a store, for good.
pub(crate) async fn create_and_stop(path: &Path) -> String {
    let options = SqliteOptions::at(path).with_clock(Arc::new(Stopped));
    let opened = SqliteBackend::open(options).await;
    format!("not stopped: {opened:?}")
}

fn workshop(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}-creating", path.file_name().unwrap().display()))
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

pub(crate) fn creators_at_the_same_moment_share_one_store() {
    const ROUNDS: usize = 60;
    let directory = tempfile::tempdir().unwrap();
    let mut peers = [(); 3].map(|()| Peer::start());
    for round in 0..ROUNDS {
        let path = directory.path().join(format!("{round}.db"));
        if round % 3 == 0 {
            fs::write(&path, "").unwrap();
        }
        let say = format!("open\t{}\trw", path.display());
        peers.iter_mut().for_each(|peer| peer.tell(&say));
        let ids: Vec<String> = peers.iter_mut().map(|peer| peer.line().unwrap()).collect();
        assert!(
            ids.iter().all(|id| id.len() == 36 && *id == ids[0]),
            "{ids:?}"
        );
        for peer in &mut peers {
            assert_eq!(peer.ask("close"), "closed");
        }
        assert_eq!(
            names(directory.path()).len(),
            round + 1,
            "nothing is left over"
        );
    }
}

pub(crate) fn openers_of_a_copy_without_a_log_at_the_same_moment_share_it() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source.db");
    let mut peers = [(); 3].map(|()| Peer::start());
    let id = peers[0].ask(&format!("open\t{}\trw", source.display()));
    assert_eq!(peers[0].ask("save\ts\tkept"), "1");
    assert_eq!(peers[0].ask("close"), "closed");
    for round in 0..10 {
        let path = directory.path().join(format!("{round}.db"));
        let copied = rusqlite::Connection::open(&source).unwrap();
        copied
            .execute("VACUUM INTO ?1", [path.to_str().unwrap()])
            .unwrap();
        let say = format!("open\t{}\trw", path.display());
        peers.iter_mut().for_each(|peer| peer.tell(&say));
        for peer in &mut peers {
            assert_eq!(peer.line().unwrap(), id);
        }
        for (n, peer) in peers.iter_mut().enumerate() {
            assert_eq!(peer.ask("save\ts\tmore"), (n + 2).to_string());
            assert_eq!(peer.ask("close"), "closed");
        }
    }
}

pub(crate) fn what_a_killed_creator_left_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    for _ in 0..2 {
        let mut killed = Peer::start();
        assert_eq!(
            killed.ask(&format!("create and stop\t{}", path.display())),
            "stopped"
        );
        killed.kill();
    }
    assert!(
        names(&workshop(&path)).len() >= 4,
        "it was not killed inside"
    );
    assert_eq!(names(directory.path()), ["store.db-creating"]);
    // What only looks like it stays.
    for name in ["notes", "0b54ab7e-2ab1-7b0e-8d5f-nothexadecim"] {
        fs::write(workshop(&path).join(name), "mine").unwrap();
    }

    let mut peer = Peer::start();
    assert_eq!(peer.ask(&format!("open\t{}\trw", path.display())).len(), 36);
    let left = ["0b54ab7e-2ab1-7b0e-8d5f-nothexadecim", "notes"];
    assert_eq!(names(&workshop(&path)), left);
    for name in left {
        fs::remove_file(workshop(&path).join(name)).unwrap();
    }
    assert_eq!(peer.ask("close"), "closed");
    peer.ask(&format!("open\t{}\trw", path.display()));
    assert_eq!(peer.ask("close"), "closed");
    assert_eq!(names(directory.path()), ["store.db"]);
}

pub(crate) fn a_creator_killed_at_any_moment_leaves_a_whole_store_or_none() {
    let directory = tempfile::tempdir().unwrap();
    let mut other = Peer::start();
    let begun = Instant::now();
    let path = directory.path().join("whole.db");
    assert_eq!(
        other.ask(&format!("open\t{}\trw", path.display())).len(),
        36
    );
    assert_eq!(other.ask("close"), "closed");
    // Some are killed before they begin, and some after they are done.
    let step = begun.elapsed() / 20;
    let mut left = 0;
    for round in 0..30 {
        let path = directory.path().join(format!("{round}.db"));
        let mut killed = Peer::start();
        assert_eq!(killed.ask("go\t/"), "/");
        killed.tell(&format!("open\t{}\trw", path.display()));
        let (begun, wait) = (Instant::now(), step * round);
        while begun.elapsed() < wait {
            std::hint::spin_loop();
        }
        killed.kill();
        left += u32::from(!names(&workshop(&path)).is_empty());
        let id = other.ask(&format!("open\t{}\trw", path.display()));
        assert_eq!(id.len(), 36, "after {wait:?}: {id}");
        assert_eq!(other.ask("save\ts\tstate"), "1");
        assert_eq!(other.ask("close"), "closed");
        assert!(!workshop(&path).exists(), "after {wait:?}");
    }
    assert!(left > 0, "none was killed inside");
}

pub(crate) fn what_a_living_creator_works_on_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let mut living = Peer::start();
    assert_eq!(
        living.ask(&format!("create and stop\t{}", path.display())),
        "stopped"
    );
    let works_on = names(&workshop(&path));
    let mut peer = Peer::start();
    assert_eq!(peer.ask(&format!("open\t{}\trw", path.display())).len(), 36);
    assert_eq!(names(&workshop(&path)), works_on);
    living.kill();
    peer.ask(&format!("open\t{}\trw", path.display()));
    assert_eq!(names(&workshop(&path)).len(), 0);
}

/// The engine takes some relative paths for instructions, and opens readers when they are needed: later, elsewhere.
pub(crate) fn a_relative_path_names_the_file_that_it_named_at_first() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().canonicalize().unwrap();
    for name in ["file:x?mode=memory", "store.db"] {
        let mut command = Peer::command();
        command.current_dir(&there);
        let mut peer = Peer::spawn(command);
        assert_eq!(peer.ask(&format!("open\t{name}\trw")).len(), 36);
        assert_eq!(peer.ask("go\t/"), "/");
        assert_eq!(peer.ask("save\ts\tkept"), "1");
        assert_eq!(peer.ask("latest\ts"), "kept");
        assert_eq!(peer.ask("close"), "closed");
        assert_eq!(names(&there), [name]);
        fs::remove_file(there.join(name)).unwrap();
    }
}
