//! Bytes, digests and times as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

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

/// Appends bytes in hexadecimal, in small letters.
pub(super) fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Reads a digest of 32 bytes in hexadecimal, in small letters.
pub(super) fn digest_from_hex(text: &str) -> Result<[u8; 32]> {
    let wrong = || {
        let start: String = text.chars().take(80).collect();
        Error::invalid("a digest has 64 hexadecimal digits in small letters")
            .with("value", format_args!("{start:?}"))
    };
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(wrong());
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (digit(pair[0]), digit(pair[1]));
        *byte = high
            .zip(low)
            .map(|(high, low)| high << 4 | low)
            .ok_or_else(wrong)?;
    }
    Ok(digest)
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
    fn what_is_no_digest_is_refused() {
        for text in [
            "",
            "00",
            &"0".repeat(63),
            &"0".repeat(65),
            &"G".repeat(64),
            &"A".repeat(64),
            &"é".repeat(32),
        ] {
            assert!(digest_from_hex(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn times_come_back(micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros()) {
            let text = written(micros);
            prop_assert_eq!(Timestamp::parse(&text).expect("a time").micros(), micros);
            prop_assert_eq!(text.len(), 27);
        }

        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..100), digest: [u8; 32]) {
            let mut out = Vec::new();
            put_base64(&mut out, &bytes);
            prop_assert_eq!(from_base64(std::str::from_utf8(&out).expect("text")).expect("base64"), bytes);
            let mut out = Vec::new();
            put_hex(&mut out, &digest);
            prop_assert_eq!(digest_from_hex(std::str::from_utf8(&out).expect("text")).expect("hex"), digest);
        }
    }
}
