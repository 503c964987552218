//! Keys that open a store, change, and are dropped.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{
    Backend, Commit, ErrorKind, Item, MemoryBackend, MetaRecord, Query, Receipt, Result, Severity,
    Store,
};
use checkpoint_crypto::{Encrypted, Key, is_encrypted};

type Sealed = Arc<Encrypted<MemoryBackend>>;

fn key(n: u8) -> Key {
    Key::from_bytes(&[n; 32])
}

async fn open(backend: &MemoryBackend, n: u8) -> Sealed {
    Arc::new(Encrypted::open(backend.clone(), key(n)).await.unwrap())
}

async fn refused(backend: &MemoryBackend, n: u8) -> ErrorKind {
    let error = Encrypted::open(backend.clone(), key(n)).await.unwrap_err();
    error.kind().clone()
}

fn store(backend: &Sealed) -> Store {
    Store::new(Arc::clone(backend) as Arc<dyn Backend>)
}

/// States small and large, tags, workers, annotations, session metadata, records.
async fn fill(backend: &Sealed, from: u64, to: u64) {
    let store = store(backend);
    let session = store.session("s").name("a name").await.unwrap();
    for n in from..to {
        let state = match n % 3 {
            0 => format!("small {n}"),
            _ => (0..30_000).map(|it| format!("{} ", it * n)).collect(),
        };
        let save = session.save(&state).id(format!("c{n}").as_str());
        let saved = save.tag("t").message("what was done").await.unwrap();
        assert_eq!(saved.id.to_string(), format!("c{n}"));
    }
    let name = checkpoint_core::RecordName::new("own").unwrap();
    let put = checkpoint_core::PutRecord {
        name,
        bytes: Some("content".into()),
    };
    let id = checkpoint_core::CommitId::from_bytes([9; 16]);
    backend
        .commit(checkpoint_core::Commit::new(id).with(put))
        .await
        .unwrap();
}

async fn check(backend: &Sealed, count: u64) {
    let store = store(backend);
    let session = store.session("s").existing().await.unwrap();
    for n in 0..count {
        let found = session
            .get(format!("c{n}").as_str())
            .await
            .unwrap()
            .unwrap();
        let state: String = found.state().await.unwrap();
        assert!(state.starts_with("small") == (n % 3 == 0), "c{n}");
    }
    assert_eq!(session.info().await.unwrap().name, "a name");
    let report = store.verify().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    let records = backend.records("own").await.unwrap();
    assert_eq!(records.len(), 1);
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_nothing_is_written() {
    let below = MemoryBackend::new();
    assert!(!is_encrypted(&below).await.unwrap());
    let sealed = open(&below, 1).await;
    assert!(is_encrypted(&below).await.unwrap());
    fill(&sealed, 0, 4).await;
    let before = below.stats().await.unwrap();
    assert_eq!(refused(&below, 2).await, ErrorKind::Denied);
    assert_eq!(below.stats().await.unwrap(), before);
    check(&open(&below, 1).await, 4).await;
}

/// Another machine makes the keys of a new store, and writes, right after this one has seen that there are none.
#[derive(Debug)]
struct MadeMeanwhile {
    below: MemoryBackend,
    armed: AtomicBool,
}

#[async_trait]
impl Fault for MadeMeanwhile {
    async fn records(&self, inner: &dyn Backend, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        let seen = inner.records(prefix).await;
        if self.armed.swap(false, Ordering::SeqCst) {
            fill(&open(&self.below, 1).await, 0, 3).await;
        }
        seen
    }
}

#[tokio::test]
async fn who_makes_a_store_while_another_does_opens_that_one() {
    for (n, kind) in [(1, None), (2, Some(ErrorKind::Denied))] {
        let below = MemoryBackend::new();
        let meanwhile = MadeMeanwhile {
            below: below.clone(),
            armed: AtomicBool::new(true),
        };
        let between = with_fault(Arc::new(below.clone()), Arc::new(meanwhile));
        let opened = Encrypted::open(between, key(n)).await;
        match (opened, kind) {
            (Ok(sealed), None) => {
                let store = Store::new(Arc::new(sealed));
                assert!(store.verify().await.unwrap().is_clean());
                assert_eq!(store.sequence().await.unwrap(), 3);
            }
            (Err(error), Some(kind)) => {
                assert_eq!(*error.kind(), kind);
                assert!(error.to_string().contains("not the key"), "{error}");
            }
            (opened, _) => panic!("key {n}: {:?}", opened.err()),
        }
        check(&open(&below, 1).await, 3).await;
    }
}

/// Another machine makes a data key right after this one has made the first.
#[derive(Debug)]
struct RotatedMeanwhile {
    below: MemoryBackend,
    armed: AtomicBool,
}

#[async_trait]
impl Fault for RotatedMeanwhile {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let receipt = inner.commit(commit).await;
        if self.armed.swap(false, Ordering::SeqCst) {
            open(&self.below, 1).await.rotate(&[key(1)]).await?;
        }
        receipt
    }
}

#[tokio::test]
async fn who_made_the_first_key_writes_under_the_newest() {
    let below = MemoryBackend::new();
    let meanwhile = RotatedMeanwhile {
        below: below.clone(),
        armed: AtomicBool::new(true),
    };
    let between = with_fault(Arc::new(below.clone()), Arc::new(meanwhile));
    let sealed = Encrypted::open(between, key(1)).await.unwrap();
    let store = Store::new(Arc::new(sealed));
    store.session("s").await.unwrap().save(&1).await.unwrap();
    let usage = open(&below, 1).await.usage().await.unwrap();
    assert_eq!(usage.objects.keys().collect::<Vec<_>>(), [&2]);
}

#[tokio::test]
async fn a_plain_store_is_not_sealed_over() {
    let below = MemoryBackend::new();
    let store = Store::new(Arc::new(below.clone()));
    store
        .session("s")
        .await
        .unwrap()
        .save(&"plain")
        .await
        .unwrap();
    assert_eq!(refused(&below, 1).await, ErrorKind::Denied);
    assert!(!is_encrypted(&below).await.unwrap());
}

#[tokio::test]
async fn plain_rows_in_a_sealed_store_are_refused() {
    let below = MemoryBackend::new();
    let sealed = open(&below, 1).await;
    fill(&sealed, 0, 1).await;
    let plain = Store::new(Arc::new(below.clone()));
    plain
        .session("t")
        .await
        .unwrap()
        .save(&"plain")
        .await
        .unwrap();
    let items = sealed.scan(&Query::default()).await.unwrap().items;
    let corrupt = items
        .iter()
        .filter(|item| matches!(item, checkpoint_core::Item::Corrupt(_)));
    assert_eq!((items.len(), corrupt.count()), (2, 1));
}

#[tokio::test]
async fn keys_change_hands_while_others_write() {
    let below = MemoryBackend::new();
    let (mine, theirs) = (open(&below, 1).await, open(&below, 1).await);
    fill(&theirs, 0, 3).await;
    mine.rewrap(&[key(1), key(2)]).await.unwrap();
    assert_eq!(mine.slots().await.unwrap().len(), 2);
    // Who has the old key goes on.
    fill(&theirs, 3, 6).await;
    let newer = open(&below, 2).await;
    fill(&newer, 6, 9).await;
    mine.rewrap(&[key(2)]).await.unwrap();
    assert_eq!(refused(&below, 1).await, ErrorKind::Denied);
    check(&newer, 9).await;
    // Who has it still reads, and writes no more.
    check(&theirs, 9).await;
    let store = store(&theirs);
    let session = store.session("s").existing().await.unwrap();
    let error = session.save(&"too late").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Denied);
    check(&newer, 9).await;
}

#[tokio::test]
async fn data_keys_are_rotated_beside_writers_and_dropped() {
    let below = MemoryBackend::new();
    let (mine, theirs) = (open(&below, 1).await, open(&below, 1).await);
    fill(&theirs, 0, 10).await;
    assert_eq!(mine.rotate(&[key(1)]).await.unwrap(), 2);
    // A handle that was there before seals under the new key.
    fill(&theirs, 10, 20).await;
    let usage = mine.usage().await.unwrap();
    assert!(usage.unreadable.is_empty(), "{usage:?}");
    assert!(
        usage.objects[&1] >= 20 && usage.objects[&2] >= 20,
        "{usage:?}"
    );
    let error = mine.drop_old_keys(&[key(1)]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Invalid);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (theirs, stop) = (Arc::clone(&theirs), Arc::clone(&stop));
        async move {
            let mut n = 20;
            while !stop.load(Ordering::SeqCst) {
                fill(&theirs, n, n + 1).await;
                n += 1;
            }
            n
        }
    });
    let mut told = 0;
    let done = mine.reseal(|_| told += 1).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    let count = writer.await.unwrap();
    assert_eq!(done.unreadable, 0);
    assert!(
        done.sealed >= 20 && done.looked_at > done.sealed && told >= 3,
        "{done:?}"
    );
    let again = mine.reseal(|_| {}).await.unwrap();
    assert_eq!(again.sealed, 0, "{again:?}");
    assert_eq!(mine.drop_old_keys(&[key(1)]).await.unwrap(), [1]);
    check(&theirs, count).await;
    check(&open(&below, 1).await, count).await;
    let keys = mine.keys().await.unwrap();
    assert_eq!(keys.iter().map(|it| it.id).collect::<Vec<_>>(), [2]);
}

/// Another machine changes the data key, seals everything anew and drops the old one, right before a commit arrives that
/// was sealed under it.
#[derive(Debug)]
struct Meanwhile {
    mine: Sealed,
    armed: Arc<AtomicBool>,
}

#[async_trait]
impl Fault for Meanwhile {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        if self.armed.swap(false, Ordering::SeqCst) {
            self.mine.rotate(&[key(1)]).await?;
            self.mine.reseal(|_| {}).await?;
            self.mine.drop_old_keys(&[key(1)]).await?;
        }
        inner.commit(commit).await
    }
}

#[tokio::test]
async fn a_machine_that_was_open_before_never_writes_under_a_dropped_key() {
    let below = MemoryBackend::new();
    let mine = open(&below, 1).await;
    let armed = Arc::new(AtomicBool::new(false));
    let meanwhile = Meanwhile {
        mine: Arc::clone(&mine),
        armed: Arc::clone(&armed),
    };
    let between = with_fault(Arc::new(below.clone()), Arc::new(meanwhile));
    let theirs = Arc::new(Encrypted::open(between, key(1)).await.unwrap());
    let store = Store::new(Arc::clone(&theirs) as Arc<dyn Backend>);
    let session = store.session("s").name("a name").await.unwrap();
    let first = session.save(&"small 0").id("c0").await.unwrap();
    let large: String = (0..30_000).map(|it| format!("{it} ")).collect();
    let mut dropped = 1;
    for n in 0..5 {
        armed.store(true, Ordering::SeqCst);
        match n {
            0 => drop(session.save(&"small").await.unwrap()),
            1 => drop(session.save(&large).await.unwrap()),
            2 => {
                let note = session.annotate(&first.id, "noted", Severity::Info, "me");
                note.await.unwrap();
            }
            3 => drop(session.update(&first.id).tag("late").await.unwrap()),
            _ => drop(store.session(format!("t{n}").as_str()).await.unwrap()),
        }
        assert!(!armed.load(Ordering::SeqCst), "write {n} was not between");
        let usage = mine.usage().await.unwrap();
        dropped += 1;
        let used: Vec<u32> = usage.objects.keys().copied().collect();
        assert_eq!(used, [dropped], "write {n}");
        assert!(usage.unreadable.is_empty(), "write {n}: {usage:?}");
    }
    // Each reads what the other wrote, and so does who comes later.
    for backend in [mine as Arc<dyn Backend>, theirs, open(&below, 1).await] {
        let report = Store::new(backend).verify().await.unwrap();
        assert!(report.is_clean() && report.valid == 3, "{report:?}");
    }
}

#[tokio::test]
async fn a_shredded_store_is_gone() {
    let below = MemoryBackend::new();
    let sealed = open(&below, 1).await;
    fill(&sealed, 0, 2).await;
    sealed.shred().await.unwrap();
    let error = Encrypted::open(below.clone(), key(1)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("dropped"), "{error}");
    let store = store(&sealed);
    let session = store.session("s").existing().await.unwrap();
    session.save(&"too late").await.unwrap_err();
}
