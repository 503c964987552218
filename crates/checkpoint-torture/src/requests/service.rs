//! Services that are not what a store needs.

use std::sync::Arc;
use std::time::Duration;

use checkpoint_conformance::objects::{ChecksThenWrites, Delayed, IgnoresCondition};
use object_store::ObjectStore;

/// What a service makes of a put that may only create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// What it should.
    Sound,
    /// It ignores the condition.
    Ignores,
    /// It does so once a store is there, which was made when it did not.
    IgnoresLater,
    /// It looks first, and then writes.
    ChecksThenWrites,
}

impl Service {
    /// Those that must be noticed.
    pub const BROKEN: [Self; 3] = [Self::Ignores, Self::IgnoresLater, Self::ChecksThenWrites];

    /// What is wrong with it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sound => "a sound service",
            Self::Ignores => "a service that ignores conditions",
            Self::IgnoresLater => "a service that ignores conditions from one day on",
            Self::ChecksThenWrites => "a service that checks and then writes",
        }
    }

    pub(super) fn comes_later(self) -> bool {
        self == Self::IgnoresLater
    }

    pub(super) fn over(self, objects: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        match self {
            Self::Sound => objects,
            Self::Ignores | Self::IgnoresLater => Arc::new(IgnoresCondition::new(objects)),
            Self::ChecksThenWrites => {
                // Between looking and writing some time goes by.
                let trip = Duration::from_millis(2);
                let delayed = Delayed::with(objects, trip, Duration::ZERO);
                Arc::new(ChecksThenWrites::new(Arc::new(delayed)))
            }
        }
    }
}
