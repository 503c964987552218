//! What operations on sessions do to the tables.

use super::operations::Applying;
use super::tables::{SessionRow, Tables};
use crate::commit::{CreateSession, Expectation, PatchSession};
use crate::error::{Actual, Error, ErrorKind, Result};
use crate::feed::ChangeKind;
use crate::id::SessionId;
use crate::receipt::Outcome;

impl<T: Tables + ?Sized> Applying<'_, T> {
    pub(super) fn create_session(&mut self, create: &CreateSession) -> Result<Outcome> {
        let epoch = match self.tables.session(&create.id)? {
            Some(row) if row.deleted.is_none() => return self.keep_session(row, create),
            Some(row) => create.epoch.max(row.epoch + 1),
            None => create.epoch,
        };
        self.tables.insert_session(&SessionRow {
            key: 0,
            id: create.id.clone(),
            created_at: create.created_at,
            revision: 1,
            epoch,
            body: create.body.clone(),
            deleted: None,
        })?;
        self.change(ChangeKind::SessionCreated, Some(&create.id), None, Some(1));
        Ok(Outcome::Session {
            created: true,
            revision: 1,
            epoch,
        })
    }

    /// A session that is there stays as it is, but for an epoch that must be higher.
    fn keep_session(&mut self, mut row: SessionRow, create: &CreateSession) -> Result<Outcome> {
        if create.must_be_new {
            let problem = "the session is there already";
            return Err(Error::new(ErrorKind::AlreadyExists, problem).with("session", &create.id));
        }
        if row.epoch < create.epoch {
            row.epoch = create.epoch;
            self.tables.update_session(&row)?;
            let (kind, epoch) = (ChangeKind::SessionClaimed, Some(row.epoch));
            self.change(kind, Some(&create.id), None, epoch);
        }
        Ok(Outcome::Session {
            created: false,
            revision: row.revision,
            epoch: row.epoch,
        })
    }

    pub(super) fn patch_session(&mut self, patch: &PatchSession) -> Result<Outcome> {
        let mut row = self.live_session(&patch.id)?;
        if row.revision != patch.revision {
            let expected = Expectation::SessionRevision(patch.id.clone(), patch.revision);
            return Err(Error::conflict(
                expected,
                Actual::Revision(Some(row.revision)),
            ));
        }
        row.revision += 1;
        row.body = patch.body.clone();
        self.tables.update_session(&row)?;
        self.change(
            ChangeKind::SessionPatched,
            Some(&patch.id),
            None,
            Some(row.revision),
        );
        Ok(Outcome::SessionPatched {
            revision: row.revision,
        })
    }

    pub(super) fn claim_session(&mut self, session: &SessionId) -> Result<Outcome> {
        let mut row = self.live_session(session)?;
        row.epoch += 1;
        self.tables.update_session(&row)?;
        self.change(
            ChangeKind::SessionClaimed,
            Some(session),
            None,
            Some(row.epoch),
        );
        Ok(Outcome::Claimed { epoch: row.epoch })
    }

    pub(super) fn delete_session(&mut self, session: &SessionId) -> Result<Outcome> {
        let Some(mut row) = self
            .tables
            .session(session)?
            .filter(|row| row.deleted.is_none())
        else {
            return Ok(Outcome::SessionDeleted { existed: false });
        };
        row.deleted = Some(self.time);
        self.tables.update_session(&row)?;
        self.deleted = true;
        self.change(
            ChangeKind::SessionDeleted,
            Some(session),
            None,
            Some(row.revision),
        );
        Ok(Outcome::SessionDeleted { existed: true })
    }
}
