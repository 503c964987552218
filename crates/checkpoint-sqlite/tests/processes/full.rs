//! A disk without room. Each peer has a small one of its own, which only it sees.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use checkpoint_core::{Budget, Error, Store};
use tempfile::TempDir;

use crate::creation::names;
use crate::peer::{self, Peer};

/// A program that sees an empty disk of so many KiB in the place of a directory.
fn on_small_disk(directory: &Path, size: usize, program: &Command) -> Command {
    let mut command = Command::new("unshare");
    let mount = format!("mount -t tmpfs -o size={size}k none \"$0\" && exec \"$1\"");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount])
        .args([directory.as_os_str(), program.get_program()])
        .env(peer::ROLE, "1");
    command
}

struct Disk {
    directory: TempDir,
    peer: Peer,
}

impl Disk {
    fn new(size: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let peer = Peer::spawn(on_small_disk(directory.path(), size, &Peer::command()));
        Self { directory, peer }
    }

    fn open(&mut self) -> String {
        let path = self.directory.path().join("store.db");
        self.peer.ask(&format!("open\t{}\trw", path.display()))
    }

    fn open_well(&mut self) {
        let answer = self.open();
        assert_eq!(answer.len(), 36, "{answer}");
    }

    /// Takes all the room but so many KiB.
    fn fill(&mut self, left: usize) {
        let at = self.directory.path().display();
        assert_eq!(self.peer.ask(&format!("fill\t{at}\t{left}")), "filled");
    }

    fn make_room(&mut self) {
        let at = self.directory.path().display();
        assert_eq!(self.peer.ask(&format!("make room\t{at}")), "room");
    }

    fn names(&mut self) -> String {
        let at = self.directory.path().display();
        self.peer.ask(&format!("names\t{at}"))
    }

    fn refused(answer: &str) {
        assert!(answer.starts_with("Storage"), "{answer}");
        assert!(answer.contains("full"), "{answer}");
    }
}

/// What a peer does on such a disk.
pub(crate) async fn obey(store: Option<&Store>, words: &[&str]) -> Result<String, Error> {
    let number = |word: &str| word.parse::<usize>().unwrap();
    let store = || store.unwrap();
    Ok(match words {
        ["fill", directory, left] => {
            fill(directory, number(left));
            "filled".to_owned()
        }
        ["make room", directory] => {
            fs::remove_file(Path::new(directory).join("filler")).unwrap();
            "room".to_owned()
        }
        ["names", directory] => names(Path::new(directory)).join(" "),
        ["taken", directory] => {
            let directory = Path::new(directory);
            let length = |name| fs::metadata(directory.join(name)).unwrap().len();
            names(directory)
                .into_iter()
                .map(length)
                .sum::<u64>()
                .to_string()
        }
        ["save until full", size] => {
            let (saved, why) = save_until_full(store(), number(size)).await;
            format!("{saved}\t{:?} {why}", why.kind())
        }
        ["count", size] => count(store(), number(size)).await?.to_string(),
        ["maintain", compact] => {
            maintain(store(), *compact == "true").await?;
            "maintained".to_owned()
        }
        ["delete noise"] => {
            store().delete_session("noise").await?;
            "deleted".to_owned()
        }
        other => panic!("what is {other:?}?"),
    })
}

fn fill(directory: &str, left: usize) {
    let directory = Path::new(directory);
    let mut file = File::create(directory.join("filler")).unwrap();
    while file.write_all(&[1; 1024]).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(left as u64 * 1024))
        .unwrap();
}

fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(byte).collect()
}

/// Saves until that is refused; answers how many were acknowledged, and why not more.
async fn save_until_full(store: &Store, size: usize) -> (u64, Error) {
    let session = store.session("noise").await.unwrap();
    for n in 1.. {
        let next = store.sequence().await.unwrap() + 1;
        let saved = session
            .save_bytes("application/noise", noise(next, size))
            .await;
        match saved {
            Ok(saved) => assert_eq!(saved.sequence, next),
            Err(error) => return (n - 1, error),
        }
    }
    unreachable!("a disk without end")
}

/// Checks every state, and answers how many there are.
async fn count(store: &Store, size: usize) -> Result<u64, Error> {
    let session = store.session("noise").existing().await?;
    let listed = session.list().oldest_first().limit(10_000).await?;
    for (n, checkpoint) in listed.checkpoints.iter().enumerate() {
        assert_eq!(checkpoint.header().sequence, n as u64 + 1);
        assert_eq!(checkpoint.bytes().await?, noise(n as u64 + 1, size));
    }
    assert!(store.verify().await?.is_clean());
    Ok(listed.checkpoints.len() as u64)
}

/// Everything that gives space back, to the system too when told so.
async fn maintain(store: &Store, compact: bool) -> Result<(), Error> {
    let budget = Budget::default()
        .with_grace(std::time::Duration::ZERO)
        .with_compact(compact);
    while store.maintain(&budget).await?.more {}
    Ok(())
}

fn number(answer: &str) -> u64 {
    answer.parse().unwrap_or_else(|_| panic!("{answer}"))
}

pub(crate) fn a_store_without_room_is_not_made_and_leaves_nothing() {
    let mut disk = Disk::new(256);
    for left in [0, 8, 40, 64] {
        disk.fill(left);
        let refused = disk.open();
        assert!(refused.starts_with("Storage"), "{left}: {refused}");
        assert_eq!(disk.names(), "filler", "{left}");
    }
    disk.make_room();
    disk.open_well();
    assert_eq!(number(&disk.peer.ask("save\ts\tstate")), 1);
}

pub(crate) fn what_was_saved_before_the_disk_was_full_stays_and_more_can_be_saved_after() {
    for size in [600, 30_000] {
        let mut disk = Disk::new(3_000);
        disk.open_well();
        disk.fill(700);
        let answer = disk.peer.ask(&format!("save until full\t{size}"));
        let (saved, why) = answer.split_once('\t').unwrap();
        Disk::refused(why);
        let saved = number(saved);
        assert!(saved > 3, "{answer}");
        assert_eq!(number(&disk.peer.ask(&format!("count\t{size}"))), saved);
        // Not once, but as long as there is no room.
        let answer = disk.peer.ask(&format!("save until full\t{size}"));
        let more = number(answer.split_once('\t').unwrap().0);
        disk.make_room();
        let answer = disk.peer.ask(&format!("save until full\t{size}"));
        let after = number(answer.split_once('\t').unwrap().0);
        assert!(after > 10, "{answer}");
        assert_eq!(disk.peer.ask("close"), "closed");
        disk.open_well();
        let all = number(&disk.peer.ask(&format!("count\t{size}")));
        assert_eq!(all, saved + more + after);
    }
}

pub(crate) fn a_store_that_is_closed_without_room_loses_nothing() {
    let mut disk = Disk::new(3_000);
    disk.open_well();
    for n in 1..=9 {
        assert_eq!(number(&disk.peer.ask(&format!("save\ts\t{n}"))), n);
    }
    disk.fill(0);
    assert_eq!(disk.peer.ask("close"), "closed");
    let answer = disk.open();
    if answer.len() == 36 {
        assert_eq!(disk.peer.ask("latest\ts"), "9");
        assert_eq!(disk.peer.ask("close"), "closed");
    } else {
        assert!(answer.starts_with("Storage"), "{answer}");
    }
    disk.make_room();
    disk.open_well();
    assert_eq!(disk.peer.ask("latest\ts"), "9");
    assert_eq!(number(&disk.peer.ask("save\ts\tten")), 10);
}

pub(crate) fn maintenance_without_room_is_refused_or_done_and_can_be_repeated() {
    let mut disk = Disk::new(12_000);
    disk.open_well();
    disk.fill(3_000);
    let answer = disk.peer.ask("save until full\t30000");
    let saved = number(answer.split_once('\t').unwrap().0);
    for compact in ["false", "true"] {
        let answer = disk.peer.ask(&format!("maintain\t{compact}"));
        if answer != "maintained" {
            Disk::refused(&answer);
        }
    }
    assert_eq!(number(&disk.peer.ask("count\t30000")), saved);
    disk.make_room();
    assert_eq!(disk.peer.ask("delete noise"), "deleted");
    assert_eq!(disk.peer.ask("maintain\ttrue"), "maintained");
    let at = disk.directory.path().display().to_string();
    let taken = number(&disk.peer.ask(&format!("taken\t{at}")));
    assert!(taken < 1_000_000, "{taken} bytes for nothing");
    assert_eq!(number(&disk.peer.ask("save\ts\tstate")), saved + 1);
}

/// Making the log long ahead must not take the room that is left.
pub(crate) fn the_log_is_not_extended_into_the_last_room() {
    let mut disk = Disk::new(3_000);
    disk.open_well();
    for n in 1..=9 {
        assert_eq!(number(&disk.peer.ask(&format!("save\ts\t{n}"))), n);
    }
    let at = disk.directory.path().display().to_string();
    let taken = number(&disk.peer.ask(&format!("taken\t{at}")));
    assert!(taken < 1_500_000, "{taken} bytes for nine numbers");
}
