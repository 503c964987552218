//! Backends that break when they are used from several sides, or when nobody waits any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use checkpoint_conformance::{Control, Fault};
use checkpoint_core::{Backend, Commit, CommitId, Outcome, Receipt, Result};

/// Backends broken on purpose, each with the machine that is there to catch it. This is the one list.
#[must_use]
pub fn negative() -> Vec<Control> {
    vec![
        Control {
            name: "splits a commit in two",
            caught_by: &["readers"],
            fault: || Arc::new(Splits),
        },
        Control {
            name: "gives a number twice when several want one",
            caught_by: &["mixed"],
            fault: || Arc::new(CountsAside),
        },
        Control {
            name: "leaves half of a commit whose caller is gone",
            caught_by: &["dropped"],
            fault: || Arc::new(LeavesHalf),
        },
        Control {
            name: "never answers once a caller was gone",
            caught_by: &["dropped"],
            fault: || Arc::<NeverAnswers>::default(),
        },
        Control {
            name: "keeps the place of a caller who is gone",
            caught_by: &["dropped"],
            fault: || Arc::<KeepsPlaces>::default(),
        },
        Control {
            name: "looks for a session before it makes it",
            caught_by: &["creates"],
            fault: || Arc::new(MakesTwice),
        },
    ]
}

/// The first operation of a commit as a commit of its own, and the rest of it.
fn split(commit: Commit) -> (Commit, Option<Commit>) {
    if commit.operations.len() < 2 {
        return (commit, None);
    }
    let mut first = commit.clone();
    first.operations.truncate(1);
    let mut rest = Commit::new(another(commit.id));
    rest.operations = commit.operations[1..].to_vec();
    (first, Some(rest))
}

/// The id of a commit that the client did not send, from that of one that it did.
fn another(id: CommitId) -> CommitId {
    let mut bytes = *id.as_bytes();
    bytes[15] ^= 0x80;
    CommitId::from_bytes(bytes)
}

/// The receipt of a commit that was done in two.
fn joined(mut first: Receipt, rest: Receipt) -> Receipt {
    first.last = rest.last;
    first.outcomes.extend(rest.outcomes);
    first
}

/// Lets others go first, for a moment.
fn dawdle() {
    std::thread::park_timeout(Duration::from_micros(500));
}

#[derive(Debug)]
struct Splits;

#[async_trait]
impl Fault for Splits {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let (first, rest) = split(commit);
        let first = inner.commit(first).await?;
        let Some(rest) = rest else {
            return Ok(first);
        };
        dawdle();
        Ok(joined(first, inner.commit(rest).await?))
    }
}

/// Answers with the number that was the next one when the commit came.
#[derive(Debug)]
struct CountsAside;

#[async_trait]
impl Fault for CountsAside {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let mut next = inner.stats().await?.position.sequence;
        std::thread::yield_now();
        let mut receipt = inner.commit(commit).await?;
        for outcome in &mut receipt.outcomes {
            if let Outcome::Appended(appended) = outcome {
                next += 1;
                appended.sequence = next;
            }
        }
        Ok(receipt)
    }
}

#[derive(Debug)]
struct LeavesHalf;

#[async_trait]
impl Fault for LeavesHalf {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let (first, rest) = split(commit);
        let first = inner.commit(first).await?;
        let Some(rest) = rest else {
            return Ok(first);
        };
        tokio::task::yield_now().await;
        Ok(joined(first, inner.commit(rest).await?))
    }
}

/// Runs when it is dropped before its commit is done.
struct Gone<F: FnMut()>(bool, F);

impl<F: FnMut()> Drop for Gone<F> {
    fn drop(&mut self) {
        if !self.0 {
            self.1();
        }
    }
}

#[derive(Debug, Default)]
struct NeverAnswers(AtomicBool);

#[async_trait]
impl Fault for NeverAnswers {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        if self.0.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        let mut gone = Gone(false, || self.0.store(true, Ordering::SeqCst));
        tokio::task::yield_now().await;
        let answer = inner.commit(commit).await;
        gone.0 = true;
        answer
    }
}

/// A queue of some places, of which one is lost with each caller who goes.
#[derive(Debug, Default)]
struct KeepsPlaces(AtomicU64);

#[async_trait]
impl Fault for KeepsPlaces {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        const PLACES: u64 = 200;
        while self.0.fetch_add(1, Ordering::SeqCst) >= PLACES {
            self.0.fetch_sub(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        let answer = inner.commit(commit).await;
        self.0.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

/// Looks whether a session is there, and makes it whatever somebody else has done meanwhile.
#[derive(Debug)]
struct MakesTwice;

#[async_trait]
impl Fault for MakesTwice {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        use checkpoint_core::{Operation, SessionQuery};
        if let [Operation::CreateSession(create)] = &mut commit.operations[..]
            && create.must_be_new
        {
            let query = SessionQuery::one(create.id.clone());
            let there = !inner.sessions(&query).await?.items.is_empty();
            dawdle();
            create.must_be_new = there;
        }
        inner.commit(commit).await
    }
}
