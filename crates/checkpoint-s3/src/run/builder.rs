//! Making a run.

use checkpoint_core::engine::put_varint;
use checkpoint_core::{Error, Result};

use super::{MOST, Place, Run};
use crate::row::Key;

/// Bytes of a row beside its key and its value, at most.
const OVERHEAD: usize = 11;

/// Puts rows together that come in their order.
#[derive(Default)]
pub(crate) struct Builder {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

impl Builder {
    /// Adds a row behind all others.
    ///
    /// # Errors
    ///
    /// `Invalid` when it does not come behind them, `TooLarge` when the rows take more than [`MOST`] bytes.
    pub(crate) fn push(&mut self, at: Key<'_>, value: Option<&[u8]>) -> Result<()> {
        if self.last().is_some_and(|last| last >= at) {
            return Err(out_of_order());
        }
        let size = self.bytes.len() + room(at, value);
        if size > MOST {
            return Err(Error::too_large("a run of rows", size as u64, MOST as u64));
        }
        self.bytes.push(at.0);
        put_varint(&mut self.bytes, at.1.len() as u64);
        put_varint(
            &mut self.bytes,
            value.map_or(0, |value| value.len() as u64 + 1),
        );
        let key = self.bytes.len();
        self.bytes.extend_from_slice(at.1);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.places.push(Place {
            key: key as u32,
            value: (key + at.1.len()) as u32,
            end: self.bytes.len() as u32,
            table: at.0,
            removed: value.is_none(),
        });
        Ok(())
    }

    /// Where the last row so far stands.
    pub(crate) fn last(&self) -> Option<Key<'_>> {
        self.places.last().map(|place| place.at(&self.bytes))
    }

    /// Bytes so far.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Rows so far.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// What was put together.
    pub(crate) fn finish(mut self) -> Run {
        // What is held is what is told.
        self.bytes.shrink_to_fit();
        Run {
            bytes: self.bytes.into(),
            places: self.places.into(),
        }
    }
}

/// That rows do not come in their order, which is for who brings them to see to.
pub(crate) fn out_of_order() -> Error {
    Error::invalid("a row does not come behind the last one")
}

/// Bytes that a row takes at most.
pub(crate) fn room(at: Key<'_>, value: Option<&[u8]>) -> usize {
    OVERHEAD + at.1.len() + value.map_or(0, <[u8]>::len)
}
