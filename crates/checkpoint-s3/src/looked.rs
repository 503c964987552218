//! When somebody last looked where the log ends.

use std::time::{Duration, Instant};

use checkpoint_core::{Clock, Timestamp};

/// After this time, what was known of the end of the log may be about a part of it that is gone. Entries stay far longer.
const LONG: Duration = Duration::from_secs(60 * 60);

/// A moment, by two clocks: one of them may stand still while the machine sleeps, and the other may be set back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked {
    wall: Timestamp,
    running: Instant,
}

impl Looked {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.now(),
            running: Instant::now(),
        }
    }

    /// Whether it is long ago, by the clock that ran further.
    pub(crate) fn is_long_ago(&self, clock: &dyn Clock) -> bool {
        let wall = clock.now().since(self.wall);
        wall.max(self.running.elapsed()) > LONG
    }
}

#[cfg(test)]
mod tests {
    use checkpoint_core::FakeClock;

    use super::*;

    #[test]
    fn an_hour_is_long() {
        let clock = FakeClock::at("2026-11-20T10:00:00Z").unwrap();
        let looked = Looked::now(&clock);
        clock.advance(LONG);
        assert!(!looked.is_long_ago(&clock));
        clock.advance(Duration::from_secs(1));
        assert!(looked.is_long_ago(&clock));
        // Set back: the other clock tells.
        clock.set(Timestamp::MIN);
        assert!(!looked.is_long_ago(&clock));
    }
}
