//! The parts of which rows are packed. What is read is trusted in nothing: no length, no id, no time.

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::RawId;
use crate::wire::{put_varint, take_varint};

/// Writes a time: its microseconds, eight bytes, little-endian.
#[inline]
pub fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&time.micros().to_le_bytes());
}

/// Writes an id: 0 and the bytes of a UUID, or the length of a text and its bytes.
#[inline]
pub fn put_id(out: &mut Vec<u8>, id: RawId<'_>) {
    match id {
        RawId::Uuid(bytes) => {
            out.push(0);
            out.extend_from_slice(bytes);
        }
        RawId::Text(text) => put_text(out, text),
    }
}

/// Writes the length of a text and its bytes.
#[inline]
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn cut() -> Error {
    Error::corrupt("a row is cut off")
}

/// Takes so many bytes from the front.
///
/// # Errors
///
/// `Corrupt` when there are fewer, as of all below.
#[inline]
pub fn take<'r>(rest: &mut &'r [u8], length: usize) -> Result<&'r [u8]> {
    let (taken, after) = rest.split_at_checked(length).ok_or_else(cut)?;
    *rest = after;
    Ok(taken)
}

/// Takes so many bytes as the array has.
///
/// # Errors
///
/// `Corrupt` for what nobody could have written.
#[inline]
pub fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, after) = rest.split_first_chunk().ok_or_else(cut)?;
    *rest = after;
    Ok(*taken)
}

/// Takes what is there only when something else says so.
///
/// # Errors
///
/// `Corrupt` for what nobody could have written.
#[inline]
pub fn take_if<T>(
    there: bool,
    rest: &mut &[u8],
    take: impl FnOnce(&mut &[u8]) -> Result<T>,
) -> Result<Option<T>> {
    there.then(|| take(rest)).transpose()
}

/// Takes a time.
///
/// # Errors
///
/// `Corrupt` for what nobody could have written.
#[inline]
pub fn take_time(rest: &mut &[u8]) -> Result<Timestamp> {
    corrupt(Timestamp::from_micros(i64::from_le_bytes(take_array(
        rest,
    )?)))
}

/// Takes a text of so many bytes.
///
/// # Errors
///
/// `Corrupt` for what nobody could have written.
#[inline]
pub fn take_text<'r>(rest: &mut &'r [u8], length: u64) -> Result<&'r str> {
    let bytes = take(rest, usize::try_from(length).map_err(|_| cut())?)?;
    std::str::from_utf8(bytes).map_err(|_| Error::corrupt("a text in a row is not UTF-8"))
}

/// Takes an id.
///
/// # Errors
///
/// `Corrupt` for what nobody could have written.
#[inline]
pub fn take_id<T>(rest: &mut &[u8], of: impl FnOnce(RawId<'_>) -> Result<T>) -> Result<T> {
    match take_varint(rest)? {
        0 => {
            let bytes = take_array(rest)?;
            corrupt(of(RawId::Uuid(&bytes)))
        }
        length => corrupt(of(RawId::Text(take_text(rest, length)?))),
    }
}

/// What storage holds and the model refuses is damage, not a mistake of the caller.
///
/// # Errors
///
/// `Corrupt` for what nobody could have written.
#[inline]
pub fn corrupt<T>(result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        if error.is_corrupt() {
            error
        } else {
            Error::corrupt("a column holds what no store could have written").because(error)
        }
    })
}
