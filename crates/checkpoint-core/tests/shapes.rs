//! States in sections, in streams, and of older shapes.

use std::sync::Arc;

use checkpoint_core::{Codec, ErrorKind, Limits, MemoryBackend, Schema, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

fn store() -> Store {
    Store::new(Arc::new(MemoryBackend::new()))
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut x = seed | 1;
    let mut step = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x as u8
    };
    (0..length).map(|_| step()).collect()
}

#[tokio::test]
async fn a_section_is_read_without_the_rest() {
    let store = store();
    let session = store.session("s").await.expect("made");
    let (board, graph) = (json!({"h": [1, 2]}), vec![7_u32; 50_000]);
    let save = session
        .sections()
        .with("board", &board)
        .with("graph", &graph)
        .with("empty", "")
        .save();
    save.message("three").await.expect("saved");
    let found = session.latest().await.expect("read").expect("there");
    assert_eq!(
        found.section_names().collect::<Vec<_>>(),
        ["board", "graph", "empty"]
    );
    assert_eq!(
        found.section::<Value>("board").await.expect("read"),
        Some(board.clone())
    );
    assert_eq!(
        found.section::<Vec<u32>>("graph").await.expect("read"),
        Some(graph.clone())
    );
    assert_eq!(found.section::<Value>("absent").await.expect("read"), None);
    assert_eq!(
        found.value().await.expect("read"),
        json!({"board": board, "graph": graph, "empty": ""})
    );
    #[derive(Deserialize)]
    struct Both {
        graph: Vec<u32>,
    }
    assert_eq!(found.state::<Both>().await.expect("read").graph, graph);
    assert!(store.verify().await.expect("checked").is_clean());
}

#[tokio::test]
async fn two_sections_of_one_name_are_refused() {
    let session = store().session("s").await.expect("made");
    for save in [
        session.sections().with("a", &1).with("a", &2).save(),
        session.sections().with("", &1).save(),
    ] {
        assert_eq!(*save.await.expect_err("refused").kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_state_that_was_streamed_in_is_streamed_out() {
    let backend = MemoryBackend::builder()
        .limits(Limits::default().with_state(64 << 20))
        .build();
    let store = Store::new(Arc::new(backend));
    let session = store.session("s").await.expect("made");
    for length in [0, 1, 70_000, 5 << 20, 20 << 20] {
        let bytes = noise(length, length as u64);
        let save = session
            .save_reader("application/octet-stream", &bytes[..])
            .await
            .expect("sent");
        save.message("streamed").await.expect("saved");
        let found = session.latest().await.expect("read").expect("there");
        assert_eq!(found.header().length, length as u64);
        let mut out = Vec::new();
        let copied = found
            .reader()
            .await
            .expect("opened")
            .copy_to(&mut out)
            .await
            .expect("copied");
        assert!(
            copied == length as u64 && out == bytes,
            "{length} bytes came back as {copied}"
        );
        assert!(found.bytes().await.expect("read") == bytes);
    }
    let report = store.verify().await.expect("checked");
    assert!(report.is_clean(), "{:?}", report.findings);
}

#[tokio::test]
async fn a_stream_and_a_save_of_the_same_bytes_share_their_chunks() {
    let store = store();
    let session = store.session("s").await.expect("made");
    let bytes = noise(3 << 20, 5);
    session
        .save_bytes("x/y", bytes.clone())
        .await
        .expect("saved");
    let before = store.stats().await.expect("counted").chunk_bytes;
    session
        .save_reader("x/y", &bytes[..])
        .await
        .expect("sent")
        .await
        .expect("saved");
    assert_eq!(store.stats().await.expect("counted").chunk_bytes, before);
}

#[tokio::test]
async fn a_stream_over_the_limit_is_refused_with_the_limit() {
    let store = store();
    let session = store.session("s").await.expect("made");
    let error = session
        .save_reader("x/y", tokio::io::repeat(7))
        .await
        .expect_err("endless");
    let limit = store.info().limits.state;
    assert!(
        matches!(error.kind(), ErrorKind::TooLarge { limit: told, .. } if *told == limit),
        "{error}"
    );
    assert_eq!(store.sequence().await.expect("read"), 0);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Agent {
    name: String,
    steps: Vec<u32>,
    done: bool,
}

fn agent() -> Schema {
    Schema::new("agent", 3)
        .migrate(1, |mut state| {
            state["steps"] = json!([state["step"].as_u64().unwrap_or(0)]);
            Ok(state)
        })
        .migrate(2, |mut state| {
            state["done"] = json!(false);
            Ok(state)
        })
}

#[tokio::test]
async fn states_of_older_versions_load_and_newer_ones_are_refused_by_name() {
    for codec in [Codec::Json, Codec::MessagePack] {
        let backend = Arc::new(MemoryBackend::new());
        let store = Store::builder(backend).codec(codec).schema(agent()).build();
        let session = store.session("s").await.expect("made");
        let wanted = |steps: Vec<u32>| {
            Some(Agent {
                name: "a".into(),
                steps,
                done: false,
            })
        };
        session
            .save(&json!({"name": "a", "step": 7}))
            .schema("agent", 1)
            .await
            .expect("saved");
        assert_eq!(session.latest_as().await.expect("read"), wanted(vec![7]));
        session
            .save(&json!({"name": "a", "steps": [1, 2]}))
            .schema("agent", 2)
            .await
            .expect("saved");
        assert_eq!(session.latest_as().await.expect("read"), wanted(vec![1, 2]));
        session
            .save(&wanted(vec![3]))
            .schema("agent", 3)
            .await
            .expect("saved");
        assert_eq!(session.latest_as().await.expect("read"), wanted(vec![3]));
        session
            .save(&json!({"new": true}))
            .schema("agent", 4)
            .await
            .expect("saved");
        let error = session.latest_as::<Agent>().await.expect_err("newer");
        assert_eq!(*error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("agent version 4"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_migration_is_named() {
    let backend = Arc::new(MemoryBackend::new());
    let store = Store::builder(backend)
        .schema(Schema::new("agent", 2))
        .build();
    let session = store.session("s").await.expect("made");
    session.save(&1).schema("agent", 1).await.expect("saved");
    let error = session
        .latest_as::<Value>()
        .await
        .expect_err("no migration");
    assert!(error.to_string().contains("version 1 to 2"), "{error}");
}
