//! Whose turn it is to put the next entry.
//!
//! Who won a position knows the next one first, and would win again. So whoever shares the log with others puts two in a
//! row at most; then the one goes first that has waited longest, and the others wait two round trips for each machine
//! before them, look again, and judge anew. Who has lost once knows that others want the same now: it looks on until it is
//! its turn, since to put in vain takes longer than to look. A lone writer pauses now and then, so that a newcomer gets in.
//! Correctness rests on none of it.

use std::time::{Duration, Instant};

use crate::id::Id;

/// Entries that are looked back on.
pub(crate) const LOOK_BACK: usize = 64;
/// Entries in a row that one of several machines puts.
pub(crate) const IN_A_ROW: usize = 2;
/// Round trips for which one waits for each machine before it.
const RANK: u32 = 2;
/// Round trips after which one waits for nobody: where many machines put an entry now and then, there is always one that
/// may be about to put another.
const PATIENCE: u32 = 12;
/// How often one looks in a round trip at most.
const LOOKS: u32 = 16;
/// No wait is longer, whatever a round trip takes.
const LONGEST: Duration = Duration::from_secs(2);

/// A machine's way to an entry of its own.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Others want to put entries at the same time.
    contended: bool,
    /// The position that is wanted, and since when.
    wanted: Option<(u64, Instant)>,
    /// Since when any is.
    since: Option<Instant>,
}

/// What to do before the next put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Put,
    /// After so long, see what came meanwhile.
    Look(Duration),
}

impl Turn {
    /// Another machine was first.
    pub(crate) const fn lost(&mut self) {
        self.contended = true;
    }

    /// What a machine does that wants to put the entry at `position`. `recent` tells who put the ones before it, newest
    /// first.
    pub(crate) fn next(
        &mut self,
        recent: &[Id],
        own: Id,
        position: u64,
        round_trip: Duration,
        now: Instant,
    ) -> Next {
        let begun = match self.wanted {
            Some((wanted, begun)) if wanted == position => begun,
            _ => now,
        };
        self.wanted = Some((position, begun));
        let waited = now.duration_since(*self.since.get_or_insert(now));
        if waited > round_trip.saturating_mul(PATIENCE) {
            return Next::Put;
        }
        let wait = if self.contended {
            contended(recent, own, round_trip)
        } else {
            wait(recent, own, position, round_trip)
        };
        if now.duration_since(begun) >= wait {
            return Next::Put;
        }
        // To look takes about a round trip, but not where files are the objects.
        let pause = if self.contended {
            round_trip / LOOKS
        } else {
            wait
        };
        self.contended = true;
        Next::Look(pause)
    }
}

/// How long a machine waits before it puts the next entry, when others want the same.
fn contended(recent: &[Id], own: Id, round_trip: Duration) -> Duration {
    let recent = &recent[..recent.len().min(LOOK_BACK)];
    let Some(newest) = recent.first() else {
        return Duration::ZERO;
    };
    let in_a_row = recent.iter().take_while(|it| *it == newest).count();
    let goes_on = match (*newest == own, in_a_row < IN_A_ROW) {
        (true, true) => return Duration::ZERO,
        // It is likely to put another one.
        (false, true) => round_trip.saturating_mul(3) / 2,
        (_, false) => Duration::ZERO,
    };
    let ranks = round_trip.saturating_mul(RANK * rank(recent, own));
    goes_on.saturating_add(ranks).min(LONGEST)
}

/// How long a machine waits that knows of nobody who wants to put an entry now.
fn wait(recent: &[Id], own: Id, position: u64, round_trip: Duration) -> Duration {
    let recent = &recent[..recent.len().min(LOOK_BACK)];
    let in_a_row = recent.iter().take_while(|machine| **machine == own).count();
    if in_a_row == recent.len() {
        // Nobody else is there, as far as can be seen.
        let pauses = in_a_row == LOOK_BACK && position.is_multiple_of(LOOK_BACK as u64);
        let pause = round_trip.saturating_mul(5) / 2;
        return if pauses {
            pause.min(LONGEST)
        } else {
            Duration::ZERO
        };
    }
    if in_a_row < IN_A_ROW {
        return Duration::ZERO;
    }
    let rank = rank(recent, own);
    round_trip.saturating_mul(RANK * rank).min(LONGEST)
}

/// Machines whose newest entry is older than this one's.
fn rank(recent: &[Id], own: Id) -> u32 {
    let mut seen: Vec<Id> = Vec::new();
    for machine in recent {
        if !seen.contains(machine) {
            seen.push(*machine);
        }
    }
    let place = seen.iter().position(|machine| *machine == own);
    place.map_or(0, |place| (seen.len() - 1 - place) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: Duration = Duration::from_millis(20);

    fn machines(text: &str) -> Vec<Id> {
        text.bytes().map(|byte| Id([byte; 16])).collect()
    }

    fn trips(recent: &str, position: u64) -> f64 {
        let waited = wait(&machines(recent), Id([b'a'; 16]), position, TRIP);
        waited.as_secs_f64() / TRIP.as_secs_f64()
    }

    #[test]
    fn two_in_a_row_and_then_the_others() {
        assert_eq!(trips("b", 2), 0.0);
        assert_eq!(trips("ab", 3), 0.0);
        assert_eq!(trips("aab", 4), 2.0);
        assert_eq!(trips("aabbcc", 7), 4.0);
        // Who has none of the last entries goes first.
        assert_eq!(trips("bbccdd", 7), 0.0);
    }

    #[test]
    fn a_lone_writer_pauses_now_and_then() {
        let alone = "a".repeat(LOOK_BACK);
        assert_eq!(trips(&alone, 127), 0.0);
        assert_eq!(trips(&alone, 128), 2.5);
        assert_eq!(trips("aaa", 64), 0.0);
    }

    #[test]
    fn who_has_lost_looks_on_until_it_is_its_turn() {
        let (begun, mut turn) = (Instant::now(), Turn::default());
        // Nobody else is known to want anything.
        let others = machines("bbc");
        let first = turn.next(&others, Id([b'a'; 16]), 4, TRIP, begun);
        assert_eq!(first, Next::Put);
        turn.lost();
        let mut next = |recent: &str, position, trips: f64| {
            let now = begun + TRIP.mul_f64(trips);
            turn.next(&machines(recent), Id([b'a'; 16]), position, TRIP, now)
        };
        let look = Next::Look(TRIP / LOOKS);
        // The winner is likely to go on; once it has, it is the turn of who has waited longest.
        assert_eq!(next("bccaa", 6, 2.0), look);
        assert_eq!(next("bbccaa", 7, 3.0), Next::Put);
        // Another one has waited longer: it has two round trips.
        assert_eq!(next("bbaacc", 7, 3.0), look);
        assert_eq!(next("bbaacc", 7, 4.0), look);
        assert_eq!(next("bbaacc", 7, 5.0), Next::Put);
        // What was won goes on.
        assert_eq!(next("abbaacc", 8, 6.0), Next::Put);
    }

    #[test]
    fn nobody_waits_for_ever_for_those_who_keep_coming() {
        let (begun, mut turn) = (Instant::now(), Turn::default());
        turn.lost();
        let mut next = |position: u64| {
            let now = begun + TRIP * position as u32;
            // Each entry is another machine's first.
            let recent: Vec<_> = (0..64).map(|n| Id([(position + n) as u8; 16])).collect();
            turn.next(&recent, Id([255; 16]), position, TRIP, now)
        };
        let waited = (0..64).position(|position| next(position) == Next::Put);
        assert_eq!(waited, Some(13));
    }

    #[test]
    fn whose_second_entry_does_not_come_is_not_waited_for_long() {
        let (begun, mut turn) = (Instant::now(), Turn::default());
        turn.lost();
        let mut next = |trips: f64| {
            let now = begun + TRIP.mul_f64(trips);
            turn.next(&machines("bca"), Id([b'a'; 16]), 4, TRIP, now)
        };
        assert_eq!(next(0.0), Next::Look(TRIP / LOOKS));
        assert_eq!(next(1.5), Next::Put);
    }

    #[test]
    fn no_wait_is_endless() {
        let waited = wait(&machines("aab"), Id([b'a'; 16]), 4, Duration::from_secs(90));
        assert_eq!(waited, LONGEST);
    }
}
