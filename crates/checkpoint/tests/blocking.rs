//! The blocking API, without a runtime and inside one.

use std::future::IntoFuture;
use std::thread;
use std::time::{Duration, Instant};

use checkpoint::blocking::{self, Wait};
use checkpoint::{Budget, Position, Result, Store};

/// Saves, reads back, lists, updates: what a program does, with a state small and one large enough to be handed on.
fn work(store: &Store, name: &str) -> Result<()> {
    let session = store.session(name).wait()?;
    let saved = session.save(&vec![1, 2, 3]).tag("small").wait()?;
    let large = vec![name.to_owned(); 50_000];
    session.save(&large).message("large").wait()?;
    assert_eq!(session.latest_as::<Vec<String>>().wait()?, Some(large));
    assert_eq!(session.list().wait()?.checkpoints.len(), 2);
    assert_eq!(session.update(saved.id.clone()).tag("more").wait()?, 2);
    let first = session.get(saved.id).wait()?.expect("just saved");
    assert_eq!(first.state::<Vec<u8>>().wait()?, [1, 2, 3]);
    store.maintain(&Budget::default()).wait()?;
    Ok(())
}

#[test]
fn no_runtime_is_needed() {
    let store = blocking::open("memory:").unwrap();
    work(&store, "a").unwrap();
}

#[test]
fn eight_threads_share_one_store() {
    let store = blocking::open("memory:").unwrap();
    thread::scope(|scope| {
        for n in 0..8 {
            let store = &store;
            scope.spawn(move || work(store, &format!("session-{n}")).unwrap());
        }
    });
    assert_eq!(store.sequence().wait().unwrap(), 16);
}

#[tokio::test(flavor = "current_thread")]
async fn it_works_inside_a_runtime_of_one_thread() {
    let store = blocking::open("memory:").unwrap();
    work(&store, "a").unwrap();
    assert_eq!(store.sequence().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_inside_a_runtime_of_many_threads() {
    let store = checkpoint::open("memory:").await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { work(&store, &format!("session-{n}")) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn it_works_from_a_thread_for_blocking_work() {
    let store = blocking::open("memory:").unwrap();
    let task = tokio::task::spawn_blocking(move || work(&store, "a"));
    task.await.unwrap().unwrap();
}

/// A timer of this runtime would never ring while its only thread is blocked.
#[tokio::test(flavor = "current_thread")]
async fn timers_ring_while_the_callers_runtime_stands_still() {
    let store = blocking::open("memory:").unwrap();
    let start = Instant::now();
    let wait = Duration::from_millis(30);
    store.changed(Position::START, wait).wait().unwrap();
    assert!(start.elapsed() >= wait);
}

#[tokio::test(flavor = "current_thread")]
async fn a_wake_that_the_callers_runtime_defers_is_not_waited_for() {
    let yields = async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        Ok(7)
    };
    assert_eq!(yields.wait().unwrap(), 7);
}

/// More steps than a task may take before it must let others run.
#[tokio::test(flavor = "current_thread")]
async fn a_spent_budget_of_the_callers_task_stops_nothing() {
    let many = async {
        for _ in 0..1_000 {
            let (send, receive) = tokio::sync::oneshot::channel();
            send.send(()).ok();
            receive.await.ok();
        }
        Ok(())
    };
    many.wait().unwrap();
}

#[test]
fn another_thread_wakes_the_one_that_waits() {
    let store = blocking::open("memory:").unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            store
                .changed(Position::START, Duration::from_secs(60))
                .wait()
        });
        store.session("a").wait().unwrap().save(&1).wait().unwrap();
        assert!(waits.join().unwrap().unwrap() > Position::START);
    });
}

#[test]
fn what_needs_nobody_else_stays_on_the_calling_thread() {
    let here = thread::current().id();
    let polled = async { Ok(thread::current().id()) };
    assert_eq!(polled.into_future().wait().unwrap(), here);
}

#[test]
fn an_error_comes_back_as_it_is() {
    let store = blocking::open("memory:").unwrap();
    assert!(store.session("").wait().is_err());
    let error = store.session("a").existing().wait().unwrap_err();
    assert!(error.is_not_found());
    assert!(blocking::open("nowhere").is_err());
}
