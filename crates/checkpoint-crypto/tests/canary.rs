//! Words that nobody may find: in all that is protected, and then looked for in every file of the store, also before it
//! is closed, when logs and free pages are there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use checkpoint_core::{IdSource, MemoryBackend, Parts, Query, Severity, Store, SystemIds};

use common::{ENGINES, key, open_plain, open_sealed};

/// What is protected, each with a word of 16 letters that stands nowhere else.
struct Canaries(Vec<(String, String)>);

impl Canaries {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn word(&mut self, what: &str) -> String {
        let seed = blake3::hash(SystemIds.next().as_bytes());
        let letters = seed.as_bytes()[..16].iter().map(|byte| b'a' + byte % 26);
        let word = String::from_utf8(letters.collect()).unwrap();
        self.0.push((what.to_owned(), word.clone()));
        word
    }

    /// What can be found in the files below a directory.
    fn found(&self, directory: &Path) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut left = vec![directory.to_owned()];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()));
                continue;
            }
            // The upkeep of an open store removes files between the listing and this read.
            let bytes = match fs::read(&path) {
                Err(gone) if gone.kind() == ErrorKind::NotFound => continue,
                read => read.unwrap(),
            };
            // Words are of small letters alone, and logs are mostly zeros.
            let letters = bytes.split(|byte| !byte.is_ascii_lowercase());
            for run in letters.filter(|run| run.len() >= 16) {
                let said =
                    |(_, word): &&(String, String)| run.windows(16).any(|it| it == word.as_bytes());
                found.extend(self.0.iter().filter(said).map(|(what, _)| what.clone()));
            }
        }
        found
    }
}

/// Says every word somewhere, changes it, and deletes some of it.
async fn say(store: &Store, words: &mut Canaries) {
    let session = store
        .session("s")
        .name(words.word("name of a session"))
        .metadata("note", words.word("metadata of a session"))
        .await
        .unwrap();
    for round in 0..3 {
        let long: String = (0..3_000)
            .map(|n| match n % 1_000 {
                0 => words.word("a state in chunks"),
                _ => format!("{:x}", n * 7_919 * (round + 1)),
            })
            .collect();
        let small = words.word("an inline state");
        let state = if round == 1 { &long } else { &small };
        let saved = session
            .save(state)
            .message(words.word("a message"))
            .title(words.word("a title"))
            .step_description(words.word("a step's description"))
            .reason(words.word("a custom reason"))
            .metadata("note", words.word("metadata"))
            .metadata(words.word("a key of metadata"), "x")
            .tag(words.word("a tag").as_str())
            .worker(words.word("a worker").as_str())
            .schema(words.word("the name of a schema"), 1)
            .await
            .unwrap();
        let author = words.word("the author of an annotation");
        session
            .annotate(
                &saved.id,
                &words.word("an annotation"),
                Severity::Info,
                &author,
            )
            .await
            .unwrap();
        if round == 2 {
            session.delete(saved.id).await.unwrap();
        }
    }
    let name = words.word("the name of a section");
    let section = words.word("a section");
    session
        .sections()
        .with(name, &section)
        .save()
        .await
        .unwrap();
    let put = checkpoint_core::PutRecord {
        name: checkpoint_core::RecordName::new("own").unwrap(),
        bytes: Some(words.word("a record").into()),
    };
    let id = checkpoint_core::CommitId::from_bytes([9; 16]);
    let commit = checkpoint_core::Commit::new(id).with(put);
    store.backend().commit(commit).await.unwrap();
    store.backend().flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_shows_what_is_protected() {
    for engine in ENGINES {
        let directory = tempfile::tempdir().unwrap();
        let sealed = open_sealed(engine, directory.path(), false, key(7)).await;
        let store = common::store(&sealed.unwrap());
        let mut words = Canaries::new();
        say(&store, &mut words).await;
        assert_eq!(
            words.found(directory.path()),
            BTreeSet::new(),
            "{engine}, open"
        );
        store
            .maintain(&checkpoint_core::Budget::default())
            .await
            .unwrap();
        assert_eq!(
            words.found(directory.path()),
            BTreeSet::new(),
            "{engine}, maintained"
        );
        let query = Query {
            parts: Parts::ALL,
            ..Query::default()
        };
        assert_eq!(store.backend().scan(&query).await.unwrap().items.len(), 3);
        store.close().await.unwrap();
        assert_eq!(
            words.found(directory.path()),
            BTreeSet::new(),
            "{engine}, closed"
        );
    }
}

/// What looks for words does find them where nothing is sealed.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_store_shows_what_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let plain = open_plain("sqlite", directory.path(), false).await;
    let store = Store::new(plain.unwrap());
    let mut words = Canaries::new();
    say(&store, &mut words).await;
    let found = words.found(directory.path());
    for what in [
        "name of a session",
        "a message",
        "a title",
        "a tag",
        "a worker",
        "an annotation",
        "an inline state",
        "metadata",
        "the name of a schema",
        "a record",
    ] {
        assert!(found.contains(what), "{what} is not found: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plain_store_is_copied_into_shows_nothing() {
    let plain = Store::new(Arc::new(MemoryBackend::new()));
    let mut words = Canaries::new();
    say(&plain, &mut words).await;
    for engine in ENGINES {
        let directory = tempfile::tempdir().unwrap();
        let sealed = open_sealed(engine, directory.path(), false, key(7)).await;
        let store = common::store(&sealed.unwrap());
        let received = plain.copy_to(&store).await.unwrap();
        assert!(
            received.is_whole() && received.checkpoints == 3,
            "{received:?}"
        );
        let nothing = BTreeSet::new();
        assert_eq!(words.found(directory.path()), nothing, "{engine}, open");
        store.close().await.unwrap();
        assert_eq!(words.found(directory.path()), nothing, "{engine}, closed");
    }
}
