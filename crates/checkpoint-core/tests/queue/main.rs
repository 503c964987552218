//! The queue before a writer under every ordering of its steps.
//!
//! The source of the queue is compiled here with channels of loom's locks. Loom runs each test once for every order in
//! which the threads can take them, with at most [`SWITCHES`] switches away from a thread that could have gone on, and
//! fails when one panics or when all wait for one another.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    missing_debug_implementations,
    unreachable_pub,
    reason = "the queue is public where it is at home"
)]

#[path = "../../src/engine/queue.rs"]
mod queue;
mod sync;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use loom::future::block_on;
use loom::sync::Mutex;
use loom::thread;
use queue::{Asker, Member, Unanswered, Work, queue};
use sync::lock;

const SWITCHES: usize = 2;

/// What the writer did, in order: the numbers of commits, and upkeep as 100 and that it let go of all as 200.
type Log = Arc<Mutex<Vec<u32>>>;

const UPKEEP: u32 = 100;
const END: u32 = 200;

struct Writes(Log);

impl Work for Writes {
    type Commit = u32;
    type Fate = u32;
    type Budget = ();
    type Step = u32;

    fn group(&mut self, members: Vec<Member<Self>>) {
        for (commit, answer) in members {
            lock(&self.0).push(commit);
            answer.send(commit);
        }
    }

    fn maintain(&mut self, (): &()) -> u32 {
        lock(&self.0).push(UPKEEP);
        UPKEEP
    }

    fn rest(&mut self) {}

    fn end(&mut self) {}
}

impl Drop for Writes {
    fn drop(&mut self) {
        lock(&self.0).push(END);
    }
}

struct Place {
    asker: Arc<Asker<Writes>>,
    log: Log,
    writer: thread::JoinHandle<()>,
}

fn place(room: usize) -> Place {
    let (asker, queue) = queue(room);
    let log = Log::default();
    let work = Writes(Arc::clone(&log));
    let writer = thread::spawn(move || queue.serve(work));
    Place {
        asker: Arc::new(asker),
        log,
        writer,
    }
}

impl Place {
    fn commit(&self, n: u32) -> thread::JoinHandle<Result<u32, Unanswered>> {
        let asker = Arc::clone(&self.asker);
        thread::spawn(move || block_on(asker.commit(n)))
    }

    fn done(&self) -> Vec<u32> {
        lock(&self.log).clone()
    }

    /// What was answered holds: done and in the log once, or stopped and not in it.
    fn judge(&self, n: u32, fate: Result<u32, Unanswered>) {
        let times = self.done().iter().filter(|done| **done == n).count();
        match fate {
            Ok(answer) => assert_eq!((answer, times), (n, 1)),
            Err(Unanswered::Stopped) => assert_eq!(times, 0, "commit {n} was said to be stopped"),
            Err(Unanswered::Lost) => panic!("nobody knows of commit {n}"),
        }
    }

    fn ended(&self) {
        let done = self.done();
        assert_eq!(done.last(), Some(&END), "{done:?}");
        assert_eq!(done.iter().filter(|it| **it == END).count(), 1, "{done:?}");
    }
}

fn explore(run: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(SWITCHES);
    model.check(run);
}

/// Polls at most so often, then drops.
async fn dropped_after<T>(polls: usize, asks: impl Future<Output = T>) -> Option<T> {
    let mut asks = pin!(asks);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        let answer = asks.as_mut().poll(cx).map(Some);
        if left == 0 && answer.is_pending() {
            return Poll::Ready(None);
        }
        answer
    })
    .await
}

#[test]
fn a_commit_sent_while_the_queue_is_closed_is_done_or_stopped() {
    explore(|| {
        let place = place(4);
        let one = place.commit(1);
        block_on(place.asker.close());
        let at_close = place.done();
        place.judge(1, one.join().unwrap());
        assert_eq!(at_close, place.done(), "something was done after the end");
        place.ended();
        let late = block_on(place.asker.commit(2));
        assert_eq!(late, Err(Unanswered::Stopped), "after the end");
    });
}

#[test]
fn who_waits_for_room_is_told_of_the_end() {
    explore(|| {
        let place = place(1);
        let first = block_on(dropped_after(1, place.asker.commit(1)));
        let two = place.commit(2);
        block_on(place.asker.close());
        place.judge(2, two.join().unwrap());
        assert!(first.is_none_or(|fate| fate == Ok(1)));
        assert!(place.done().contains(&1), "what was sent before the end");
        place.ended();
    });
}

#[test]
fn a_commit_whose_caller_is_gone_is_done_or_not_and_takes_no_place() {
    for polls in [0, 1] {
        explore(move || {
            let place = place(1);
            let asker = Arc::clone(&place.asker);
            let gone = thread::spawn(move || block_on(dropped_after(polls, asker.commit(1))));
            place.judge(2, block_on(place.asker.commit(2)));
            if let Some(fate) = gone.join().unwrap() {
                place.judge(1, fate);
            }
            block_on(place.asker.close());
            let times = place.done().iter().filter(|done| **done == 1).count();
            assert!(times <= polls, "{polls} polls, done {times} times");
            place.ended();
        });
    }
}

#[test]
fn upkeep_comes_after_what_was_sent_before_and_is_told_of_the_end() {
    explore(|| {
        let place = place(4);
        let asker = Arc::clone(&place.asker);
        let upkeep = thread::spawn(move || {
            let before = block_on(dropped_after(1, asker.commit(1)));
            (before, block_on(asker.maintain(())))
        });
        block_on(place.asker.close());
        let (before, step) = upkeep.join().unwrap();
        let done = place.done();
        let at = |what| done.iter().position(|it| *it == what);
        match step {
            Ok(step) => assert!(step == UPKEEP && at(1) < at(UPKEEP) && at(1).is_some()),
            Err(Unanswered::Stopped) => assert_eq!(at(UPKEEP), None),
            Err(Unanswered::Lost) => panic!("nobody knows of the upkeep"),
        }
        if let Some(fate) = before {
            place.judge(1, fate);
        }
        place.ended();
    });
}

#[test]
fn two_who_close_wait_for_the_same_end() {
    explore(|| {
        let place = place(4);
        let (asker, log) = (Arc::clone(&place.asker), Arc::clone(&place.log));
        let other = thread::spawn(move || {
            block_on(asker.close());
            assert_eq!(lock(&log).last(), Some(&END));
        });
        block_on(place.asker.close());
        place.ended();
        other.join().unwrap();
    });
}

#[test]
fn a_writer_that_nobody_can_ask_finishes_and_ends() {
    explore(|| {
        let place = place(4);
        let Place { asker, log, writer } = place;
        let one = block_on(dropped_after(1, asker.commit(1)));
        drop(asker);
        writer.join().unwrap();
        assert!(one.is_none_or(|fate| fate == Ok(1)));
        assert_eq!(*lock(&log), [1, END]);
    });
}

/// How it was once: the first empty look at a closed queue was taken for its end. What had been granted a place and was
/// put there later lay there for good, and its sender would wait as long.
#[test]
fn a_queue_that_stops_at_the_first_empty_look_is_caught() {
    let caught = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&caught);
    explore(move || {
        let (sender, mut jobs) = sync::mpsc::channel(4);
        let writer = thread::spawn(move || {
            jobs.close();
            while jobs.try_recv().is_ok() {}
        });
        let (answer, answered) = sync::oneshot::channel::<()>();
        let sent = block_on(sender.send(answer)).is_ok();
        writer.join().unwrap();
        if sent && block_on(dropped_after(1, answered)).is_none() {
            seen.store(true, Ordering::SeqCst);
        }
    });
    assert!(
        caught.load(Ordering::SeqCst),
        "no ordering leaves a sender waiting"
    );
}
