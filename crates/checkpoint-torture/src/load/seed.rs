//! Numbers that follow from a seed.

use std::fmt;
use std::str::FromStr;

use checkpoint_core::Timestamp;

/// What everything random of a run follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// The seed of a day, so that each day tries something else and a run can be had again.
#[must_use]
pub fn seed_of_the_day(now: Timestamp) -> Seed {
    const DAY: i64 = 86_400_000_000;
    Seed(now.micros().div_euclid(DAY).unsigned_abs())
}

impl Seed {
    /// The seed of a part of the run.
    #[must_use]
    pub fn of(self, part: u64) -> Self {
        Self(mix(self.0 ^ mix(part)))
    }

    /// A number below `bound`, which is not 0: the next of this seed.
    #[must_use]
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % bound
    }

    /// One of several, if there are any.
    #[must_use]
    pub fn pick<T>(&mut self, from: impl ExactSizeIterator<Item = T>) -> Option<T> {
        let mut from = from;
        let count = from.len() as u64;
        if count == 0 {
            return None;
        }
        from.nth(self.below(count) as usize)
    }
}

/// The output step of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seed {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
