//! A session: the history of one agent, job or workflow.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::draft::check_content_type;
use super::info::{Body, SessionInfo};
use super::{Checkpoint, List, Save, Store};
use crate::clock::Timestamp;
use crate::commit::{Delete, Expectation, Note, NoteKind, Operation, PatchSession};
use crate::engine::within;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId};
use crate::query::{Order, Query, SessionQuery};
use crate::receipt::Outcome;
use crate::record::{Item, Parts, SessionRecord};

/// A session of a store. A cheap handle.
#[derive(Clone, Debug)]
pub struct Session {
    store: Store,
    id: SessionId,
    /// The epoch that every commit of this handle expects, when it was claimed.
    epoch: Option<u64>,
}

impl Session {
    pub(super) fn of(store: &Store, id: &SessionId) -> Self {
        Self {
            store: store.clone(),
            id: id.clone(),
            epoch: None,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// The store it is in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The epoch under which this handle owns the session, if it claimed it.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// The same session under an epoch that was claimed elsewhere, such as by an earlier process: commits through the
    /// handle that this answers are refused unless the session still has that epoch.
    #[must_use]
    pub fn with_epoch(&self, epoch: u64) -> Self {
        Self {
            epoch: Some(epoch),
            ..self.clone()
        }
    }

    /// What is known of it.
    ///
    /// # Errors
    ///
    /// `NotFound` when it was deleted.
    pub async fn info(&self) -> Result<SessionInfo> {
        let record = self.record().await?.ok_or_else(|| self.absent())?;
        SessionInfo::from_record(record)
    }

    async fn item(&self) -> Result<Item<SessionRecord>> {
        let query = SessionQuery::one(self.id.clone());
        let page = self.store.0.backend.sessions(&query).await;
        let mut page = page.map_err(|error| self.store.blame(error, "session"))?;
        Ok(page.items.pop().unwrap_or(Item::Absent))
    }

    pub(super) async fn record(&self) -> Result<Option<SessionRecord>> {
        let item = self.item().await?;
        item.into_option()
            .map_err(|error| self.store.blame(error, "session"))
    }

    /// Whether it is there, be it damaged.
    pub(super) async fn is_there(&self) -> Result<bool> {
        let item = self.item().await?;
        Ok(matches!(item, Item::Found(_) | Item::Corrupt(_)))
    }

    pub(super) fn absent(&self) -> Error {
        self.store.blame(
            Error::not_found("no such session").with("session", &self.id),
            "session",
        )
    }

    /// Gives it another name, or other metadata; what is none stays.
    ///
    /// # Errors
    ///
    /// `NotFound` when it was deleted, `Conflict` when somebody else changed it at the same time.
    pub async fn describe(
        &self,
        name: Option<String>,
        metadata: Option<Map<String, Value>>,
    ) -> Result<()> {
        let info = self.info().await?;
        let body = Body {
            name: name.unwrap_or(info.name),
            metadata: metadata.unwrap_or(info.metadata),
            forked_from: info.forked_from,
        };
        let body = body.encode()?;
        within(
            "name and metadata of a session",
            body.len() as u64,
            self.store.info().limits.metadata,
        )?;
        let mut commit = self.store.commit_of().with(PatchSession {
            id: self.id.clone(),
            revision: info.revision,
            body,
        });
        commit.expectations = self.fence();
        self.store.send(commit, "describe session").await?;
        Ok(())
    }

    /// Becomes the owner: commits through any handle that claimed it earlier are refused from now on, and those through
    /// the handle that this answers are refused once another claims it.
    ///
    /// # Errors
    ///
    /// `NotFound` when it was deleted.
    pub async fn claim(&self) -> Result<Self> {
        let commit = self
            .store
            .commit_of()
            .with(Operation::ClaimSession(self.id.clone()));
        let receipt = self.store.send(commit, "claim").await?;
        match receipt.outcomes.first() {
            Some(Outcome::Claimed { epoch }) => Ok(Self {
                epoch: Some(*epoch),
                ..self.clone()
            }),
            _ => Err(Error::storage(
                "the backend did not say what became of the claim",
            )),
        }
    }

    /// What every commit of this handle expects.
    pub(super) fn fence(&self) -> Vec<Expectation> {
        self.epoch
            .map(|epoch| Expectation::Epoch(self.id.clone(), epoch))
            .into_iter()
            .collect()
    }

    /// Saves a state, encoded at once by the codec of the store.
    ///
    /// ```no_run
    /// # async fn example(session: checkpoint_core::Session) -> checkpoint_core::Result<()> {
    /// let saved = session.save(&vec![1, 2, 3]).message("plan agreed").tag("plan").await?;
    /// println!("{} is number {}", saved.id, saved.sequence);
    /// # Ok(())
    /// # }
    /// ```
    pub fn save<T: Serialize + ?Sized>(&self, state: &T) -> Save {
        let codec = self.store.0.codec;
        let encoded = codec.encode(state, &self.store.info().limits);
        Save::new(self.clone(), codec.content_type(), encoded.map(Bytes::from))
    }

    /// Saves bytes as they are, under a content type of the user's own.
    pub fn save_bytes(&self, content_type: &str, bytes: impl Into<Bytes>) -> Save {
        let bytes = check_content_type(content_type).map(|()| bytes.into());
        Save::new(self.clone(), content_type, bytes)
    }

    /// The newest checkpoint; none when there is none.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged.
    pub async fn latest(&self) -> Result<Option<Checkpoint>> {
        self.newest(Query::default()).await
    }

    /// The state of the newest checkpoint; none when there is none.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::state`].
    pub async fn latest_as<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        match self.latest().await? {
            Some(checkpoint) => checkpoint.state().await.map(Some),
            None => Ok(None),
        }
    }

    /// The checkpoint that was the newest at a time; none when there was none yet.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged.
    pub async fn as_of(&self, time: Timestamp) -> Result<Option<Checkpoint>> {
        let mut query = Query::default();
        query.filter.committed_until = Some(time);
        self.newest(query).await
    }

    /// The checkpoint that was the newest when the store had given this sequence; none when there was none yet.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged.
    pub async fn at_sequence(&self, sequence: u64) -> Result<Option<Checkpoint>> {
        self.newest(Query {
            sequences: 0..=sequence,
            ..Query::default()
        })
        .await
    }

    async fn newest(&self, query: Query) -> Result<Option<Checkpoint>> {
        let mut query = Query {
            session: Some(self.id.clone()),
            parts: Parts::ALL,
            limit: 1,
            ..query
        };
        query.order = Order::Descending;
        loop {
            let page = self.store.0.backend.scan(&query).await;
            let mut page = page.map_err(|error| self.store.blame(error, "latest"))?;
            match page.items.pop() {
                Some(item) => {
                    let record = item
                        .into_option()
                        .map_err(|error| self.store.blame(error, "latest"))?;
                    return record
                        .map(|record| Checkpoint::from_record(&self.store, record))
                        .transpose();
                }
                // A page may be empty and not the last: a filter was judged on rows that did not match.
                None if page.next.is_some() => query.after = page.next,
                None => return Ok(None),
            }
        }
    }

    /// A checkpoint of this session by its id; none when it is not there or belongs to another session.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged, `Invalid` for what is no id.
    pub async fn get<I>(&self, id: I) -> Result<Option<Checkpoint>>
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        let checkpoint = self.store.get(id).await?;
        Ok(checkpoint.filter(|checkpoint| *checkpoint.session() == self.id))
    }

    pub(super) async fn need(&self, id: &CheckpointId) -> Result<Checkpoint> {
        self.get(id).await?.ok_or_else(|| {
            Error::not_found("no such checkpoint in this session")
                .with("checkpoint", id)
                .with("session", &self.id)
        })
    }

    /// Its checkpoints, newest first. Await it, or narrow it first.
    pub fn list(&self) -> List {
        List::new(self.store.clone(), Some(self.id.clone()))
    }

    /// Reads a checkpoint and its state, all of it verified, and records that it was restored. The head stays.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Corrupt` when it is damaged, and then nothing is recorded.
    pub async fn restore<I>(&self, id: I) -> Result<Checkpoint>
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        let checkpoint = self.need(&id.try_into().map_err(Into::into)?).await?;
        checkpoint.bytes().await?;
        let note = Note {
            session: self.id.clone(),
            checkpoint: Some(checkpoint.id().clone()),
            kind: NoteKind::Restored,
        };
        let mut commit = self.store.commit_of().with(note);
        commit.expectations = self.fence();
        self.store.send(commit, "restore").await?;
        Ok(checkpoint)
    }

    /// Deletes a checkpoint; answers whether it was there. Checkpoints made from it keep its id.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no id, and those of the storage.
    pub async fn delete<I>(&self, id: I) -> Result<bool>
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
    {
        let id = id.try_into().map_err(Into::into)?;
        let mut commit = self.store.commit_of().with(Delete {
            session: self.id.clone(),
            id,
        });
        commit.expectations = self.fence();
        let receipt = self.store.send(commit, "delete").await?;
        Ok(matches!(
            receipt.outcomes.first(),
            Some(Outcome::Deleted { existed: true })
        ))
    }
}
