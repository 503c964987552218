//! Where readings of a segment ended. A store is read in pages, each of them a reading of its own, of several tables: one
//! that goes on where another ended goes on with as much at once.

use checkpoint_core::Order;

/// Readings of a segment that are remembered: a page is one of several tables.
const READINGS: usize = 8;

/// A reading that ended, and may be gone on with.
#[derive(Clone, Copy, Debug)]
struct End {
    /// The offset of what would be fetched next: where it begins, or ends when the order is descending.
    at: u64,
    order: Order,
    /// Bytes that the next request may bring.
    window: u64,
}

/// The readings of a segment that ended last, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Trail(Vec<End>);

impl Trail {
    /// What the next request of the reading may bring that would go on here, if one is remembered.
    pub(super) fn window(&self, at: u64, order: Order) -> Option<u64> {
        self.place(at, order).map(|place| self.0[place].window)
    }

    /// Another reading has gone on here.
    pub(super) fn taken(&mut self, at: u64, order: Order) {
        if let Some(place) = self.place(at, order) {
            self.0.remove(place);
        }
    }

    fn place(&self, at: u64, order: Order) -> Option<usize> {
        let mut ends = self.0.iter();
        ends.position(|end| end.at == at && end.order == order)
    }

    /// A reading ends here.
    pub(super) fn leave(&mut self, at: u64, order: Order, window: u64) {
        self.taken(at, order);
        if self.0.len() == READINGS {
            self.0.remove(0);
        }
        self.0.push(End { at, order, window });
    }
}
