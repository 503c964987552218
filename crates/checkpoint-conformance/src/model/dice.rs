//! Where chance comes from: rolls of a die with 256 faces, out of a list that can be shrunk or out of a seed.
//!
//! Every choice takes the simplest way at 0, so that a list with more zeros makes a simpler step.

use proptest::prelude::Rng;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::step::Step;

/// How many rolls of a list a step may take; what it takes beyond are zeros.
const ROLLS: usize = 96;

/// Rolls, one after another.
#[derive(Debug)]
pub(super) enum Dice<'a> {
    /// From a list, and then zeros; with how many were taken.
    Listed(&'a [u8], usize),
    /// From a state of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014), which
    /// is the same everywhere and for good.
    Seeded(u64),
}

impl Dice<'_> {
    pub(super) fn roll(&mut self) -> u8 {
        match self {
            Self::Listed(list, taken) => {
                let roll = list.get(*taken).copied().unwrap_or(0);
                *taken += 1;
                roll
            }
            Self::Seeded(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ (mixed >> 31)).to_le_bytes()[7]
            }
        }
    }

    /// A number below `n`, which is at most 256.
    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::from(self.roll()) * n / 256
    }

    /// One of several; the first is the simplest.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// The place of one of several that come as often as their weights say.
    pub(super) fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            if left < *weight {
                return place;
            }
            left -= weight;
        }
        0
    }

    /// Yes, once in `n` times.
    pub(super) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// Something, once in `n` times.
    pub(super) fn maybe<T>(&mut self, n: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(n).then(|| make(self))
    }

    /// At most so many, more often fewer.
    pub(super) fn few<T>(&mut self, most: usize, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        let roll = usize::from(self.roll());
        let length = roll * roll * (most + 1) / (256 * 256);
        (0..length).map(|_| make(self)).collect()
    }
}

/// Any step.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnyStep;

impl Strategy for AnyStep {
    type Tree = Rolled;
    type Value = Step;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let mut rolls = vec![0; ROLLS];
        runner.rng().fill_bytes(&mut rolls);
        Ok(Rolled {
            rolls,
            next: 0,
            before: None,
            helped: false,
        })
    }
}

/// The rolls of a step, and how far they have been made simpler: each is tried as 0, then left out, then halved; and
/// all again as long as that helps.
#[derive(Debug)]
pub(super) struct Rolled {
    rolls: Vec<u8>,
    /// Three times the place of the roll to be tried next, and how many ways were tried.
    next: usize,
    /// What was there before the last try.
    before: Option<Vec<u8>>,
    /// Whether something helped since the first place was tried last.
    helped: bool,
}

impl Rolled {
    fn rolled(&self) -> (Step, usize) {
        let mut dice = Dice::Listed(&self.rolls, 0);
        let step = Step::roll(&mut dice);
        match dice {
            Dice::Listed(_, taken) => (step, taken),
            Dice::Seeded(_) => (step, 0),
        }
    }

    fn change(&mut self, place: usize, way: usize) {
        let roll = &mut self.rolls[place];
        match way {
            0 => *roll = 0,
            1 => drop(self.rolls.remove(place)),
            _ => *roll /= 2,
        }
    }
}

impl ValueTree for Rolled {
    type Value = Step;

    fn current(&self) -> Step {
        self.rolled().0
    }

    fn simplify(&mut self) -> bool {
        self.helped |= self.before.take().is_some();
        let (step, taken) = self.rolled();
        // Rolls that nothing takes would be tried in vain.
        self.rolls.truncate(taken);
        let was = format!("{step:?}");
        loop {
            if self.next >= 3 * self.rolls.len() {
                if !std::mem::take(&mut self.helped) {
                    return false;
                }
                self.next = 0;
            }
            let before = self.rolls.clone();
            self.change(self.next / 3, self.next % 3);
            self.next += 1;
            if format!("{:?}", self.current()) != was {
                self.before = Some(before);
                return true;
            }
            self.rolls = before;
        }
    }

    fn complicate(&mut self) -> bool {
        let Some(before) = self.before.take() else {
            return false;
        };
        self.rolls = before;
        true
    }
}
