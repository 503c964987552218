//! Plain stores copied into encrypted ones, and back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[allow(dead_code, reason = "it is that of the tests of exports")]
#[path = "../../checkpoint-core/tests/exchange/common.rs"]
mod exchange;

use checkpoint_core::{MetaRecord, Store};

use common::{ENGINES, directory, key, open_plain, open_sealed, store};
use exchange::{all_reads, filled, memory};

/// What is no part of a checkpoint or session, such as attachments put aside, is told by the stores' own records.
async fn records(store: &Store) -> Vec<MetaRecord> {
    let records = store.backend().records("").await.unwrap().into_iter();
    records
        .map(|item| item.into_option().unwrap().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_store_goes_into_an_encrypted_one_and_out_of_it_without_a_loss() {
    let plain = filled().await;
    let before = all_reads(&plain).await;
    assert!(before.len() > 30, "{}", before.len());
    for engine in ENGINES {
        let (there, back) = (directory(), directory());
        let sealed = open_sealed(engine, there.path(), false, key(7)).await;
        let sealed = store(&sealed.unwrap());
        let received = plain.copy_to(&sealed).await.unwrap();
        assert!(received.is_whole(), "{engine}: {received:?}");
        assert_eq!(all_reads(&sealed).await, before, "{engine}");
        assert!(sealed.verify().await.unwrap().is_clean(), "{engine}");
        sealed.close().await.unwrap();

        let sealed = open_sealed(engine, there.path(), true, key(7)).await;
        let sealed = store(&sealed.unwrap());
        let out = Store::new(open_plain(engine, back.path(), false).await.unwrap());
        let received = sealed.copy_to(&out).await.unwrap();
        assert!(received.is_whole(), "{engine}: {received:?}");
        assert_eq!(all_reads(&out).await, before, "{engine}");
        assert!(out.verify().await.unwrap().is_clean(), "{engine}");
        // The ring stays where it is.
        assert_eq!(records(&out).await, [], "{engine}");
        let again = sealed.copy_to(&out).await.unwrap();
        assert_eq!((again.checkpoints, again.refused), (0, 0), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_store_goes_into_another_one_under_another_key() {
    let (here, there) = (directory(), directory());
    let one = open_sealed("sqlite", here.path(), false, key(1)).await;
    let one = store(&one.unwrap());
    exchange::fill(&one).await;
    let other = open_sealed("file", there.path(), false, key(2)).await;
    let other = store(&other.unwrap());
    let received = one.copy_to(&other).await.unwrap();
    assert!(received.is_whole(), "{received:?}");
    assert_eq!(all_reads(&other).await, all_reads(&one).await);
}

/// The ids of a store's chunks, and their bytes as they are stored.
async fn chunks(store: &Store) -> Vec<(checkpoint_core::ChunkId, u64)> {
    let found = store.backend().scan_chunks(None, 1_000).await.unwrap();
    let found = found.into_iter();
    found
        .map(|item| {
            let info = item.into_option().unwrap().unwrap();
            (info.id, info.size)
        })
        .collect()
}

fn bytes(of: &[(checkpoint_core::ChunkId, u64)]) -> u64 {
    of.iter().map(|(_, size)| size).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_states_share_is_stored_once_under_a_key_and_named_otherwise_under_another() {
    let large = exchange::noise(3, 400_000);
    let mut all = Vec::new();
    for n in [1, 2] {
        let place = directory();
        let sealed = open_sealed("sqlite", place.path(), false, key(n)).await;
        let sealed = store(&sealed.unwrap());
        let session = sealed.session("s").await.unwrap();
        let save = session.save_bytes("application/octet-stream", large.clone());
        save.await.unwrap();
        let once = chunks(&sealed).await;
        assert!(once.len() > 10 && bytes(&once) > 400_000, "{}", once.len());
        // The same again here and in another session, then with a little changed.
        let other = sealed.session("t").await.unwrap();
        for session in [&session, &other] {
            let save = session.save_bytes("application/octet-stream", large.clone());
            save.await.unwrap();
        }
        assert_eq!(chunks(&sealed).await, once);
        let mut changed = large.clone();
        changed[200_000..200_010].fill(0);
        let save = session.save_bytes("application/octet-stream", changed);
        save.await.unwrap();
        let more = bytes(&chunks(&sealed).await) - bytes(&once);
        assert!((1..60_000).contains(&more), "{more} bytes for ten");
        all.push(once);
    }
    let mine: std::collections::BTreeSet<_> = all[0].iter().map(|(id, _)| *id).collect();
    assert!(all[1].iter().all(|(id, _)| !mine.contains(id)));
    let plain = memory();
    let session = plain.session("s").await.unwrap();
    let save = session.save_bytes("application/octet-stream", large);
    save.await.unwrap();
    let plain = chunks(&plain).await;
    assert!(plain.iter().all(|(id, _)| !mine.contains(id)));
    // Nor do they have the same cuts: lengths tell of contents.
    let lengths = |of: &[(checkpoint_core::ChunkId, u64)], sealing: u64| {
        let mut lengths: Vec<_> = of.iter().map(|(_, size)| size - sealing).collect();
        lengths.sort_unstable();
        lengths
    };
    assert_ne!(lengths(&all[0], 89), lengths(&all[1], 89));
    assert_ne!(lengths(&all[0], 89), lengths(&plain, 0));
}
