//! Rows and their digests.
//!
//! Every row ends its small columns with `digest`: eight bytes of XXH3 for the row, then eight for each large column
//! after it. The first eight are taken over the small columns before, as [`Digester`] writes them, and over the
//! digests of the large ones, so that a row is checked without reading what is large.

pub(crate) use checkpoint_core::engine::row::{check_large, corrupt, damaged, large_digest};
use checkpoint_core::{CheckpointId, Error, RawId, Result, SessionId, Timestamp};
use rusqlite::Row;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use xxhash_rust::xxh3::xxh3_64;

/// A borrowed value, to be bound to a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bind<'a>(pub(crate) ValueRef<'a>);

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// Values as they are bound.
pub(crate) fn binds<'a>(values: &'a [ValueRef<'a>]) -> impl Iterator<Item = Bind<'a>> {
    values.iter().map(|value| Bind(*value))
}

pub(crate) fn int(value: u64) -> ValueRef<'static> {
    ValueRef::Integer(value.cast_signed())
}

pub(crate) fn maybe<'a, T>(value: Option<T>, of: impl FnOnce(T) -> ValueRef<'a>) -> ValueRef<'a> {
    value.map_or(ValueRef::Null, of)
}

pub(crate) fn time(value: Timestamp) -> ValueRef<'static> {
    ValueRef::Integer(value.micros())
}

pub(crate) fn raw(id: RawId<'_>) -> ValueRef<'_> {
    match id {
        RawId::Uuid(bytes) => ValueRef::Blob(bytes),
        RawId::Text(text) => ValueRef::Text(text.as_bytes()),
    }
}

/// Writes values one after the other: a byte for the type (0 null, 1 integer, 2 text, 3 blob, 4 real), then eight
/// bytes of the number, or eight of the length and the bytes; all little-endian.
#[derive(Debug)]
struct Digester(Vec<u8>);

impl Digester {
    #[inline]
    fn value(&mut self, value: ValueRef<'_>) {
        let (kind, bytes) = match value {
            ValueRef::Null => return self.0.push(0),
            ValueRef::Integer(number) => {
                self.0.push(1);
                return self.0.extend_from_slice(&number.to_le_bytes());
            }
            ValueRef::Real(number) => {
                self.0.push(4);
                return self.0.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            ValueRef::Text(bytes) => (2, bytes),
            ValueRef::Blob(bytes) => (3, bytes),
        };
        self.0.push(kind);
        self.0
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// Whether a digest column fits what was written; answers the digests of the large columns.
    fn check(mut self, column: &[u8]) -> Result<&[u8]> {
        let (head, tail) = column
            .split_first_chunk::<8>()
            .ok_or_else(|| damaged("digest"))?;
        self.0.extend_from_slice(tail);
        if xxh3_64(&self.0).to_le_bytes() == *head {
            Ok(tail)
        } else {
            Err(damaged("header"))
        }
    }
}

/// The digest column of a row with these small and large columns.
pub(crate) fn seal<const N: usize>(small: &[ValueRef<'_>], large: [&[u8]; N]) -> Vec<u8> {
    let mut tail = Vec::with_capacity(8 * N);
    for bytes in large {
        tail.extend_from_slice(&large_digest(bytes));
    }
    seal_tail(small.iter().copied(), &tail)
}

/// As [`seal`], with the digests of the large columns already made.
pub(crate) fn seal_tail<'a>(small: impl Iterator<Item = ValueRef<'a>>, tail: &[u8]) -> Vec<u8> {
    let mut digester = Digester(Vec::with_capacity(320));
    for value in small {
        digester.value(value);
    }
    digester.0.extend_from_slice(tail);
    let head = xxh3_64(&digester.0).to_le_bytes();
    let mut column = Vec::with_capacity(8 + tail.len());
    column.extend_from_slice(&head);
    column.extend_from_slice(tail);
    column
}

/// Checks the `count` small columns that start at `from`, and answers the digests of the large ones.
pub(crate) fn check<'r>(row: &'r Row<'_>, from: usize, count: usize) -> Result<&'r [u8]> {
    let mut digester = Digester(Vec::with_capacity(320));
    for at in from..from + count {
        digester.value(value(row, at)?);
    }
    digester.check(blob(row, from + count)?)
}

#[inline]
pub(crate) fn value<'r>(row: &'r Row<'_>, at: usize) -> Result<ValueRef<'r>> {
    row.get_ref(at).map_err(crate::error::fault)
}

fn wrong(expected: &'static str) -> Error {
    Error::corrupt("a column has the wrong type; restore the row from a backup")
        .with("expected", expected)
}

#[inline]
pub(crate) fn to_blob(value: ValueRef<'_>) -> Result<&[u8]> {
    match value {
        ValueRef::Blob(bytes) => Ok(bytes),
        _ => Err(wrong("blob")),
    }
}

#[inline]
pub(crate) fn blob<'r>(row: &'r Row<'_>, at: usize) -> Result<&'r [u8]> {
    value(row, at).and_then(to_blob)
}

pub(crate) fn array<const N: usize>(row: &Row<'_>, at: usize) -> Result<[u8; N]> {
    <[u8; N]>::try_from(blob(row, at)?).map_err(|_| wrong("blob of another length"))
}

#[inline]
fn to_integer(value: ValueRef<'_>) -> Result<i64> {
    match value {
        ValueRef::Integer(number) => Ok(number),
        _ => Err(wrong("integer")),
    }
}

#[inline]
pub(crate) fn to_number(value: ValueRef<'_>) -> Result<u64> {
    to_integer(value).map(i64::cast_unsigned)
}

#[inline]
pub(crate) fn integer(row: &Row<'_>, at: usize) -> Result<i64> {
    value(row, at).and_then(to_integer)
}

#[inline]
pub(crate) fn number(row: &Row<'_>, at: usize) -> Result<u64> {
    value(row, at).and_then(to_number)
}

pub(crate) fn optional<'r, T>(
    row: &'r Row<'_>,
    at: usize,
    read: impl FnOnce(&'r Row<'_>, usize) -> Result<T>,
) -> Result<Option<T>> {
    match value(row, at)? {
        ValueRef::Null => Ok(None),
        _ => read(row, at).map(Some),
    }
}

pub(crate) fn text<'r>(row: &'r Row<'_>, at: usize) -> Result<&'r str> {
    value(row, at).and_then(to_text)
}

#[inline]
pub(crate) fn to_text(value: ValueRef<'_>) -> Result<&str> {
    match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|_| wrong("UTF-8")),
        _ => Err(wrong("text")),
    }
}

pub(crate) fn timestamp(row: &Row<'_>, at: usize) -> Result<Timestamp> {
    corrupt(Timestamp::from_micros(integer(row, at)?))
}

#[inline]
pub(crate) fn to_raw_id(value: ValueRef<'_>) -> Result<RawId<'_>> {
    match value {
        ValueRef::Blob(bytes) => <&[u8; 16]>::try_from(bytes)
            .map(RawId::Uuid)
            .map_err(|_| wrong("id of 16 bytes")),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes)
            .map(RawId::Text)
            .map_err(|_| wrong("UTF-8")),
        _ => Err(wrong("id")),
    }
}

pub(crate) fn checkpoint_id(row: &Row<'_>, at: usize) -> Result<CheckpointId> {
    value(row, at).and_then(to_checkpoint_id)
}

pub(crate) fn session_id(row: &Row<'_>, at: usize) -> Result<SessionId> {
    let raw = value(row, at).and_then(to_raw_id)?;
    corrupt(SessionId::from_raw(raw))
}

#[inline]
pub(crate) fn to_checkpoint_id(value: ValueRef<'_>) -> Result<CheckpointId> {
    corrupt(CheckpointId::from_raw(to_raw_id(value)?))
}
