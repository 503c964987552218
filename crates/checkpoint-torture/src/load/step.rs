//! What a writer can do.

use super::state::State;

/// The session to which all writers save.
pub(super) const SHARED: &str = "shared";

/// One step: one commit, but for a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Makes the writer's own session.
    Begin {
        session: String,
    },
    Save(New),
    /// Two saves and a deletion in one transaction.
    Transaction {
        saves: [New; 2],
        deleted: Option<At>,
    },
    Tag {
        at: At,
        tag: String,
    },
    Annotate {
        at: At,
        note: String,
    },
    Delete(At),
    Fork {
        at: At,
        into: String,
    },
    Claim {
        session: String,
    },
    DeleteSession {
        session: String,
    },
    /// Gives space back while others write.
    Sweep,
}

/// A checkpoint to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct New {
    pub(super) at: At,
    pub(super) state: State,
}

/// A checkpoint by name, and its session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) session: String,
    pub(super) id: String,
}

/// A writer's name, which its own session has too and all its ids begin with.
pub(super) fn name(writer: usize) -> String {
    format!("w{writer}")
}
