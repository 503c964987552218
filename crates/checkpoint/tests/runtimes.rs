//! A store of objects that is opened on one runtime and used on another, on none, or by both ways at once.

#![cfg(all(feature = "file", feature = "s3"))]
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "what hangs is told by what was said last"
)]

#[path = "runtimes/bucket.rs"]
mod bucket;

use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use checkpoint::Store;
use checkpoint::blocking::{self, Wait};
use tokio::runtime::{Builder, Runtime};

/// How a child knows where the service is.
const STORE: &str = "CHECKPOINT_TEST_STORE";
/// How long all ways together may take on a busy machine.
const LONG: Duration = Duration::from_secs(120);

type Way = fn(&str);

const WAYS: &[(&str, Way)] = &[
    ("awaited, then waited for on that thread", waited_inside),
    ("awaited on a runtime that is gone", waited_after),
    ("waited for, then awaited", awaited_after),
    ("waited for while tasks stand still", waited_meanwhile),
];

/// A runtime of one thread: nothing runs on it while that thread waits.
fn one_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// What lies in an entry, and what is too large for one.
fn states() -> (Vec<u64>, Vec<u64>) {
    let mut number = 1_u64;
    let large = (0..20_000).map(|_| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        number
    });
    (vec![1, 2, 3], large.collect())
}

fn work_by_waiting(store: &Store, name: &str) {
    let (small, large) = states();
    let session = store.session(name).wait().expect("a session");
    session.save(&small).wait().expect("a small state");
    session.save(&large).wait().expect("a large state");
    let read: Option<Vec<u64>> = session.latest_as().wait().expect("read");
    assert_eq!(read, Some(large));
    store.stats().wait().expect("figures");
}

async fn work_by_awaiting(store: &Store, name: &str) {
    let (small, large) = states();
    let session = store.session(name).await.expect("a session");
    session.save(&large).await.expect("a large state");
    session.save(&small).await.expect("a small state");
    let read: Option<Vec<u64>> = session.latest_as().await.expect("read");
    assert_eq!(read, Some(small));
}

fn waited_inside(url: &str) {
    one_thread().block_on(async {
        let store = checkpoint::open(url).await.expect("opened");
        work_by_awaiting(&store, "awaited").await;
        work_by_waiting(&store, "inside");
        thread::scope(|scope| drop(scope.spawn(|| work_by_waiting(&store, "beside"))));
        work_by_awaiting(&store, "awaited again").await;
        store.close().wait().expect("closed");
    });
}

fn waited_after(url: &str) {
    let store = one_thread().block_on(async {
        let store = checkpoint::open(url).await.expect("opened");
        work_by_awaiting(&store, "before").await;
        store
    });
    work_by_waiting(&store, "here");
    thread::scope(|scope| drop(scope.spawn(|| work_by_waiting(&store, "elsewhere"))));
    one_thread().block_on(work_by_awaiting(&store, "on another runtime"));
    store.close().wait().expect("closed");
}

fn awaited_after(url: &str) {
    let store = blocking::open(url).expect("opened");
    work_by_waiting(&store, "first");
    for name in ["one", "another"] {
        one_thread().block_on(work_by_awaiting(&store, name));
    }
    work_by_waiting(&store, "at last");
    store.close().wait().expect("closed");
}

/// Tasks that have begun a call go on only once the thread is free again. None may have taken what others need.
fn waited_meanwhile(url: &str) {
    one_thread().block_on(async {
        let store = checkpoint::open(url).await.expect("opened");
        let session = store.session("tasks").await.expect("a session");
        let (_, large) = states();
        session.save(&large).await.expect("saved");
        let tasks: Vec<_> = (0..4_u64)
            .map(|number| {
                let session = session.clone();
                tokio::spawn(async move {
                    session.latest_as::<Vec<u64>>().await.expect("read");
                    session.save(&vec![number]).await.expect("saved");
                })
            })
            .collect();
        for round in 0..6 {
            tokio::task::yield_now().await;
            work_by_waiting(&store, &format!("round {round}"));
        }
        for task in tasks {
            task.await.expect("done");
        }
        store.close().await.expect("closed");
    });
}

/// Ends the process when something hangs, since a thread that waits cannot be told to stop.
fn try_each(url: impl Fn(usize) -> String) {
    let (done, over) = mpsc::channel::<()>();
    thread::spawn(move || {
        if over.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
            eprintln!("it hangs");
            std::process::abort();
        }
    });
    for (number, (name, way)) in WAYS.iter().enumerate() {
        println!("{name}");
        way(&url(number));
    }
    drop(done);
}

#[test]
fn a_directory_works_on_any_runtime_and_on_none() {
    let directory = tempfile::tempdir().expect("a directory");
    try_each(|number| format!("file://{}/{number}", directory.path().display()));
}

/// Credentials come from the environment alone, so a process of its own has one.
#[test]
fn a_bucket_works_on_any_runtime_and_on_none() {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env(STORE, bucket::serve())
        .output()
        .expect("a child");
    let said = [child.stdout, child.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(child.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

#[ignore = "run by the other test, in an environment of its own"]
#[test]
fn child() {
    let endpoint = std::env::var(STORE).expect("an endpoint");
    // What hangs ends soon, and with an error.
    let options = "timeout=10s&retries=0";
    try_each(|number| format!("s3://bucket/store/{number}?endpoint={endpoint}&{options}"));
}
