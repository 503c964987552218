//! Several processes at work on one store.

use std::path::{Path, PathBuf};

use checkpoint_core::Store;
use tempfile::TempDir;

use crate::load::{Acknowledged, check};
use crate::peer::{Peer, open, runtime};

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    (directory, path)
}

fn opened(path: &Path, how: &str) -> Peer {
    let mut peer = Peer::start();
    assert_eq!(
        peer.ask(&format!("open\t{}\t{how}", path.display())).len(),
        36
    );
    peer
}

pub(crate) fn writers_of_three_processes_lose_nothing_and_share_one_order() {
    let (_directory, path) = place();
    let mut peers = ["a", "b", "c"].map(|name| (name, opened(&path, "rw")));
    for (name, peer) in &mut peers {
        peer.tell(&format!("load\t{name}\t24"));
    }
    let mut told = Acknowledged::default();
    for (_, peer) in &mut peers {
        peer.rest().iter().for_each(|line| told.hear(line));
    }
    assert_eq!(told.saved.len(), 3 * 4 * 24);
    assert!(!told.epochs.is_empty() && !told.deleted.is_empty() && !told.forked.is_empty());
    drop(peers);
    runtime().block_on(async { check(&open(&path).await, &told, true).await });
}

pub(crate) fn a_killed_writer_takes_nothing_acknowledged_with_it() {
    for round in 0..3 {
        let (_directory, path) = place();
        let mut killed = opened(&path, "rw");
        let mut other = opened(&path, "rw");
        killed.tell("load\tkilled\t10000");
        other.tell("load\tother\t30");
        let mut told = Acknowledged::default();
        for _ in 0..20 + 37 * round {
            told.hear(&killed.line().unwrap());
        }
        killed.kill();
        // What it said and nobody heard yet was acknowledged too.
        let unheard = killed.rest();
        unheard.iter().for_each(|line| told.hear(line));
        let before = told.saved.len();
        other.rest().iter().for_each(|line| told.hear(line));
        assert_eq!(
            told.saved.len() - before,
            4 * 30,
            "the other goes on to its end"
        );
        drop(other);
        runtime().block_on(async {
            let store = open(&path).await;
            check(&store, &told, false).await;
            goes_on(&store).await;
        });
    }
}

async fn goes_on(store: &Store) {
    let next = store.sequence().await.unwrap() + 1;
    let saved = store.session("later").await.unwrap().save("on").await;
    assert_eq!(saved.unwrap().sequence, next);
}

pub(crate) fn a_claim_by_another_process_fences_this_one() {
    let (_directory, path) = place();
    let mut one = opened(&path, "rw");
    let mut two = opened(&path, "rw");
    assert_eq!(one.ask("claim\tjob"), "1");
    assert_eq!(one.ask("save as owner\ta"), "1");
    assert_eq!(two.ask("claim\tjob"), "2");
    let refused = one.ask("save as owner\tb");
    assert!(refused.starts_with("Conflict"), "{refused}");
    assert_eq!(two.ask("save as owner\tc"), "2");
    two.kill();
    let refused = one.ask("save as owner\tb");
    assert!(refused.starts_with("Conflict"), "{refused}");
    assert_eq!(one.ask("latest\tjob"), "c");
    assert_eq!(one.ask("claim\tjob"), "3");
    assert_eq!(one.ask("save as owner\tb"), "3");
}

/// Closing any descriptor of a file drops a process's locks on it. Another program that looks into the store, with an
/// engine that is not as new as ours, then takes itself for the last and deletes the log to which the process writes.
fn another_is_not_the_last(path: &Path, peer: &mut Peer) {
    #[cfg(target_os = "linux")]
    assert!(is_locked(path, peer.id()), "the locks were given up");
    runtime().block_on(async {
        let store = open(path).await;
        let session = store.session("s").await.unwrap();
        session.save("from outside").await.unwrap();
        store.close().await.unwrap();
    });
    assert_eq!(peer.ask("save\ts\tkept"), "3");
    peer.kill();
    runtime().block_on(async {
        let store = open(path).await;
        let session = store.session("s").existing().await.unwrap();
        let latest = session.latest_as::<String>().await.unwrap();
        assert_eq!(latest.as_deref(), Some("kept"), "it was acknowledged");
    });
}

/// Whether a process has a lock on a file, as the system tells; it may leave one out while others come and go.
#[cfg(target_os = "linux")]
fn is_locked(path: &Path, process: u32) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (process, file) = (process.to_string(), std::fs::metadata(path).unwrap().ino());
    let is_it = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        words.len() > 5
            && words[1] == "POSIX"
            && words[4] == process
            && words[5].ends_with(&format!(":{file}"))
    };
    let locks = || std::fs::read_to_string("/proc/locks").unwrap();
    (0..50).any(|_| locks().lines().any(is_it))
}

pub(crate) fn a_second_handle_does_not_give_up_the_locks_of_the_first() {
    let (_directory, path) = place();
    let mut peer = opened(&path, "rw");
    assert_eq!(peer.ask("save\ts\tfirst"), "1");
    for how in ["rw", "ro"] {
        assert_eq!(
            peer.ask(&format!("open\t{}\t{how}", path.display())).len(),
            36
        );
        assert_eq!(peer.ask("close"), "closed");
    }
    another_is_not_the_last(&path, &mut peer);
}

pub(crate) fn a_flush_does_not_give_up_the_locks_of_the_store() {
    let (_directory, path) = place();
    let mut peer = opened(&path, "os");
    assert_eq!(peer.ask("save\ts\tfirst"), "1");
    assert_eq!(peer.ask("flush"), "flushed");
    another_is_not_the_last(&path, &mut peer);
}
