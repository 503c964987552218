//! Who does the steps.

use std::sync::Arc;

use checkpoint_core::{
    Backend, Budget, CheckpointId, Error, Outcome, Result, Save, Session, Severity, Store,
};
use std::time::Duration;

use super::choice::{choose, made_with};
use super::ids::StepIds;
use super::ledger::Acknowledged;
use super::model::Model;
use super::seed::Seed;
use super::step::{At, New, SHARED, Step};

/// Calls of `maintain` in one sweep.
const SWEEP_STEPS: usize = 8;

/// Makes what the writers share. Done again it changes nothing.
///
/// # Errors
///
/// Those of the backend.
pub async fn prepare(backend: Arc<dyn Backend>) -> Result<()> {
    Store::new(backend).session(SHARED).await.map(drop)
}

/// Does one step after the other.
#[derive(Debug)]
pub struct Writer {
    number: usize,
    seed: Seed,
    store: Store,
    ids: StepIds,
    model: Model,
    next: u64,
}

impl Writer {
    /// The writer with this number, which has done so many steps.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, seed: Seed, number: usize, done: u64) -> Self {
        let ids = StepIds::new(seed.of(number as u64));
        Self {
            number,
            seed,
            store: Store::builder(backend).ids(ids.clone()).build(),
            ids,
            model: made_with(seed, number, done),
            next: done,
        }
    }

    /// Does the next step, or the same once more when it failed. A step that was done already changes nothing.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    pub async fn step(&mut self) -> Result<Acknowledged> {
        let step = choose(self.seed, self.number, self.next, &self.model);
        self.ids.begin(self.next);
        let sequences = self.perform(&step).await?;
        self.model.apply(&step);
        self.next += 1;
        Ok(Acknowledged {
            writer: self.number,
            step: self.next - 1,
            sequences,
        })
    }

    /// Answers the sequences of the checkpoints that were made.
    async fn perform(&self, step: &Step) -> Result<Vec<u64>> {
        match step {
            Step::Begin { session } => {
                self.store.session(session.as_str()).await?;
            }
            Step::Save(new) => return Ok(vec![self.save(new).await?.await?.sequence]),
            Step::Transaction { saves, deleted } => {
                return self.transaction(saves, deleted.as_ref()).await;
            }
            Step::Tag { at, tag } => {
                let session = self.session(&at.session).await?;
                session.tag(at.id.as_str(), tag.as_str()).await?;
            }
            Step::Annotate { at, note } => {
                let session = self.session(&at.session).await?;
                let id = CheckpointId::new(&at.id)?;
                session.annotate(&id, note, Severity::Info, "").await?;
            }
            Step::Delete(at) => {
                let session = self.session(&at.session).await?;
                session.delete(at.id.as_str()).await?;
            }
            Step::Fork { at, into } => {
                let session = self.session(&at.session).await?;
                let fork = session.fork(at.id.as_str(), into.as_str()).await?;
                let root = fork.latest().await?;
                let root = root.ok_or_else(|| Error::storage("a fork has no checkpoint"))?;
                return Ok(vec![root.sequence()]);
            }
            Step::Claim { session } => {
                self.session(session).await?.claim().await?;
            }
            Step::DeleteSession { session } => {
                self.store.delete_session(session.as_str()).await?;
            }
            Step::Sweep => self.sweep().await?,
        }
        Ok(Vec::new())
    }

    async fn session(&self, id: &str) -> Result<Session> {
        self.store.session(id).existing().await
    }

    async fn save(&self, new: &New) -> Result<Save> {
        let session = self.session(&new.at.session).await?;
        Ok(session.save(&new.state.text()).id(new.at.id.as_str()))
    }

    async fn transaction(&self, saves: &[New], deleted: Option<&At>) -> Result<Vec<u64>> {
        let mut transaction = self.store.transaction();
        for new in saves {
            transaction = transaction.save(self.save(new).await?);
        }
        if let Some(at) = deleted {
            let session = self.session(&at.session).await?;
            transaction = transaction.delete(&session, CheckpointId::new(&at.id)?);
        }
        let receipt = transaction.commit().await?;
        let appended = receipt.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Appended(appended) => Some(appended.sequence),
            _ => None,
        });
        Ok(appended.collect())
    }

    async fn sweep(&self) -> Result<()> {
        let budget = Budget::default().with_grace(Duration::ZERO).with_rows(200);
        for _ in 0..SWEEP_STEPS {
            if !self.store.maintain(&budget).await?.more {
                break;
            }
        }
        Ok(())
    }
}
