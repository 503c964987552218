//! Two stores side by side: the model, and the one that is tried.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{
    Backend, Budget, Clock, Commit, CommitId, Error, ErrorKind, FakeClock, Position, Result,
};

use super::answer::{Answer, Question, ask, refused};
use super::ledger::Ledger;
use super::question::everything;
use super::resolve::{Resolver, again, moved};
use super::step::{Step, Upkeep};
use crate::context::BEGINNING;
use crate::harness::{Fixture, Harness};
use crate::memory::Memory;
use crate::samples;

/// Longer than any store lives here.
const FOR_EVER: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);

/// What the two did not agree on, or what does not hold of the one that is tried.
#[derive(Clone, Debug)]
pub(super) struct Difference(pub(super) String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Difference {
    fn from(error: Error) -> Self {
        Self(format!("unexpected error: {}", refused(&error)))
    }
}

/// A store with its handles.
struct Side {
    fixture: Box<dyn Fixture>,
    handles: Vec<Arc<dyn Backend>>,
    /// The handle that is used.
    at: usize,
    /// What it adds to each chunk.
    overhead: u64,
}

impl Side {
    async fn new(harness: &dyn Harness, clock: &FakeClock) -> Result<Self> {
        let fixture = harness.make(clock.clone()).await?;
        let handles = vec![fixture.open().await?];
        Ok(Self {
            fixture,
            handles,
            at: 0,
            overhead: harness.chunk_overhead(),
        })
    }

    fn db(&self) -> &dyn Backend {
        &*self.handles[self.at]
    }

    async fn open(&mut self) -> Result<()> {
        self.handles.push(self.fixture.open().await?);
        self.at = self.handles.len() - 1;
        Ok(())
    }

    fn switch(&mut self, n: u8) {
        self.at = usize::from(n) % self.handles.len();
    }

    /// Closes a handle that is not the last; it says that it is stopped from then on.
    async fn close(&mut self, n: u8) -> Result<(), Difference> {
        if self.handles.len() < 2 {
            return Ok(());
        }
        let handle = self.handles.remove(usize::from(n) % self.handles.len());
        self.at = 0;
        handle.close().await?;
        let after = ask(&*handle, self.overhead, &Question::Stats).await;
        if after == Err("Stopped".to_owned()) {
            return Ok(());
        }
        Err(Difference(format!("a closed handle answers {after:?}")))
    }

    async fn reopen(&mut self) -> Result<()> {
        self.at = 0;
        for handle in self.handles.drain(..) {
            handle.close().await?;
        }
        self.open().await
    }
}

/// A play of steps on both.
pub(super) struct Play {
    clock: FakeClock,
    model: Side,
    tried: Side,
    shared: bool,
    reopens: bool,
    ledger: Ledger,
    /// Every commit that was sent, to be sent again.
    sent: Vec<Commit>,
    /// How many ids of commits were given.
    ids: u64,
    /// Of all answers.
    digest: blake3::Hasher,
    /// How many commits both took.
    pub(super) taken: u64,
    /// How many answers were compared.
    pub(super) compared: u64,
}

impl fmt::Debug for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Play")
            .field("sent", &self.sent.len())
            .field("taken", &self.taken)
            .field("compared", &self.compared)
            .finish_non_exhaustive()
    }
}

impl Play {
    /// Two fresh stores with two sessions, so that most of what comes finds one.
    pub(super) async fn new(harness: &dyn Harness) -> Result<Self, Difference> {
        Self::between(&Memory, harness).await
    }

    /// As [`new`](Self::new), with another model.
    pub(super) async fn between(
        model: &dyn Harness,
        harness: &dyn Harness,
    ) -> Result<Self, Difference> {
        let clock = FakeClock::at(BEGINNING)?;
        let mut play = Self {
            model: Side::new(model, &clock).await?,
            tried: Side::new(harness, &clock).await?,
            clock,
            shared: harness.capabilities().shared,
            reopens: harness.reopens(),
            ledger: Ledger::default(),
            sent: Vec::new(),
            ids: 0,
            digest: blake3::Hasher::new(),
            taken: 0,
            compared: 0,
        };
        let commit = Commit::new(play.fresh())
            .with(samples::create("s0"))
            .with(samples::create("s1"));
        play.send(commit).await?;
        Ok(play)
    }

    /// The digest of all that the model answered.
    pub(super) fn digest(&self) -> String {
        self.digest.finalize().to_hex()[..32].to_owned()
    }

    fn fresh(&mut self) -> CommitId {
        self.ids += 1;
        samples::commit_id(self.ids)
    }

    /// Does one step on both.
    pub(super) async fn step(&mut self, step: &Step) -> Result<(), Difference> {
        match step {
            Step::Commit(plan) => {
                let id = self.fresh();
                let newest = self.newest().await?;
                let now = self.clock.now();
                let resolver = Resolver {
                    model: self.model.db(),
                    now,
                    newest,
                };
                let commit = resolver.commit(id, plan).await?;
                self.send(commit).await
            }
            Step::Again(which, how) => {
                // The later ones are met more often: those are still remembered.
                let back = usize::from(*which) * self.sent.len() / 256;
                let earlier = self.sent[self.sent.len() - 1 - back].clone();
                let fresh = self.fresh();
                self.send(again(&earlier, *how, fresh)).await
            }
            Step::Ask(asked) => {
                let newest = self.newest().await?;
                let question = asked.question(self.model.db(), self.clock.now(), newest);
                self.both(&question).await
            }
            Step::Wait(seconds) => {
                self.clock.set(moved(self.clock.now(), *seconds));
                Ok(())
            }
            Step::Maintain(upkeep) => self.maintain(upkeep).await,
            Step::Purge(rows) => {
                let budget = Budget::default().with_rows(*rows);
                let budget = budget.with_grace(FOR_EVER).with_window(FOR_EVER);
                self.both(&Question::Purge(budget)).await
            }
            Step::Look => self.look(7).await,
            Step::Open | Step::Switch(_) | Step::Close(_) | Step::Reopen => {
                self.handles(step).await
            }
        }
    }

    async fn handles(&mut self, step: &Step) -> Result<(), Difference> {
        match step {
            Step::Open if self.shared => {
                self.model.open().await?;
                self.tried.open().await?;
            }
            Step::Switch(n) => {
                self.model.switch(*n);
                self.tried.switch(*n);
            }
            Step::Close(n) => {
                self.model.close(*n).await?;
                self.tried.close(*n).await?;
            }
            Step::Reopen if self.reopens => {
                self.model.reopen().await?;
                self.tried.reopen().await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn newest(&self) -> Result<Position> {
        self.model
            .db()
            .changed(Position::START, Duration::ZERO)
            .await
    }

    async fn send(&mut self, commit: Commit) -> Result<(), Difference> {
        self.sent.push(commit.clone());
        let model = self.model.db().commit(commit.clone()).await;
        let tried = self.tried.db().commit(commit.clone()).await;
        if let Ok(receipt) = &tried {
            let (claimed, said) = (receipt.durability, self.tried.db().info().durability);
            if claimed != said {
                return Err(Difference(format!(
                    "a receipt claims {claimed:?}, the store {said:?}"
                )));
            }
            self.taken += u64::from(!receipt.replayed);
        }
        let tell = |answer: &Result<_>| match answer {
            Ok(receipt) => Ok(vec![super::answer::receipt(receipt)]),
            Err(error) => Err(refused(error)),
        };
        let same = self.same(&self.told(&commit), &tell(&model), &tell(&tried));
        // What was read off the receipt also says what is wrong when both are wrong alike.
        if let Ok(receipt) = &tried {
            self.ledger.receipt(&commit, receipt).map_err(Difference)?;
        }
        same
    }

    /// Nothing may have gone before the feed was read: what the ledger did not see it cannot know.
    async fn maintain(&mut self, upkeep: &Upkeep) -> Result<(), Difference> {
        self.ledger
            .look(self.tried.db())
            .await
            .map_err(Difference)?;
        let budget = Budget::default()
            .with_rows(upkeep.rows)
            .with_grace(Duration::from_secs(upkeep.grace))
            .with_window(Duration::from_secs(upkeep.window));
        self.both(&Question::Maintain(budget)).await?;
        self.look(100).await
    }

    /// Reads everything on both, in pages of `limit`.
    pub(super) async fn look(&mut self, limit: usize) -> Result<(), Difference> {
        for question in everything(limit) {
            self.both(&question).await?;
        }
        self.ledger.look(self.tried.db()).await.map_err(Difference)
    }

    /// Asks both.
    async fn both(&mut self, question: &Question) -> Result<(), Difference> {
        match question {
            Question::Feed(after, limit) => self.feed(*after, *limit).await,
            _ => self.compare(question).await,
        }
    }

    async fn compare(&mut self, question: &Question) -> Result<(), Difference> {
        let model = ask(self.model.db(), self.model.overhead, question).await;
        let tried = ask(self.tried.db(), self.tried.overhead, question).await;
        self.same(&format!("{question:?}"), &model, &tried)
    }

    /// Where the model no longer tells the feed, another store may still do so: then it tells all that it ever told.
    async fn feed(&mut self, after: Position, limit: usize) -> Result<(), Difference> {
        let question = Question::Feed(after, limit);
        let oldest = match self.model.db().changes(after, limit).await {
            Err(error) => match *error.kind() {
                ErrorKind::Truncated { oldest } => oldest,
                _ => return self.compare(&question).await,
            },
            Ok(_) => return self.compare(&question).await,
        };
        self.digest.update(oldest.to_string().as_bytes());
        if let Ok(told) = ask(self.tried.db(), self.tried.overhead, &question).await {
            self.ledger
                .follow(self.tried.db())
                .await
                .map_err(Difference)?;
            let all = Ok(self.ledger.told_after(after));
            self.same(
                &format!("{question:?}, and of what was told before"),
                &all,
                &Ok(told),
            )?;
        }
        self.compare(&Question::Feed(oldest, limit)).await
    }

    fn same(&mut self, question: &str, model: &Answer, tried: &Answer) -> Result<(), Difference> {
        self.compared += 1;
        self.digest.update(format!("{model:?}").as_bytes());
        if model == tried {
            return Ok(());
        }
        Err(Difference(format!("{question}\n{}", apart(model, tried))))
    }

    /// A commit in one line.
    fn told(&self, commit: &Commit) -> String {
        if commit.check(&self.model.db().info().limits).is_err() {
            return format!("commit {}, which no store takes", commit.id);
        }
        format!("{commit:?}")
    }

    /// Reads everything once more, asks the store whether it finds itself whole, and closes both.
    pub(super) async fn end(&mut self) -> Result<(), Difference> {
        self.look(100).await?;
        let damage = self.tried.db().check().await?;
        if !damage.is_empty() {
            return Err(Difference(format!(
                "the store finds itself damaged: {damage:?}"
            )));
        }
        for side in [&mut self.tried, &mut self.model] {
            for handle in side.handles.drain(..) {
                handle.close().await?;
            }
        }
        Ok(())
    }
}

/// The first line in which two answers differ.
fn apart(model: &Answer, tried: &Answer) -> String {
    let (Ok(expected), Ok(found)) = (model, tried) else {
        return format!("      model: {model:?}\n      tried: {tried:?}");
    };
    let lines = expected.len().max(found.len());
    let none = "nothing more".to_owned();
    let line = |all: &[String], n: usize| all.get(n).unwrap_or(&none).clone();
    let differ = (0..lines)
        .find(|n| expected.get(*n) != found.get(*n))
        .unwrap_or(0);
    format!(
        "      model, line {differ} of {}: {}\n      tried, line {differ} of {}: {}",
        expected.len(),
        line(expected, differ),
        found.len(),
        line(found, differ)
    )
}
