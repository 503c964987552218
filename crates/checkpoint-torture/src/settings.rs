//! What every harness that takes a [`Subject`](crate::Subject) can be told.

use std::path::Path;

use crate::control::Control;

macro_rules! settings {
    ($($harness:ty),+) => {
        $(impl $harness {
            /// With a backend that is broken on purpose: it must be caught.
            #[must_use]
            pub fn with_control(mut self, control: Control) -> Self {
                self.control = Some(control);
                self
            }

            /// With stores below this directory.
            #[must_use]
            pub fn within(mut self, directory: &Path) -> Self {
                directory.clone_into(&mut self.directory);
                self
            }
        })+
    };
}

settings!(
    crate::faults::Faults,
    crate::kill::Kill,
    crate::machines::Machines,
    crate::power::Power
);
