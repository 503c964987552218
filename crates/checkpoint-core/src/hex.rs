//! Digests in hexadecimal.

use crate::error::{Error, Result};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends bytes in hexadecimal, in small letters.
pub(crate) fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Reads a digest of 32 bytes in hexadecimal, in small letters.
pub(crate) fn digest_from_hex(text: &str) -> Result<[u8; 32]> {
    let wrong = || {
        let start: String = text.chars().take(80).collect();
        Error::invalid("a digest has 64 hexadecimal digits in small letters")
            .with("value", format_args!("{start:?}"))
    };
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(wrong());
    }
    let mut digest = [0; 32];
    let mut found = 0;
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        found |= high | low;
        *byte = high << 4 | low & 15;
    }
    if found > 15 {
        return Err(wrong());
    }
    Ok(digest)
}

/// What a byte is worth as a hexadecimal digit in small letters; 255 when it is none.
const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        fn digests_come_back(digest: [u8; 32]) {
            let mut out = Vec::new();
            put_hex(&mut out, &digest);
            prop_assert_eq!(digest_from_hex(std::str::from_utf8(&out).expect("text")).expect("hex"), digest);
        }
    }
}
