//! Each page of a file damaged in turn: what was not on it is answered, what was is named, nothing is made up.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use checkpoint_core::{
    Backend, Budget, CheckpointId, Item, Order, Query, Record, Result, SessionId, SessionQuery,
};
use checkpoint_redb::{RedbBackend, RedbOptions};
use tempfile::TempDir;

use common::{append, commit, session};

const PAGE: usize = 4_096;
const CHECKPOINTS: usize = 240;

async fn open(path: &Path) -> Result<RedbBackend> {
    RedbBackend::open(RedbOptions::at(path)).await
}

struct Sound {
    place: TempDir,
    bytes: Vec<u8>,
}

impl Sound {
    async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("sound.redb");
        let store = open(&path).await.unwrap();
        for name in ["a", "b"] {
            store.commit(session(name)).await.unwrap();
        }
        for n in 0..CHECKPOINTS {
            let of = if n % 3 == 0 { "a" } else { "b" };
            let save = append(of, &format!("c-{n}"), vec![n as u8; 200]);
            store.commit(commit().with(save)).await.unwrap();
        }
        let budget = Budget::default().with_compact(true);
        while store.maintain(&budget).await.unwrap().more {}
        store.close().await.unwrap();
        let bytes = fs::read(&path).unwrap();
        Self { place, bytes }
    }

    fn damaged(&self, damage: impl FnOnce(&mut [u8])) -> PathBuf {
        let mut bytes = self.bytes.clone();
        damage(&mut bytes);
        let path = self.place.path().join("damaged.redb");
        fs::write(&path, bytes).unwrap();
        path
    }

    fn pages(&self) -> usize {
        self.bytes.len() / PAGE
    }
}

/// All that a list shows: what is whole, and what is named as damaged.
async fn listed(
    store: &RedbBackend,
    session: Option<&str>,
    order: Order,
) -> (BTreeMap<CheckpointId, Record>, BTreeSet<String>) {
    let mut query = Query {
        session: session.map(|name| SessionId::new(name).unwrap()),
        order,
        limit: 50,
        ..Query::default()
    };
    let (mut found, mut named) = (BTreeMap::new(), BTreeSet::new());
    loop {
        let page = store.scan(&query).await.unwrap();
        for item in page.items {
            match item {
                Item::Found(record) => {
                    let before = found.insert(record.header.id.clone(), record);
                    assert!(before.is_none(), "listed twice");
                }
                Item::Corrupt(error) => {
                    let id = error.context().find(|(key, _)| *key == "checkpoint");
                    named.extend(id.map(|(_, id)| id.to_string()));
                }
                other => panic!("{other:?}"),
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return (found, named),
        }
    }
}

async fn everything_is_found_or_named(store: &RedbBackend, what: &str) -> usize {
    let mut lost = 0;
    for order in [Order::Ascending, Order::Descending] {
        for session in [None, Some("a"), Some("b")] {
            let (found, named) = listed(store, session, order).await;
            for n in 0..CHECKPOINTS {
                let of = if n % 3 == 0 { "a" } else { "b" };
                let id = CheckpointId::new(format!("c-{n}")).unwrap();
                let asked = session.is_none_or(|session| session == of);
                let told = found.contains_key(&id) || named.contains(&id.to_string());
                assert!(told || !asked, "{what}: {id} is left out of {session:?}");
                if let Some(record) = found.get(&id) {
                    assert_eq!(record.header.sequence, n as u64 + 1, "{what}");
                    assert!(asked, "{what}: {id} is of another session");
                }
            }
            lost = lost.max(named.len());
        }
    }
    let sessions = store.sessions(&SessionQuery::default()).await.unwrap();
    assert_eq!(sessions.items.len(), 2, "{what}");
    lost
}

async fn each_page(
    damage: impl Fn(&mut [u8], usize),
    known: impl Fn(usize) -> bool,
) -> (usize, usize) {
    let sound = Sound::new().await;
    let (mut refused, mut worst) = (0, 0);
    for page in (0..sound.pages()).filter(|page| known(*page)) {
        let path = sound.damaged(|bytes| damage(bytes, page));
        let before = fs::read(&path).unwrap();
        match open(&path).await {
            Ok(store) => {
                let lost = everything_is_found_or_named(&store, &format!("page {page}")).await;
                worst = worst.max(lost);
                let told = store.check().await.unwrap();
                assert!(
                    lost == 0 || !told.is_empty(),
                    "page {page}: nothing is told"
                );
                store.close().await.unwrap();
            }
            Err(error) => {
                refused += 1;
                assert!(error.is_corrupt() || page == 0, "page {page}: {error}");
                assert_eq!(fs::read(&path).unwrap(), before, "it was touched");
            }
        }
    }
    (refused, worst)
}

#[tokio::test]
async fn a_page_that_is_gone_takes_with_it_what_was_on_it_and_nothing_else() {
    let (refused, worst) =
        each_page(|bytes, page| bytes[page * PAGE..][..PAGE].fill(0), |_| true).await;
    // The header, the table of tables, the row of the store.
    assert!((1..=4).contains(&refused), "{refused} were refused");
    // Above its leaves, the table of checkpoints has one page that leads to all of them.
    assert!(worst <= CHECKPOINTS, "{worst}");
}

#[tokio::test]
async fn a_page_written_to_the_place_of_another_is_noticed() {
    // Otherwise a tree leads in circles, or shows rows of another.
    let (refused, _) = each_page(
        |bytes, page| {
            let from = if page > 1 { page - 1 } else { page + 1 } * PAGE;
            bytes.copy_within(from..from + PAGE, page * PAGE);
        },
        |page| page > 0,
    )
    .await;
    assert!(refused <= 4, "{refused} were refused");
}
