//! Plain stores and encrypted ones, by URL.

#![cfg(all(feature = "crypto", feature = "file", feature = "sqlite"))]

use checkpoint::blocking::Wait;
use checkpoint::crypto::{Key, generate};
use checkpoint::{ErrorKind, Severity, Store, open, open_with};

fn url(engine: &str, directory: &tempfile::TempDir, name: &str) -> String {
    format!("{engine}://{}/{name}", directory.path().display())
}

async fn fill(store: &Store) {
    let session = store.session("s").name("a name").await.expect("made");
    let save = session.save(&vec![7; 30_000]).id("large").tag("t");
    let saved = save.message("said").await.expect("saved");
    let note = session.annotate(&saved.id, "noted", Severity::Info, "me");
    note.await.expect("noted");
    let sections = session.sections().with("plan", &1).with("notes", &"two");
    sections.save().await.expect("saved");
}

async fn is_as_filled(store: &Store) {
    assert!(store.verify().await.expect("verified").is_clean());
    let session = store.session("s").existing().await.expect("there");
    assert_eq!(session.info().await.expect("told").name, "a name");
    let large = session.get("large").await.expect("read").expect("there");
    let state: Vec<u32> = large.state().await.expect("read");
    assert_eq!((state.len(), large.message()), (30_000, "said"));
    assert_eq!(large.tags()[0].as_str(), "t");
    let notes = session.annotations(large.id()).await.expect("read");
    assert_eq!(notes[0].note, "noted");
    let latest = session.latest().await.expect("read").expect("there");
    let plan: Option<u32> = latest.section("plan").await.expect("read");
    assert_eq!(plan, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_are_copied_by_url_into_encrypted_ones_and_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("checkpoint.key");
    generate(&file).expect("made");
    let key = || Key::from_file(&file);
    for (from, to) in [("sqlite", "file"), ("file", "sqlite")] {
        let plain = url(from, &directory, &format!("plain-{from}"));
        let sealed = url(to, &directory, &format!("sealed-{to}"));
        let back = url(from, &directory, &format!("back-{from}"));
        let store = open(&plain).await.expect("made");
        fill(&store).await;
        let target = open_with(&sealed, key()).await.expect("made");
        let received = store.copy_to(&target).await.expect("copied");
        assert!(received.is_whole(), "{received:?}");
        is_as_filled(&target).await;
        target.close().await.expect("closed");

        let error = open(&sealed).await.expect_err("it is encrypted");
        assert_eq!(*error.kind(), ErrorKind::Denied);
        let error = open_with(&plain, key()).await.expect_err("it is plain");
        assert_eq!(*error.kind(), ErrorKind::Denied);

        let sealed = open_with(format!("{sealed}?mode=ro"), key());
        let (sealed, out) = (sealed.await.expect("opened"), open(&back).await);
        let out = out.expect("made");
        let received = sealed.copy_to(&out).await.expect("copied");
        assert!(received.is_whole(), "{received:?}");
        is_as_filled(&out).await;
    }
}

#[test]
fn an_encrypted_store_is_opened_without_async() {
    let store = open_with("sqlite::memory:", Key::from_passphrase("correct horse"));
    let store = store.wait().expect("made");
    let session = store.session("s").wait().expect("made");
    session.save(&1).wait().expect("saved");
    assert_eq!(session.latest_as::<u32>().wait().expect("read"), Some(1));
}
