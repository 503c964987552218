//! What could be wrong with this crate, for the harness that must notice it. No release build has any of it: it is there with
//! the feature `spoil` alone, and without it nothing is wrong.

#[cfg(feature = "spoil")]
use crate::config::ObjectOptions;

/// One rule of the log that is broken.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// `AlreadyExists` is taken for a failure of one's own put: its position is not read back.
    TakesTakenForFailure,
    /// Objects are taken away once they are old, with no entry that says so first.
    SweepsByAge,
    /// Entries that a snapshot has are deleted, and nothing is left in their place.
    TrimsByDeletion,
    /// Whatever is put at one position has one operation id, also when it was judged again.
    ReusesOperations,
}

/// What is wrong with a handle.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flaws {
    #[cfg(feature = "spoil")]
    one: Option<Flaw>,
}

impl Flaws {
    /// Whether this is.
    #[cfg(feature = "spoil")]
    pub(crate) fn has(self, flaw: Flaw) -> bool {
        self.one == Some(flaw)
    }

    /// Nothing is.
    #[cfg(not(feature = "spoil"))]
    pub(crate) const fn has(self, _: Flaw) -> bool {
        false
    }
}

#[cfg(feature = "spoil")]
impl ObjectOptions {
    /// With something wrong.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_flaw(mut self, flaw: Flaw) -> Self {
        self.flaws = Flaws { one: Some(flaw) };
        self
    }
}
