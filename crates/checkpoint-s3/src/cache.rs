//! What was read of segments and decoded, as long as there is room.
//!
//! Which item goes is found as the CLOCK algorithm does: a hand goes round and takes what was not used since it last came
//! by (F. J. Corbató, "A paging experiment with the Multics system", 1968). A hit then moves nothing.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::filter::Filter;
use crate::id::Id;
use crate::run::Run;

/// What the cache itself takes for an item, about.
const OVERHEAD: usize = 128;

/// The index of neighbouring blocks, and what is known of their keys.
#[derive(Debug)]
pub(crate) struct Partition {
    /// The first key of each block → where it lies.
    pub(crate) index: Run,
    /// All keys of the blocks.
    pub(crate) filter: Filter,
}

/// Something that is kept.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// Rows.
    Block(Run),
    /// What leads to rows.
    Partition(Arc<Partition>),
    /// The stored form of a chunk, by its pack and its place there.
    Chunk(Bytes),
}

impl Item {
    fn held(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Block(run) => run.held(),
                Self::Partition(it) => it.index.held() + it.filter.held(),
                Self::Chunk(bytes) => bytes.len(),
            }
    }
}

/// Where something lies: its segment and the offset in it.
pub(crate) type Spot = (Id, u64);

/// How often what was asked for was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// It was.
    pub(crate) hits: u64,
    /// It was not.
    pub(crate) misses: u64,
    /// Bytes that are kept now.
    pub(crate) held: usize,
}

/// Keeps at most so many bytes of what was decoded.
pub(crate) struct BlockCache {
    most: usize,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    places: HashMap<Spot, usize>,
    slots: Vec<Option<Slot>>,
    /// Slots that have nothing. The one that the hand left last is filled first, and reached last.
    free: Vec<usize>,
    hand: usize,
    counts: Counts,
}

struct Slot {
    spot: Spot,
    item: Item,
    used: bool,
}

impl BlockCache {
    /// A cache of at most so many bytes of memory. What alone takes more is not kept.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            ring: Mutex::default(),
        }
    }

    /// What is kept of a spot.
    pub(crate) fn get(&self, spot: Spot) -> Option<Item> {
        let mut ring = self.ring.lock();
        let Some(place) = ring.places.get(&spot).copied() else {
            ring.counts.misses += 1;
            return None;
        };
        let slot = ring.slots[place].as_mut()?;
        slot.used = true;
        let item = slot.item.clone();
        ring.counts.hits += 1;
        Some(item)
    }

    /// Whether something is kept of a spot, without saying that it was used.
    pub(crate) fn has(&self, spot: Spot) -> bool {
        self.ring.lock().places.contains_key(&spot)
    }

    /// Keeps something; what was kept of the spot stays, since objects never change.
    pub(crate) fn put(&self, spot: Spot, item: Item) {
        let held = item.held();
        let mut ring = self.ring.lock();
        if held > self.most || ring.places.contains_key(&spot) {
            return;
        }
        while ring.counts.held + held > self.most {
            ring.evict();
        }
        let slot = Some(Slot {
            spot,
            item,
            used: false,
        });
        let place = ring.free.pop().unwrap_or(ring.slots.len());
        match ring.slots.get_mut(place) {
            Some(free) => *free = slot,
            None => ring.slots.push(slot),
        }
        ring.places.insert(spot, place);
        ring.counts.held += held;
    }

    /// Forgets all of a segment that is gone.
    pub(crate) fn forget(&self, segment: Id) {
        let mut ring = self.ring.lock();
        for place in 0..ring.slots.len() {
            let slot = ring.slots[place].as_ref();
            if slot.is_some_and(|slot| slot.spot.0 == segment) {
                ring.remove(place);
            }
        }
    }

    /// How often what was asked for was there, and how much is kept.
    pub(crate) fn counts(&self) -> Counts {
        self.ring.lock().counts
    }
}

impl Ring {
    /// Takes away what was not used since the hand last came by. There must be something.
    fn evict(&mut self) {
        loop {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            let place = self.hand;
            self.hand += 1;
            match &mut self.slots[place] {
                Some(slot) if slot.used => slot.used = false,
                Some(_) => return self.remove(place),
                None => {}
            }
        }
    }

    fn remove(&mut self, place: usize) {
        if let Some(gone) = self.slots[place].take() {
            self.places.remove(&gone.spot);
            self.counts.held -= gone.item.held();
            self.free.push(place);
        }
    }
}

impl fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockCache")
            .field("most", &self.most)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
