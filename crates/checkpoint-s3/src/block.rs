//! Runs as they are stored: compressed where that helps, with a digest before them.

use std::cell::RefCell;

use bytes::Bytes;
use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{Error, Result};
use xxhash_rust::xxh3::xxh3_64_with_seed;
use zstd::zstd_safe::{CCtx, DCtx, compress_bound};

use crate::run::{MOST, Run};

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const LEVEL: i32 = 3;
/// Bytes of a digest.
const DIGEST: usize = 8;
/// How much larger than its frame a run may be, so that a small object never takes much memory. One that would shrink
/// further is stored as it is.
const RATIO: usize = 1_024;

thread_local! {
    static COMPRESSOR: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// The stored form of a run.
pub(crate) fn encode(run: &Run, seed: u64) -> Vec<u8> {
    let plain = run.bytes();
    let frame = compressed(plain);
    let body = frame.as_deref().unwrap_or(plain);
    let mut out = Vec::with_capacity(DIGEST + 6 + body.len());
    out.extend_from_slice(&[0; DIGEST]);
    if frame.is_some() {
        out.push(ZSTD);
        put_varint(&mut out, plain.len() as u64);
    } else {
        out.push(PLAIN);
    }
    out.extend_from_slice(body);
    put_digest(&mut out, seed);
    out
}

/// Reads a stored form, which is copied: what was fetched with it can be forgotten.
///
/// # Errors
///
/// `Corrupt`.
pub(crate) fn decode(stored: &[u8], seed: u64) -> Result<Run> {
    let (kind, mut rest) = checked(stored, seed)?
        .split_first()
        .ok_or_else(|| Error::corrupt("a block is empty"))?;
    match *kind {
        PLAIN => Run::parse(Bytes::copy_from_slice(rest)),
        ZSTD => {
            let length = take_varint(&mut rest)?;
            Run::parse(decompressed(rest, length)?.into())
        }
        kind => Err(Error::corrupt("a block is of an unknown kind").with("kind", kind)),
    }
}

/// Puts the digest of all behind its place at the front there.
pub(crate) fn put_digest(out: &mut [u8], seed: u64) {
    if let Some((head, rest)) = out.split_first_chunk_mut() {
        *head = digest(rest, seed);
    }
}

/// What stands behind the digest at the front, if that is its digest.
///
/// # Errors
///
/// `Corrupt`.
pub(crate) fn checked(stored: &[u8], seed: u64) -> Result<&[u8]> {
    match stored.split_first_chunk() {
        Some((head, rest)) if *head == digest(rest, seed) => Ok(rest),
        _ => Err(mismatch()),
    }
}

/// That bytes and digest do not agree.
pub(crate) fn mismatch() -> Error {
    Error::corrupt("an object does not match its digest; restore it from a backup")
}

/// The digest of bytes.
pub(crate) fn digest(bytes: &[u8], seed: u64) -> [u8; DIGEST] {
    xxh3_64_with_seed(bytes, seed).to_le_bytes()
}

fn compressed(plain: &[u8]) -> Option<Vec<u8>> {
    let mut frame = Vec::with_capacity(compress_bound(plain.len()));
    COMPRESSOR
        .with_borrow_mut(|context| context.compress(&mut frame, plain, LEVEL))
        .ok()?;
    let helps = frame.len() < plain.len() - plain.len() / 32;
    (helps && plain.len() <= most(&frame)).then_some(frame)
}

/// Bytes for which a frame may stand.
const fn most(frame: &[u8]) -> usize {
    let most = frame.len().saturating_mul(RATIO);
    if most < MOST { most } else { MOST }
}

fn decompressed(frame: &[u8], length: u64) -> Result<Vec<u8>> {
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= most(frame))
        .ok_or_else(|| {
            Error::corrupt("a block says that it is larger than any that is written")
                .with("bytes", length)
                .with("limit", most(frame))
        })?;
    let mut plain = Vec::with_capacity(length);
    let done = DECOMPRESSOR.with_borrow_mut(|context| context.decompress(&mut plain, frame));
    match done {
        Ok(done) if done == length && plain.len() == length => Ok(plain),
        _ => Err(Error::corrupt("a block cannot be decompressed").with("bytes", length)),
    }
}

#[cfg(test)]
mod tests;
