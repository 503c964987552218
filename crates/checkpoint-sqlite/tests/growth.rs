//! What a history takes on disk, everything counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::Arc;

use checkpoint_core::Store;

use common::{mix, open};

const TURNS: u64 = 200;
/// Found: 0.51 MB. The messages themselves have 0.43 MB, and compress to half of that.
const BOUND: u64 = 600_000;

/// A message of 2 KiB of hexadecimal digits.
fn message(turn: u64) -> String {
    let digits: String = (0..128)
        .map(|n| format!("{:016x}", mix(turn << 8 | n)))
        .collect();
    format!(r#"{{"role":"assistant","turn":{turn},"content":"{digits}"}}"#)
}

#[tokio::test]
async fn a_conversation_saved_whole_at_each_turn_takes_little_more_than_its_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("growth.db");
    let store = Store::new(Arc::new(open(&path).await));
    let session = store.session("conversation").await.unwrap();
    let mut messages = String::new();
    for turn in 0..TURNS {
        if turn > 0 {
            messages.push(',');
        }
        messages.push_str(&message(turn));
        let state = format!(r#"{{"messages":[{messages}]}}"#);
        session.save_bytes("application/json", state).await.unwrap();
    }
    store.close().await.unwrap();
    let length = std::fs::metadata(&path).unwrap().len();
    assert!(length <= BOUND, "{length} bytes");
}
