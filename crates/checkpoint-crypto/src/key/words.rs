//! The forms in which a key is written.

use checkpoint_core::{Error, Result};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::{KEY_BYTES, Secret};

/// What a file of ours begins with.
const PREFIX: &str = "checkpoint-key-1:";
/// Digits of the check that stands behind the key, so that a slip is told from a wrong key.
const CHECK: usize = 8;
/// Bytes beyond which nobody looks: what is so long is no key.
pub(super) const MOST: usize = 256;

/// The line of a key file.
pub(super) fn write(secret: &Secret) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(MOST));
    line.push_str(PREFIX);
    hex(&mut line, secret.bytes());
    line.push(':');
    line.push_str(&check(secret));
    line.push('\n');
    line
}

/// Takes a key in any form that a file may have.
pub(super) fn read(bytes: &[u8]) -> Result<Secret> {
    if let Ok(raw) = <&[u8; KEY_BYTES]>::try_from(bytes) {
        return Ok(Secret::copy(raw));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| foreign(bytes.len()))?;
    let text = text.trim_ascii();
    let Some(rest) = text.strip_prefix(PREFIX) else {
        return unhex(text).ok_or_else(|| foreign(bytes.len()));
    };
    let (key, given) = rest.split_once(':').unwrap_or((rest, ""));
    let damaged = || {
        Error::invalid(
            "the key is damaged: its check does not fit; take it from its backup, or where it was made",
        )
    };
    let secret = unhex(key).ok_or_else(damaged)?;
    if check(&secret) != given {
        return Err(damaged());
    }
    Ok(secret)
}

fn foreign(length: usize) -> Error {
    Error::invalid(format!(
        "these {length} bytes are no key: a key is the line that `generate` writes, 32 bytes, or 64 hexadecimal digits"
    ))
}

fn check(secret: &Secret) -> String {
    let mut digest = Sha256::new();
    digest.update(b"checkpoint key check 1");
    digest.update(secret.bytes());
    let mut text = String::new();
    hex(&mut text, &digest.finalize()[..CHECK / 2]);
    text
}

pub(crate) fn hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
}

fn unhex(text: &str) -> Option<Secret> {
    let digits: &[u8; 2 * KEY_BYTES] = text.as_bytes().try_into().ok()?;
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    // Nothing of it is said of a key with a wrong digit, so it may be told early.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let filled = Secret::fill(|bytes| {
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = digit(pair[0]).unwrap_or(0) << 4 | digit(pair[1]).unwrap_or(0);
        }
        Ok(())
    });
    filled.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_each_form() {
        let secret = Secret::random().expect("random");
        let line = write(&secret);
        assert!(line.len() < MOST);
        assert!(read(line.as_bytes()).expect("its line") == secret);
        assert!(read(secret.bytes()).expect("its bytes") == secret);
        let mut digits = String::new();
        hex(&mut digits, secret.bytes());
        assert!(read(digits.as_bytes()).expect("its digits") == secret);
        assert!(read(format!("{digits}\r\n").as_bytes()).expect("its line") == secret);
        assert!(read(digits.to_uppercase().as_bytes()).expect("its digits") == secret);
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let line = write(&Secret::copy(&[0xab; 32])).to_string();
        let others = [
            String::new(),
            "secret".into(),
            "ab".repeat(31),
            "ab".repeat(33),
            "zz".repeat(32),
            "-----BEGIN PRIVATE KEY-----\nabababab\n-----END PRIVATE KEY-----\n".into(),
            "AGE-SECRET-KEY-1QQQQ".into(),
            line.replacen("ab", "ac", 1),
            line[..line.len() - 3].into(),
            line.replace(PREFIX, "checkpoint-key-2:"),
            PREFIX.into(),
        ];
        for other in others {
            let error = read(other.as_bytes()).expect_err("no key").to_string();
            assert!(
                !error.contains("abab") && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
