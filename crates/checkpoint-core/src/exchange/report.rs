//! What became of what was brought.

use crate::error::Error;
use crate::id::{CheckpointId, SessionId};

/// Refusals that are told in full.
const TOLD: usize = 10_000;

/// What became of the checkpoints that were brought to a store.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Received {
    /// Sessions that were made.
    pub sessions: u64,
    /// Checkpoints that were made.
    pub checkpoints: u64,
    /// Checkpoints that were there at a lower revision, or lacked an attachment, and are now as they come.
    pub updated: u64,
    /// Checkpoints that were there already, as they come or at a higher revision.
    pub skipped: u64,
    /// Checkpoints that were left out, since they were deleted in the store.
    pub deleted: u64,
    /// Checkpoints, sessions and attachments that could not be brought.
    pub refused: u64,
    /// Why, for each; of very many only the first.
    pub refusals: Vec<Refused>,
    /// Bytes of encoded states of the checkpoints that were made or updated.
    pub bytes: u64,
}

/// What could not be brought, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The checkpoint, when its id is known; the error names what else is.
    pub checkpoint: Option<CheckpointId>,
    /// Its session, or the one that was refused.
    pub session: Option<SessionId>,
    /// What is wrong.
    pub error: Error,
}

/// How far it has come, told after each commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Checkpoints that were looked at and are done with, whatever became of them.
    pub done: u64,
    /// How many there are, as far as anybody knows; more may have come since.
    pub total: Option<u64>,
    /// Bytes of encoded states that were brought.
    pub bytes: u64,
}

impl Received {
    /// Whether nothing was refused.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.refused == 0
    }

    pub(crate) fn refuse(
        &mut self,
        checkpoint: Option<CheckpointId>,
        session: Option<SessionId>,
        error: Error,
    ) {
        self.refused += 1;
        if self.refusals.len() < TOLD {
            self.refusals.push(Refused {
                checkpoint,
                session,
                error,
            });
        }
    }
}
