//! Faults by chance.

use super::super::call::{Call, Kind};
use super::fault::Fault;

/// Faults by chance of a seed. What strikes a request follows from the seed and the place of the request alone, so that
/// one task that does the same meets the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    seed: u64,
    chance: f64,
    faults: Vec<Fault>,
    kinds: Vec<Kind>,
}

impl Schedule {
    /// Strikes a request with this chance (0 never, 1 always) by one of these faults, each as likely as another among those
    /// that may befall it.
    #[must_use]
    pub fn new(seed: u64, chance: f64, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            seed,
            chance,
            faults: faults.into_iter().collect(),
            kinds: Kind::ALL.to_vec(),
        }
    }

    /// Spares requests of other kinds.
    #[must_use]
    pub fn only(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    pub(super) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }

    pub(super) fn fault(&self, call: &Call) -> Option<Fault> {
        if !self.kinds.contains(&call.kind) {
            return None;
        }
        let roll = mixed(mixed(self.seed).wrapping_add(call.number));
        // 53 bits are what a float tells apart.
        let below_one = (roll >> 11) as f64 / (1_u64 << 53) as f64;
        if below_one >= self.chance {
            return None;
        }
        let may: Vec<_> = self
            .faults()
            .filter(|fault| fault.may_befall(call.kind))
            .collect();
        let count = u64::try_from(may.len()).ok().filter(|count| *count > 0)?;
        let place = usize::try_from(mixed(roll) % count).ok()?;
        may.get(place).map(|fault| **fault)
    }
}

/// One step of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn mixed(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
