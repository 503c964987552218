//! What must hold of a checkpoint.

use crate::clock::Timestamp;
use crate::id::{CheckpointId, Tag, WorkerId};
use crate::record::Header;
use crate::status::{Status, Trigger};

/// What must hold of a checkpoint to be listed. Everything that is set must hold; the default holds for all that
/// are not quarantined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// With an id that starts so, as ids are written.
    pub id_start: Option<String>,
    /// At least one of these tags, unless empty.
    pub any_tag: Vec<Tag>,
    /// All of these tags.
    pub all_tags: Vec<Tag>,
    /// One of these, unless empty.
    pub statuses: Vec<Status>,
    /// One of these, unless empty.
    pub triggers: Vec<Trigger>,
    /// Saved by this worker.
    pub worker: Option<WorkerId>,
    /// With this parent.
    pub parent: Option<CheckpointId>,
    /// With this enclosing checkpoint.
    pub enclosing: Option<CheckpointId>,
    /// Pinned, or not.
    pub pinned: Option<bool>,
    /// Committed at this time or later, where it was made.
    pub committed_from: Option<Timestamp>,
    /// Committed at this time or earlier, where it was made.
    pub committed_until: Option<Timestamp>,
    /// Last updated at this time or earlier.
    pub updated_until: Option<Timestamp>,
    /// Quarantined ones too.
    pub quarantined: bool,
}

impl Filter {
    /// Whether it holds for a checkpoint.
    #[must_use]
    pub fn matches(&self, header: &Header) -> bool {
        let one_of =
            |list: &[Tag]| list.is_empty() || list.iter().any(|tag| header.tags.contains(tag));
        self.id_start
            .as_ref()
            .is_none_or(|start| header.id.starts_with(start))
            && one_of(&self.any_tag)
            && self.all_tags.iter().all(|tag| header.tags.contains(tag))
            && (self.statuses.is_empty() || self.statuses.contains(&header.status))
            && (self.triggers.is_empty() || self.triggers.contains(&header.trigger))
            && self
                .worker
                .as_ref()
                .is_none_or(|worker| header.worker.as_ref() == Some(worker))
            && self
                .parent
                .as_ref()
                .is_none_or(|parent| header.parent.as_ref() == Some(parent))
            && self
                .enclosing
                .as_ref()
                .is_none_or(|id| header.enclosing.as_ref() == Some(id))
            && self.pinned.is_none_or(|pinned| header.pinned == pinned)
            && self
                .committed_from
                .is_none_or(|from| header.as_of() >= from)
            && self
                .committed_until
                .is_none_or(|until| header.as_of() <= until)
            && self
                .updated_until
                .is_none_or(|until| header.updated_at <= until)
            && (self.quarantined || !header.quarantined)
    }
}
