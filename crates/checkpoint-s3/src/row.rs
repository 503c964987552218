//! A row, where it stands, and which rows are asked for.

use std::fmt;
use std::ops::Bound;

use bytes::Bytes;

/// Where a row stands: its table, and its key there. Rows have the order of this pair.
pub(crate) type Key<'r> = (u8, &'r [u8]);

/// What became of a row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its table.
    pub(crate) table: u8,
    /// Its key.
    pub(crate) key: Bytes,
    /// Its value; none: it was removed.
    pub(crate) value: Option<Bytes>,
}

impl Change {
    /// A row that is there now, with this value.
    pub(crate) fn put(table: u8, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self {
            table,
            key: key.into(),
            value: Some(value.into()),
        }
    }

    /// A row that is there no more.
    pub(crate) fn remove(table: u8, key: impl Into<Bytes>) -> Self {
        Self {
            table,
            key: key.into(),
            value: None,
        }
    }

    /// Where the row stands.
    pub(crate) fn at(&self) -> Key<'_> {
        (self.table, &self.key)
    }
}

/// A value may be large, or a secret: its length is enough.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("table", &self.table)
            .field("key", &self.key)
            .field("bytes", &self.value.as_ref().map(Bytes::len))
            .finish()
    }
}

type Edge = Bound<(u8, Bytes)>;

/// A range of rows.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    low: Edge,
    high: Edge,
}

impl Span {
    /// All rows of all tables.
    pub(crate) const fn all() -> Self {
        Self {
            low: Bound::Unbounded,
            high: Bound::Unbounded,
        }
    }

    /// Rows of a table from one key to another, both included; none: to the end of the table.
    pub(crate) fn keys(table: u8, low: impl Into<Bytes>, high: Option<Bytes>) -> Self {
        let high = match (high, table.checked_add(1)) {
            (Some(high), _) => Bound::Included((table, high)),
            (None, Some(next)) => Bound::Excluded((next, Bytes::new())),
            (None, None) => Bound::Unbounded,
        };
        Self {
            low: Bound::Included((table, low.into())),
            high,
        }
    }

    /// All rows of a table.
    pub(crate) fn table(table: u8) -> Self {
        Self::keys(table, Bytes::new(), None)
    }

    /// The same, without what does not come after this row: for going on where somebody stopped.
    #[cfg(test)]
    pub(crate) fn after(mut self, at: Key<'_>) -> Self {
        self.low = Bound::Excluded((at.0, Bytes::copy_from_slice(at.1)));
        self
    }

    /// The same, without what does not come before this row.
    #[cfg(test)]
    pub(crate) fn before(mut self, at: Key<'_>) -> Self {
        self.high = Bound::Excluded((at.0, Bytes::copy_from_slice(at.1)));
        self
    }

    /// Where the range begins; none: where the rows begin.
    pub(crate) fn low(&self) -> Option<Key<'_>> {
        edge(&self.low)
    }

    /// Where the range ends; none: where the rows end.
    pub(crate) fn high(&self) -> Option<Key<'_>> {
        edge(&self.high)
    }

    /// Whether the range begins behind this place.
    pub(crate) fn begins_behind(&self, at: Key<'_>) -> bool {
        match &self.low {
            Bound::Included((table, key)) => at < (*table, key),
            Bound::Excluded((table, key)) => at <= (*table, key),
            Bound::Unbounded => false,
        }
    }

    /// Whether the range ends before this place.
    pub(crate) fn ends_before(&self, at: Key<'_>) -> bool {
        match &self.high {
            Bound::Included((table, key)) => at > (*table, key),
            Bound::Excluded((table, key)) => at >= (*table, key),
            Bound::Unbounded => false,
        }
    }
}

fn edge(edge: &Edge) -> Option<Key<'_>> {
    match edge {
        Bound::Included((table, key)) | Bound::Excluded((table, key)) => Some((*table, key)),
        Bound::Unbounded => None,
    }
}
