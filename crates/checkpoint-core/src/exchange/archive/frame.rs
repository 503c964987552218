//! Frames: kind, length, fields, link.

use std::io::{Read, Seek, SeekFrom};

use super::{MAGIC, MAX_FRAME};
use crate::error::{Error, Result};
use crate::exchange::file::{Place, unreadable};

/// Bytes before the fields.
pub(super) const HEAD: usize = 5;
/// Bytes behind them.
pub(super) const LINK: usize = 16;

/// The link before the first frame.
pub(super) fn first_link() -> [u8; 32] {
    *blake3::hash(&MAGIC).as_bytes()
}

/// Where the first frame begins.
pub(super) fn first_place() -> Place {
    Place {
        offset: MAGIC.len() as u64,
        number: 0,
        chain: first_link(),
    }
}

fn link(before: &[u8; 32], head: &[u8], fields: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(head);
    hasher.update(fields);
    *hasher.finalize().as_bytes()
}

/// Appends a frame, and moves the place behind it.
pub(super) fn put_frame(
    out: &mut Vec<u8>,
    place: &mut Place,
    kind: u8,
    fields: &[u8],
) -> Result<()> {
    let length = u32::try_from(fields.len())
        .ok()
        .filter(|_| fields.len() <= MAX_FRAME);
    let length = length.ok_or_else(|| {
        Error::too_large(
            "a frame of an archive",
            fields.len() as u64,
            MAX_FRAME as u64,
        )
    })?;
    let mut head = [kind; HEAD];
    head[1..].copy_from_slice(&length.to_le_bytes());
    place.chain = link(&place.chain, &head, fields);
    out.extend_from_slice(&head);
    out.extend_from_slice(fields);
    out.extend_from_slice(&place.chain[..LINK]);
    place.offset += (HEAD + fields.len() + LINK) as u64;
    place.number += 1;
    Ok(())
}

/// Reads the frame at a place into `fields`, and moves the place behind it; answers its kind.
pub(super) fn take_frame(
    from: &mut impl Read,
    place: &mut Place,
    fields: &mut Vec<u8>,
) -> Result<u8> {
    let mut head = [0; HEAD];
    exact(from, &mut head)?;
    let kind = head[0];
    read_fields(from, length_of(&head)?, fields)?;
    let mut stored = [0; LINK];
    exact(from, &mut stored)?;
    let chain = link(&place.chain, &head, fields);
    if chain[..LINK] != stored {
        return Err(Error::corrupt(
            "a frame is not the one that was written here: its digest does not match",
        ));
    }
    place.chain = chain;
    place.offset += (HEAD + fields.len() + LINK) as u64;
    place.number += 1;
    Ok(kind)
}

/// Reads the fields of a frame that was read before, of whatever kind. What it says has to be checked otherwise.
pub(super) fn again(
    from: &mut (impl Read + Seek),
    offset: u64,
    fields: &mut Vec<u8>,
) -> Result<u8> {
    from.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
    let mut head = [0; HEAD];
    exact(from, &mut head)?;
    read_fields(from, length_of(&head)?, fields)?;
    Ok(head[0])
}

fn length_of(head: &[u8; HEAD]) -> Result<usize> {
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > MAX_FRAME {
        return Err(
            Error::corrupt("a frame says that it is longer than any may be")
                .with("bytes", length)
                .with("at most", MAX_FRAME),
        );
    }
    Ok(length)
}

/// Takes memory only as far as there are bytes.
fn read_fields(from: &mut impl Read, length: usize, fields: &mut Vec<u8>) -> Result<()> {
    fields.clear();
    let read = from.take(length as u64).read_to_end(fields);
    if read.map_err(unreadable)? < length {
        return Err(cut());
    }
    Ok(())
}

fn exact(from: &mut impl Read, into: &mut [u8]) -> Result<()> {
    from.read_exact(into).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => cut(),
        _ => unreadable(error),
    })
}

/// The file ends too early.
pub(super) fn cut() -> Error {
    Error::corrupt("the file is cut off within a frame")
}
