//! Backends that are broken on purpose, around a sound one: each harness must catch those that are there for it.

mod acknowledges_first;
mod forgets_commits;
mod forgets_epochs;
mod forgets_the_group;
mod halves;
mod loses_answers;

use std::sync::Arc;

use checkpoint_core::{Backend, Result};

#[cfg(test)]
pub(crate) use self::loses_answers::lose_answers;

/// What is wrong with a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// Answers before anything is written, and writes a little later.
    AcknowledgesFirst,
    /// Does a commit of several operations in two.
    Halves,
    /// Tells those who wait with others that their commit is there, though there was no room for it.
    ForgetsTheGroup,
    /// Lets who lost a session to another go on with it.
    ForgetsEpochs,
    /// Does a commit anew that is sent again.
    ForgetsCommits,
}

impl Control {
    /// Those that a killed process must find out.
    pub const ALL: [Self; 2] = [Self::AcknowledgesFirst, Self::Halves];

    /// Those that several processes on one store must find out, as one of them is killed.
    pub const SHARED: [Self; 2] = [Self::ForgetsEpochs, Self::ForgetsCommits];

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcknowledgesFirst => "acknowledges before it writes",
            Self::Halves => "does a commit in two halves",
            Self::ForgetsTheGroup => "forgets that an error took a whole group",
            Self::ForgetsEpochs => "forgets who owns a session",
            Self::ForgetsCommits => "forgets which commits it has done",
        }
    }

    /// Whether a backend around a broken one shows the fault too. Those that answer from an account of their own must be
    /// told what callers say, as they say it.
    #[must_use]
    pub const fn may_lie_below(self) -> bool {
        !matches!(self, Self::AcknowledgesFirst | Self::ForgetsTheGroup)
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().chain(Self::SHARED);
        all.find(|control| control.name() == name)
    }

    /// A backend with this fault, on a store that nobody has written to but [`prepare`](crate::load::prepare).
    ///
    /// # Errors
    ///
    /// Those of the backend.
    pub async fn spoil(self, backend: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
        match self {
            Self::AcknowledgesFirst => acknowledges_first::spoil(backend).await,
            Self::Halves => Ok(halves::spoil(backend)),
            Self::ForgetsTheGroup => forgets_the_group::spoil(backend).await,
            Self::ForgetsEpochs => Ok(forgets_epochs::spoil(backend)),
            Self::ForgetsCommits => Ok(forgets_commits::spoil(backend)),
        }
    }
}
