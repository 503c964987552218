//! Digests of the checkpoints of a store, block by block.

use std::collections::BTreeMap;

use super::super::Store;
use crate::backup::Meter;
use crate::checksum::checksum;
use crate::description::Description;
use crate::error::{Error, Result};
use crate::hasher::{ContentHasher, Purpose};
use crate::query::{Filter, Order, Query};
use crate::record::{Item, Parts, Record};
use crate::wire::Fields;

/// Checkpoints read in one step.
const PAGE: usize = 256;
/// Errors that are kept; the others are counted.
const MOST: usize = 100;

/// The checkpoints of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) count: u64,
    /// That of the one before and of a checkpoint, in the order of sequences; zeros at first.
    pub(super) digest: [u8; 32],
}

impl Block {
    fn add(&mut self, hasher: &ContentHasher, record: &Record) -> Result<()> {
        let header = &record.header;
        let description = Description::decode(record.meta.as_deref().unwrap_or_default())?;
        let found = checksum(header, &description)?;
        if description.checksum.is_some_and(|stored| stored != found) {
            return Err(Error::corrupt("the checksum does not match what is stored"));
        }
        let mut fields = Fields::new();
        fields.bytes(1, &self.digest);
        fields.number(2, header.sequence);
        if let Some(parent) = &header.parent {
            fields.id(3, parent.raw());
        }
        // Of all that the writer gave: id, session, revision, state and the rest.
        fields.bytes(4, &found);
        self.digest = hasher.digest(Purpose::Witness, &fields.finish());
        self.count += 1;
        Ok(())
    }
}

/// What cannot be read.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    pub(super) first: Vec<Error>,
    left_out: u64,
}

impl Unreadable {
    pub(super) fn len(&self) -> u64 {
        self.first.len() as u64 + self.left_out
    }

    pub(super) fn push(&mut self, error: Error) {
        if self.first.len() < MOST {
            self.first.push(error);
        } else {
            self.left_out += 1;
        }
    }
}

/// The blocks of a store, up to a sequence.
#[derive(Debug)]
pub(super) struct Blocks {
    length: u64,
    until: u64,
    pub(super) found: BTreeMap<u64, Block>,
    pub(super) unreadable: Unreadable,
}

/// The block of a sequence.
pub(super) const fn number(sequence: u64, length: u64) -> u64 {
    sequence.saturating_sub(1) / length
}

impl Blocks {
    /// None yet, of so many sequences each.
    pub(super) fn new(length: u64, until: u64) -> Self {
        Self {
            length,
            until,
            found: BTreeMap::new(),
            unreadable: Unreadable::default(),
        }
    }

    pub(super) async fn read(
        &mut self,
        store: &Store,
        meter: &Meter,
        doing: &'static str,
    ) -> Result<()> {
        let hasher = &store.info().hasher;
        let mut query = Query {
            order: Order::Ascending,
            filter: Filter {
                quarantined: true,
                ..Filter::default()
            },
            sequences: 0..=self.until,
            parts: Parts::META,
            limit: PAGE,
            ..Query::default()
        };
        loop {
            let page = store.backend().scan(&query).await;
            let page = page.map_err(|error| store.blame(error, doing))?;
            for item in page.items {
                match item {
                    Item::Found(record) => {
                        meter.tell(record.header.sequence, self.until);
                        self.add(hasher, &record);
                    }
                    Item::Corrupt(error) => self.unreadable.push(error),
                    Item::Absent | Item::Deleted => {}
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        meter.tell(self.until, self.until);
        Ok(())
    }

    fn add(&mut self, hasher: &ContentHasher, record: &Record) {
        let number = number(record.header.sequence, self.length);
        let mut block = self.found.get(&number).copied().unwrap_or_default();
        match block.add(hasher, record) {
            Ok(()) => {
                self.found.insert(number, block);
            }
            Err(error) => {
                let error = error.with("checkpoint", &record.header.id);
                self.unreadable.push(error);
            }
        }
    }
}
