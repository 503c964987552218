//! Numbered, length-prefixed fields: how small things of our own are written.
//!
//! A field is its number and the length of its value, both as varints (LEB128, at most ten bytes), and the value.
//! Fields stand in rising order of their numbers; one whose value is the default is left out, so that a field added
//! later changes nothing that was written before. A reader skips numbers that it does not know.

use crate::error::{Error, Result};
use crate::id::RawId;

/// Writes fields.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<u8>);

/// Writes a number as a varint: seven bits a byte, the lowest first, at most ten bytes (LEB128).
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes that a number takes as a varint.
fn varint_length(value: u64) -> u64 {
    u64::from((u64::BITS - (value | 1).leading_zeros()).div_ceil(7))
}

impl Fields {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(128))
    }

    /// With room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Bytes, left out when there are none.
    pub(crate) fn bytes(&mut self, number: u64, value: &[u8]) {
        if !value.is_empty() {
            self.present(number, value);
        }
    }

    /// Bytes, also when there are none: for values whose absence means something else, and for lists.
    pub(crate) fn present(&mut self, number: u64, value: &[u8]) {
        put_varint(&mut self.0, number);
        put_varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// A number as a varint, left out when it is 0.
    pub(crate) fn number(&mut self, number: u64, value: u64) {
        if value != 0 {
            self.present_number(number, value);
        }
    }

    /// A number that is never left out, so that its presence can be told from its absence.
    pub(crate) fn present_number(&mut self, number: u64, value: u64) {
        put_varint(&mut self.0, number);
        put_varint(&mut self.0, varint_length(value));
        put_varint(&mut self.0, value);
    }

    /// An id, as the string that it is.
    pub(crate) fn id(&mut self, number: u64, id: RawId<'_>) {
        id.with_text(|text| self.present(number, text.as_bytes()));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads fields, trusting no length.
#[derive(Clone, Debug)]
pub(crate) struct FieldReader<'a> {
    rest: &'a [u8],
    last: u64,
}

/// One field as read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) value: &'a [u8],
}

/// Takes a varint from the front.
///
/// # Errors
///
/// `Corrupt` for one that is cut off, or has more than 64 bits.
#[inline]
pub fn take_varint(rest: &mut &[u8]) -> Result<u64> {
    let mut value = 0_u64;
    for n in 0..10 {
        let byte = *rest
            .get(n)
            .ok_or_else(|| Error::corrupt("a number is cut off"))?;
        let part = u64::from(byte & 0x7f);
        if n == 9 && part > 1 {
            break;
        }
        value |= part << (7 * n);
        if byte < 0x80 {
            *rest = &rest[n + 1..];
            return Ok(value);
        }
    }
    Err(Error::corrupt("a number has more than 64 bits"))
}

impl<'a> FieldReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            last: 0,
        }
    }

    /// The next field, none at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let number = take_varint(&mut self.rest)?;
        let length = take_varint(&mut self.rest)?;
        if number < self.last {
            return Err(Error::corrupt("fields are out of order").with("field", number));
        }
        self.last = number;
        let value = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_off(..length));
        let value =
            value.ok_or_else(|| Error::corrupt("a field is cut off").with("field", number))?;
        Ok(Some(Field { number, value }))
    }
}

impl<'a> Field<'a> {
    /// The value as a number.
    pub(crate) fn number_value(&self) -> Result<u64> {
        let mut value = self.value;
        let number = take_varint(&mut value)?;
        if value.is_empty() {
            Ok(number)
        } else {
            Err(Error::corrupt("a number is followed by more bytes").with("field", self.number))
        }
    }

    /// The value as an array.
    #[inline]
    pub(crate) fn array<const N: usize>(&self) -> Result<[u8; N]> {
        <[u8; N]>::try_from(self.value)
            .map_err(|_| Error::corrupt("a field has the wrong length").with("field", self.number))
    }

    /// The value as text.
    #[inline]
    pub(crate) fn text(&self) -> Result<&'a str> {
        std::str::from_utf8(self.value).map_err(|error| {
            Error::corrupt("a field is not UTF-8")
                .with("field", self.number)
                .because(error)
        })
    }
}

/// A signed number as an unsigned one, small when near 0 (zigzag).
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub(crate) const fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec((1_u64..9, prop::collection::vec(any::<u8>(), 0..40)), 0..9)) {
            let mut values = values;
            values.sort();
            let mut fields = Fields::new();
            for (number, value) in &values {
                fields.present(*number, value);
            }
            let bytes = fields.finish();
            let mut reader = FieldReader::new(&bytes);
            let mut read = Vec::new();
            while let Some(field) = reader.next().expect("well formed") {
                read.push((field.number, field.value.to_vec()));
            }
            prop_assert_eq!(read, values);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut reader = FieldReader::new(&bytes);
            while let Ok(Some(field)) = reader.next() {
                let _ = (field.number_value(), field.text().is_ok(), field.array::<16>().is_ok());
            }
        }

        #[test]
        fn zigzag_has_an_inverse(value: i64) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }

        #[test]
        fn numbers_have_an_inverse(value: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut rest = &out[..];
            prop_assert_eq!(take_varint(&mut rest).expect("well formed"), value);
            prop_assert!(rest.is_empty());
            prop_assert_eq!(varint_length(value), out.len() as u64);
        }
    }
}
