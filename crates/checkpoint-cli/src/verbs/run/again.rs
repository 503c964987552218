//! How often, and how soon, a command is started again.

use std::time::Duration;

/// How long it waits at most, unless more was asked for.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Again {
    most: u32,
    count: u32,
    first: Duration,
    wait: Duration,
}

impl Again {
    pub(super) const fn new(most: u32, first: Duration) -> Self {
        Self {
            most,
            count: 0,
            first,
            wait: first,
        }
    }

    /// How long to wait before the next start; none when there is to be none.
    pub(super) fn next(&mut self) -> Option<Duration> {
        if self.count == self.most {
            return None;
        }
        self.count += 1;
        let wait = self.wait;
        self.wait = wait.saturating_mul(2).min(LONGEST.max(self.first));
        Some(wait)
    }

    /// The command came further: it is started as soon as at first.
    pub(super) fn progressed(&mut self) {
        self.wait = self.first;
    }

    /// How often it was started again.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_waits_longer_each_time_until_something_was_saved() {
        let mut again = Again::new(10, SECOND);
        let next = |again: &mut Again| again.next().map(|wait| wait.as_secs());
        assert_eq!(
            [next(&mut again), next(&mut again), next(&mut again)],
            [Some(1), Some(2), Some(4)]
        );
        again.progressed();
        let rest: Vec<_> = std::iter::from_fn(|| next(&mut again)).collect();
        assert_eq!(rest, [1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(again.count(), 10);
    }

    #[test]
    fn it_never_waits_less_than_was_asked_for() {
        let mut again = Again::new(2, 90 * SECOND);
        assert_eq!(again.next(), Some(90 * SECOND));
        assert_eq!(again.next(), Some(90 * SECOND));
        assert_eq!(Again::new(0, SECOND).next(), None);
    }
}
