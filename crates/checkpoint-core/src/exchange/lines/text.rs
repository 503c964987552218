//! Bytes, digests and times as text.

use std::borrow::Cow;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// A string of a line, borrowed from it where it has no escapes. `Cow` alone is borrowed by a field, and not within an
/// `Option` or a `Vec`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Appends bytes in base64, with padding (RFC 4648, section 4).
pub(super) fn put_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(bytes, &mut out[start..]);
    out.truncate(start + written.unwrap_or(0));
}

/// Reads base64.
pub(super) fn from_base64(text: &str) -> Result<Vec<u8>> {
    STANDARD
        .decode(text)
        .map_err(|error| Error::invalid("not base64 with padding").because(error))
}

/// How many bytes at the front stand in a string of JSON as they are: no quote, no backslash, no control character.
///
/// Eight at once, by the well-known tests of a word for a zero byte and for one below another (S. E. Anderson, "Bit
/// Twiddling Hacks"); of what they find the lowest is exact.
pub(super) fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let is = |byte: u8| {
            let other = word ^ (ONES * u64::from(byte));
            other.wrapping_sub(ONES) & !other
        };
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (is(b'"') | is(b'\\') | control) & HIGH;
        if found != 0 {
            return n * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let odd = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    bytes.len() - rest.len() + rest.iter().position(odd).unwrap_or(rest.len())
}

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Appends a time as RFC 3339 in UTC, always with six digits of the second, so that times line up and sort as text.
///
/// The date is that of Howard Hinnant's `civil_from_days` ("chrono-compatible low-level date algorithms"), which is
/// exact; it takes a tenth of what the general formatter takes, and there are three in each line.
pub(super) fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    let (days, rest) = (time.micros().div_euclid(DAY), time.micros().rem_euclid(DAY));
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (second, micros) = (rest / 1_000_000, rest % 1_000_000);
    let parts = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (second / 3_600, 2, b':'),
        (second / 60 % 60, 2, b':'),
        (second % 60, 2, b'.'),
        (micros, 6, b'Z'),
    ];
    for (value, digits, then) in parts {
        put_digits(out, value, digits);
        out.push(then);
    }
}

/// Reads a time. As [`put_time`] writes it, by the inverse of its algorithm (`days_from_civil`); any other spelling of
/// RFC 3339 by the general parser, which takes ten times as long.
pub(super) fn read_time(text: &str) -> Result<Timestamp> {
    match usual_time(text.as_bytes()) {
        Some(micros) => Timestamp::from_micros(micros),
        None => Timestamp::parse(text),
    }
}

/// None for what is spelled otherwise, or is no time.
fn usual_time(text: &[u8]) -> Option<i64> {
    let text: &[u8; 27] = text.try_into().ok()?;
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (26, b'Z'),
    ];
    if marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let (year, month, day) = (
        digits(&text[..4])?,
        digits(&text[5..7])?,
        digits(&text[8..10])?,
    );
    let (hour, minute) = (digits(&text[11..13])?, digits(&text[14..16])?);
    let (second, micros) = (digits(&text[17..19])?, digits(&text[20..26])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year == 0 || !(1..=last).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + of_year;
    let days = era * 146_097 + of_era - 719_468;
    Some(days * DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + i64::from(byte - b'0'))
    })
}

fn put_digits(out: &mut Vec<u8>, mut value: i64, digits: usize) {
    let start = out.len();
    out.resize(start + digits, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(micros: i64) -> String {
        let mut out = Vec::new();
        put_time(&mut out, Timestamp::from_micros(micros).expect("in range"));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn times_are_written_with_six_digits() {
        assert_eq!(written(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(
            written(Timestamp::MIN.micros()),
            "0001-01-01T00:00:00.000000Z"
        );
        assert_eq!(
            written(Timestamp::MAX.micros()),
            "9999-12-31T23:59:59.999999Z"
        );
    }

    #[test]
    fn ends_of_months_are_known() {
        for text in [
            "2023-02-28T23:59:59.999999Z",
            "2024-02-29T00:00:00.000000Z",
            "2000-02-29T00:00:00.000000Z",
            "1900-03-01T00:00:00.000000Z",
            "2026-12-31T23:59:59.000001Z",
            "0001-01-01T00:00:00.000000Z",
        ] {
            let usual = usual_time(text.as_bytes()).expect(text);
            assert_eq!(
                Timestamp::parse(text).expect(text).micros(),
                usual,
                "{text}"
            );
        }
        for text in [
            "2023-02-29T00:00:00.000000Z",
            "1900-02-29T00:00:00.000000Z",
            "2026-04-31T00:00:00.000000Z",
            "2026-13-01T00:00:00.000000Z",
            "2026-00-01T00:00:00.000000Z",
            "2026-01-00T00:00:00.000000Z",
            "2026-01-01T24:00:00.000000Z",
            "0000-01-01T00:00:00.000000Z",
            "2026-01-01T00:00:60.000000Z",
        ] {
            assert_eq!(usual_time(text.as_bytes()), None, "{text}");
            assert_eq!(read_time(text).ok(), Timestamp::parse(text).ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn plain_bytes_are_counted(bytes in prop::collection::vec(prop_oneof![9 => any::<u8>(), 1 => Just(b'"')], 0..40)) {
            let odd = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            let expected = bytes.iter().position(odd).unwrap_or(bytes.len());
            prop_assert_eq!(plain(&bytes), expected);
            let high: Vec<u8> = bytes.iter().map(|byte| byte | 0x80).collect();
            prop_assert_eq!(plain(&high), high.len());
        }

        #[test]
        fn times_come_back(micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros()) {
            let text = written(micros);
            prop_assert_eq!(Timestamp::parse(&text).expect("a time").micros(), micros);
            prop_assert_eq!(read_time(&text).expect("a time").micros(), micros);
            prop_assert_eq!(text.len(), 27);
        }

        #[test]
        fn times_are_read_as_the_general_parser_reads_them(
            text in "[0-9]{3}[0-9 ]-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-6][0-9]:[0-6][0-9][.:][0-9]{5,6}[Zz]",
        ) {
            prop_assert_eq!(read_time(&text).ok(), Timestamp::parse(&text).ok(), "{}", text);
        }

        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut out = Vec::new();
            put_base64(&mut out, &bytes);
            prop_assert_eq!(from_base64(std::str::from_utf8(&out).expect("text")).expect("base64"), bytes);
        }
    }
}
