//! What each process does when several are at work, and what must be true afterwards.

use std::collections::{BTreeMap, BTreeSet};

use checkpoint_core::{Change, ChangeKind, CheckpointId, Position, Session, Store};

use crate::peer::say;

/// Writers in each process.
const WRITERS: usize = 4;

/// The state that is saved under an id: small, or large enough for chunks that all writers share.
pub(crate) fn state(id: &str) -> String {
    let times = if id.ends_with('3') { 700 } else { 1 };
    format!("{id} {}", "as was agreed in the plan; ".repeat(times))
}

/// Saves, deletes, forks and claims with several writers at once; says what was acknowledged.
pub(crate) async fn write(store: &Store, name: &str, rounds: usize) {
    let writers = (0..WRITERS).map(|n| {
        let (store, writer) = (store.clone(), format!("{name}-{n}"));
        tokio::spawn(async move {
            for round in 0..rounds {
                step(&store, &writer, round).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

async fn step(store: &Store, writer: &str, round: usize) {
    let own = store.session(writer).await.unwrap();
    let shared = store.session("shared").await.unwrap();
    let session = if round.is_multiple_of(2) {
        &own
    } else {
        &shared
    };
    let id = format!("{writer}-{round}");
    save(session, &id).await;
    if round % 4 == 3 {
        let earlier = format!("{writer}-{}", round - 1);
        assert!(own.delete(earlier.as_str()).await.unwrap());
        say(&format!("deleted {earlier}"));
    }
    if round % 5 == 1 {
        let fork = format!("{id}-fork");
        session.fork(id.as_str(), fork.as_str()).await.unwrap();
        say(&format!("forked {fork}"));
    }
    if round % 3 == 2 {
        let claimed = shared.claim().await.unwrap();
        say(&format!("claimed {}", claimed.epoch().unwrap()));
    }
}

async fn save(session: &Session, id: &str) {
    let saved = session.save(&state(id)).id(id).await.unwrap();
    say(&format!("saved {id} {}", saved.sequence));
}

/// What was acknowledged, of all processes.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    pub(crate) saved: BTreeMap<String, u64>,
    pub(crate) deleted: BTreeSet<String>,
    pub(crate) forked: BTreeSet<String>,
    pub(crate) epochs: Vec<u64>,
}

impl Acknowledged {
    pub(crate) fn hear(&mut self, line: &str) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["saved", id, sequence] => {
                let before = self.saved.insert(id.to_owned(), sequence.parse().unwrap());
                assert_eq!(before, None, "{id}");
            }
            ["deleted", id] => assert!(self.deleted.insert(id.to_owned())),
            ["forked", session] => assert!(self.forked.insert(session.to_owned())),
            ["claimed", epoch] => self.epochs.push(epoch.parse().unwrap()),
            _ => panic!("{line}"),
        }
    }
}

/// Checks that nothing acknowledged is lost, and that there is one order. `all`: nobody was killed, so that there is
/// nothing that was not acknowledged.
pub(crate) async fn check(store: &Store, told: &Acknowledged, all: bool) {
    let created = check_feed(store).await;
    for (id, sequence) in &told.saved {
        assert_eq!(created.get(sequence), Some(id), "the feed has {id}");
        match store.get(id.as_str()).await.unwrap() {
            Some(it) => assert_eq!(it.state::<String>().await.unwrap(), state(id)),
            None if all => assert!(told.deleted.contains(id), "{id} is lost"),
            // The last that a killed writer did may be a deletion of which it could not tell any more.
            None => assert!(was_deleted(store, id).await, "{id} is lost"),
        }
    }
    for id in &told.deleted {
        assert!(
            store.get(id.as_str()).await.unwrap().is_none(),
            "{id} is back"
        );
    }
    for fork in &told.forked {
        let session = store.session(fork.as_str()).existing().await.unwrap();
        let first = session.latest_as::<String>().await.unwrap();
        assert_eq!(first, Some(state(fork.trim_end_matches("-fork"))));
    }
    let mut epochs = told.epochs.clone();
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), told.epochs.len(), "an epoch was given twice");
    let report = store.verify().await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    if all {
        let live = told.saved.len() + told.forked.len() - told.deleted.len();
        assert_eq!(report.valid, live as u64);
        assert_eq!(created.len(), told.saved.len() + told.forked.len());
        assert_eq!(epochs, (1..=epochs.len() as u64).collect::<Vec<_>>());
    }
}

async fn was_deleted(store: &Store, id: &str) -> bool {
    let id = CheckpointId::new(id).unwrap();
    let mut after = Position::START;
    loop {
        let page = store.changes(after, 1_000).await.unwrap();
        let tells =
            |it: &Change| it.kind == ChangeKind::Deleted && it.checkpoint.as_ref() == Some(&id);
        if page.end == after || page.changes.iter().any(tells) {
            return page.end > after;
        }
        after = page.end;
    }
}

/// Reads the feed in pages: each commit once, together and in order, and each sequence given once. Answers who got
/// which.
async fn check_feed(store: &Store) -> BTreeMap<u64, String> {
    let (mut after, mut first) = (Position::START, Position::START);
    let mut created = BTreeMap::new();
    loop {
        let page = store.changes(after, 7).await.unwrap();
        assert!(page.damaged.is_empty(), "{:?}", page.damaged);
        if page.changes.is_empty() {
            break;
        }
        for (n, change) in page.changes.iter().enumerate() {
            assert!(change.position > after, "{change:?}");
            let continues = change.first == first;
            assert!(
                continues || change.first > after,
                "{change:?} is between others"
            );
            assert!(n > 0 || !continues, "a page splits a commit at {change:?}");
            (after, first) = (change.position, change.first);
            if change.kind == ChangeKind::Created {
                let id = change.checkpoint.as_ref().unwrap().to_string();
                assert_eq!(created.insert(change.position.sequence, id), None);
            }
        }
    }
    let highest = store.sequence().await.unwrap();
    assert!(created.keys().copied().eq(1..=highest), "{created:?}");
    created
}
