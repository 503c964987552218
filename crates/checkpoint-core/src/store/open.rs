//! Opening a session.

use std::future::IntoFuture;

use futures_core::future::BoxFuture;
use serde_json::Value;

use super::info::Body;
use super::{Session, Store};
use crate::commit::CreateSession;
use crate::engine::within;
use crate::error::Result;
use crate::id::SessionId;

/// Opens a session. Await it; by default a session that is not there is made.
///
/// A session that is damaged is there, and is opened: its checkpoints can be read and it can be gone on with, as far as
/// the storage knows what it needs. [`Session::info`] tells the damage.
#[must_use = "a session is not opened until it is awaited"]
#[derive(Clone, Debug)]
pub struct OpenSession {
    store: Store,
    id: Result<SessionId>,
    body: Body,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    GetOrCreate,
    Existing,
    CreateNew,
}

impl OpenSession {
    pub(super) fn new(store: Store, id: Result<SessionId>) -> Self {
        Self {
            store,
            id,
            body: Body::default(),
            how: How::GetOrCreate,
        }
    }

    /// Only if it is there, else `NotFound`.
    pub fn existing(mut self) -> Self {
        self.how = How::Existing;
        self
    }

    /// Only if it is not there, else `AlreadyExists`.
    pub fn create_new(mut self) -> Self {
        self.how = How::CreateNew;
        self
    }

    /// With this name, when it is made.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.body.name = name.into();
        self
    }

    /// With something noted about it, when it is made.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.metadata.insert(key.into(), value.into());
        self
    }

    async fn open(self) -> Result<Session> {
        let Self {
            store,
            id,
            body,
            how,
        } = self;
        let session = Session::of(&store, &id?);
        if how != How::CreateNew && session.is_there().await? {
            return Ok(session);
        }
        if how == How::Existing {
            return Err(session.absent());
        }
        let limits = session.store().info().limits;
        let encoded = body.encode()?;
        within(
            "name and metadata of a session",
            encoded.len() as u64,
            limits.metadata,
        )?;
        let create = CreateSession {
            id: session.id().clone(),
            created_at: session.store().0.clock.now(),
            body: encoded,
            epoch: 0,
            must_be_new: how == How::CreateNew,
        };
        let commit = session.store().commit_of().with(create);
        session.store().send(commit, "create session").await?;
        Ok(session)
    }
}

impl IntoFuture for OpenSession {
    type Output = Result<Session>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}
