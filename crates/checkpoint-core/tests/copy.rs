//! Copying one store into another.

use std::sync::Arc;

use checkpoint_core::{MemoryBackend, Store};

fn memory() -> Store {
    Store::new(Arc::new(MemoryBackend::new()))
}

#[tokio::test]
async fn what_is_copied_is_as_it_was() {
    let (source, target) = (memory(), memory());
    let session = source.session("a").name("first").await.unwrap();
    let mut last = None;
    for n in 0..20u64 {
        let state: Vec<u64> = (0..n * 400).collect();
        let saved = session.save(&state).message("n").tag("t").await.unwrap();
        last = Some(saved.id);
    }
    session
        .update(last.clone().unwrap())
        .tag("u")
        .await
        .unwrap();
    source.session("empty").await.unwrap();
    let received = source.copy_to(&target).await.unwrap();
    assert!(received.is_whole(), "{received:?}");
    assert_eq!((received.sessions, received.checkpoints), (2, 20));
    let report = target.verify().await.unwrap();
    assert_eq!((report.valid, report.invalid), (20, 0), "{report:?}");
    let (ours, theirs) = (source.stats().await.unwrap(), target.stats().await.unwrap());
    assert_eq!(ours.chunk_bytes, theirs.chunk_bytes);
    let again = source.copy_to(&target).await.unwrap();
    assert_eq!(
        (again.skipped, again.checkpoints, again.refused),
        (20, 0, 0)
    );
}
