//! Who claims a session and works on it until it is another's.

use std::sync::Arc;

use checkpoint_core::{
    Actual, Backend, CheckpointId, Error, Result, Session, SessionId, Severity, Store,
};

use super::title::Title;
use super::words::{Deed, What};
use crate::load::{Seed, StepIds};

/// Does one deed after the other, each under the ids that it has however often it is tried.
pub(super) struct Owner {
    store: Store,
    ids: StepIds,
    seed: Seed,
    step: u64,
    machine: u64,
    session: String,
    /// The handle that was claimed, with its epoch.
    held: Option<(Session, u64)>,
    /// Of the newest checkpoint.
    number: u64,
    /// Whether it was made under this epoch.
    mine: bool,
}

impl Owner {
    /// One that has done nothing yet. Nobody else may have the same seed and machine.
    pub(super) fn new(backend: Arc<dyn Backend>, seed: Seed, machine: u64, session: &str) -> Self {
        let ids = StepIds::new(seed);
        Self {
            store: Store::builder(backend).ids(ids.clone()).build(),
            ids,
            seed,
            step: 0,
            machine,
            session: session.to_owned(),
            held: None,
            number: 0,
            mine: false,
        }
    }

    /// Becomes the owner. The session is there.
    pub(super) async fn claim(&mut self) -> Result<Deed> {
        self.ids.begin(self.step);
        let session = SessionId::new(&self.session)?;
        let session = self.store.session(session).existing().await?;
        let claimed = session.claim().await?;
        let epoch = claimed
            .epoch()
            .ok_or_else(|| Error::storage("a claim gives no epoch"))?;
        self.step += 1;
        self.held = Some((claimed, epoch));
        self.mine = false;
        Ok(self.deed(epoch, What::Claimed))
    }

    /// Reads from where to go on.
    pub(super) async fn catch_up(&mut self) -> Result<()> {
        let (session, _) = self.held()?;
        self.number = match session.latest().await? {
            None => 0,
            Some(latest) => {
                let title: Title = latest.id().to_string().parse().map_err(Error::storage)?;
                let state: String = latest.state().await?;
                if state != title.state(seed_of(&self.session)) {
                    return Err(Error::storage("the newest state is not what was saved")
                        .with("checkpoint", latest.id()));
                }
                title.number
            }
        };
        Ok(())
    }

    /// Does the next deed, or the same once more when it failed. That it was refused by the epoch is an answer too.
    pub(super) async fn act(&mut self) -> Result<Deed> {
        let (session, epoch) = self.held()?;
        self.ids.begin(self.step);
        let done = match self.seed.of(self.step).below(10) {
            0 if self.mine => self.tag(&session, epoch).await,
            1 if self.mine => self.note(&session, epoch).await,
            _ => self.save(&session, epoch).await,
        };
        let what = match done {
            Err(error) if is_of_epoch(&error) => What::Refused,
            done => done?,
        };
        self.step += 1;
        if let What::Saved { number, .. } = what {
            (self.number, self.mine) = (number, true);
        }
        Ok(self.deed(epoch, what))
    }

    async fn save(&self, session: &Session, epoch: u64) -> Result<What> {
        let number = self.number + 1;
        let title = self.title(epoch, number);
        let state = title.state(seed_of(&self.session));
        let saved = session.save(&state).id(title.to_string()).await?;
        let sequence = saved.sequence;
        Ok(What::Saved { number, sequence })
    }

    async fn tag(&self, session: &Session, epoch: u64) -> Result<What> {
        let number = self.number;
        let title = self.title(epoch, number).to_string();
        session.tag(title, format!("tag-{}", self.step)).await?;
        Ok(What::Tagged { number })
    }

    async fn note(&self, session: &Session, epoch: u64) -> Result<What> {
        let number = self.number;
        let id = CheckpointId::new(self.title(epoch, number).to_string())?;
        session
            .annotate(&id, "as it should be", Severity::Info, "")
            .await?;
        Ok(What::Noted { number })
    }

    fn held(&self) -> Result<(Session, u64)> {
        let held = self.held.clone();
        held.ok_or_else(|| Error::invalid("nothing was claimed yet"))
    }

    fn title(&self, epoch: u64, number: u64) -> Title {
        Title {
            session: self.session.clone(),
            epoch,
            machine: self.machine,
            number,
        }
    }

    fn deed(&self, epoch: u64, what: What) -> Deed {
        Deed {
            session: self.session.clone(),
            epoch,
            what,
        }
    }
}

/// What the states of a session follow from, whoever saves them.
pub(super) fn seed_of(session: &str) -> Seed {
    let bytes = session.bytes();
    bytes.fold(Seed(0), |seed, byte| seed.of(u64::from(byte)))
}

fn is_of_epoch(error: &Error) -> bool {
    let conflict = error.as_conflict();
    conflict.is_some_and(|conflict| matches!(conflict.actual, Actual::Epoch(_)))
}
