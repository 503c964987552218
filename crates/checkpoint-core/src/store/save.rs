//! Saving a state.

use std::future::IntoFuture;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use serde_json::Value;

use super::draft::{Draft, State, check_content_type};
use super::{Session, Transaction};
use crate::clock::Timestamp;
use crate::commit::{Expectation, Parent};
use crate::description::{SchemaVersion, Section, StateDigest};
use crate::error::{Error, Result};
use crate::id::{CheckpointId, Tag, WorkerId};
use crate::receipt::{Outcome, Receipt};
use crate::status::{Durability, Status, Trigger};

/// A save: the state is encoded already; say what else there is to say, and await it.
///
/// It owns all it needs and can be spawned. A mistake made while building it, such as a tag with a control character,
/// is answered when it is awaited.
///
/// # Cancel safety
///
/// Dropping the future leaves the checkpoint saved or not saved, never half. Its id is chosen before the first
/// attempt: give one with [`id`](Self::id) to find out, or to save again without saving twice.
#[must_use = "a save does nothing until it is awaited"]
#[derive(Clone, Debug)]
pub struct Save {
    session: Session,
    draft: Result<Draft>,
}

/// What became of a save.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The id of the checkpoint.
    pub id: CheckpointId,
    /// Its number in the store.
    pub sequence: u64,
    /// The checkpoint it was made from.
    pub parent: Option<CheckpointId>,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// What holds now.
    pub durability: Durability,
    /// An earlier attempt had saved it already.
    pub replayed: bool,
    /// An earlier attempt had saved it, and it was deleted since.
    pub deleted: bool,
}

impl Saved {
    fn new(id: CheckpointId, receipt: &Receipt) -> Result<Self> {
        match receipt.outcomes.first() {
            Some(Outcome::Appended(appended)) => Ok(Self {
                id,
                sequence: appended.sequence,
                parent: appended.parent.clone(),
                committed_at: appended.committed_at,
                durability: receipt.durability,
                replayed: receipt.replayed,
                deleted: appended.deleted,
            }),
            _ => Err(Error::storage(
                "the backend did not say what became of the save",
            )),
        }
    }
}

impl Save {
    pub(super) fn new(session: Session, content_type: &str, encoded: Result<Bytes>) -> Self {
        let draft = encoded.map(|encoded| {
            let digest = StateDigest::of(&encoded);
            Draft::new(&session, content_type, State::Encoded(encoded), digest)
        });
        Self { session, draft }
    }

    pub(super) fn streamed(
        session: Session,
        content_type: &str,
        state: State,
        digest: StateDigest,
    ) -> Self {
        let draft = check_content_type(content_type)
            .map(|()| Draft::new(&session, content_type, state, digest));
        Self { session, draft }
    }

    pub(super) fn with_sections(self, sections: Vec<Section>) -> Self {
        self.edit(|draft| {
            draft.description.sections = sections;
            Ok(())
        })
    }

    fn edit(mut self, edit: impl FnOnce(&mut Draft) -> Result<()>) -> Self {
        if let Ok(draft) = &mut self.draft
            && let Err(error) = edit(draft)
        {
            self.draft = Err(error);
        }
        self
    }

    /// Under this id. Default: a new UUID. Saving the same under the same id again answers as the first time.
    pub fn id<I>(self, id: I) -> Self
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        self.edit(|draft| id.try_into().map(|id| draft.id = id).map_err(Into::into))
    }

    /// With a message.
    pub fn message(self, message: impl Into<String>) -> Self {
        self.edit(|draft| {
            draft.description.message = message.into();
            Ok(())
        })
    }

    /// With the title of the work it belongs to.
    pub fn title(self, title: impl Into<String>) -> Self {
        self.edit(|draft| {
            draft.description.title = title.into();
            Ok(())
        })
    }

    /// With one more tag.
    pub fn tag<T>(self, tag: T) -> Self
    where
        T: TryInto<Tag>,
        T::Error: Into<Error>,
    {
        self.edit(|draft| {
            let tag = tag.try_into().map_err(Into::into)?;
            if let Err(at) = draft.tags.binary_search(&tag) {
                draft.tags.insert(at, tag);
            }
            Ok(())
        })
    }

    /// With more tags.
    pub fn tags<T>(self, tags: impl IntoIterator<Item = T>) -> Self
    where
        T: TryInto<Tag>,
        T::Error: Into<Error>,
    {
        tags.into_iter().fold(self, Self::tag)
    }

    /// With something noted beside the state, under a key.
    pub fn metadata(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.edit(|draft| {
            draft.description.metadata.insert(key.into(), value.into());
            Ok(())
        })
    }

    /// With how far the work has come. Default: created.
    pub fn status(self, status: Status) -> Self {
        self.edit(|draft| {
            draft.status = status;
            Ok(())
        })
    }

    /// With the number of its step.
    pub fn step(self, step: u64) -> Self {
        self.edit(|draft| {
            draft.step = Some(step);
            Ok(())
        })
    }

    /// With a description of its step.
    pub fn step_description(self, description: impl Into<String>) -> Self {
        self.edit(|draft| {
            draft.description.step_description = description.into();
            Ok(())
        })
    }

    /// With what made the program save. Default: manual.
    pub fn trigger(self, trigger: Trigger) -> Self {
        self.edit(|draft| {
            draft.trigger = trigger;
            Ok(())
        })
    }

    /// Saved by itself, for a reason of the user's own.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        self.edit(|draft| {
            draft.trigger = Trigger::Custom;
            draft.description.reason = reason.into();
            Ok(())
        })
    }

    /// With the name of who saves.
    pub fn worker<W>(self, worker: W) -> Self
    where
        W: TryInto<WorkerId>,
        W::Error: Into<Error>,
    {
        self.edit(|draft| {
            worker
                .try_into()
                .map(|worker| draft.worker = Some(worker))
                .map_err(Into::into)
        })
    }

    /// Made from this checkpoint. Default: from the head of the session, as it is inside the commit.
    pub fn parent<I>(self, parent: I) -> Self
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        self.edit(|draft| {
            parent
                .try_into()
                .map(|id| draft.parent = Parent::Id(id))
                .map_err(Into::into)
        })
    }

    /// Made from nothing: it starts a history.
    pub fn no_parent(self) -> Self {
        self.edit(|draft| {
            draft.parent = Parent::None;
            Ok(())
        })
    }

    /// Within the work of this checkpoint, of any session.
    pub fn enclosing<I>(self, enclosing: I) -> Self
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        self.edit(|draft| {
            enclosing
                .try_into()
                .map(|id| draft.enclosing = Some(id))
                .map_err(Into::into)
        })
    }

    /// Kept by every retention policy.
    pub fn pinned(self) -> Self {
        self.edit(|draft| {
            draft.pinned = true;
            Ok(())
        })
    }

    /// Whose state has this shape, so that a later version of the program knows how to read it.
    pub fn schema(self, name: impl Into<String>, version: u64) -> Self {
        self.edit(|draft| {
            let name = name.into();
            if name.is_empty() {
                return Err(Error::invalid("a schema needs a name"));
            }
            draft.description.schema = Some(SchemaVersion { name, version });
            Ok(())
        })
    }

    /// Only if the head of the session is this checkpoint, or none; else `Conflict`.
    pub fn expect_head(self, head: Option<CheckpointId>) -> Self {
        let session = self.session.id().clone();
        self.edit(|draft| {
            draft.expectations.push(Expectation::Head(session, head));
            Ok(())
        })
    }

    pub(super) fn into_draft(self) -> Result<(Session, Draft)> {
        Ok((self.session, self.draft?))
    }

    /// A save is a transaction of one.
    async fn send(self) -> Result<Saved> {
        let (session, draft) = self.into_draft()?;
        let id = draft.id.clone();
        let (store, of) = (session.store().clone(), session.id().clone());
        let sent = Transaction::of_save(session, draft).send("save").await;
        sent.and_then(|receipt| Saved::new(id, &receipt))
            .map_err(|error| store.blame(error, "save").with("session", of))
    }
}

impl IntoFuture for Save {
    type Output = Result<Saved>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
