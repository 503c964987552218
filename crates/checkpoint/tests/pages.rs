//! What a page holds, on every engine of this machine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use checkpoint::{Parts, Query, Store};

const MIB: usize = 1 << 20;

async fn ends_early(store: &Store, url: &str) {
    let session = store.session("s").await.unwrap();
    for n in 0..12 {
        let note = format!("{n}").repeat(MIB - 64);
        session
            .save(&n)
            .message(&note[..MIB / 16])
            .metadata("note", &note[..MIB - 64])
            .await
            .unwrap();
    }
    let query = Query {
        parts: Parts::ALL,
        limit: 12,
        ..Query::default()
    };
    let page = store.backend().scan(&query).await.unwrap();
    let weight = page.weight();
    assert!((4 * MIB..6 * MIB).contains(&weight), "{url}: {weight}");
    assert!(page.next.is_some(), "{url}");
    // Who has no place to go on from is told all.
    let short = session.list().limit(12).summary().await.unwrap();
    assert_eq!(short.len(), 12, "{url}");
    // Of what is light there is no reason to.
    let query = Query {
        limit: 12,
        ..Query::default()
    };
    let page = store.backend().scan(&query).await.unwrap();
    assert_eq!((page.items.len(), page.next), (12, None), "{url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_heavy_checkpoints_ends_early() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display();
    let urls = [
        (true, "memory:".to_owned()),
        (cfg!(feature = "sqlite"), format!("sqlite://{place}/a.db")),
        (cfg!(feature = "redb"), format!("redb://{place}/a.redb")),
        (cfg!(feature = "file"), format!("file://{place}/a")),
    ];
    for (_, url) in urls.iter().filter(|(is_built, _)| *is_built) {
        let store = checkpoint::open(url).await.unwrap();
        ends_early(&store, url).await;
        store.close().await.unwrap();
    }
}
