//! What happened, in order.

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{CheckpointId, CommitId, SessionId};
use crate::record::{Item, Position};
use crate::status::{Status, numbered};

/// A page of the feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Found or corrupt, oldest first.
    pub items: Vec<Item<Change>>,
    /// The position of the last item, after which the next page starts; the one asked with when there is no item.
    pub end: Position,
}

impl Feed {
    /// Nothing after a position.
    #[must_use]
    pub const fn nothing(after: Position) -> Self {
        Self {
            items: Vec::new(),
            end: after,
        }
    }

    /// The changes, if all can be read.
    ///
    /// # Errors
    ///
    /// What is wrong with the first that cannot.
    pub fn whole(self) -> Result<Vec<Change>> {
        let items = self.items.into_iter();
        items
            .filter_map(|item| item.into_option().transpose())
            .collect()
    }
}

/// One change of a store: ids and numbers, never content.
///
/// What found nothing to do makes no change: creating a session that is there, deleting what is not, removing an
/// attachment or a record that is not there, setting aside what is set aside, taking back what is not, sealing anew,
/// putting a record that [is silent](crate::RecordName::is_silent), advancing the counter to no more than it is. What did something makes one, also when the content is as before: an update and a patch raise a revision, a claim an epoch,
/// putting a record its version, and putting an attachment is told in any case.
///
/// Changes of one commit stand together, its appends first, and no answer splits them but at a change that is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it stands.
    pub position: Position,
    /// The position of the first change of its commit.
    pub first: Position,
    /// What happened.
    pub kind: ChangeKind,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// The commit; none for an append, which is derived from its checkpoint.
    pub commit: Option<CommitId>,
    /// The session it happened in; none when it concerns the store.
    pub session: Option<SessionId>,
    /// The checkpoint it happened to.
    pub checkpoint: Option<CheckpointId>,
    /// The status of the checkpoint just after.
    pub status: Option<Status>,
    /// Just after: the revision of the checkpoint or session; the epoch for a claim; the version of a record.
    pub revision: Option<u64>,
}

numbered!(
    /// What a [`Change`] tells.
    ChangeKind {
        /// A checkpoint was made.
        Created = 1, "created";
        /// A checkpoint was changed.
        Updated = 2, "updated";
        /// A checkpoint was changed, and is completed since.
        Completed = 3, "completed";
        /// A checkpoint was changed, and is failed since.
        Failed = 4, "failed";
        /// A checkpoint was restored.
        Restored = 5, "restored";
        /// A checkpoint was deleted.
        Deleted = 6, "deleted";
        /// An attachment of a checkpoint was put or removed.
        Attached = 7, "attached";
        /// A checkpoint was set aside or taken back.
        Quarantined = 8, "quarantined";
        /// A session was created.
        SessionCreated = 16, "session_created";
        /// Name or metadata of a session were changed.
        SessionPatched = 17, "session_patched";
        /// A session was claimed.
        SessionClaimed = 18, "session_claimed";
        /// A session was deleted, with all its checkpoints.
        SessionDeleted = 19, "session_deleted";
        /// A session was compacted.
        SessionCompacted = 20, "session_compacted";
        /// One of the store's own records was put or removed.
        RecordPut = 32, "record_put";
        /// The counter was raised to the sequence at which this stands.
        Advanced = 33, "advanced";
    }
);

impl ChangeKind {
    /// The kind of an update that brought a checkpoint from one status to another.
    #[must_use]
    pub fn of_update(before: Status, after: Status) -> Self {
        match after {
            Status::Completed if before != after => Self::Completed,
            Status::Failed if before != after => Self::Failed,
            _ => Self::Updated,
        }
    }
}
