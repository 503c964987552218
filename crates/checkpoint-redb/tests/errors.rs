//! What a handle does after its file could not be read, written or synced.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use checkpoint_core::{
    Applied, Backend, CheckpointId, ErrorKind, Item, Parts, Query, Receipt, Result,
};
use checkpoint_redb::{Media, Medium, RedbBackend, RedbOptions, SystemMedia};
use common::{append, commit, session, state};

/// Calls that fail: from the one that counts down to zero, so many.
#[derive(Debug)]
struct Plan {
    left: AtomicI64,
    last: AtomicI64,
    kind: io::ErrorKind,
    /// Reads of the file are not counted.
    spares_reads: bool,
}

impl Plan {
    fn new(kind: io::ErrorKind) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicI64::new(i64::MAX),
            last: AtomicI64::new(0),
            kind,
            spares_reads: false,
        })
    }

    /// One of writes and syncs alone.
    fn of_writes(kind: io::ErrorKind) -> Arc<Self> {
        let plan = Self::new(kind);
        let mut plan = Arc::into_inner(plan).unwrap();
        plan.spares_reads = true;
        Arc::new(plan)
    }

    fn set(&self, after: i64, count: i64) {
        self.last.store(-count, Ordering::SeqCst);
        self.left.store(after, Ordering::SeqCst);
    }

    fn check(&self) -> io::Result<()> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left <= 0 && left > self.last.load(Ordering::SeqCst) {
            return Err(self.kind.into());
        }
        Ok(())
    }

    /// Whether a call has failed since it was set.
    fn has_failed(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

#[derive(Debug)]
struct Failing(Arc<Plan>);

impl Media for Failing {
    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn Medium>> {
        let below = SystemMedia.open(path, write)?;
        Ok(Arc::new(File(below, Arc::clone(&self.0))))
    }
}

#[derive(Debug)]
struct File(Arc<dyn Medium>, Arc<Plan>);

impl Medium for File {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        if !self.1.spares_reads {
            self.1.check()?;
        }
        self.0.read(at, bytes)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.1.check()?;
        self.0.write(at, bytes)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.1.check()?;
        self.0.set_length(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.check()?;
        self.0.sync()
    }

    fn lock(&self, shared: bool) -> io::Result<bool> {
        self.0.lock(shared)
    }
}

async fn open(path: &Path, plan: &Arc<Plan>) -> RedbBackend {
    // So little is kept in memory that reads reach the file.
    let options = RedbOptions::at(path)
        .with_cache(64 << 10)
        .with_media(Arc::new(Failing(Arc::clone(plan))));
    RedbBackend::open(options).await.unwrap()
}

async fn is_there(db: &RedbBackend, id: &str) -> bool {
    let id = CheckpointId::new(id).unwrap();
    let found = db.get(&[id], Parts::ALL).await.unwrap();
    matches!(found[..], [Item::Found(_)])
}

/// Checks one answer against what is there; answers whether it was an error.
async fn judge(db: &RedbBackend, id: &str, answer: Result<Receipt>) -> bool {
    let there = is_there(db, id).await;
    match &answer {
        Ok(_) => assert!(there, "{id} was acknowledged and is lost"),
        Err(error) => match error.kind() {
            ErrorKind::Unavailable {
                applied: Applied::Unknown,
            } => {}
            ErrorKind::Storage
            | ErrorKind::Unavailable {
                applied: Applied::No,
            } => assert!(!there, "{id} is there, and {error}"),
            kind => panic!("{kind:?}: {error}"),
        },
    }
    answer.is_err()
}

/// Each call of a save in turn, once and for some time: the handle says what is so, and works again.
#[tokio::test]
async fn a_call_that_fails_is_told_and_the_handle_works_again() {
    for kind in [io::ErrorKind::Other, io::ErrorKind::StorageFull] {
        for count in [1, 30] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("a.redb");
            let plan = Plan::new(kind);
            let db = open(&path, &plan).await;
            db.commit(session("s")).await.unwrap();
            let (mut told, mut done) = (0, 0);
            for n in 0.. {
                let id = format!("c{n}");
                plan.set(n, count);
                let saved = commit().with(append("s", &id, state(n as usize)));
                let answer = db.commit(saved.clone()).await;
                let failed = plan.has_failed();
                plan.set(i64::MAX, 0);
                told += usize::from(judge(&db, &id, answer).await);
                // Sent again, it is done once.
                let again = db.commit(saved).await.unwrap();
                assert_eq!(again.outcomes.len(), 1);
                done += 1;
                let listed = db.scan(&Query::default()).await.unwrap();
                assert_eq!(listed.items.len(), done);
                if !failed {
                    break;
                }
            }
            assert!(told >= 3, "{kind} {count}: {told}");
            assert!(db.check().await.unwrap().is_empty());
            db.close().await.unwrap();
            let again = open(&path, &plan).await;
            assert_eq!(
                again.scan(&Query::default()).await.unwrap().items.len(),
                done
            );
            again.close().await.unwrap();
        }
    }
}

/// Commits that waited together have fates of their own.
#[tokio::test]
async fn a_group_whose_write_fails_is_told_member_by_member() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::new(io::ErrorKind::Other);
    let db = Arc::new(open(&directory.path().join("a.redb"), &plan).await);
    db.commit(session("s")).await.unwrap();
    let mut failed = 0;
    for round in 0..40 {
        plan.set(round, 1);
        let saves = (0..6).map(|n| {
            let (db, id) = (Arc::clone(&db), format!("c{round}-{n}"));
            tokio::spawn(async move {
                let saved = commit().with(append("s", &id, state(n)));
                let answer = db.commit(saved).await;
                (id, answer)
            })
        });
        for save in saves.collect::<Vec<_>>() {
            let (id, answer) = save.await.unwrap();
            plan.set(i64::MAX, 0);
            failed += usize::from(judge(&db, &id, answer).await);
        }
    }
    let listed = db
        .scan(&Query {
            limit: 1_000,
            ..Query::default()
        })
        .await
        .unwrap();
    assert!(listed.items.len() >= 240 - failed, "{failed} failed");
    assert!(db.check().await.unwrap().is_empty());
    db.close().await.unwrap();
}

/// What a write brought upon the engine is the writer's to hear.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_beside_a_write_that_fails_is_not_told_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::of_writes(io::ErrorKind::Other);
    let db = Arc::new(open(&directory.path().join("a.redb"), &plan).await);
    db.commit(session("s")).await.unwrap();
    for n in 0..100 {
        let saved = commit().with(append("s", &format!("a{n}"), state(n)));
        db.commit(saved).await.unwrap();
    }
    let reads: [_; 3] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
    let stop = Arc::new(AtomicBool::new(false));
    let readers = reads.each_ref().map(|reads| {
        let (db, reads, stop) = (Arc::clone(&db), Arc::clone(reads), Arc::clone(&stop));
        tokio::spawn(async move {
            for n in (0..100).cycle() {
                assert!(is_there(&db, &format!("a{n}")).await);
                reads.fetch_add(1, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
        })
    });
    let mut failed = 0;
    for round in 0..200 {
        plan.set(round % 4, 1);
        let saved = commit().with(append("s", &format!("c{round}"), state(0)));
        failed += usize::from(db.commit(saved).await.is_err());
        plan.set(i64::MAX, 0);
        // One fault after the other: who reads has got over this one before the next.
        for (reads, reader) in reads.iter().zip(&readers) {
            let before = reads.load(Ordering::SeqCst);
            while reads.load(Ordering::SeqCst) < before + 2 && !reader.is_finished() {
                tokio::task::yield_now().await;
            }
        }
    }
    stop.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(failed >= 50, "{failed}");
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_read_that_fails_is_told_and_the_next_one_works() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.redb");
    let plan = Plan::new(io::ErrorKind::Other);
    let db = open(&path, &plan).await;
    db.commit(session("s")).await.unwrap();
    for n in 0..200 {
        let saved = commit().with(append("s", &format!("c{n}"), state(n)));
        db.commit(saved).await.unwrap();
    }
    db.close().await.unwrap();
    let db = open(&path, &plan).await;
    plan.set(0, 1);
    let query = Query {
        parts: Parts::ALL,
        limit: 1_000,
        ..Query::default()
    };
    let error = db.scan(&query).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(db.scan(&query).await.unwrap().items.len(), 200);
    let failed = plan.has_failed();
    assert!(failed, "no call reached the file");
    // While the disk stays away, so does the store, and comes back with it.
    plan.set(0, i64::MAX);
    db.commit(session("t")).await.unwrap_err();
    let error = db.scan(&query).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    plan.set(i64::MAX, 0);
    assert_eq!(db.scan(&query).await.unwrap().items.len(), 200);
    db.commit(session("t")).await.unwrap();
    db.close().await.unwrap();
}
