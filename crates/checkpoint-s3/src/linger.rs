//! Waiting a little for those who were answered just now and are about to ask again.
//!
//! An entry takes a round trip whatever is in it. Whoever was in the last one comes back a moment after it, one by one: to
//! begin with the first of them would make an entry of one commit, and have all others wait for another round trip.

use std::time::{Duration, Instant};

/// The part of a round trip that is waited at most.
const PART: u32 = 8;
/// How often one looks in that time whether more came.
const LOOKS: u32 = 8;
/// Below this the system cannot wait.
const SHORTEST: Duration = Duration::from_micros(50);

/// How long one waits before the next entry.
#[derive(Debug, Default)]
pub(crate) struct Linger {
    /// Members of the last group.
    last: usize,
    /// When the wait began, and how many were there when one looked last.
    waiting: Option<(Instant, usize)>,
}

impl Linger {
    /// How long to wait before looking again, none to begin. `members` are there.
    pub(crate) fn wait(
        &mut self,
        members: usize,
        round_trip: Duration,
        now: Instant,
    ) -> Option<Duration> {
        let most = round_trip / PART;
        if self.last.max(members) < 2 || most < SHORTEST {
            return None;
        }
        let (begun, before) = *self.waiting.get_or_insert((now, 0));
        // As many as last time, and nobody came since one looked.
        let whole = members >= self.last && members == before;
        if whole || now.duration_since(begun) >= most {
            return None;
        }
        self.waiting = Some((begun, members));
        Some((most / LOOKS).max(SHORTEST))
    }

    /// A group begins.
    pub(crate) fn begin(&mut self, members: usize) {
        (self.last, self.waiting) = (members, None);
    }

    /// Whether several wait at a time.
    pub(crate) const fn is_busy(&self) -> bool {
        self.last > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: Duration = Duration::from_millis(20);

    /// How many looks are made while members come as told, one number a look; the last stays.
    fn looks(linger: &mut Linger, members: &[usize], round_trip: Duration) -> (usize, Duration) {
        let begun = Instant::now();
        let (mut now, mut looks) = (begun, 0);
        loop {
            let there = members[looks.min(members.len() - 1)];
            match linger.wait(there, round_trip, now) {
                Some(wait) => now += wait,
                None => {
                    linger.begin(there);
                    return (looks, now - begun);
                }
            }
            looks += 1;
        }
    }

    #[test]
    fn who_is_alone_never_waits() {
        let mut linger = Linger::default();
        for _ in 0..3 {
            assert_eq!(looks(&mut linger, &[1], TRIP).0, 0);
            assert!(!linger.is_busy());
        }
    }

    #[test]
    fn those_who_come_back_are_waited_for_and_then_nobody() {
        let mut linger = Linger::default();
        linger.begin(64);
        let (looks, waited) = looks(&mut linger, &[1, 20, 50, 64], TRIP);
        assert_eq!(looks, 4);
        assert!(waited <= TRIP / PART, "{waited:?}");
    }

    #[test]
    fn who_does_not_come_back_is_waited_for_once_and_not_long() {
        let mut linger = Linger::default();
        linger.begin(64);
        let (_, waited) = looks(&mut linger, &[3], TRIP);
        assert!(waited >= TRIP / PART && waited < TRIP / 4, "{waited:?}");
        assert_eq!(looks(&mut linger, &[3], TRIP).0, 1);
    }

    #[test]
    fn where_a_put_is_soon_done_nobody_waits() {
        let mut linger = Linger::default();
        linger.begin(64);
        assert_eq!(looks(&mut linger, &[3], Duration::from_micros(300)).0, 0);
    }
}
