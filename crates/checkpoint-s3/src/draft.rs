//! From what was staged to what an entry says: small chunks lie in the entry, and many in a pack that is put before it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use checkpoint_core::{Clock, Durability, Result};
use checkpoint_rows::{Staged, Table};

use crate::base::{Base, number};
use crate::id::Id;
use crate::layout::Name;
use crate::log::Log;
use crate::looked::Looked;
use crate::place::{Place, Spot};
use crate::row::Change;
use crate::run::Run;
use crate::sweep::is_doomed;

/// The rows of what was staged, with all chunks in the entry.
pub(crate) fn rows(staged: &Staged) -> Result<Run> {
    Run::of(changes(staged).map(place_here).collect())
}

fn changes(staged: &Staged) -> impl Iterator<Item = Change> {
    Table::ALL.into_iter().flat_map(|table| {
        let rows = staged.of(table).iter();
        rows.map(move |(key, value)| Change {
            table: number(table),
            key: Bytes::copy_from_slice(key),
            value: value.clone(),
        })
    })
}

fn is_chunk(change: &Change) -> bool {
    change.table == number(Table::ChunkData) && change.value.is_some()
}

fn place_here(mut change: Change) -> Change {
    if is_chunk(&change) {
        change.value = change.value.map(|bytes| Place::Inline(bytes).encode());
    }
    change
}

/// Packs that were put for commits that are not in the log yet. When they are judged again, they need not be put again.
#[derive(Debug, Default)]
pub(crate) struct Packs {
    spots: HashMap<[u8; 32], Spot>,
    /// Each with when its put began.
    put: Vec<(Id, Looked)>,
    jumps: u64,
}

impl Packs {
    /// The rows of what was staged on a state. Puts a pack, if one is needed.
    pub(crate) fn rows(&mut self, tools: &Tools, base: &Base, staged: &Staged) -> Result<Run> {
        let (log, clock) = (&*tools.log, &*tools.clock);
        let mut changes: Vec<Change> = changes(staged).collect();
        let chunks = changes.iter().filter(|change| is_chunk(change));
        let total: usize = chunks
            .filter_map(|it| it.value.as_ref())
            .map(Bytes::len)
            .sum();
        if total <= tools.inline {
            return Run::of(changes.into_iter().map(place_here).collect());
        }
        self.forget_what_may_be_gone(log, base, clock)?;
        self.put_missing(log, clock, &changes)?;
        for change in changes.iter_mut().filter(|change| is_chunk(change)) {
            let value = change.value.take().unwrap_or_default();
            let place = match self.spots.get(blake3::hash(&value).as_bytes()) {
                Some(spot) => Place::Packed(*spot),
                None => Place::Inline(value),
            };
            change.value = Some(place.encode());
        }
        Run::of(changes)
    }

    /// A pack that no entry names may be swept: once an entry says that it is going to be, or once so much time went by
    /// that such an entry may have come and gone.
    fn forget_what_may_be_gone(&mut self, log: &Log, base: &Base, clock: &dyn Clock) -> Result<()> {
        let mut gone = std::mem::replace(&mut self.jumps, log.jumps()) != log.jumps();
        for (pack, begun) in &self.put {
            gone |= begun.is_long_ago(clock) || is_doomed(base, Name::Pack(*pack))?;
        }
        if gone {
            (self.spots, self.put) = (HashMap::new(), Vec::new());
        }
        Ok(())
    }

    fn put_missing(&mut self, log: &Log, clock: &dyn Clock, changes: &[Change]) -> Result<()> {
        let pack = log.new_id();
        let (mut bytes, mut spots) = (Vec::new(), HashMap::new());
        for value in changes
            .iter()
            .filter(|it| is_chunk(it))
            .filter_map(|it| it.value.as_ref())
        {
            let hash = *blake3::hash(value).as_bytes();
            if self.spots.contains_key(&hash) || spots.contains_key(&hash) {
                continue;
            }
            let (offset, length) = (bytes.len() as u64, value.len() as u64);
            spots.insert(
                hash,
                Spot {
                    pack,
                    offset,
                    length,
                },
            );
            bytes.extend_from_slice(value);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let begun = Looked::now(clock);
        let put = log.objects.create_own(Name::Pack(pack), bytes.into());
        log.fetcher.wait(put)?;
        self.spots.extend(spots);
        self.put.push((pack, begun));
        Ok(())
    }
}

/// What a handle needs to put entries into the log.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) log: Arc<Log>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Entries after which a snapshot is made.
    pub(crate) snapshot_after: u64,
    /// Bytes of new chunks that lie in an entry. What is more goes into a pack, all of it.
    pub(crate) inline: usize,
    /// The handle is closed, and not only dropped, so that somebody waits for its last requests.
    pub(crate) closing: Arc<AtomicBool>,
    /// How safe an entry is once it is put.
    pub(crate) durability: Durability,
}
