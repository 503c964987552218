use std::task::{Context, Poll, Waker};

use checkpoint_conformance::Memory;
use futures::FutureExt;

use super::board::Board;
use super::poll::Wait;
use super::*;

#[test]
fn the_store_in_memory_stands_it() {
    let memory: Arc<dyn Harness> = Arc::new(Memory);
    // The tasks are left to `cargo xtask threads`: they take longer than all other tests here.
    let threads = Threads::new(Seed(7)).only(&["mixed", "creates", "readers"]);
    let reports = run(&memory, &threads, |_| {}).expect("stores");
    assert_eq!(reports.len(), MACHINES.len() - 1);
    for report in reports {
        assert!(report.wrong.is_empty(), "{report}: {:#?}", report.wrong);
        assert!(report.operations > 100, "{report}");
    }
}

#[test]
fn an_operation_that_hangs_is_named_with_who_does_it() {
    let board = Board::default();
    let doing = board.begins("commit of t3-4 by task 3".into());
    assert!(board.hanging(Duration::from_secs(60)).is_empty());
    let hanging = board.hanging(Duration::ZERO);
    assert!(
        hanging[0].contains("commit of t3-4 by task 3 hangs"),
        "{hanging:?}"
    );
    drop(doing);
    assert!(board.hanging(Duration::ZERO).is_empty());
}

#[test]
fn a_wait_polls_so_often_and_drops() {
    for polls in 0..4 {
        let mut seen = 0;
        let never = std::future::poll_fn(|_| {
            seen += 1;
            Poll::<()>::Pending
        });
        let mut wait = Box::pin(Wait::Polls(polls).on(never));
        let mut cx = Context::from_waker(Waker::noop());
        while wait.poll_unpin(&mut cx).is_pending() {}
        drop(wait);
        assert_eq!(seen, polls);
    }
}

#[test]
fn a_wait_of_turns_wakes_itself() {
    let never = std::future::pending::<()>();
    assert_eq!(futures::executor::block_on(Wait::Turns(5).on(never)), None);
    let ready = std::future::ready(3);
    assert_eq!(
        futures::executor::block_on(Wait::Turns(5).on(ready)),
        Some(3)
    );
}
