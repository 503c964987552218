//! The sealed form of bytes. No other room knows a nonce.
//!
//! ```text
//! magic "CKP\x01" · suite (1) · key id (4, little endian) · salt (32) · commitment (32) · segments
//! ```
//!
//! Each sealed object has a salt of its own, 32 random bytes. HKDF with SHA-256 (RFC 5869) makes 64 bytes of the data
//! key and the salt: a key for AES-256-GCM (NIST SP 800-38D) that is used for this object alone, and a commitment to it.
//! So no nonce is ever counted and none repeats under a key, whatever is sealed by however many machines: within an
//! object nonces number the segments.
//!
//! The plain bytes are cut into segments of 64 KiB, the last one shorter, empty only when there is nothing at all. The
//! nonce of a segment is 3 bytes of zero, its number (8, big endian) and 1 for the last one, else 0: none can be left
//! out, added or moved ("STREAM", Hoang, Reyhanitabar, Rogaway and Vizár, 2015). Each segment is followed by its tag of
//! 16 bytes. Associated data of each segment: the first 9 bytes of the header, then what the object is bound to.
//!
//! AES-GCM does not commit to its key: bytes can be made that open under two keys. The commitment, compared before
//! anything is decrypted, keeps what was sealed under one key from being taken for something sealed under another.

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit};
use bytes::Bytes;
use checkpoint_core::{Error, Result};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::{KEY_BYTES, Secret, expand, random};

const MAGIC: [u8; 4] = *b"CKP\x01";
/// AES-256-GCM, HKDF with SHA-256, segments of 64 KiB.
const SUITE: u8 = 1;
const SALT: usize = 32;
const COMMITMENT: usize = 32;
/// What says how the rest is to be read.
const INTRODUCTION: usize = MAGIC.len() + 1 + 4;
const HEADER: usize = INTRODUCTION + SALT + COMMITMENT;
/// Plain bytes of a segment.
const SEGMENT: usize = 64 << 10;
const TAG: usize = 16;
/// What the one-use key is derived for.
const INFO: &[u8] = b"checkpoint envelope 1";

/// Bytes that sealing adds.
pub(crate) const fn overhead(plain: u64) -> u64 {
    let segments = plain.div_ceil(SEGMENT as u64);
    let segments = if segments == 0 { 1 } else { segments };
    HEADER as u64 + segments * TAG as u64
}

/// Why bytes did not open. Callers tell it to nobody: outside there is one error for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// They are not sealed, or by a later version.
    Foreign,
    /// They were sealed under another key, or changed.
    Refused,
}

/// The id of the key under which something was sealed.
pub(crate) fn key_id(sealed: &[u8]) -> Result<u32, Unopened> {
    let introduction = sealed.first_chunk::<INTRODUCTION>();
    let introduction = introduction.ok_or(Unopened::Foreign)?;
    if sealed.len() < HEADER + TAG || introduction[..4] != MAGIC || introduction[4] != SUITE {
        return Err(Unopened::Foreign);
    }
    let [.., a, b, c, d] = *introduction;
    Ok(u32::from_le_bytes([a, b, c, d]))
}

/// Seals bytes under a data key, bound to what they are.
pub(crate) fn seal(key: &Secret, id: u32, bound: &[u8], plain: &[u8]) -> Result<Bytes> {
    let mut salt = [0; SALT];
    random(&mut salt)?;
    seal_with(&salt, key, id, bound, plain)
}

/// As [`seal`], with a salt that is given.
fn seal_with(
    salt: &[u8; SALT],
    key: &Secret,
    id: u32,
    bound: &[u8],
    plain: &[u8],
) -> Result<Bytes> {
    let once = Once::derive(key, salt)?;
    let mut out = Vec::with_capacity(plain.len() + overhead(plain.len() as u64) as usize);
    out.extend_from_slice(&MAGIC);
    out.push(SUITE);
    out.extend_from_slice(&id.to_le_bytes());
    let associated = [&out[..], bound].concat();
    out.extend_from_slice(salt);
    out.extend_from_slice(&once.commitment);
    let last = plain.len().div_ceil(SEGMENT).max(1) - 1;
    for number in 0..=last {
        let start = number * SEGMENT;
        let segment = &plain[start..plain.len().min(start + SEGMENT)];
        let at = out.len();
        out.extend_from_slice(segment);
        let tag = once.cipher.encrypt_inout_detached(
            &nonce(number as u64, number == last).into(),
            &associated,
            InOutBuf::from(&mut out[at..]),
        );
        let tag = tag.map_err(|_| Error::invalid("more bytes than can be sealed at once"))?;
        out.extend_from_slice(&tag);
    }
    Ok(out.into())
}

/// Opens what was sealed under this key and bound to this. Nothing is released before all of it was checked.
pub(crate) fn open(key: &Secret, bound: &[u8], sealed: &[u8]) -> Result<Bytes, Unopened> {
    key_id(sealed)?;
    let (header, body) = sealed.split_at(HEADER);
    let (introduction, rest) = header.split_at(INTRODUCTION);
    let (salt, commitment) = rest.split_at(SALT);
    let once = Once::derive(key, salt).map_err(|_| Unopened::Refused)?;
    if !bool::from(once.commitment.ct_eq(commitment)) {
        return Err(Unopened::Refused);
    }
    let associated = [introduction, bound].concat();
    let mut plain = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut segments = body.chunks(SEGMENT + TAG).peekable();
    let mut number = 0;
    while let Some(segment) = segments.next() {
        let cut = segment.len().checked_sub(TAG).ok_or(Unopened::Refused)?;
        let is_last = segments.peek().is_none();
        // An empty one is sealed only where it is all there is.
        if cut == 0 && number > 0 {
            return Err(Unopened::Refused);
        }
        let (segment, tag) = segment.split_at(cut);
        let tag: [u8; TAG] = tag.try_into().map_err(|_| Unopened::Refused)?;
        let at = plain.len();
        plain.extend_from_slice(segment);
        let opened = once.cipher.decrypt_inout_detached(
            &nonce(number, is_last).into(),
            &associated,
            InOutBuf::from(&mut plain[at..]),
            &tag.into(),
        );
        opened.map_err(|_| Unopened::Refused)?;
        number += 1;
    }
    Ok(std::mem::take(&mut *plain).into())
}

const fn nonce(segment: u64, is_last: bool) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = segment.to_be_bytes();
    [0, 0, 0, a, b, c, d, e, f, g, h, is_last as u8]
}

/// What one object is sealed with.
struct Once {
    cipher: Aes256Gcm,
    commitment: [u8; COMMITMENT],
}

impl Once {
    fn derive(key: &Secret, salt: &[u8]) -> Result<Self> {
        let mut derived = [0; KEY_BYTES + COMMITMENT];
        expand(key, Some(salt), INFO, &mut derived)?;
        let (mut once, mut commitment) = ([0; KEY_BYTES], [0; COMMITMENT]);
        once.copy_from_slice(&derived[..KEY_BYTES]);
        commitment.copy_from_slice(&derived[KEY_BYTES..]);
        let cipher = Aes256Gcm::new(&once.into());
        derived.zeroize();
        once.zeroize();
        Ok(Self { cipher, commitment })
    }
}

#[cfg(test)]
mod tests;
