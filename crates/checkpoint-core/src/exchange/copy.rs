//! Copying one store into another.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::receive::{Receive, receive};
use super::report::{Progress, Received};
use super::store_source::StoreSource;
use crate::error::{Error, Result};
use crate::id::SessionId;
use crate::store::Store;

/// A copy of a store, or of a session, into another store. Await it, or say first what of it.
#[must_use = "nothing is copied until it is awaited"]
#[derive(Clone)]
pub struct CopyStore {
    source: Store,
    target: Store,
    session: Result<Option<SessionId>>,
    how: Receive,
}

impl Store {
    /// Copies what is in this store into another.
    pub fn copy_to(&self, target: &Self) -> CopyStore {
        CopyStore {
            source: self.clone(),
            target: target.clone(),
            session: Ok(None),
            how: Receive::default(),
        }
    }
}

impl CopyStore {
    /// Only this session.
    pub fn session<I>(mut self, session: I) -> Self
    where
        I: TryInto<SessionId>,
        I::Error: Into<Error>,
    {
        self.session = session.try_into().map(Some).map_err(Into::into);
        self
    }

    /// Makes anew what was deleted in the target, if its deletion is still remembered there. Default: it stays deleted.
    pub fn revive(mut self, revive: bool) -> Self {
        self.how.revive = revive;
        self
    }

    /// Calls this after each commit.
    pub fn progress(mut self, watcher: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.how.progress = Some(Arc::new(watcher));
        self
    }

    async fn run(self) -> Result<Received> {
        let Self {
            source,
            target,
            session,
            mut how,
        } = self;
        how.session = session.map_err(|error| source.blame(error, "copy"))?;
        let (from, to) = (source.info(), target.info());
        if Arc::ptr_eq(source.backend(), target.backend())
            || (from.id == to.id && from.label == to.label)
        {
            let problem = "a store cannot be copied into itself; give another as the target";
            return Err(source.blame(Error::invalid(problem), "copy"));
        }
        let from = StoreSource::new(source.backend().as_ref(), how.session.clone());
        receive(&from, &target, &how).await
    }
}

impl fmt::Debug for CopyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyStore")
            .field("source", &self.source)
            .field("target", &self.target)
            .field("session", &self.session)
            .field("how", &self.how)
            .finish()
    }
}

impl IntoFuture for CopyStore {
    type Output = Result<Received>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
