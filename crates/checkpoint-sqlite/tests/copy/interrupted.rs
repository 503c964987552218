//! Copies that end in the middle, and go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{Backend, Commit, Error, Receipt, Result};

use crate::history::History;
use crate::same::assert_same;
use crate::{clock, copied, memory, on};

/// Fails at one commit, before it or after it.
#[derive(Debug)]
struct FailsAt {
    commit: usize,
    done: bool,
    seen: AtomicUsize,
}

#[async_trait]
impl Fault for FailsAt {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.commit {
            if self.done {
                inner.commit(commit).await?;
            }
            return Err(Error::storage("the disk is full"));
        }
        inner.commit(commit).await
    }
}

#[tokio::test]
async fn a_copy_that_fails_at_any_commit_goes_on_when_it_is_made_again() {
    let clock = clock();
    let source = memory(&clock);
    History::of(11, &source, &clock).await.go(90).await;
    // More than a commit of 4 MiB.
    let session = source.session("s0").await.unwrap();
    for n in 0..24u64 {
        let state: Vec<u64> = (0..60_000)
            .map(|it| crate::common::mix(it + n * 60_000))
            .collect();
        session.save(&state).await.unwrap();
    }
    for done in [false, true] {
        let mut commit = 0;
        loop {
            let target = memory(&clock);
            let fault = FailsAt {
                commit,
                done,
                seen: AtomicUsize::new(0),
            };
            let failing = with_fault(Arc::clone(target.backend()), Arc::new(fault));
            match source.copy_to(&on(failing, &clock)).await {
                Ok(received) => {
                    assert!(received.is_whole());
                    break;
                }
                Err(error) => assert!(error.to_string().contains("full"), "{error}"),
            }
            copied(&source, &target).await;
            assert_same(&source, &target, 11).await;
            commit += 1;
        }
        assert!(commit > 3, "{commit} commits make a copy");
    }
}
