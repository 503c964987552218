//! What a commit did.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{CheckpointId, CommitId};
use crate::record::Position;
use crate::status::Durability;

/// What a commit did, and how durable it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The commit.
    pub commit: CommitId,
    /// Position of its first change; of the newest change of the store when it made none.
    pub first: Position,
    /// Position of its last change; likewise.
    pub last: Position,
    /// What holds now that it returned.
    pub durability: Durability,
    /// One for each operation, in their order.
    pub outcomes: Vec<Outcome>,
    /// The commit had been done before, and this answers as it did then.
    pub replayed: bool,
    /// How far the store's clock lay behind its newest commit, whose time was taken instead.
    pub clock_behind: Option<Duration>,
}

impl Receipt {
    /// The answer of a flush: it did nothing, and this holds of all up to a position.
    #[must_use]
    pub const fn of_flush(commit: CommitId, position: Position, durability: Durability) -> Self {
        Self {
            commit,
            first: position,
            last: position,
            durability,
            outcomes: Vec::new(),
            replayed: false,
            clock_behind: None,
        }
    }
}

/// What one operation did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A checkpoint was made.
    Appended(Appended),
    /// A checkpoint has this revision now.
    Updated {
        /// The new revision.
        revision: u64,
    },
    /// A checkpoint is gone.
    Deleted {
        /// Whether it was there.
        existed: bool,
    },
    /// An attachment was put or removed.
    Attached {
        /// Whether there was one before.
        existed: bool,
    },
    /// A session is there.
    Session {
        /// Whether this commit made it.
        created: bool,
        /// Its revision.
        revision: u64,
        /// Its epoch.
        epoch: u64,
    },
    /// A session has this revision now.
    SessionPatched {
        /// The new revision.
        revision: u64,
    },
    /// A session is owned by who sent the commit.
    Claimed {
        /// What the owner expects from now on.
        epoch: u64,
    },
    /// A session is gone.
    SessionDeleted {
        /// Whether it was there.
        existed: bool,
    },
    /// It was recorded.
    Noted,
    /// A named record has this version now.
    RecordPut {
        /// The new version; of a removed record, the one it had last.
        version: u64,
    },
    /// An object was sealed anew.
    Resealed {
        /// Whether the object was there.
        existed: bool,
    },
    /// A checkpoint was set aside or taken back.
    Quarantined {
        /// Whether it was there.
        existed: bool,
    },
    /// The counter was raised, unless it stood higher.
    Advanced {
        /// Where it stands.
        sequence: u64,
    },
}

/// What an append was given inside the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its sequence.
    pub sequence: u64,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// Its parent, as taken inside the commit.
    pub parent: Option<CheckpointId>,
    /// It had been made by an earlier attempt and was deleted since; it is not made again.
    pub deleted: bool,
}
