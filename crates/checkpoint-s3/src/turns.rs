//! Whose turn it is to put the next entry.
//!
//! Who won a position knows the next one first, and would win again. So whoever shares the log with others puts two in a
//! row at most; then the one goes first that has waited longest, and the others wait two round trips for each machine
//! before them, look again, and judge anew. A lone writer pauses now and then, so that a newcomer gets in. Correctness
//! rests on none of it.

use std::time::Duration;

use crate::id::Id;

/// Entries that are looked back on.
pub(crate) const LOOK_BACK: usize = 64;
/// Entries in a row that one of several machines puts.
const IN_A_ROW: usize = 2;
/// Round trips for which one waits for each machine before it.
const RANK: u32 = 2;
/// No wait is longer, whatever a round trip takes.
const LONGEST: Duration = Duration::from_secs(2);

/// How long a machine waits before it puts the entry at `position`. `recent` tells who put the ones before it, newest
/// first.
pub(crate) fn wait(recent: &[Id], own: Id, position: u64, round_trip: Duration) -> Duration {
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
    fn no_wait_is_endless() {
        let waited = wait(&machines("aab"), Id([b'a'; 16]), 4, Duration::from_secs(90));
        assert_eq!(waited, LONGEST);
    }
}
