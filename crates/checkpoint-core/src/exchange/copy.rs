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
///
/// # Cancel safety
///
/// Dropping the future leaves the target with some of the commits done, each whole. Copying again goes on from there.
#[must_use = "nothing is copied until it is awaited"]
#[derive(Clone)]
pub struct CopyStore {
    source: Store,
    target: Store,
    session: Result<Option<SessionId>>,
    how: Receive,
}

impl Store {
    /// Copies what is in this store into another, of whatever backend: await it, or say first what of it.
    ///
    /// Ids, sequences, commit times, revisions and the order stay; so do sessions with their names and epochs, forks,
    /// attachments and what is set aside. Where the target has come further already, a checkpoint is given the next
    /// sequence there and keeps its own as its [origin](crate::Header::origin), so that ["as of"](crate::Session::as_of)
    /// a time answers as before. Every state is compared with its digest on the way. What is damaged, or what the target
    /// has with another content, is told in the answer and stops nothing else.
    ///
    /// Copying again brings what came since, and what a copy that was interrupted had not brought: what is there already
    /// is left, what is there at a lower revision is brought up. What was deleted in the target stays deleted.
    /// `docs/moving.md` tells what becomes of owners, and what is not copied.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use checkpoint_core::{MemoryBackend, Store};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (old, new) = (Store::new(Arc::new(MemoryBackend::new())), Store::new(Arc::new(MemoryBackend::new())));
    /// let session = old.session("research-42").await?;
    /// let saved = session.save(&vec![1, 2, 3]).message("plan agreed").await?;
    ///
    /// let received = old.copy_to(&new).progress(|progress| println!("{} copied", progress.done)).await?;
    /// assert_eq!((received.checkpoints, received.refused), (1, 0));
    /// assert_eq!(new.get(saved.id).await?.unwrap().message(), "plan agreed");
    ///
    /// session.save(&vec![1, 2, 3, 4]).await?;
    /// let received = old.copy_to(&new).await?;
    /// assert_eq!((received.checkpoints, received.skipped), (1, 1));
    /// # Ok::<(), checkpoint_core::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Awaiting it: `Invalid` for a store and itself, `NotFound` for a session that is not there, `Denied` for a target that is open for reading only, and those of
    /// either storage. Commits until then are done, each whole.
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
        if let Some(session) = &how.session {
            source.session(session.clone()).existing().await?;
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
