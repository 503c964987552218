//! What a commit expects of the store as it is.

use std::fmt;

use super::Sealed;
use crate::id::{CheckpointId, RecordName, SessionId};

/// What must hold when a commit begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expectation {
    /// The head of the session is this checkpoint; none: it has no checkpoint.
    Head(SessionId, Option<CheckpointId>),
    /// The checkpoint is at this revision.
    Revision(CheckpointId, u64),
    /// The session is at this revision.
    SessionRevision(SessionId, u64),
    /// The epoch of the session is this one. One that is not there has none, and whoever expects one is refused.
    Epoch(SessionId, u64),
    /// The named record is at this version; none: it is not there, because it never was or because it was removed.
    Version(RecordName, Option<u64>),
    /// BLAKE3 of the stored bytes of the object is this one.
    Sealed(Sealed, [u8; 32]),
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(session, Some(id)) => write!(f, "head {id} of session {session}"),
            Self::Head(session, None) => write!(f, "no checkpoint in session {session}"),
            Self::Revision(id, n) => write!(f, "revision {n} of checkpoint {id}"),
            Self::SessionRevision(session, n) => write!(f, "revision {n} of session {session}"),
            Self::Epoch(session, n) => write!(f, "epoch {n} of session {session}"),
            Self::Version(name, Some(n)) => write!(f, "version {n} of record {name}"),
            Self::Version(name, None) => write!(f, "no record {name}"),
            Self::Sealed(target, _) => write!(f, "other bytes of {target:?}"),
        }
    }
}
