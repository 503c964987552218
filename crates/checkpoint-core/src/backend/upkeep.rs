//! What a step of upkeep may do, and what it did.

use std::time::Duration;

/// How much a call of [`Backend::maintain`](super::Backend::maintain) may do, and what is old enough to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Rows to look at in one step. Default: 2,000.
    pub rows: usize,
    /// How long a chunk to which nothing refers is kept after it was sent or relied on. Default: one hour.
    pub grace: Duration,
    /// How long changes, commit ids and tombstones are kept; the feed may tell what costs nothing to keep for longer.
    /// Default: 7 days.
    pub window: Duration,
    /// Whether to return free space to the system, which may rewrite much. Default: no.
    pub compact: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            rows: 2_000,
            grace: Duration::from_secs(60 * 60),
            window: Duration::from_secs(7 * 24 * 60 * 60),
            compact: false,
        }
    }
}

impl Budget {
    /// With another number of rows a step.
    #[must_use]
    pub const fn with_rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// With another grace for chunks.
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// With another window.
    #[must_use]
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Returning free space to the system, or not.
    #[must_use]
    pub const fn with_compact(mut self, compact: bool) -> Self {
        self.compact = compact;
        self
    }
}

/// What a call of [`Backend::maintain`](super::Backend::maintain) did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaintainStep {
    /// Call again.
    pub more: bool,
    /// Rows of deleted sessions that were removed.
    pub purged: u64,
    /// Changes, commit ids and tombstones that fell out of the window.
    pub trimmed: u64,
    /// Chunks that were removed.
    pub swept: u64,
    /// Bytes of their stored forms.
    pub swept_bytes: u64,
    /// Chunks were not swept, since something is damaged that may refer to any of them. `Store::verify` names it; once
    /// it is set aside, deleted or restored, the sweep goes on.
    pub unswept: bool,
    /// A session was left with what is in it, since it is damaged and may not be deleted at all. `Store::verify` names
    /// it.
    pub unpurged: bool,
}
