//! What is nobody's business stands in no error, in nothing that is debugged and in nothing that is logged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use checkpoint_core::{Backend, Error, MemoryBackend, Severity, Store};
use checkpoint_crypto::{Encrypted, Key, generate};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use common::{directory, key, open_plain, open_sealed, store};

/// All that is logged, by whichever crate and thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What may stand nowhere: words, and keys in the forms in which somebody might show them.
struct Secrets(Vec<String>);

impl Secrets {
    fn new(words: &[&str], keys: &[[u8; 32]]) -> Self {
        let mut all: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        for key in keys {
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            let listed = format!("{key:?}");
            // A part is as bad as all of it.
            all.extend([hex[..16].to_owned(), hex.to_uppercase()[..16].to_owned()]);
            all.push(listed[1..24].to_owned());
        }
        Self(all)
    }

    fn are_not_in(&self, shown: &str) {
        for secret in &self.0 {
            assert!(
                !shown.contains(secret.as_str()),
                "{secret} stands in {shown}"
            );
        }
    }
}

/// An error in every way that somebody shows it.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(shown, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    shown
}

const WORDS: [&str; 9] = [
    "word-of-a-message",
    "word-of-a-title",
    "word-of-a-tag",
    "word-of-a-worker",
    "word-of-a-state",
    "word-of-a-note",
    "word-of-a-name",
    "word-of-a-passphrase",
    "word-of-a-command",
];

async fn fill(store: &Store) {
    let session = store.session("s").name("word-of-a-name").await.unwrap();
    let save = session.save(&"word-of-a-state").id("a");
    let save = save.message("word-of-a-message").title("word-of-a-title");
    let save = save.tag("word-of-a-tag").worker("word-of-a-worker");
    let saved = save.await.unwrap();
    let note = session.annotate(&saved.id, "word-of-a-note", Severity::Info, "me");
    note.await.unwrap();
}

/// Everything that is refused, of keys and of contents.
async fn refusals() -> Vec<Error> {
    let place = directory();
    let own: [u8; 32] = std::array::from_fn(|n| n as u8 + 100);
    let path = place.path().join("sqlite");
    std::fs::create_dir(&path).unwrap();
    let sealed = open_sealed("sqlite", &path, false, Key::from_bytes(&own)).await;
    let sealed = sealed.unwrap();
    fill(&store(&sealed)).await;
    let mut errors = Vec::new();
    let file = place.path().join("key");
    generate(&file).unwrap();
    let broken = place.path().join("broken");
    std::fs::copy(&file, &broken).unwrap();
    let mut text = std::fs::read_to_string(&broken).unwrap();
    text.insert(30, 'x');
    std::fs::write(&broken, text).unwrap();
    for wrong in [
        key(1),
        Key::from_passphrase("word-of-a-passphrase"),
        Key::from_command("echo word-of-a-command"),
        Key::from_command("exit 3 # word-of-a-command"),
        Key::from_file(&file),
        Key::from_file(&broken),
        Key::from_file(place.path().join("none")),
        Key::from_passphrase_file(&file),
    ] {
        errors.push(
            open_sealed("sqlite", &path, false, wrong)
                .await
                .unwrap_err(),
        );
    }
    sealed.rotate(&[Key::from_bytes(&own)]).await.unwrap();
    errors.push(sealed.drop_old_keys(&[key(1)]).await.unwrap_err());
    errors.push(sealed.rewrap(&[]).await.unwrap_err());
    sealed.reseal(|_| {}).await.unwrap();
    // Plain rows where sealed ones should be, and a store whose keys were dropped.
    let plain = Store::new(open_plain("sqlite", &path, false).await.unwrap());
    fill_plain(&plain).await;
    let report = store(&sealed).verify().await.unwrap();
    assert!(report.findings.len() >= 2, "{report:?}");
    errors.extend(report.findings.into_iter().map(|finding| finding.error));
    sealed.shred().await.unwrap();
    let session = store(&sealed).session("s").existing().await.unwrap();
    errors.push(session.save(&"word-of-a-state").await.unwrap_err());
    errors
}

async fn fill_plain(plain: &Store) {
    let session = plain.session("plain").name("word-of-a-name").await.unwrap();
    let save = session.save(&"word-of-a-state").title("word-of-a-title");
    save.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_protected_is_said_anywhere() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let own: [u8; 32] = std::array::from_fn(|n| n as u8 + 100);
    let secrets = Secrets::new(&WORDS, &[own, [1; 32]]);
    let errors = refusals().await;
    assert!(errors.len() >= 13, "{}", errors.len());
    for error in &errors {
        secrets.are_not_in(&shown(error));
    }
    let logged = log.0.lock().unwrap().clone();
    assert!(!logged.is_empty());
    secrets.are_not_in(&logged);

    let sealed = Encrypted::open(MemoryBackend::new(), Key::from_bytes(&own));
    let sealed = Arc::new(sealed.await.unwrap());
    let keys = [
        Key::from_bytes(&own),
        Key::from_passphrase("word-of-a-passphrase"),
        Key::from_command("echo word-of-a-command"),
    ];
    let store = store(&sealed);
    secrets.are_not_in(&format!("{keys:?} {keys:#?}"));
    secrets.are_not_in(&format!("{sealed:?} {sealed:#?} {store:?} {store:#?}"));
    let told = format!("{:?} {:?}", sealed.keys().await, sealed.slots().await);
    secrets.are_not_in(&told);
    secrets.are_not_in(&format!("{:?}", sealed.info()));
}

/// What looks for secrets does find them.
#[test]
fn a_secret_that_is_shown_is_found() {
    let secrets = Secrets::new(&WORDS, &[[0xab; 32]]);
    for leak in [
        "the key is abababababababababab",
        "Key([171, 171, 171, 171, 171, 171, 171])",
        "no tag word-of-a-tag",
    ] {
        let caught = std::panic::catch_unwind(|| secrets.are_not_in(leak));
        assert!(caught.is_err(), "{leak}");
    }
}
