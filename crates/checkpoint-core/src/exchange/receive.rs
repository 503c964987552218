//! Taking what a source gives.
//!
//! Sessions are made first, in their order. Checkpoints follow in theirs, many a commit, the next ones made ready while
//! the last are written. A commit that the store refuses is taken apart, and each of its checkpoints is judged alone, so
//! that one that cannot be brought stops none beside it. At the end the counter rises to that of the source.

mod attachments;
mod batch;
mod carry;
mod judge;
mod sessions;

use std::fmt;
use std::sync::Arc;

use batch::{Batch, Ready, UnderWay};
use carry::Carrier;
use sessions::Sessions;

use super::report::{Progress, Received};
use super::source::{Arrival, Source};
use crate::backend::Backend;
use crate::commit::{Commit, Operation};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionId;
use crate::record::{Item, Parts, Record};
use crate::store::Store;

/// How often a checkpoint that is judged alone is tried again, when the store changed meanwhile.
const ATTEMPTS: usize = 4;

/// Who watches.
pub(crate) type Watcher = Arc<dyn Fn(&Progress) + Send + Sync>;

/// What to take, and how.
#[derive(Clone, Default)]
pub(crate) struct Receive {
    /// Only this session; none: all.
    pub(crate) session: Option<SessionId>,
    /// Make anew what was deleted in the target.
    pub(crate) revive: bool,
    /// Told after each commit.
    pub(crate) progress: Option<Watcher>,
}

impl fmt::Debug for Receive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            session,
            revive,
            progress,
        } = self;
        f.debug_struct("Receive")
            .field("session", session)
            .field("revive", revive)
            .field("progress", &progress.is_some())
            .finish()
    }
}

/// Brings what a source has to a store: what is not there is made, what is there at a lower revision is brought up, and
/// what cannot be brought is told and stops nothing else. Doing it again brings what is missing.
///
/// # Errors
///
/// Those that concern no single checkpoint: of the storage, a store that is closed, full, or opened for reading only.
/// Each commit until then is done, and doing it again goes on from there.
///
/// # Cancel safety
///
/// Dropping the future leaves the target with some of the commits done, each whole. Doing it again goes on from there.
pub(crate) async fn receive(
    source: &dyn Source,
    target: &Store,
    how: &Receive,
) -> Result<Received> {
    if target.info().read_only {
        let problem = "the store is open for reading only; open it for writing";
        return Err(target.blame(Error::new(ErrorKind::Denied, problem), source.doing()));
    }
    let receiver = Receiver {
        source,
        target,
        how,
        carrier: Carrier::new(source, target),
        sessions: Sessions::default(),
        fresh: target.sequence_for(source.doing()).await? == 0,
        received: Received::default(),
        progress: Progress::default(),
        building: Batch::default(),
        under_way: None,
    };
    receiver.run().await
}

struct Receiver<'a> {
    source: &'a dyn Source,
    target: &'a Store,
    how: &'a Receive,
    carrier: Carrier<'a>,
    sessions: Sessions,
    /// Nothing was ever in the target when this began, so that nothing needs to be looked up there.
    fresh: bool,
    received: Received,
    progress: Progress,
    building: Batch,
    under_way: Option<UnderWay>,
}

impl Receiver<'_> {
    async fn run(mut self) -> Result<Received> {
        // Read first: what is made there meanwhile may keep its sequence when this is done again.
        let newest = self.source.newest().await.map_err(|e| self.there(e))?;
        if self.how.progress.is_some() {
            self.progress.total = self.source.total().await.map_err(|e| self.there(e))?;
        }
        self.bring_sessions().await?;
        let mut after = 0;
        loop {
            let page = self.source.arrivals(after).await;
            let page = page.map_err(|error| self.there(error))?;
            self.page(page.items).await?;
            match page.next {
                Some(next) if next > after => after = next,
                Some(next) => {
                    let error =
                        Error::corrupt("the source does not go on in the order of sequences");
                    return Err(self.there(error.with("sequence", next)));
                }
                None => break,
            }
        }
        self.send().await?;
        self.settle().await?;
        let reached = self.target.sequence_for(self.source.doing()).await?;
        if self.how.session.is_none() && reached < newest {
            let commit = self.target.commit_of().with(Operation::Advance(newest));
            self.commit(commit).await?;
        }
        Ok(self.received)
    }

    async fn page(&mut self, items: Vec<Item<Arrival>>) -> Result<()> {
        let mut arrivals = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Found(arrival) if self.is_wanted(&arrival) => arrivals.push(arrival),
                Item::Corrupt(error) => {
                    let error = self.there(error);
                    self.received.refuse(None, None, error);
                    self.progress.done += 1;
                }
                Item::Found(_) | Item::Absent | Item::Deleted => {}
            }
        }
        let there = if self.fresh {
            Vec::new()
        } else {
            self.look_up(&arrivals).await?
        };
        let there = there.into_iter().chain(std::iter::repeat(Item::Absent));
        for (arrival, there) in arrivals.into_iter().zip(there) {
            self.take(arrival, there).await?;
        }
        Ok(())
    }

    fn is_wanted(&self, arrival: &Arrival) -> bool {
        let wanted = self.how.session.as_ref();
        wanted.is_none_or(|session| arrival.header.session == *session)
    }

    /// What the target has under the ids of what arrives.
    async fn look_up(&self, arrivals: &[Arrival]) -> Result<Vec<Item<Record>>> {
        let ids: Vec<_> = arrivals.iter().map(|it| it.header.id.clone()).collect();
        let items = self.target.backend().get(&ids, Parts::META).await;
        let items = items.map_err(|error| self.here(error))?;
        if items.len() == ids.len() {
            return Ok(items);
        }
        let error = Error::storage("the backend did not answer for each checkpoint");
        Err(self.here(error))
    }

    /// Makes a checkpoint ready, and sends what is ready when enough has come together.
    async fn take(&mut self, mut arrival: Arrival, there: Item<Record>) -> Result<()> {
        match self.plan(&arrival, there).await {
            Ok(Some(ready)) => {
                arrival.verified = None;
                self.building.push(arrival, ready);
                if self.building.is_full() {
                    self.send().await?;
                }
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::MissingChunks(_)) => {
                self.alone(arrival).await
            }
            Err(error) => self.refuse(&arrival, error),
        }
    }

    /// Sends what is ready. What was sent before it is done by then.
    async fn send(&mut self) -> Result<()> {
        self.settle().await?;
        let mut batch = std::mem::take(&mut self.building);
        if batch.is_empty() {
            return Ok(());
        }
        let commit = batch.commit(self.target.commit_of());
        let backend = Arc::clone(self.target.backend());
        self.under_way = Some(UnderWay::start(backend, commit, batch).await);
        Ok(())
    }

    /// Waits for what was sent.
    async fn settle(&mut self) -> Result<()> {
        let Some(under_way) = self.under_way.take() else {
            return Ok(());
        };
        let (batch, done) = under_way.end().await;
        match done {
            Ok(_) => {
                for (arrival, ready) in batch.members {
                    self.done(&arrival, ready).await?;
                }
            }
            Err(error) if is_about_content(&error) => {
                self.carrier.forget();
                for (arrival, _) in batch.members {
                    self.alone(arrival).await?;
                }
            }
            Err(error) => return Err(self.here(error)),
        }
        self.tell();
        Ok(())
    }

    /// Brings one checkpoint in a commit of its own, judged by what is there just now.
    async fn alone(&mut self, arrival: Arrival) -> Result<()> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let there = self.look_up(std::slice::from_ref(&arrival)).await?;
            let there = there.into_iter().next().unwrap_or(Item::Absent);
            let mut ready = match self.plan(&arrival, there).await {
                Ok(Some(ready)) => ready,
                Ok(None) => return Ok(()),
                Err(error) if matches!(error.kind(), ErrorKind::MissingChunks(_)) => {
                    self.carrier.forget();
                    last = Some(error);
                    continue;
                }
                Err(error) => return self.refuse(&arrival, error),
            };
            let mut commit = self.target.commit_of();
            ready.join(&mut commit);
            let Err(error) = self.commit(commit).await else {
                return self.done(&arrival, ready).await;
            };
            self.carrier.forget();
            match error.kind() {
                ErrorKind::NotFound => self.make_session(&arrival.header).await?,
                ErrorKind::MissingChunks(_) | ErrorKind::Conflict(_) => {}
                _ => return self.refuse(&arrival, error),
            }
            last = Some(error);
        }
        match last {
            Some(error) => self.refuse(&arrival, error),
            None => Ok(()),
        }
    }

    /// Counts what was done, and brings the attachments that had no room in the commit.
    async fn done(&mut self, arrival: &Arrival, ready: Ready) -> Result<()> {
        ready.count(&mut self.received);
        self.progress.done += 1;
        self.progress.bytes = self.received.bytes;
        for attachment in ready.late {
            let Some(attach) = self.attach(arrival, &attachment).await? else {
                continue;
            };
            match self.commit(self.target.commit_of().with(attach)).await {
                Err(error) if is_about_content(&error) => {
                    self.refuse_attachment(arrival, &attachment, error);
                }
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Leaves a checkpoint out for what is wrong with it. Any other error ends all.
    fn refuse(&mut self, arrival: &Arrival, error: Error) -> Result<()> {
        if !is_about_content(&error) {
            return Err(error);
        }
        let header = &arrival.header;
        let (id, session) = (header.id.clone(), header.session.clone());
        let error = error.with("checkpoint", &id);
        self.received.refuse(Some(id), Some(session), error);
        self.progress.done += 1;
        Ok(())
    }

    async fn commit(&self, commit: Commit) -> Result<crate::receipt::Receipt> {
        let done = self.target.backend().commit(commit).await;
        done.map_err(|error| self.here(error))
    }

    fn tell(&self) {
        if let Some(progress) = &self.how.progress {
            progress(&self.progress);
        }
    }

    /// An error of the target.
    fn here(&self, error: Error) -> Error {
        self.target.blame(error, self.source.doing())
    }

    /// An error of the source.
    fn there(&self, error: Error) -> Error {
        error
            .during(self.source.doing())
            .on(&Arc::from(self.source.label()))
    }
}

/// Whether an error tells that something cannot be taken as it is, and not that nothing can.
fn is_about_content(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::Conflict(_)
            | ErrorKind::MissingChunks(_)
            | ErrorKind::Corrupt
            | ErrorKind::Invalid
            | ErrorKind::TooLarge { .. }
            | ErrorKind::Unsupported
    )
}
