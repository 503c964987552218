//! One who writes commits of three, and three who read meanwhile and must never see a part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use checkpoint_core::{CheckpointId, Position, Result};
use parking_lot::Mutex;
use serde_json::Value;

use super::ledger::{Draft, transaction};
use super::scene::{Job, Scene, Worker};

const READERS: u64 = 3;
const ROUNDS: u64 = 30;
/// Looks after which a reader that waits for the writer gives up.
const MOST: u64 = 100_000;
const SESSIONS: [&str; 2] = ["x", "y"];
/// How many saves a commit has.
const PARTS: usize = 3;

/// What the readers know of the writer.
#[derive(Debug, Default)]
struct Told {
    /// What is deleted or is just being deleted.
    deleting: Mutex<BTreeSet<CheckpointId>>,
    is_over: AtomicBool,
}

pub(super) fn work(scene: &Arc<Scene>) {
    let told = Arc::new(Told::default());
    let of_writer = Arc::clone(&told);
    let writer: Job = Box::new(move |worker| {
        let done = write(worker, &of_writer);
        of_writer.is_over.store(true, Ordering::SeqCst);
        done
    });
    let mut jobs = vec![("the writer".to_owned(), writer)];
    for n in 0..READERS {
        let told = Arc::clone(&told);
        let reader: Job = Box::new(move |worker| Reader::new(worker, &told).run());
        jobs.push((format!("reader {n}"), reader));
    }
    scene.play(jobs);
}

fn draft(round: u64, part: usize) -> Draft {
    Draft::new(&format!("r{round}-{part}"), SESSIONS[part % 2], 200)
}

fn write(worker: &Worker, told: &Told) -> Result<()> {
    let (x, y) = (worker.session(SESSIONS[0])?, worker.session(SESSIONS[1])?);
    let session = |id: &str| if id == SESSIONS[0] { &x } else { &y }.clone();
    let scene = &worker.scene;
    for round in 0..ROUNDS {
        let drafts: Vec<_> = (0..PARTS).map(|part| draft(round, part)).collect();
        let commit = transaction(&drafts, session).commit();
        let receipt = worker.does("commit of three", commit)?;
        scene.ledger.done(&scene.board, &drafts, &receipt);
        if round % 5 == 4 {
            let newest = &drafts[PARTS - 1].id;
            told.deleting.lock().insert(newest.clone());
            worker.does("delete the head", x.delete(newest.clone()))?;
            scene.ledger.gone(newest);
        }
    }
    Ok(())
}

struct Reader<'w> {
    worker: &'w Worker,
    told: &'w Told,
    /// The head of each session, as seen last.
    heads: BTreeMap<String, (u64, CheckpointId)>,
}

impl<'w> Reader<'w> {
    fn new(worker: &'w Worker, told: &'w Told) -> Self {
        Self {
            worker,
            told,
            heads: BTreeMap::new(),
        }
    }

    fn run(mut self) -> Result<()> {
        let mut looks = 0;
        while looks < ROUNDS || (!self.told.is_over.load(Ordering::SeqCst) && looks < MOST) {
            looks += 1;
            self.page()?;
            self.pages()?;
            self.head()?;
            self.feed()?;
        }
        Ok(())
    }

    /// Of each commit all is there, or nothing; but for what is deleted.
    fn whole<'i>(&self, from: &str, ids: impl Iterator<Item = &'i CheckpointId>) {
        let there: BTreeSet<_> = ids.cloned().collect();
        let deleting = self.told.deleting.lock().clone();
        for round in 0..ROUNDS {
            let parts = (0..PARTS).map(|part| draft(round, part).id);
            let (found, missing): (Vec<_>, Vec<_>) = parts.partition(|id| there.contains(id));
            let hidden = missing.iter().any(|id| !deleting.contains(id));
            if !found.is_empty() && hidden {
                let wrong = format!("{from} shows {found:?} of a commit, and not {missing:?}");
                self.worker.wrong(wrong);
            }
        }
    }

    fn page(&self) -> Result<()> {
        let page = self.worker.store.list().oldest_first().limit(500);
        let page = self.worker.does("scan", async { page.await })?;
        self.whole("a scan", page.checkpoints.iter().map(|it| it.id()));
        Ok(())
    }

    /// Pages show nothing twice, in order, and all that was there before.
    fn pages(&self) -> Result<()> {
        let before = self.worker.does("sequence", self.worker.store.sequence())?;
        let (mut numbers, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .worker
                .store
                .list()
                .oldest_first()
                .limit(7)
                .after(after);
            let page = self.worker.does("page", async { page.await })?;
            numbers.extend(page.checkpoints.iter().map(|it| it.sequence()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if !numbers.is_sorted_by(|one, two| one < two) {
            self.worker.wrong(format!("pages show {numbers:?}"));
        }
        // Each fifth round deletes one.
        let deleted = self.told.deleting.lock().len() as u64;
        let old = numbers.iter().filter(|number| **number <= before).count() as u64;
        if old + deleted < before {
            self.worker.wrong(format!("pages show {old} of {before}"));
        }
        Ok(())
    }

    fn head(&mut self) -> Result<()> {
        for name in SESSIONS {
            let session = self.worker.session(name)?;
            let Some(latest) = self.worker.does("latest", session.latest())? else {
                continue;
            };
            let (number, id) = (latest.sequence(), latest.id().clone());
            if let Some((before, seen)) = self.heads.get(name)
                && number < *before
                && !self.told.deleting.lock().contains(seen)
            {
                let wrong = format!("the head of {name} went from {seen} back to {id}");
                self.worker.wrong(wrong);
            }
            let state = self
                .worker
                .does("state", async { latest.state::<Value>().await });
            match state {
                Ok(state) if state["id"] == id.to_string() => {}
                Ok(state) => self
                    .worker
                    .wrong(format!("{id} has the state of {}", state["id"])),
                Err(error) => self.worker.wrong(format!("{id} has no state: {error}")),
            }
            self.heads.insert(name.to_owned(), (number, id));
        }
        Ok(())
    }

    fn feed(&self) -> Result<()> {
        let (mut told, mut after) = (Vec::new(), Position::START);
        loop {
            let page = self.worker.store.changes(after, 4);
            let page = self.worker.does("feed", page)?;
            let Some(first) = page.changes.first() else {
                break;
            };
            if first.first != first.position {
                self.worker.wrong("a page of the feed begins amid a commit");
            }
            told.extend(page.changes.iter().filter_map(|it| it.checkpoint.clone()));
            after = page.end;
        }
        self.whole("the feed", told.iter());
        Ok(())
    }
}
