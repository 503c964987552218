//! What objects begin and end with.
//!
//! The first 21 bytes and the last 8 have the same meaning in every version of the format, so that any program knows of
//! any object whether it is whole, and whether it may be read.

use bytes::Bytes;
use checkpoint_core::engine::row::{take, take_array};
use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{Error, Result};

use crate::block::{digest, mismatch};

/// The version that this program writes.
pub(crate) const VERSION: u32 = 1;
/// Bytes of an extension.
pub(crate) const EXTENSION: usize = 64 << 10;

/// What an object is: a byte of its magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// An entry of the log.
    Entry = b'l',
    /// What is left of one that was trimmed.
    Stub = b't',
    /// A snapshot.
    Manifest = b'm',
    /// Sorted rows.
    Segment = b's',
    /// What a store is.
    Store = b'h',
}

impl Kind {
    /// The magic number. What carries a text over a bad line would change it.
    pub(crate) const fn magic(self) -> [u8; 8] {
        [0x89, b'c', b'k', b'p', self as u8, 0x0d, 0x0a, 0x1a]
    }
}

/// Which programs may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    /// That of the format in which it is written.
    pub(crate) version: u32,
    /// The oldest that may read it.
    pub(crate) reader: u32,
    /// The oldest that may write after it.
    pub(crate) writer: u32,
}

impl Versions {
    /// Those of what this program writes.
    pub(crate) const CURRENT: Self = Self {
        version: VERSION,
        reader: 1,
        writer: 1,
    };

    /// That this program may read it.
    pub(crate) fn readable(self) -> Result<()> {
        if self.reader > VERSION {
            return Err(Error::unsupported(format!(
                "an object can be read from version {} of the format on, and this program knows version {VERSION}; \
                 take a newer program",
                self.reader
            )));
        }
        if self.version == 0 || self.reader > self.version {
            return Err(Error::corrupt("an object has a version that is none")
                .with("version", self.version)
                .with("reader", self.reader));
        }
        Ok(())
    }
}

/// Something that a later version adds to an object of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extension {
    /// A program that does not know it must not read the object. This one knows none.
    pub(crate) critical: bool,
    /// At most [`EXTENSION`] bytes.
    pub(crate) bytes: Bytes,
}

/// What each object begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Which programs may do what.
    pub(crate) versions: Versions,
    /// What a later version adds.
    pub(crate) extension: Option<Extension>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            versions: Versions::CURRENT,
            extension: None,
        }
    }
}

/// Begins an object.
///
/// # Errors
///
/// `TooLarge` for an extension above the limit.
pub(crate) fn begin(kind: Kind, head: &Head) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&kind.magic());
    let Versions {
        version,
        reader,
        writer,
    } = head.versions;
    for number in [version, reader, writer] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    match &head.extension {
        None => out.push(0),
        Some(Extension { critical, bytes }) => {
            if bytes.len() > EXTENSION {
                let (size, limit) = (bytes.len() as u64, EXTENSION as u64);
                return Err(Error::too_large("an extension", size, limit));
            }
            out.push(if *critical { 2 } else { 1 });
            put_varint(&mut out, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
    }
    Ok(out)
}

/// Ends an object with its digest.
pub(crate) fn finish(mut out: Vec<u8>) -> Bytes {
    let digest = digest(&out, 0);
    out.extend_from_slice(&digest);
    out.into()
}

/// Opens an object that is one of these kinds and whole; answers which, what it begins with, and what stands between
/// that and the digest.
///
/// # Errors
///
/// `Corrupt`; `Unsupported` for what a later version wrote, and this one must not read.
pub(crate) fn open<'o>(object: &'o [u8], kinds: &[Kind]) -> Result<(Kind, Head, &'o [u8])> {
    let is_one = |kind: &&Kind| object.starts_with(&kind.magic());
    let kind = *kinds
        .iter()
        .find(is_one)
        .ok_or_else(|| Error::corrupt("an object is not what its name says"))?;
    let (body, end) = object.split_last_chunk().ok_or_else(mismatch)?;
    if *end != digest(body, 0) {
        return Err(mismatch());
    }
    let mut rest = body;
    take(&mut rest, kind.magic().len())?;
    let versions = take_versions(&mut rest)?;
    versions.readable()?;
    let extension = take_extension(&mut rest)?;
    let head = Head {
        versions,
        extension,
    };
    Ok((kind, head, rest))
}

fn take_versions(rest: &mut &[u8]) -> Result<Versions> {
    Ok(Versions {
        version: u32::from_le_bytes(take_array(rest)?),
        reader: u32::from_le_bytes(take_array(rest)?),
        writer: u32::from_le_bytes(take_array(rest)?),
    })
}

fn take_extension(rest: &mut &[u8]) -> Result<Option<Extension>> {
    let critical = match take_array(rest)? {
        [0] => return Ok(None),
        [1] => false,
        [2] => {
            return Err(Error::unsupported(format!(
                "an object has an extension that must be understood, and this program, which knows version {VERSION} \
                 of the format, knows none; take a newer program"
            )));
        }
        [other] => return Err(flag(other)),
    };
    let bytes = take_sized(rest)?;
    if bytes.len() > EXTENSION {
        return Err(
            Error::corrupt("an extension is larger than any that is written")
                .with("bytes", bytes.len()),
        );
    }
    Ok(Some(Extension {
        critical,
        bytes: Bytes::copy_from_slice(bytes),
    }))
}

/// Writes a number, eight bytes, little-endian.
pub(crate) fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Takes a number, eight bytes, little-endian.
///
/// # Errors
///
/// `Corrupt` when it is cut off, as of the next two.
pub(crate) fn take_number(rest: &mut &[u8]) -> Result<u64> {
    take_array(rest).map(u64::from_le_bytes)
}

/// Takes bytes that have their length, a varint, before them.
pub(crate) fn take_sized<'r>(rest: &mut &'r [u8]) -> Result<&'r [u8]> {
    let length = take_varint(rest)?;
    take(rest, usize::try_from(length).unwrap_or(usize::MAX))
}

/// That a byte which says what follows is none that is known.
pub(crate) fn flag(byte: u8) -> Error {
    Error::corrupt("a byte of an object says what no format has").with("byte", byte)
}

/// That nothing follows.
pub(crate) fn end(rest: &[u8]) -> Result<()> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Error::corrupt("an object is longer than its parts").with("bytes", rest.len()))
    }
}
