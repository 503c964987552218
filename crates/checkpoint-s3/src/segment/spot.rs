//! Where blocks and partitions lie, as the rows of an index say.

use std::ops::Range;

use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{Error, Result};

use crate::row::Key;
use crate::run::Run;
use crate::seal::end;

/// Where a block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockSpot {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) rows: u64,
}

/// Where the index of a partition lies, and behind it the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartitionSpot {
    pub(super) offset: u64,
    pub(super) index: u64,
    pub(super) filter: u64,
    pub(super) rows: u64,
}

impl BlockSpot {
    pub(super) fn encode(self) -> Vec<u8> {
        numbers([self.offset, self.length, self.rows])
    }

    /// That of the n-th row of an index, which must lie before `most`.
    pub(super) fn read(index: &Run, n: usize, most: u64) -> Result<Self> {
        let [offset, length, rows] = read(index, n)?;
        let spot = Self {
            offset,
            length,
            rows,
        };
        within(offset, Some(length), most)?;
        Ok(spot)
    }

    pub(super) const fn range(self) -> Range<u64> {
        self.offset..self.offset + self.length
    }
}

impl PartitionSpot {
    pub(super) fn encode(self) -> Vec<u8> {
        numbers([self.offset, self.index, self.filter, self.rows])
    }

    /// That of the n-th row of an index, which must lie before `most`.
    pub(super) fn read(index: &Run, n: usize, most: u64) -> Result<Self> {
        let [offset, index, filter, rows] = read(index, n)?;
        let spot = Self {
            offset,
            index,
            filter,
            rows,
        };
        within(offset, index.checked_add(filter), most)?;
        Ok(spot)
    }

    pub(super) const fn range(self) -> Range<u64> {
        self.offset..self.offset + self.index + self.filter
    }
}

/// That a range lies before `most`, so that nothing is fetched because of a number that was only read.
fn within(offset: u64, length: Option<u64>, most: u64) -> Result<()> {
    let end = length.and_then(|length| offset.checked_add(length));
    if end.is_some_and(|end| end <= most) {
        Ok(())
    } else {
        Err(Error::corrupt("an index leads out of its segment").with("to", offset))
    }
}

fn numbers<const N: usize>(numbers: [u64; N]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    for number in numbers {
        put_varint(&mut out, number);
    }
    out
}

fn read<const N: usize>(index: &Run, n: usize) -> Result<[u64; N]> {
    let value = index.value(n).unwrap_or_default();
    let mut rest = &value[..];
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = take_varint(&mut rest)?;
    }
    end(rest)?;
    Ok(numbers)
}

/// Which row of an index leads to where a key may be.
pub(super) fn leading(index: &Run, at: Key<'_>) -> Option<usize> {
    match index.find(at) {
        Ok(n) => Some(n),
        Err(n) => n.checked_sub(1),
    }
}
