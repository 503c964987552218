//! Sessions, which are made before the checkpoints in them.

use std::collections::{HashMap, HashSet};

use super::{Receiver, is_about_content};
use crate::backend::Backend;
use crate::commit::{Commit, CreateSession, PatchSession};
use crate::engine::within;
use crate::error::Result;
use crate::id::{CheckpointId, SessionId};
use crate::query::{Cursor, SessionQuery};
use crate::receipt::Outcome;
use crate::record::{Header, Item, Parts, SessionRecord};
use crate::store::SessionInfo;

/// Sessions that were deleted in the target and are made again only when a checkpoint needs them: at most so many.
const PUT_OFF: usize = 1_024;
/// Bytes of names and metadata in a commit.
const BYTES: usize = 1 << 20;

/// How far sessions have been brought.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Where the last page began; sessions that are made meanwhile come behind it.
    last: Option<Cursor>,
    begun: bool,
    put_off: HashMap<SessionId, SessionRecord>,
}

impl Receiver<'_> {
    /// Brings all that are told from where it ended the last time, if there was one.
    pub(super) async fn bring_sessions(&mut self) -> Result<()> {
        let mut told_before = std::mem::replace(&mut self.sessions.begun, true);
        loop {
            let page = self.source.sessions(self.sessions.last.clone()).await;
            let page = page.map_err(|error| self.there(error))?;
            let mut sessions = Vec::with_capacity(page.items.len());
            for item in page.items {
                match item.and_then(|session| self.check_session(session)) {
                    Item::Found(session) if self.is_wanted_session(&session) => {
                        sessions.push(session);
                    }
                    // What is wrong on the page with which it ended was told then.
                    Item::Corrupt(error) if !told_before => {
                        let error = self.there(error);
                        self.received.refuse(None, None, error);
                    }
                    Item::Found(_) | Item::Corrupt(_) | Item::Absent | Item::Deleted => {}
                }
            }
            told_before = false;
            let sessions = self.put_off(sessions).await?;
            self.make_all(sessions).await?;
            match page.next {
                Some(next) => self.sessions.last = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn is_wanted_session(&self, session: &SessionRecord) -> bool {
        let wanted = self.how.session.as_ref();
        wanted.is_none_or(|wanted| session.id == *wanted)
    }

    /// It must be what a writer could have made.
    fn check_session(&self, session: SessionRecord) -> Result<SessionRecord> {
        let limits = &self.target.info().limits;
        let size = session.body.len() as u64;
        let checked = within("name and metadata of a session", size, limits.metadata)
            .and_then(|()| SessionInfo::from_record(session.clone()))
            .and_then(|_| {
                Commit::new(self.target.commit_of().id)
                    .with(create(&session))
                    .check(limits)
            });
        match checked {
            Ok(()) => Ok(session),
            Err(error) => Err(error.with("session", &session.id)),
        }
    }

    /// Those that are to be made now. One that was deleted in the target waits until a checkpoint needs it: its newest
    /// tells, being remembered as deleted while the session is not there.
    async fn put_off(&mut self, sessions: Vec<SessionRecord>) -> Result<Vec<SessionRecord>> {
        if self.fresh || self.how.revive {
            return Ok(sessions);
        }
        let heads = sessions.iter().filter_map(|it| it.head.as_ref());
        let heads: Vec<CheckpointId> = heads.map(|head| head.id.clone()).collect();
        let found = self.target.backend().get(&heads, Parts::HEADER).await;
        let found = found.map_err(|error| self.here(error))?;
        let gone = heads.into_iter().zip(found);
        let gone = gone.filter(|(_, item)| matches!(item, Item::Deleted));
        let gone: HashSet<_> = gone.map(|(id, _)| id).collect();
        let mut now = Vec::with_capacity(sessions.len());
        for session in sessions {
            let is_gone = session
                .head
                .as_ref()
                .is_some_and(|it| gone.contains(&it.id));
            if is_gone && !self.has_session(&session.id).await? {
                if self.sessions.put_off.len() < PUT_OFF {
                    self.sessions.put_off.insert(session.id.clone(), session);
                }
            } else {
                now.push(session);
            }
        }
        Ok(now)
    }

    /// Makes sessions, many a commit. One that is there keeps what it has, but for a lower epoch, and for name and
    /// metadata that were changed more often in the source.
    async fn make_all(&mut self, sessions: Vec<SessionRecord>) -> Result<()> {
        let mut rest = &sessions[..];
        while !rest.is_empty() {
            let mut size = 0;
            let fits = |session: &&SessionRecord| {
                size += session.body.len();
                size <= BYTES
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (some, later) = rest.split_at(count);
            rest = later;
            self.make_some(some).await?;
        }
        Ok(())
    }

    /// Makes sessions in one commit, or each in one of its own when the target does not take all of them.
    async fn make_some(&mut self, sessions: &[SessionRecord]) -> Result<()> {
        let mut commit = self.target.commit_of();
        commit.operations = sessions.iter().map(|it| create(it).into()).collect();
        let receipt = match self.commit(commit).await {
            Ok(receipt) => receipt,
            Err(error) if !is_about_content(&error) => return Err(error),
            Err(error) => {
                if let [session] = sessions {
                    let id = Some(session.id.clone());
                    self.received.refuse(None, id, error);
                    return Ok(());
                }
                for session in sessions.chunks(1) {
                    Box::pin(self.make_some(session)).await?;
                }
                return Ok(());
            }
        };
        for (session, outcome) in sessions.iter().zip(receipt.outcomes) {
            match outcome {
                Outcome::Session { created: true, .. } => self.received.sessions += 1,
                _ => self.describe(session).await?,
            }
        }
        Ok(())
    }

    /// Brings name and metadata of a session that is there.
    async fn describe(&mut self, session: &SessionRecord) -> Result<()> {
        let Item::Found(there) = self.session(&session.id).await? else {
            return Ok(());
        };
        if there.body == session.body || there.revision >= session.revision {
            return Ok(());
        }
        let patch = PatchSession {
            id: session.id.clone(),
            revision: there.revision,
            body: session.body.clone(),
        };
        match self.commit(self.target.commit_of().with(patch)).await {
            // Somebody else changed it just now.
            Err(error) if is_about_content(&error) => {
                self.received.refuse(None, Some(session.id.clone()), error);
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// A session of the target.
    async fn session(&self, id: &SessionId) -> Result<Item<SessionRecord>> {
        let query = SessionQuery::one(id.clone());
        let page = self.target.backend().sessions(&query).await;
        let mut page = page.map_err(|error| self.here(error))?;
        Ok(page.items.pop().unwrap_or(Item::Absent))
    }

    /// Whether the target has a session, be it damaged.
    async fn has_session(&self, id: &SessionId) -> Result<bool> {
        let item = self.session(id).await?;
        Ok(matches!(item, Item::Found(_) | Item::Corrupt(_)))
    }

    /// Makes the session of a checkpoint that turned out not to be there: one that was put off, or made in the source
    /// since, else one of which nothing is known but the checkpoint.
    pub(super) async fn make_session(&mut self, of: &Header) -> Result<()> {
        if let Some(session) = self.sessions.put_off.remove(&of.session) {
            return self.make_all(vec![session]).await;
        }
        self.bring_sessions().await?;
        if self.has_session(&of.session).await? {
            return Ok(());
        }
        let create = CreateSession {
            id: of.session.clone(),
            created_at: of.created_at,
            body: bytes::Bytes::new(),
            epoch: 0,
            must_be_new: false,
        };
        self.commit(self.target.commit_of().with(create)).await?;
        self.received.sessions += 1;
        Ok(())
    }
}

fn create(session: &SessionRecord) -> CreateSession {
    CreateSession {
        id: session.id.clone(),
        created_at: session.created_at,
        body: session.body.clone(),
        epoch: session.epoch,
        must_be_new: false,
    }
}
