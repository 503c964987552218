//! Going on from an older checkpoint, in a session of its own.

use super::draft::header_of;
use super::info::Body;
use super::{Checkpoint, Session};
use crate::checksum::{checksum, fingerprint};
use crate::commit::{Append, CreateSession, Fingerprint, Parent};
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId};
use crate::status::{Status, Trigger};

impl Session {
    /// Forks at a checkpoint: makes a new session whose first checkpoint has the same state, with the fork point as its
    /// parent. The state is not copied. Both sessions go their own ways from there.
    ///
    /// # Errors
    ///
    /// `NotFound`, `AlreadyExists` when there is such a session, `Corrupt` when the fork point is damaged.
    pub async fn fork<I, S>(&self, at: I, into: S) -> Result<Self>
    where
        I: TryInto<CheckpointId>,
        I::Error: Into<Error>,
        S: TryInto<SessionId>,
        S::Error: Into<Error>,
    {
        let store = self.store();
        let into = into.try_into().map_err(Into::into)?;
        let point = self.need(&at.try_into().map_err(Into::into)?).await?;
        let body = Body {
            forked_from: Some(point.id().clone()),
            ..Body::default()
        };
        let create = CreateSession {
            id: into.clone(),
            created_at: store.0.clock.now(),
            body: body.encode()?,
            epoch: 0,
            must_be_new: true,
        };
        let append = self.first_of_fork(point, &into)?;
        store
            .send(store.commit_of().with(create).with(append), "fork")
            .await?;
        Ok(Self::of(store, &into))
    }

    fn first_of_fork(&self, point: Checkpoint, into: &SessionId) -> Result<Append> {
        let store = self.store();
        let now = store.0.clock.now();
        let (header, mut description, payload) = point.into_parts();
        let payload = payload
            .ok_or_else(|| Error::storage("the backend left out the state of the fork point"))?;
        let mut append = Append {
            id: CheckpointId::from_uuid(store.0.ids.next()),
            session: into.clone(),
            parent: Parent::Id(header.id),
            enclosing: header.enclosing,
            revision: 1,
            created_at: now,
            updated_at: now,
            status: Status::Created,
            trigger: Trigger::BranchSwitch,
            worker: header.worker,
            tags: header.tags,
            step: header.step,
            pinned: false,
            length: header.length,
            origin: None,
            made: None,
            revive: false,
            fingerprint: Fingerprint([0; 16]),
            meta: bytes::Bytes::new(),
            payload,
        };
        description.reason.clear();
        description.checksum = None;
        append.fingerprint = fingerprint(&store.info().hasher, &append, &description)?;
        description.checksum = Some(checksum(&header_of(&append), &description)?);
        append.meta = description.encode()?;
        Ok(append)
    }
}
