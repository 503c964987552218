//! A store with everything in it, and all that can be read of a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use checkpoint_core::{
    Filter, MemoryBackend, Order, Parts, Payload, Query, Saved, Session, Severity, Status, Store,
    Trigger,
};
use serde_json::json;

/// A directory that goes away.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("checkpoint-files-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("made");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    /// What is in it, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.0).expect("listed");
        let mut names: Vec<_> = files
            .map(|file| {
                file.expect("listed")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn memory() -> Store {
    Store::new(Arc::new(MemoryBackend::new()))
}

/// Bytes that do not compress.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A store with one of everything.
pub(crate) async fn filled() -> Store {
    let store = memory();
    fill(&store).await;
    store
}

pub(crate) async fn fill(store: &Store) {
    let a = store
        .session("a")
        .name("first")
        .metadata("why", json!({"deep": [1.5, null]}));
    let a = a.await.expect("made");
    let b = store.session("b").await.expect("made");
    a.save(&json!({"z": 1, "a": [1.0, 1e300, -0.5, "é\n\u{1}"]}))
        .message("line\nbreak \"quoted\" \u{7f}")
        .title("title")
        .tag("plan")
        .tag("päron, \"x\"")
        .status(Status::Active)
        .trigger(Trigger::BranchSwitch)
        .step(0)
        .metadata("k", json!({"f": 0.1}))
        .await
        .expect("saved");
    let pinned = a.save(&json!(null)).pinned().await.expect("saved");
    b.save(&"text")
        .id("cp_task_1_3_1700000000")
        .await
        .expect("saved");
    for bytes in [
        &b"\x00\xff not text"[..],
        b"plain text",
        b"",
        b"{ \"spaced\": 1 }",
    ] {
        let save = b.save_bytes("application/x-own", bytes.to_vec());
        save.await.expect("saved");
    }
    b.save_bytes("application/json", &b"{ \"a\": 1, \"a\": 2 }"[..])
        .await
        .expect("saved");
    beside(&a, &b, &pinned).await;
}

/// States in chunks, forks, notes, attachments, and one that is gone.
async fn beside(a: &Session, b: &Session, pinned: &Saved) {
    let sections = a.sections().with("plan", &["read", "write"]).with("n", &42);
    sections.save().schema("agent", 3).await.expect("saved");
    let mut large = noise(1, 300_000);
    let first = a
        .save_bytes("application/octet-stream", large.clone())
        .await
        .expect("saved");
    large[150_000..150_010].fill(0);
    a.save_bytes("application/octet-stream", large)
        .await
        .expect("saved");
    let text: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    a.save(&json!({"text": text})).await.expect("saved");
    let fork = a.fork(&first.id, "forked").await.expect("forked");
    fork.save(&json!([1, 2, 3]))
        .reason("my own")
        .await
        .expect("saved");
    a.annotate(&pinned.id, "looks odd", Severity::Warning, "me")
        .await
        .expect("noted");
    a.attach(&pinned.id, "log", "a", &b"\x00\x01"[..])
        .await
        .expect("attached");
    a.attach(&pinned.id, "log", "", &b"some text"[..])
        .await
        .expect("attached");
    a.attach(&pinned.id, "annotation", "broken", &b"\xff"[..])
        .await
        .expect("attached");
    a.update(&pinned.id)
        .message("changed")
        .tag("late")
        .await
        .expect("updated");
    let gone = b.save(&0).await.expect("saved");
    b.delete(&gone.id).await.expect("deleted");
}

/// All that reads tell, as text that can be compared.
pub(crate) async fn all_reads(store: &Store) -> Vec<String> {
    let mut told = Vec::new();
    for session in store.sessions(1_000, None).await.expect("read").sessions {
        told.push(format!("{session:?}"));
    }
    let mut query = Query {
        order: Order::Ascending,
        parts: Parts::ALL,
        limit: 10_000,
        ..Query::default()
    };
    query.filter = Filter {
        quarantined: true,
        ..Filter::default()
    };
    let page = store.backend().scan(&query).await.expect("read");
    assert!(page.next.is_none(), "this is not all");
    for item in page.items {
        let record = item.into_option().expect("whole").expect("there");
        let inline = matches!(record.payload, Some(Payload::Inline(_)));
        let meta = record.meta.expect("asked for");
        let id = record.header.id.clone();
        let checkpoint = store.get(&id).await.expect("whole").expect("there");
        let state = checkpoint.bytes().await.expect("whole");
        told.push(format!(
            "{:?} {inline} {meta:?} {:?}",
            record.header,
            checkpoint.checksum()
        ));
        told.push(format!(
            "{} bytes, {:?}",
            state.len(),
            &state[..state.len().min(500)]
        ));
        let session = store.session(checkpoint.session()).await.expect("there");
        for attachment in session.attachments(&id, None).await.expect("read") {
            told.push(format!("{attachment:?} {:?}", attachment.bytes));
        }
    }
    told
}
