//! What is known of the files in the directory.

use std::collections::BTreeSet;

use super::name::Extent;
use crate::id::Id;
use crate::place::Spot;

/// What a file takes of the disk at least, and in steps.
const BLOCK: u64 = 4 << 10;
/// How many parts are looked at that begin before what is wanted.
const BEFORE: usize = 16;

/// The parts of one store's packs, and how much all files take.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    parts: BTreeSet<Extent>,
    /// Bytes of all files of the cache, as far as is known.
    pub(super) held: u64,
    /// Bytes that were written since one looked at the directory.
    pub(super) since: u64,
}

/// A file of the cache, as the directory shows it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) room: u64,
    /// When it was used last, in microseconds.
    pub(super) used: i64,
}

/// What a file of so many bytes takes.
pub(super) const fn room(length: u64) -> u64 {
    length.div_ceil(BLOCK).saturating_mul(BLOCK)
}

impl Shelf {
    /// What there is after one has looked.
    pub(super) fn of(store: Id, found: &[Found]) -> Self {
        let extents = found.iter().filter_map(|it| Extent::parse(&it.name));
        Self {
            parts: extents.filter(|it| it.store == store).collect(),
            held: found.iter().map(|it| it.room).sum(),
            since: 0,
        }
    }

    /// A part in which a spot lies whole.
    pub(super) fn around(&self, store: Id, spot: &Spot) -> Option<Extent> {
        let at = |offset, length| Extent {
            store,
            pack: spot.pack,
            offset,
            length,
        };
        let before = self.parts.range(at(0, 0)..=at(spot.offset, u64::MAX));
        let mut near = before.rev().take(BEFORE);
        near.find(|it| spot.range().end <= it.end()).copied()
    }

    pub(super) fn add(&mut self, extent: Extent, room: u64) {
        if self.parts.insert(extent) {
            self.held = self.held.saturating_add(room);
        }
        self.since = self.since.saturating_add(room);
    }

    pub(super) fn forget(&mut self, extent: &Extent, room: u64) {
        if self.parts.remove(extent) {
            self.held = self.held.saturating_sub(room);
        }
    }
}

/// Which files go, so that at most so many bytes stay: the longest unused first.
pub(super) fn surplus(found: &mut Vec<Found>, most: u64) -> Vec<Found> {
    found.sort_by(|one, other| other.used.cmp(&one.used).then(one.name.cmp(&other.name)));
    let mut held = 0_u64;
    let stay = found.iter().take_while(|it| {
        held = held.saturating_add(it.room);
        held <= most
    });
    let stay = stay.count();
    found.split_off(stay)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: Id = Id([1; 16]);

    fn extent(pack: u8, offset: u64, length: u64) -> Extent {
        Extent {
            store: STORE,
            pack: Id([pack; 16]),
            offset,
            length,
        }
    }

    fn spot(pack: u8, offset: u64, length: u64) -> Spot {
        Spot {
            pack: Id([pack; 16]),
            offset,
            length,
        }
    }

    #[test]
    fn a_part_is_found_by_what_lies_in_it() {
        let mut shelf = Shelf::default();
        for part in [extent(2, 100, 50), extent(2, 120, 10), extent(3, 0, 9)] {
            shelf.add(part, 4096);
        }
        assert_eq!(shelf.held, 3 * 4096);
        let around = |pack, offset, length| shelf.around(STORE, &spot(pack, offset, length));
        assert_eq!(around(2, 100, 50), Some(extent(2, 100, 50)));
        assert_eq!(around(2, 125, 20), Some(extent(2, 100, 50)));
        for (pack, offset, length) in [(2, 99, 2), (2, 140, 11), (3, 0, 10), (1, 0, 1)] {
            assert_eq!(around(pack, offset, length), None);
        }
        assert_eq!(shelf.around(Id([9; 16]), &spot(3, 0, 9)), None);
    }

    #[test]
    fn the_longest_unused_go() {
        let file = |name: &str, used| Found {
            name: name.to_owned(),
            room: 4096,
            used,
        };
        let mut found = vec![file("b", 2), file("c", 3), file("a", 1)];
        let gone = surplus(&mut found, 2 * 4096);
        let names = |found: &[Found]| found.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&gone), names(&found)),
            (vec!["a".to_owned()], vec!["c".to_owned(), "b".to_owned()])
        );
        assert_eq!(surplus(&mut found, 0).len(), 2);
    }
}
