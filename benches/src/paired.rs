//! Two ways of doing the same, measured in turn: what else the machine does hits both alike.

use std::time::Instant;

use crate::figure::Spread;

/// How often each is done.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// Rounds that are not counted, before the others.
    pub warm_up: usize,
    /// Rounds that are.
    pub counted: usize,
    /// How many times each side is done in a round. More than once where a clock is too coarse, and where what is
    /// measured is the way with caches warm.
    pub each: usize,
}

impl Rounds {
    /// Once each a round.
    #[must_use]
    pub const fn single(warm_up: usize, counted: usize) -> Self {
        Self {
            warm_up,
            counted,
            each: 1,
        }
    }

    /// So many times each a round.
    #[must_use]
    pub const fn batches(warm_up: usize, counted: usize, each: usize) -> Self {
        Self {
            warm_up,
            counted,
            each,
        }
    }
}

/// Answers microseconds of one operation on each side. In even rounds `base` comes first, in odd ones `ours`: who comes
/// second finds the processor's caches filled by the other.
///
/// What a side gives back is dropped outside of what is measured, and so is what `prepare` makes for it.
pub fn measure<B, O>(
    rounds: Rounds,
    mut base: impl FnMut() -> B,
    mut ours: impl FnMut() -> O,
) -> (Spread, Spread) {
    measure_prepared(rounds, || (), |()| base(), |()| ours())
}

/// As [`measure`], on something that is made anew for each operation.
pub fn measure_prepared<P, B, O>(
    rounds: Rounds,
    mut prepare: impl FnMut() -> P,
    mut base: impl FnMut(&P) -> B,
    mut ours: impl FnMut(&P) -> O,
) -> (Spread, Spread) {
    let (mut bases, mut our) = (Vec::new(), Vec::new());
    for round in 0..rounds.warm_up + rounds.counted {
        let made: Vec<P> = (0..rounds.each).map(|_| prepare()).collect();
        let (base, ours) = if round % 2 == 0 {
            let base = micros(&made, &mut base);
            (base, micros(&made, &mut ours))
        } else {
            let ours = micros(&made, &mut ours);
            (micros(&made, &mut base), ours)
        };
        if round >= rounds.warm_up {
            bases.push(base);
            our.push(ours);
        }
    }
    (Spread::of(&bases), Spread::of(&our))
}

/// Of one operation, on average over what was made.
fn micros<P, T>(made: &[P], operation: &mut impl FnMut(&P) -> T) -> f64 {
    let mut given = Vec::with_capacity(made.len());
    let start = Instant::now();
    for it in made {
        given.push(operation(it));
    }
    let took = start.elapsed();
    drop(given);
    took.as_secs_f64() * 1e6 / made.len() as f64
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn sides_take_turns_and_in_going_first_too() {
        let seen = RefCell::new(String::new());
        let note = |side: char| seen.borrow_mut().push(side);
        let (base, ours) = measure(Rounds::single(1, 3), || note('b'), || note('o'));
        assert_eq!(*seen.borrow(), "boobboob");
        assert_eq!((base.count, ours.count), (3, 3));
    }

    #[test]
    fn both_sides_of_a_round_get_what_was_made_for_it() {
        let (mut made, seen) = (0, RefCell::new(Vec::new()));
        let prepare = || {
            made += 1;
            made
        };
        let note = |it: &i32| seen.borrow_mut().push(*it);
        measure_prepared(Rounds::batches(0, 2, 2), prepare, note, note);
        assert_eq!(*seen.borrow(), [1, 2, 1, 2, 3, 4, 3, 4]);
    }

    #[test]
    fn what_takes_longer_is_found_to() {
        let work = |n: u64| std::hint::black_box((0..n).fold(1_u64, |a, b| a.rotate_left(3) ^ b));
        let (base, ours) = measure(
            Rounds::single(5, 101),
            || work(std::hint::black_box(1_000)),
            || work(std::hint::black_box(100_000)),
        );
        assert!(ours.median > base.median, "{ours:?} {base:?}");
    }
}
