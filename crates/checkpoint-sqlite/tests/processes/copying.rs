//! A process that copies a store, and is killed.

use std::path::Path;

use checkpoint_core::{Error, Order, Parts, Query, Record, Store};

use crate::peer::{Peer, open, runtime, say};

const SESSIONS: u64 = 3;
const SAVES: u64 = 4_000;

/// Copies, and says how far it has come after each commit.
pub(crate) async fn copy(source: &Store, to: &Path) -> Result<String, Error> {
    let target = open(to).await;
    let progress = |progress: &checkpoint_core::Progress| say(&progress.done.to_string());
    let received = source.copy_to(&target).progress(progress).await?;
    assert!(received.is_whole(), "{received:?}");
    target.close().await?;
    Ok("done".to_owned())
}

async fn fill(path: &Path) {
    let store = open(path).await;
    for n in 0..SESSIONS {
        let name = format!("s{n}");
        let session = store.session(name.as_str()).await.unwrap();
        for batch in 0..SAVES / 100 {
            let mut transaction = store.transaction();
            for m in 0..100 {
                // One in fifty lies in chunks.
                let length = if m % 50 == 0 { 3_000 } else { 20 };
                let state: Vec<u64> = (0..length).map(|it| it * m + batch).collect();
                transaction = transaction.save(session.save(&state));
            }
            transaction.commit().await.unwrap();
        }
    }
    store.close().await.unwrap();
}

async fn all(store: &Store) -> Vec<Record> {
    let mut query = Query {
        order: Order::Ascending,
        parts: Parts::ALL,
        limit: 1_000,
        ..Query::default()
    };
    let mut all = Vec::new();
    loop {
        let page = store.backend().scan(&query).await.unwrap();
        let items = page.items.into_iter();
        all.extend(items.map(|item| item.into_option().unwrap().unwrap()));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return all,
        }
    }
}

pub(crate) fn a_copy_that_is_killed_goes_on_when_it_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let runtime = runtime();
    runtime.block_on(fill(&path("source.db")));
    let target = path("target.db");
    let (mut before, mut halves) = (0, 0);
    // Killed later each time, on what the one before left.
    for commits in [1, 2, 3] {
        let mut peer = Peer::start();
        peer.ask(&format!("open\t{}\trw", path("source.db").display()));
        peer.tell(&format!("copy to\t{}", target.display()));
        let mut told = 0;
        for _ in 0..commits {
            let line = peer.line().unwrap();
            if line == "done" {
                break;
            }
            told = line.parse().unwrap();
        }
        peer.kill();
        runtime.block_on(async {
            let store = open(&target).await;
            let there = all(&store).await.len();
            assert!(there >= before && there as u64 >= told, "{there} of {told}");
            halves += usize::from(there < (SESSIONS * SAVES) as usize);
            before = there;
            store.close().await.unwrap();
        });
    }
    assert!(before > 0 && halves > 0, "no copy was killed in its middle");
    runtime.block_on(async {
        let (source, target) = (open(&path("source.db")).await, open(&target).await);
        let received = source.copy_to(&target).await.unwrap();
        assert!(received.is_whole(), "{received:?}");
        assert!(received.skipped >= before as u64);
        assert_eq!(all(&source).await, all(&target).await);
        let report = target.verify().await.unwrap();
        assert!(report.is_clean(), "{report:?}");
    });
}
