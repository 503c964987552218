//! Witnesses of encrypted stores.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use checkpoint_core::{Backend, MemoryBackend, Store, Witness};
use checkpoint_crypto::{Encrypted, Key};

fn key(n: u8) -> Key {
    Key::from_bytes(&[n; 32])
}

/// A store of some checkpoints, and a witness as it was kept.
async fn witnessed() -> (Arc<Encrypted<MemoryBackend>>, Store, String) {
    let sealed = Encrypted::open(MemoryBackend::new(), key(7)).await;
    let sealed = Arc::new(sealed.unwrap());
    let store = Store::new(Arc::clone(&sealed) as Arc<dyn Backend>);
    let session = store.session("s").await.unwrap();
    for n in 1..=25 {
        let save = session.save(&n).id(format!("c{n}").as_str());
        save.await.unwrap();
    }
    let witness = store.witness().block(10).await.unwrap();
    assert_eq!(witness.checkpoints(), 25);
    (sealed, store, witness.to_json())
}

#[tokio::test]
async fn keys_may_be_changed_meanwhile() {
    let (sealed, store, kept) = witnessed().await;
    sealed.rotate(&[key(8)]).await.unwrap();
    sealed.reseal(|_| {}).await.unwrap();
    sealed.drop_old_keys(&[key(8)]).await.unwrap();
    let witness = Witness::from_json(&kept).unwrap();
    let report = store.check_witness(witness).await.unwrap();
    assert!(report.findings.is_empty() && report.rolled_back.is_none());
}

#[tokio::test]
async fn a_witness_shows_nothing_and_fits_its_store_alone() {
    let (_, store, kept) = witnessed().await;
    let (_, stranger, of_stranger) = witnessed().await;
    let digests = |kept: &str| {
        let value: serde_json::Value = serde_json::from_str(kept).unwrap();
        value["blocks"].clone()
    };
    // Much the same under other keys.
    assert_ne!(digests(&kept), digests(&of_stranger));
    assert!(!kept.contains("c12"));
    let witness = Witness::from_json(&kept).unwrap();
    let error = stranger.check_witness(witness).await.unwrap_err();
    assert!(error.to_string().contains("another store"), "{error}");
    assert!(store.witness().block(0).await.is_err());
}
