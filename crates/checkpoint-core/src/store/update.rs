//! Changing a checkpoint.

use std::future::IntoFuture;

use futures_core::future::BoxFuture;
use serde_json::Value;

use super::draft::check_description;
use super::{Checkpoint, Session};
use crate::checksum::checksum;
use crate::clock::Timestamp;
use crate::commit::Update;
use crate::description::Description;
use crate::error::{Actual, Error, Result};
use crate::id::{CheckpointId, Tag, WorkerId};
use crate::limits::Limits;
use crate::receipt::Outcome;
use crate::record::Header;
use crate::status::Status;

/// How often a change is made again on a newer revision, when the caller does not care on which.
const ATTEMPTS: usize = 32;

/// A change of a checkpoint. What is not said stays; await it, and it answers the new revision. At the seam it becomes
/// the operation [`Update`], in which all is said.
///
/// It is made on the newest revision, and made again when somebody else was quicker, unless
/// [`if_revision`](Self::if_revision) says on which.
#[must_use = "a change is not made until it is awaited"]
#[derive(Clone, Debug)]
pub struct UpdateCheckpoint {
    session: Session,
    id: Result<CheckpointId>,
    revision: Option<u64>,
    edits: Vec<Edit>,
}

#[derive(Clone, Debug)]
enum Edit {
    Message(String),
    Title(String),
    Step(u64),
    StepDescription(String),
    Status(Status),
    Worker(Result<WorkerId>),
    Tag(Result<Tag>),
    Untag(Result<Tag>),
    Pinned(bool),
    Metadata(String, Option<Value>),
    ReplaceMetadata(serde_json::Map<String, Value>),
}

impl UpdateCheckpoint {
    fn new(session: Session, id: Result<CheckpointId>) -> Self {
        Self {
            session,
            id,
            revision: None,
            edits: Vec::new(),
        }
    }

    fn edit(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// Only on this revision, else `Conflict`.
    pub fn if_revision(mut self, revision: u64) -> Self {
        self.revision = Some(revision);
        self
    }

    /// Another message.
    pub fn message(self, message: impl Into<String>) -> Self {
        self.edit(Edit::Message(message.into()))
    }

    /// Another title.
    pub fn title(self, title: impl Into<String>) -> Self {
        self.edit(Edit::Title(title.into()))
    }

    /// Another number of the step.
    pub fn step(self, step: u64) -> Self {
        self.edit(Edit::Step(step))
    }

    /// Another description of the step.
    pub fn step_description(self, description: impl Into<String>) -> Self {
        self.edit(Edit::StepDescription(description.into()))
    }

    /// Another status.
    pub fn status(self, status: Status) -> Self {
        self.edit(Edit::Status(status))
    }

    /// Another worker.
    pub fn worker<W>(self, worker: W) -> Self
    where
        W: TryInto<WorkerId>,
        W::Error: Into<Error>,
    {
        self.edit(Edit::Worker(worker.try_into().map_err(Into::into)))
    }

    /// One more tag.
    pub fn tag<T>(self, tag: T) -> Self
    where
        T: TryInto<Tag>,
        T::Error: Into<Error>,
    {
        self.edit(Edit::Tag(tag.try_into().map_err(Into::into)))
    }

    /// One tag less.
    pub fn untag<T>(self, tag: T) -> Self
    where
        T: TryInto<Tag>,
        T::Error: Into<Error>,
    {
        self.edit(Edit::Untag(tag.try_into().map_err(Into::into)))
    }

    /// Kept by every retention policy, or not.
    pub fn pinned(self, pinned: bool) -> Self {
        self.edit(Edit::Pinned(pinned))
    }

    /// Something noted under a key, in place of what was.
    pub fn metadata(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.edit(Edit::Metadata(key.into(), Some(value.into())))
    }

    /// Nothing noted under a key.
    pub fn remove_metadata(self, key: impl Into<String>) -> Self {
        self.edit(Edit::Metadata(key.into(), None))
    }

    /// All that is noted, in place of what was.
    pub fn replace_metadata(self, metadata: serde_json::Map<String, Value>) -> Self {
        self.edit(Edit::ReplaceMetadata(metadata))
    }

    async fn send(self) -> Result<u64> {
        let Self {
            session,
            id,
            revision,
            edits,
        } = self;
        let (id, store) = (id?, session.store());
        let blame = |error: Error| store.blame(error, "update");
        let now = store.0.clock.now();
        let base = store.commit_of();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let checkpoint = session.need(&id).await.map_err(blame)?;
            let mut update =
                operation(checkpoint, &edits, now, &store.info().limits).map_err(blame)?;
            update.revision = revision.unwrap_or(update.revision);
            let mut commit = base.clone().with(update);
            commit.expectations = session.fence();
            match store.0.backend.commit(commit).await {
                Ok(receipt) => {
                    return match receipt.outcomes.first() {
                        Some(Outcome::Updated { revision }) => Ok(*revision),
                        _ => Err(blame(Error::storage(
                            "the backend did not say what became of the update",
                        ))),
                    };
                }
                Err(error) if revision.is_none() && attempt < ATTEMPTS && overtaken(&error) => {}
                Err(error) => return Err(blame(error)),
            }
        }
    }
}

/// Whether somebody else changed the checkpoint between reading and writing.
fn overtaken(error: &Error) -> bool {
    error
        .as_conflict()
        .is_some_and(|conflict| matches!(conflict.actual, Actual::Revision(Some(_))))
}

/// The update that makes these edits on a checkpoint as it is.
fn operation(
    checkpoint: Checkpoint,
    edits: &[Edit],
    now: Timestamp,
    limits: &Limits,
) -> Result<Update> {
    let (mut header, mut description, _) = checkpoint.into_parts();
    for edit in edits {
        edit.apply(&mut header, &mut description)?;
    }
    check_description(&description, limits)?;
    let revision = header.revision;
    header.revision += 1;
    header.updated_at = now.max(header.updated_at);
    description.checksum = Some(checksum(&header, &description)?);
    Ok(Update {
        session: header.session,
        id: header.id,
        revision,
        becomes: None,
        updated_at: header.updated_at,
        status: header.status,
        worker: header.worker,
        tags: header.tags,
        step: header.step,
        pinned: header.pinned,
        meta: description.encode()?,
        state: None,
    })
}

impl Edit {
    fn apply(&self, header: &mut Header, description: &mut Description) -> Result<()> {
        match self {
            Self::Message(message) => description.message.clone_from(message),
            Self::Title(title) => description.title.clone_from(title),
            Self::Step(step) => header.step = Some(*step),
            Self::StepDescription(text) => description.step_description.clone_from(text),
            Self::Status(status) => header.status = *status,
            Self::Worker(worker) => header.worker = Some(worker.clone()?),
            Self::Tag(tag) => {
                let tag = tag.clone()?;
                if let Err(at) = header.tags.binary_search(&tag) {
                    header.tags.insert(at, tag);
                }
            }
            Self::Untag(tag) => {
                if let Ok(at) = header.tags.binary_search(&tag.clone()?) {
                    header.tags.remove(at);
                }
            }
            Self::Pinned(pinned) => header.pinned = *pinned,
            Self::Metadata(key, Some(value)) => {
                description.metadata.insert(key.clone(), value.clone());
            }
            Self::Metadata(key, None) => {
                description.metadata.remove(key);
            }
            Self::ReplaceMetadata(metadata) => description.metadata.clone_from(metadata),
        }
        Ok(())
    }
}

impl IntoFuture for UpdateCheckpoint {
    type Output = Result<u64>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Session {
    /// Changes a checkpoint: say what, and await it.
    ///
    /// ```no_run
    /// # async fn example(session: checkpoint_core::Session) -> checkpoint_core::Result<()> {
    /// let revision = session.update("cp_task_1_3_1700000000").tag("reviewed").pinned(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update<I>(&self, id: I) -> UpdateCheckpoint
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        UpdateCheckpoint::new(self.clone(), id.try_into().map_err(Into::into))
    }

    /// Adds a tag to a checkpoint.
    ///
    /// # Errors
    ///
    /// `NotFound`, and `Invalid` for what is no tag.
    pub async fn tag<I, T>(&self, id: I, tag: T) -> Result<()>
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
        T: TryInto<Tag>,
        T::Error: Into<Error>,
    {
        self.update(id).tag(tag).await.map(drop)
    }

    /// Removes a tag from a checkpoint. Removing one that is not there is no error.
    ///
    /// # Errors
    ///
    /// `NotFound`, and `Invalid` for what is no tag.
    pub async fn untag<I, T>(&self, id: I, tag: T) -> Result<()>
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
        T: TryInto<Tag>,
        T::Error: Into<Error>,
    {
        self.update(id).untag(tag).await.map(drop)
    }

    /// Has every retention policy keep a checkpoint, or no longer.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn pin<I>(&self, id: I, pinned: bool) -> Result<()>
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        self.update(id).pinned(pinned).await.map(drop)
    }
}
