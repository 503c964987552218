//! The handles that programs use: a [`Store`], and a [`Session`] in it.

mod annotate;
mod backup;
mod builder;
mod checkpoint;
mod compare;
mod draft;
mod feed;
mod fork;
mod info;
mod list;
mod open;
mod place;
mod save;
mod schema;
mod sections;
mod session;
mod stream;
mod transaction;
mod update;
mod verify;
mod witness;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::backend::{Backend, Budget, MaintainStep, Stats, StoreInfo};
use crate::clock::{Clock, IdSource, SystemClock, SystemIds, Timestamp};
use crate::codec::Codec;
use crate::commit::Commit;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, CommitId, SessionId};
use crate::query::{Cursor, SessionQuery};
use crate::receipt::{Outcome, Receipt};
use crate::record::{Item, Parts, Position};

pub(crate) use annotate::ANNOTATION;
pub(crate) use draft::check_description;
pub(crate) use place::{Placed, Placer, offload};

pub use annotate::{Annotation, Severity};
pub use backup::{Backup, BackupReport};
pub use builder::StoreBuilder;
pub use checkpoint::Checkpoint;
pub use compare::Comparison;
pub use feed::Changes;
pub(crate) use info::Body;
pub use info::{SessionInfo, SessionListing};
pub use list::{List, Listing, Summary};
pub use open::OpenSession;
pub use save::{Save, Saved};
pub use schema::Schema;
pub use sections::Sections;
pub use session::Session;
pub use stream::StateReader;
pub use transaction::Transaction;
pub use update::UpdateCheckpoint;
pub use verify::{Finding, Recovery, Verify, VerifyReport};
pub use witness::{BlockFinding, CheckWitness, Explanation, MakeWitness, Witness, WitnessReport};

/// A store of checkpoints.
///
/// A cheap handle: clones share everything. All calls are safe from many tasks and threads at once.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    codec: Codec,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    placer: place::Placer,
    schemas: Vec<Schema>,
}

impl Store {
    /// A store on a backend, with default settings.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self::builder(backend).build()
    }

    /// A store on a backend, with settings.
    pub fn builder(backend: Arc<dyn Backend>) -> StoreBuilder {
        StoreBuilder {
            backend,
            codec: Codec::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            cache: 64 << 20,
            schemas: Vec::new(),
        }
    }

    /// What this store is.
    #[must_use]
    pub fn info(&self) -> &StoreInfo {
        self.0.backend.info()
    }

    /// The backend, for what this handle has no word for.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
    }

    /// A session, made when it is not there. Await it, or say first what must hold.
    ///
    /// ```no_run
    /// # async fn example(store: checkpoint_core::Store) -> checkpoint_core::Result<()> {
    /// let session = store.session("research-42").await?;
    /// let known = store.session("research-42").existing().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn session<I>(&self, id: I) -> OpenSession
    where
        I: TryInto<SessionId>,
        I::Error: Into<Error>,
    {
        OpenSession::new(self.clone(), id.try_into().map_err(Into::into))
    }

    /// A session with a new id of its own.
    pub fn new_session(&self) -> OpenSession {
        OpenSession::new(self.clone(), Ok(SessionId::from_uuid(self.0.ids.next()))).create_new()
    }

    /// The sessions, oldest first, at most `limit` of them after where a page ended.
    ///
    /// # Errors
    ///
    /// `Invalid` for a cursor of another question, and those of the storage.
    pub async fn sessions(&self, limit: usize, after: Option<Cursor>) -> Result<SessionListing> {
        let query = SessionQuery {
            limit,
            after,
            ..SessionQuery::default()
        };
        let page = self
            .0
            .backend
            .sessions(&query)
            .await
            .map_err(|error| self.blame(error, "list sessions"))?;
        let mut listing = SessionListing {
            sessions: Vec::new(),
            damaged: Vec::new(),
            next: page.next,
        };
        for item in page.items {
            match item.and_then(SessionInfo::from_record) {
                Item::Found(session) => listing.sessions.push(session),
                Item::Corrupt(error) => listing.damaged.push(error),
                Item::Absent | Item::Deleted => {}
            }
        }
        Ok(listing)
    }

    /// Deletes a session with all its checkpoints; answers whether it was there. Forks of it keep all they need.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no id, and those of the storage.
    pub async fn delete_session<I>(&self, id: I) -> Result<bool>
    where
        I: TryInto<SessionId>,
        I::Error: Into<Error>,
    {
        let id = id.try_into().map_err(Into::into)?;
        let commit = self
            .commit_of()
            .with(crate::commit::Operation::DeleteSession(id.clone()));
        let receipt = self.send(commit, "delete session").await?;
        self.0.placer.forget(&id);
        Ok(matches!(
            receipt.outcomes.first(),
            Some(Outcome::SessionDeleted { existed: true })
        ))
    }

    /// A checkpoint by its id, in whatever session; none when it is not there.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged, `Invalid` for what is no id, and those of the storage.
    pub async fn get<I>(&self, id: I) -> Result<Option<Checkpoint>>
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        let id = id.try_into().map_err(Into::into)?;
        self.read(&id, Parts::ALL).await
    }

    /// Checkpoints of all sessions, newest first. Await it, or narrow it first.
    pub fn list(&self) -> List {
        List::new(self.clone(), None)
    }

    /// Several operations in one commit: all are done, or none.
    pub fn transaction(&self) -> Transaction {
        Transaction::new(self.clone())
    }

    /// The highest sequence given so far, also when its checkpoint is deleted; 0 when there was none.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn sequence(&self) -> Result<u64> {
        self.sequence_for("sequence").await
    }

    /// As [`sequence`](Self::sequence), for whoever does something else with it.
    pub(crate) async fn sequence_for(&self, doing: &'static str) -> Result<u64> {
        Ok(self.position_for(doing).await?.sequence)
    }

    /// The position of the newest change.
    async fn position_for(&self, doing: &'static str) -> Result<Position> {
        let position = self.0.backend.changed(Position::START, Duration::ZERO);
        position.await.map_err(|error| self.blame(error, doing))
    }

    /// Checks every checkpoint: checksum, state, chunks. Await it, or narrow it first.
    pub fn verify(&self) -> Verify {
        Verify::new(self.clone())
    }

    /// Copies the store to a file that is not there yet, while others go on to read and write, and checks the copy before
    /// it has its name. The copy is a store of its own with the same id. Await it, or say who hears how far it is.
    ///
    /// ```no_run
    /// # async fn example(store: checkpoint_core::Store) -> checkpoint_core::Result<()> {
    /// let backup = store.backup("/backups/agent-2026-11-21.db").await?;
    /// assert!(backup.verified.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Awaited it answers a [`BackupReport`], or `Unsupported` where the backend has no way to do it, `AlreadyExists` when
    /// something has the name, and the errors of the storage.
    pub fn backup(&self, to: impl Into<PathBuf>) -> Backup {
        Backup::new(self.clone(), to.into())
    }

    /// Counts what is there.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn stats(&self) -> Result<Stats> {
        self.0
            .backend
            .stats()
            .await
            .map_err(|error| self.blame(error, "stats"))
    }

    /// Gives space back, a step at a time; call again while it says that there is more.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn maintain(&self, budget: &Budget) -> Result<MaintainStep> {
        self.0
            .backend
            .maintain(budget)
            .await
            .map_err(|error| self.blame(error, "maintain"))
    }

    /// Returns when all that was acknowledged is as durable as the store can make it.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn flush(&self) -> Result<Receipt> {
        self.0
            .backend
            .flush()
            .await
            .map_err(|error| self.blame(error, "flush"))
    }

    /// Finishes commits under way and lets go of the store, for all clones of this handle.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn close(&self) -> Result<()> {
        self.0
            .backend
            .close()
            .await
            .map_err(|error| self.blame(error, "close"))
    }

    /// The same settings on another backend, or on the same one: nothing is kept of what is read through it.
    fn on(&self, backend: Arc<dyn Backend>) -> Self {
        let inner = &self.0;
        StoreBuilder {
            backend,
            codec: inner.codec,
            clock: Arc::clone(&inner.clock),
            ids: Arc::clone(&inner.ids),
            cache: 0,
            schemas: inner.schemas.clone(),
        }
        .build()
    }

    /// Whether there is such a session, be it damaged.
    pub(crate) async fn has_session(&self, id: &SessionId) -> Result<bool> {
        Session::of(self, id).is_there().await
    }

    /// The time, by the clock of this handle.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// An id that was never given before.
    pub(crate) fn new_id(&self) -> Uuid {
        self.0.ids.next()
    }

    pub(crate) fn commit_of(&self) -> Commit {
        Commit::new(CommitId::from_uuid(self.0.ids.next()))
    }

    /// Sends a commit that brings no state.
    async fn send(&self, commit: Commit, operation: &'static str) -> Result<Receipt> {
        self.0
            .backend
            .commit(commit)
            .await
            .map_err(|error| self.blame(error, operation))
    }

    /// Says on which store and in which operation an error occurred.
    pub(crate) fn blame(&self, error: Error, operation: &'static str) -> Error {
        error.during(operation).on(&self.info().label)
    }

    /// A checkpoint by id, with the parts asked for; a description is always read.
    async fn read(&self, id: &CheckpointId, parts: Parts) -> Result<Option<Checkpoint>> {
        let items = self
            .0
            .backend
            .get(
                std::slice::from_ref(id),
                Parts {
                    meta: true,
                    ..parts
                },
            )
            .await;
        let item = items.map_err(|error| self.blame(error, "get"))?.pop();
        let Some(item) = item else { return Ok(None) };
        match item
            .into_option()
            .map_err(|error| self.blame(error, "get"))?
        {
            Some(record) => Checkpoint::from_record(self, record).map(Some),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.info().label)
    }
}
