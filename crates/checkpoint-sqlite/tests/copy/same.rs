//! Whether two stores tell the same, by all reads.

use std::collections::BTreeMap;

use bytes::Bytes;
use checkpoint_core::{
    AttachmentQuery, Backend, CheckpointId, Header, Item, Order, Parts, Query, SessionQuery, Store,
};

/// What is read of a checkpoint.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) header: Header,
    pub(crate) meta: Bytes,
    pub(crate) state: Option<Bytes>,
    pub(crate) attachments: Vec<(String, String, Option<Bytes>)>,
}

/// Every checkpoint, lowest sequence first.
pub(crate) async fn read(store: &Store) -> Vec<Read> {
    let mut query = Query {
        order: Order::Ascending,
        parts: Parts::META,
        limit: 7,
        ..Query::default()
    };
    query.filter.quarantined = true;
    let mut all = Vec::new();
    loop {
        let page = store.backend().scan(&query).await.unwrap();
        for item in page.items {
            let Item::Found(record) = item else {
                panic!("{item:?}")
            };
            let id = record.header.id.clone();
            let state = store.get(id.clone()).await.unwrap().unwrap().bytes().await;
            all.push(Read {
                header: *record.header,
                meta: record.meta.unwrap(),
                state: state.ok(),
                attachments: attachments(store, id).await,
            });
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return all,
        }
    }
}

async fn attachments(store: &Store, id: CheckpointId) -> Vec<(String, String, Option<Bytes>)> {
    let page = store
        .backend()
        .attachments(&AttachmentQuery::of(id))
        .await
        .unwrap();
    let items = page
        .items
        .into_iter()
        .map(|item| item.into_option().unwrap().unwrap());
    items.map(|it| (it.kind, it.key, it.bytes)).collect()
}

/// Sessions in their order, but for their revisions, which are a store's own.
pub(crate) async fn sessions(store: &Store) -> Vec<String> {
    let query = SessionQuery {
        limit: 1_000,
        ..SessionQuery::default()
    };
    let page = store.backend().sessions(&query).await.unwrap();
    let items = page
        .items
        .into_iter()
        .map(|item| item.into_option().unwrap().unwrap());
    items
        .map(|mut it| {
            it.revision = 0;
            format!("{it:?} {:?}", it.body)
        })
        .collect()
}

/// Two stores, of which one was copied whole into the other when it was empty.
pub(crate) async fn assert_same(source: &Store, target: &Store, seed: u64) {
    assert_eq!(
        sessions(source).await,
        sessions(target).await,
        "seed {seed}"
    );
    let (ours, theirs) = (read(source).await, read(target).await);
    let ids = |all: &[Read]| -> Vec<_> {
        let headers = all.iter().map(|it| &it.header);
        headers.map(|it| (it.sequence, it.id.clone())).collect()
    };
    assert_eq!(ids(&ours), ids(&theirs), "seed {seed}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!(ours.state.is_some(), "seed {seed}: {ours:?}");
        assert_eq!(ours.header, theirs.header, "seed {seed}");
        assert!(ours == theirs, "seed {seed}: {:?}", ours.header.id);
    }
    assert_eq!(
        source.sequence().await.unwrap(),
        target.sequence().await.unwrap(),
        "seed {seed}"
    );
}

/// Every checkpoint that was the newest of a session at a time, by session and time.
pub(crate) async fn as_of(store: &Store, of: &Store) -> BTreeMap<String, Option<CheckpointId>> {
    let mut answers = BTreeMap::new();
    let times: Vec<_> = read(of).await.iter().map(|it| it.header.as_of()).collect();
    for session in of.sessions(1_000, None).await.unwrap().sessions {
        let here = store.session(session.id.clone()).existing().await.unwrap();
        for time in &times {
            let newest = here.as_of(*time).await.unwrap();
            let id = newest.map(|it| it.id().clone());
            answers.insert(format!("{} {time:?}", session.id), id);
        }
    }
    answers
}
