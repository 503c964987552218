//! The files of a small encrypted store, changed byte by byte by somebody who has no key, cut, or put there from another
//! store.
//!
//! Whatever was done, the store says that something is wrong, or all that is read is what was written; never is anything
//! read that nobody wrote. By default one byte in 16 is tried, others each day; `CHECKPOINT_TAMPER=all` tries each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "a test tells how much it tried")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use checkpoint_core::{Commit, CommitId, ErrorKind, PutRecord, RecordName, Severity, Store};
use tempfile::TempDir;

use common::{Seen, directory, key, open_sealed, share, store};

/// Of so many stores that are tried, one is opened for writing too.
const WRITERS: usize = 16;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The store does not open.
    Refused,
    /// Something cannot be read, or `verify` finds something.
    Told,
    /// Everything is there as it was.
    Same,
}

/// A sound store in a directory.
struct Sound {
    engine: &'static str,
    place: TempDir,
    files: Vec<(PathBuf, Vec<u8>)>,
    seen: Seen,
    tally: BTreeMap<Outcome, u64>,
    wrong: Vec<String>,
}

async fn fill(store: &Store) {
    let session = store.session("s").name("a name").metadata("k", "v");
    let session = session.await.unwrap();
    let large: Vec<u32> = (0..800).map(|n| n * n).collect();
    let save = session.save(&"a small state").id("small").tag("t");
    let saved = save.worker("w").message("said").step(3).await.unwrap();
    session.save(&large).id("large").await.unwrap();
    session
        .annotate(&saved.id, "noted", Severity::Info, "me")
        .await
        .unwrap();
    let other = store.session("t").await.unwrap();
    other.save(&1).id("other").pinned().await.unwrap();
    let gone = other.save(&2).id("gone").await.unwrap();
    other.delete(gone.id).await.unwrap();
    let put = PutRecord {
        name: RecordName::new("own").unwrap(),
        bytes: Some("content".into()),
    };
    let commit = Commit::new(CommitId::from_bytes([9; 16])).with(put);
    store.backend().commit(commit).await.unwrap();
}

/// Every file below a directory, by its path.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

impl Sound {
    async fn make(engine: &'static str) -> Self {
        let place = directory();
        let sealed = open_sealed(engine, place.path(), false, key(7)).await;
        let made = store(&sealed.unwrap());
        fill(&made).await;
        let seen = Seen::of(&made).await;
        assert!(seen.told.is_empty() && seen.found.len() >= 20, "{seen:?}");
        made.close().await.unwrap();
        let mut sound = Self {
            engine,
            files: files(place.path()),
            place,
            seen,
            tally: BTreeMap::new(),
            wrong: Vec::new(),
        };
        // As it is, it is told nothing of.
        for read_only in [true, false] {
            assert_eq!(sound.look(read_only, "sound").await, Outcome::Same);
            sound.mend();
        }
        sound.tally.clear();
        sound
    }

    /// Puts all files as they were, and takes away what came beside them.
    fn mend(&self) {
        for (path, now) in files(self.place.path()) {
            match self.files.iter().find(|(it, _)| *it == path) {
                Some((_, before)) if *before == now => {}
                Some((_, before)) => fs::write(&path, before).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
        }
        for (path, before) in self.files.iter().filter(|(path, _)| !path.exists()) {
            fs::write(path, before).unwrap();
        }
    }

    /// Opens what is there, reads everything, and compares.
    async fn look(&mut self, read_only: bool, what: &str) -> Outcome {
        let opened = open_sealed(self.engine, self.place.path(), read_only, key(7)).await;
        let outcome = match opened {
            Err(_) => Outcome::Refused,
            Ok(sealed) => {
                let store = store(&sealed);
                let outcome = self.judge(&store, what).await;
                let _ = store.close().await;
                outcome
            }
        };
        *self.tally.entry(outcome).or_default() += 1;
        outcome
    }

    async fn judge(&mut self, store: &Store, what: &str) -> Outcome {
        let seen = Seen::of(store).await;
        let differs = |(name, is): (&String, &String)| {
            // Which checkpoint is the newest that is there follows from which are.
            let derived = name.starts_with("head of");
            (!derived && self.seen.found.get(name) != Some(is)).then(|| format!("{name}: {is}"))
        };
        let wrong: Vec<_> = seen.found.iter().filter_map(differs).collect();
        if !wrong.is_empty() {
            self.wrong.push(format!("{what}: {wrong:?}"));
        }
        if !seen.told.is_empty() {
            return Outcome::Told;
        }
        if seen.found == self.seen.found {
            return Outcome::Same;
        }
        let report = store.verify().await;
        if report.is_ok_and(|report| report.is_clean()) {
            let missing = self.seen.found.keys();
            let missing: Vec<_> = missing.filter(|it| !seen.found.contains_key(*it)).collect();
            let why = format!("{what}: nobody tells that this is not there: {missing:?}");
            self.wrong.push(why);
        }
        Outcome::Told
    }

    /// Puts other bytes in the place of a file, and looks.
    async fn with(&mut self, file: usize, bytes: &[u8], for_writing: bool, what: &str) -> Outcome {
        let path = self.files[file].0.clone();
        fs::write(&path, bytes).unwrap();
        let outcome = self.look(true, what).await;
        if for_writing {
            let what = format!("{what}, open for writing");
            self.look(false, &what).await;
            self.mend();
        }
        fs::write(&path, &self.files[file].1).unwrap();
        outcome
    }

    fn end(&self, what: &str) {
        let (engine, tally) = (self.engine, &self.tally);
        println!("{engine}, {what}: {tally:?}");
        let wrong = &self.wrong[..self.wrong.len().min(10)];
        assert!(wrong.is_empty(), "{engine}: {wrong:#?}");
    }

    fn count(&self, outcome: Outcome) -> u64 {
        self.tally.get(&outcome).copied().unwrap_or_default()
    }
}

/// What an engine asserts of a damaged file and is caught at is told by the store.
fn be_silent_about(engine: &'static str) {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let at = panic.location().map_or("", |place| place.file());
        if !at.contains(&format!("/{engine}-")) {
            tell(panic);
        }
    }));
}

async fn every_byte(engine: &'static str) {
    be_silent_about(engine);
    let mut sound = Sound::make(engine).await;
    let (share, turn) = share();
    let mut tried = 0;
    for file in 0..sound.files.len() {
        let (path, whole) = sound.files[file].clone();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for at in (0..whole.len()).filter(|at| at % share == turn) {
            // Of long stretches of zeros, which nothing stands on, some bytes.
            let around = &whole[at.saturating_sub(32)..whole.len().min(at + 33)];
            if share > 1 && around.iter().all(|byte| *byte == 0) && (at / share) % 64 != 0 {
                continue;
            }
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at / share % 8);
            let what = format!("byte {at} of {name}");
            tried += 1;
            sound
                .with(file, &changed, tried % WRITERS == 0, &what)
                .await;
        }
    }
    sound.end(&format!("{tried} bytes changed"));
    let noticed = sound.count(Outcome::Told) + sound.count(Outcome::Refused);
    assert!(noticed > tried as u64 / 10, "{noticed} of {tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_changed_byte_of_an_sqlite_file_is_read_as_something_else() {
    every_byte("sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_changed_byte_of_a_redb_file_is_read_as_something_else() {
    every_byte("redb").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_changed_byte_of_a_directory_is_read_as_something_else() {
    every_byte("file").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_changed_byte_of_a_log_is_read_as_something_else() {
    every_byte("entries").await;
}

/// At every length where files are short, and at some where they are long.
#[tokio::test(flavor = "multi_thread")]
async fn no_file_that_was_cut_is_read_as_something_else() {
    for engine in common::ENGINES {
        let mut sound = Sound::make(engine).await;
        let (share, turn) = share();
        for file in 0..sound.files.len() {
            let whole = sound.files[file].1.clone();
            let step = (whole.len() * share / 1_024).max(1);
            for length in (turn % step..whole.len()).step_by(step) {
                let what = format!("{} cut to {length}", sound.files[file].0.display());
                sound.with(file, &whole[..length], false, &what).await;
            }
        }
        sound.end("cut");
        assert!(sound.count(Outcome::Refused) > 0);
    }
}

/// Of the same store, and of another one with another ring under the same key. What lies in one file is the other store
/// then, and whole.
#[tokio::test(flavor = "multi_thread")]
async fn no_file_that_was_put_in_the_place_of_another_is_read_as_something_else() {
    let mut sound = Sound::make("file").await;
    let other = Sound::make("file").await;
    let all = [sound.files.clone(), other.files.clone()].concat();
    for file in 0..sound.files.len() {
        let (path, whole) = sound.files[file].clone();
        for (from, bytes) in all.iter().filter(|(_, bytes)| *bytes != whole) {
            let what = format!("{} is {}", path.display(), from.display());
            sound.with(file, bytes, true, &what).await;
        }
    }
    sound.end("put in the place of others");
    assert!(sound.count(Outcome::Refused) > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_store_under_another_key_are_refused() {
    for engine in common::ENGINES {
        let place = directory();
        let sealed = open_sealed(engine, place.path(), false, key(1)).await;
        let made = store(&sealed.unwrap());
        fill(&made).await;
        made.close().await.unwrap();
        let before = files(place.path());
        let error = open_sealed(engine, place.path(), true, key(2)).await;
        assert_eq!(*error.unwrap_err().kind(), ErrorKind::Denied, "{engine}");
        // An engine may leave a log beside them with nothing in it.
        let after = files(place.path());
        assert!(before.iter().all(|it| after.contains(it)), "{engine}");
    }
}

/// What compares does notice what nobody wrote, and what is gone.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_something_else_is_caught() {
    let mut sound = Sound::make("sqlite").await;
    let state = sound.seen.found.get_mut("state of large").unwrap();
    state.push(' ');
    sound.look(true, "another state").await;
    assert_eq!(sound.wrong.len(), 2, "{:?}", sound.wrong);
    let mut sound = Sound::make("sqlite").await;
    sound.seen.found.insert("state of none".into(), "1".into());
    sound.look(true, "one that is not there").await;
    assert!(sound.wrong[0].contains("nobody tells"), "{:?}", sound.wrong);
}
