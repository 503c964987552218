//! What must be there when all have done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use checkpoint_core::{ChangeKind, Checkpoint, CheckpointId, Position, Result};
use serde_json::Value;

use super::ledger::Known;
use super::scene::{Job, Scene, Worker};

const PAGE: usize = 200;

pub(super) fn judge(scene: &Arc<Scene>) {
    let job: Job = Box::new(|worker| {
        let known = worker.scene.ledger.known();
        let found = found(worker)?;
        kept(worker, &known, &found)?;
        none_half(worker, &known, &found);
        sequences(worker, &known, &found)?;
        feed(worker)?;
        heads(worker, &found)?;
        let verify = worker.store.verify();
        let report = worker.does("verify", async { verify.await })?;
        if report.total() != found.len() as u64 {
            worker.wrong(format!("verified {} of {}", report.total(), found.len()));
        }
        for finding in report.findings.iter().take(5) {
            worker.wrong(format!("damaged: {}", finding.error));
        }
        Ok(())
    });
    scene.play(vec![("the judge".to_owned(), job)]);
}

/// All that is there.
fn found(worker: &Worker) -> Result<BTreeMap<CheckpointId, Checkpoint>> {
    let (mut found, mut after, mut last) = (BTreeMap::new(), None, 0);
    loop {
        let page = worker.store.list().oldest_first().limit(PAGE).after(after);
        let page = worker.does("list all", async { page.await })?;
        for error in page.damaged {
            worker.wrong(format!("listed as damaged: {error}"));
        }
        for checkpoint in page.checkpoints {
            if checkpoint.sequence() <= last {
                worker.wrong(format!("{} is listed after {last}", checkpoint.sequence()));
            }
            last = checkpoint.sequence();
            if let Some(twice) = found.insert(checkpoint.id().clone(), checkpoint) {
                worker.wrong(format!("{} is there twice", twice.id()));
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// What was acknowledged is there as it was saved, and what was deleted is not.
fn kept(worker: &Worker, known: &Known, found: &BTreeMap<CheckpointId, Checkpoint>) -> Result<()> {
    for (id, (draft, sequence)) in &known.kept {
        let Some(checkpoint) = found.get(id) else {
            worker.wrong(format!("{id} was acknowledged and is not there"));
            continue;
        };
        if checkpoint.sequence() != *sequence {
            let is = checkpoint.sequence();
            worker.wrong(format!(
                "{id} was answered as number {sequence}, and is {is}"
            ));
        }
        if checkpoint.session().to_string() != draft.session {
            worker.wrong(format!("{id} is in session {}", checkpoint.session()));
        }
        let read = async {
            match worker.store.get(id.clone()).await? {
                Some(whole) => whole.state::<Value>().await,
                None => Ok(Value::Null),
            }
        };
        if worker.does("read", read)? != draft.state() {
            worker.wrong(format!("{id} is not as it was saved"));
        }
    }
    for id in known.gone.keys().filter(|id| found.contains_key(id)) {
        worker.wrong(format!("{id} was deleted and is there"));
    }
    Ok(())
}

/// Of what nobody knows, each commit is there whole or not at all; and nothing is there that nobody sent.
fn none_half(worker: &Worker, known: &Known, found: &BTreeMap<CheckpointId, Checkpoint>) {
    let mut sent: BTreeSet<&CheckpointId> = known.kept.keys().collect();
    for commit in &known.open {
        let there = commit
            .iter()
            .filter(|it| found.contains_key(&it.id))
            .count();
        if there != 0 && there != commit.len() {
            let (of, first) = (commit.len(), &commit[0].id);
            worker.wrong(format!(
                "{there} of {of} are there of a commit, with {first}"
            ));
        }
        sent.extend(commit.iter().map(|it| &it.id));
    }
    for id in found.keys().filter(|id| !sent.contains(id)) {
        worker.wrong(format!("{id} is there, and nobody saved it"));
    }
}

/// Every number up to the highest was given to one checkpoint.
fn sequences(
    worker: &Worker,
    known: &Known,
    found: &BTreeMap<CheckpointId, Checkpoint>,
) -> Result<()> {
    let highest = worker.does("sequence", worker.store.sequence())?;
    let live = found.values().map(Checkpoint::sequence);
    let mut given: Vec<u64> = live.chain(known.gone.values().copied()).collect();
    given.sort_unstable();
    if !given.iter().copied().eq(1..=highest) {
        let missing = (1..=highest).find(|number| given.binary_search(number).is_err());
        let (count, missing) = (given.len(), missing.unwrap_or_default());
        worker.wrong(format!(
            "of {highest} numbers {count} were given; missing first: {missing}"
        ));
    }
    Ok(())
}

/// The feed tells each append once, in order, and no page begins amid a commit.
fn feed(worker: &Worker) -> Result<()> {
    let (mut after, mut created) = (Position::START, 0);
    loop {
        let page = worker.store.changes(after, PAGE);
        let page = worker.does("feed", page)?;
        for error in page.damaged {
            worker.wrong(format!("a damaged change: {error}"));
        }
        let Some(first) = page.changes.first() else {
            break;
        };
        if first.first != first.position {
            worker.wrong(format!(
                "a page of the feed begins amid a commit: {first:?}"
            ));
        }
        for change in &page.changes {
            if change.position <= after {
                worker.wrong(format!("the feed goes from {after} to {}", change.position));
            }
            after = change.position;
            if change.kind == ChangeKind::Created {
                created += 1;
                if change.position != Position::of(created) {
                    worker.wrong(format!("append {created} is told at {}", change.position));
                }
            }
        }
    }
    let highest = worker.does("sequence", worker.store.sequence())?;
    if created != highest {
        worker.wrong(format!("the feed tells {created} appends of {highest}"));
    }
    Ok(())
}

/// The head of each session is its highest number.
fn heads(worker: &Worker, found: &BTreeMap<CheckpointId, Checkpoint>) -> Result<()> {
    let mut highest = BTreeMap::new();
    for checkpoint in found.values() {
        let of = highest.entry(checkpoint.session()).or_insert(0);
        *of = checkpoint.sequence().max(*of);
    }
    let mut after = None;
    loop {
        let page = worker.does("list sessions", worker.store.sessions(PAGE, after))?;
        for session in page.sessions {
            let head = session.head.map(|head| head.sequence);
            if head != highest.get(&session.id).copied() {
                worker.wrong(format!("the head of {} is {head:?}", session.id));
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
