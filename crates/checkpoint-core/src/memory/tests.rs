//! What the conformance suite does not reach: by example here, for all values in `properties`.

mod log;
mod properties;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::MemoryBackend;
use crate::backend::{Backend, Budget, MaintainStep};
use crate::clock::{Clock, FakeClock, IdSource, SeededIds};
use crate::commit::{
    Append, Attach, Commit, CreateSession, Delete, Fingerprint, NewChunk, Operation, Parent,
};
use crate::error::{ErrorKind, Result};
use crate::feed::Feed;
use crate::id::{CheckpointId, ChunkId, CommitId, SessionId};
use crate::receipt::Outcome;
use crate::record::{Item, Origin, Parts, Payload, Position};
use crate::status::{Status, Trigger};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Place {
    store: MemoryBackend,
    clock: FakeClock,
    ids: SeededIds,
}

fn place() -> Place {
    let clock = FakeClock::at("2026-11-20T10:00:00Z").unwrap();
    let ids = SeededIds::new(1);
    let builder = MemoryBackend::builder().clock(Arc::new(clock.clone()));
    Place {
        store: builder.ids(Arc::new(ids.clone())).build(),
        clock,
        ids,
    }
}

impl Place {
    fn new_commit(&self) -> Commit {
        Commit::new(CommitId::from_uuid(self.ids.next()))
    }

    fn apply(&self, operations: impl IntoIterator<Item = Operation>) -> Result<Vec<Outcome>> {
        let mut commit = self.new_commit();
        commit.operations.extend(operations);
        Ok(self.store.commit_now(&commit)?.outcomes)
    }

    fn step(&self, budget: &Budget) -> MaintainStep {
        run(self.store.maintain(budget)).unwrap()
    }

    /// Steps until there is no more to do; answers their sum.
    fn maintain(&self, budget: &Budget) -> MaintainStep {
        let mut sum = MaintainStep::default();
        for _ in 0..10_000 {
            let step = self.step(budget);
            sum.purged += step.purged;
            sum.trimmed += step.trimmed;
            sum.swept += step.swept;
            sum.swept_bytes += step.swept_bytes;
            if !step.more {
                return sum;
            }
        }
        panic!("maintain never ends");
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(future)
}

fn session(id: &str) -> SessionId {
    SessionId::new(id).unwrap()
}

fn checkpoint(id: impl ToString) -> CheckpointId {
    CheckpointId::new(id.to_string()).unwrap()
}

fn create(id: &str) -> Operation {
    let create = CreateSession {
        id: session(id),
        created_at: FakeClock::at("2026-11-20T10:00:00Z").unwrap().now(),
        body: Bytes::from_static(b"body"),
        epoch: 0,
        must_be_new: false,
    };
    create.into()
}

fn append_with(of: &str, id: impl ToString, change: impl FnOnce(&mut Append)) -> Operation {
    let now = FakeClock::at("2026-11-20T10:00:00Z").unwrap().now();
    let mut append = Append {
        id: checkpoint(id),
        session: session(of),
        parent: Parent::Head,
        enclosing: None,
        revision: 1,
        created_at: now,
        updated_at: now,
        status: Status::Created,
        trigger: Trigger::Manual,
        worker: None,
        tags: Vec::new(),
        step: None,
        pinned: false,
        length: 5,
        origin: None,
        made: None,
        revive: false,
        fingerprint: Fingerprint([1; 16]),
        meta: Bytes::from_static(b"meta"),
        payload: Payload::Inline(Bytes::from_static(b"state")),
    };
    change(&mut append);
    append.into()
}

fn append(of: &str, id: impl ToString) -> Operation {
    append_with(of, id, |_| ())
}

fn delete(of: &str, id: impl ToString) -> Operation {
    let (session, id) = (session(of), checkpoint(id));
    Delete { session, id }.into()
}

fn attach(of: &str, id: impl ToString, key: &str, bytes: Option<&'static [u8]>) -> Operation {
    let attach = Attach {
        session: session(of),
        checkpoint: checkpoint(id),
        kind: "note".into(),
        key: key.into(),
        bytes: bytes.map(Bytes::from_static),
    };
    attach.into()
}

fn chunk(n: u8, children: &[u8]) -> NewChunk {
    NewChunk {
        id: ChunkId::from_bytes([n; 32]),
        children: children
            .iter()
            .map(|n| ChunkId::from_bytes([*n; 32]))
            .collect(),
        bytes: vec![n; 10].into(),
    }
}

#[test]
fn what_is_older_than_the_window_is_trimmed_and_the_feed_says_so() {
    let place = place();
    place
        .apply([create("s"), append("s", 1), append("s", 2)])
        .unwrap();
    place.apply([delete("s", 1)]).unwrap();
    place.clock.advance(8 * DAY);
    place.apply([append("s", 3)]).unwrap();
    let step = place.maintain(&Budget::default());
    assert_eq!((step.purged, step.trimmed), (0, 2 + 2 + 1));

    let oldest = Position { sequence: 2, n: 2 };
    let changes = |after| run(place.store.changes(after, 10)).and_then(Feed::whole);
    for after in [
        Position::START,
        Position::of(2),
        Position { n: 1, ..oldest },
    ] {
        let error = changes(after).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Truncated { oldest });
    }
    assert_eq!(changes(oldest).unwrap().len(), 1);
    let ids = [checkpoint(1), checkpoint(2)];
    let found = run(place.store.get(&ids, Parts::ALL)).unwrap();
    assert!(matches!(found[..], [Item::Absent, Item::Found(_)]));
}

#[test]
fn a_commit_half_older_than_the_window_stays_whole() {
    let place = place();
    place.clock.advance(30 * DAY);
    let committed_at = FakeClock::at("2026-11-20T10:00:00Z").unwrap().now();
    let origin = Origin {
        sequence: 1,
        committed_at,
    };
    let copied = append_with("s", 1, |append| append.origin = Some(origin));
    place.apply([create("s"), copied]).unwrap();
    assert_eq!(place.maintain(&Budget::default()).trimmed, 0);
    let feed = run(place.store.changes(Position::START, 1)).unwrap();
    assert_eq!(feed.items.len(), 2);
}

#[test]
fn a_deleted_session_is_purged_and_its_epoch_is_kept() {
    let place = place();
    place
        .apply([create("s"), append("s", 1), append("s", 2)])
        .unwrap();
    place.apply([attach("s", 1, "k", Some(b"bytes"))]).unwrap();
    let claim = Operation::ClaimSession(session("s"));
    place
        .apply([claim, Operation::DeleteSession(session("s"))])
        .unwrap();
    let feed = || run(place.store.changes(Position::START, 100)).and_then(Feed::whole);
    let before = feed().unwrap();
    assert!(place.step(&Budget::default().with_rows(1)).more);
    place.maintain(&Budget::default());
    assert_eq!(feed().unwrap(), before);
    let found = run(place.store.get(&[checkpoint(1)], Parts::ALL)).unwrap();
    assert!(matches!(found[..], [Item::Deleted]));

    place.clock.advance(30 * DAY);
    place.maintain(&Budget::default());
    assert!(place.store.shared.state.read().graves.is_empty());
    let outcomes = place.apply([create("s"), append("s", 1)]).unwrap();
    assert!(matches!(
        outcomes[0],
        Outcome::Session {
            created: true,
            epoch: 2,
            ..
        }
    ));
    let Outcome::Appended(appended) = &outcomes[1] else {
        panic!("not appended")
    };
    assert_eq!((appended.sequence, &appended.parent), (3, &None));
    place.maintain(&Budget::default());
    assert_eq!(place.store.shared.state.read().sessions.len(), 1);
}

#[test]
fn a_sweep_leaves_what_is_reached_and_what_is_young() {
    let place = place();
    let mut commit = place.new_commit().with(create_of("s")).with_top("s", 1, 1);
    commit.chunks = vec![
        chunk(1, &[2]),
        chunk(2, &[3]),
        chunk(3, &[]),
        chunk(4, &[3]),
    ];
    place.store.commit_now(&commit).unwrap();
    let there = || {
        let ids = (1..=6)
            .map(|n| ChunkId::from_bytes([n; 32]))
            .collect::<Vec<_>>();
        run(place.store.present(&ids)).unwrap()
    };
    assert_eq!(place.maintain(&Budget::default()).swept, 0);
    place.clock.advance(Duration::from_secs(60 * 60));
    let mut ahead = place.new_commit();
    ahead.chunks = vec![chunk(5, &[6]), chunk(6, &[])];
    place.store.commit_now(&ahead).unwrap();
    let step = place.maintain(&Budget::default().with_rows(1));
    assert_eq!((step.swept, step.swept_bytes), (1, 10));
    assert_eq!(there(), [true, true, true, false, true, true]);

    place.apply([delete("s", 1)]).unwrap();
    let first = place.step(&Budget::default().with_rows(2).with_grace(Duration::ZERO));
    assert_eq!((first.swept, first.more), (2, true));
    place.maintain(&Budget::default().with_grace(Duration::ZERO));
    assert_eq!(there(), [false; 6]);
}

fn create_of(id: &str) -> CreateSession {
    let Operation::CreateSession(create) = create(id) else {
        unreachable!()
    };
    create
}

impl Commit {
    fn with_top(mut self, of: &str, id: u8, top: u8) -> Self {
        let top = Payload::Tree(ChunkId::from_bytes([top; 32]));
        let append = append_with(of, id, |append| append.payload = top);
        self.operations.push(append);
        self
    }
}

#[test]
fn a_sweep_never_takes_what_a_commit_came_to_rely_on_meanwhile() {
    let place = place();
    place.apply([create("s")]).unwrap();
    let mut ahead = place.new_commit();
    ahead.chunks = (1..=100)
        .map(|n| chunk(n, if n == 1 { &[2] } else { &[] }))
        .collect();
    place.store.commit_now(&ahead).unwrap();
    place.clock.advance(DAY);
    run(async {
        let budget = Budget::default().with_rows(7);
        let mut sweep = place.store.maintain(&budget);
        assert!(poll_once(&mut sweep.as_mut()).await.is_none());
        place
            .store
            .commit_now(&place.new_commit().with_top("s", 1, 1))
            .unwrap();
        assert_eq!(sweep.await.unwrap().swept, 7);
    });
    place.maintain(&Budget::default());
    let stats = run(place.store.stats()).unwrap();
    assert_eq!(stats.chunks, 2);
    assert!(place.store.shared.state.read().barrier.is_none());
}

async fn poll_once<F: Future + ?Sized>(future: &mut std::pin::Pin<&mut F>) -> Option<F::Output> {
    use std::task::Poll;
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[test]
fn what_is_deleted_and_revived_in_one_commit_is_there() {
    let place = place();
    place.apply([create("s"), append("s", 1)]).unwrap();
    let again = append_with("s", 1, |append| append.revive = true);
    let outcomes = place.apply([delete("s", 1), again]).unwrap();
    assert!(matches!(&outcomes[1], Outcome::Appended(it) if it.sequence == 2 && !it.deleted));
    let found = run(place.store.get(&[checkpoint(1)], Parts::HEADER)).unwrap();
    assert!(matches!(&found[..], [Item::Found(it)] if it.header.sequence == 2));
}

#[test]
fn a_wait_ends_by_a_change_by_time_and_by_closing() {
    let place = place();
    let handle = place.store.clone();
    run(async {
        let at = handle
            .changed(Position::START, Duration::ZERO)
            .await
            .unwrap();
        assert_eq!(at, Position::START);
        let short = Duration::from_millis(1);
        assert_eq!(handle.changed(at, short).await.unwrap(), at);
        let mut wait = handle.changed(at, Duration::MAX);
        assert!(poll_once(&mut wait.as_mut()).await.is_none());
        place.apply([create("s")]).unwrap();
        let at = wait.await.unwrap();
        assert_eq!(at, Position { sequence: 0, n: 1 });
        let mut wait = handle.changed(at, Duration::MAX);
        assert!(poll_once(&mut wait.as_mut()).await.is_none());
        handle.close().await.unwrap();
        assert_eq!(*wait.await.unwrap_err().kind(), ErrorKind::Stopped);
    });
    run(place.store.stats()).unwrap();
}

#[test]
fn a_wait_outside_of_a_runtime_ends() {
    let place = place();
    let waiting = place
        .store
        .changed(Position::START, Duration::from_millis(1));
    let mut waiting = std::pin::pin!(waiting);
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = std::task::Context::from_waker(&waker);
    while waiting.as_mut().poll(&mut cx).is_pending() {
        std::thread::park();
    }
}

struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
