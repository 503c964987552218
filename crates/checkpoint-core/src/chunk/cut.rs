//! Where a state is cut.

use std::borrow::Cow;

use fastcdc::v2020::{Normalization, cut_gear, get_gear_with_seed, select_masks};

/// Bytes of the shortest leaf, the last one aside.
pub(super) const MIN: usize = 4 << 10;
/// Bytes at which cuts become likelier.
pub(super) const AVERAGE: usize = 8 << 10;
/// Bytes of the longest leaf.
pub(super) const MAX: usize = 32 << 10;

/// Finds cuts by content, under a seed.
#[derive(Clone)]
pub(super) struct Cutter {
    masks: (u64, u64),
    gear: Cow<'static, [u64]>,
    shifted: Cow<'static, [u64]>,
}

impl Cutter {
    pub(super) fn new(seed: u64) -> Self {
        let (gear, shifted) = get_gear_with_seed(seed);
        Self {
            masks: select_masks(AVERAGE, Normalization::Level2),
            gear,
            shifted,
        }
    }

    /// The length of the leaf with which `rest` starts: all that is left of the state, or at least [`MAX`] bytes.
    pub(super) fn cut(&self, rest: &[u8]) -> usize {
        let (small, large) = self.masks;
        let (_, length) = cut_gear(
            rest,
            MIN,
            AVERAGE,
            MAX,
            small,
            large,
            small << 1,
            large << 1,
            &self.gear,
            &self.shifted,
        );
        length
    }

    /// Whether `rest` starts with the leaf of `length` bytes that `old` starts with, and is cut there too.
    ///
    /// A cut is made by the leaf's bytes and the one behind it, which is looked at only together with its neighbour
    /// in a pair. Behind the longest leaf nothing is looked at; the last leaf is cut by the end of the state.
    pub(super) fn same(rest: &[u8], old: &[u8], length: usize) -> bool {
        if length == old.len() {
            return rest == old;
        }
        let (seen, fits) = if length == MAX {
            (length, rest.len() >= MAX)
        } else {
            (length + 1, length < rest.len() / 2 * 2)
        };
        fits && rest[..seen] == old[..seen]
    }
}
