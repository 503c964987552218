//! What stands in the file: a header, then entries, each with its length and a digest.
//!
//! ```text
//! header: MAGIC (8) · version (4) · id of the store (16) · BLAKE3 of all before (32)
//! entry:  MARK (4) · length of the rows (8) · BLAKE3 of id, offset, length and rows (32) · rows
//! ```
//!
//! Numbers are little-endian. An entry is written by one call and synced before the next one is, so that only the last
//! can be torn, and whatever stands behind an entry proves that it was whole once.

use std::ops::Range;

use checkpoint_core::{Error, Result, StoreId};

/// The format that is written.
pub(crate) const VERSION: u32 = 1;
/// Bytes of a header.
pub(crate) const HEADER: usize = 60;
/// Bytes of an entry before its rows.
pub(crate) const ENTRY: usize = 44;

const MAGIC: &[u8; 8] = b"journal\n";
const MARK: &[u8; 4] = b"\xf0\x9f\x93\x96";

/// The header of a store's journal.
pub(crate) fn header(id: StoreId) -> Vec<u8> {
    let mut header = [&MAGIC[..], &VERSION.to_le_bytes(), id.as_bytes()].concat();
    header.extend_from_slice(blake3::hash(&header).as_bytes());
    header
}

/// The id of the store, from a journal that begins as it should.
pub(crate) fn read_header(bytes: &[u8]) -> Result<StoreId> {
    if !bytes.starts_with(MAGIC) {
        return Err(Error::unsupported(
            "the file is not a journal; it was left as it is, give another directory",
        ));
    }
    let cut_off = || Error::corrupt("the header of the journal is damaged; restore a backup");
    let version = array(bytes, 8).map(u32::from_le_bytes);
    let version = version.ok_or_else(cut_off)?;
    if version > VERSION {
        return Err(Error::unsupported(format!(
            "the journal has format {version}, and this program knows up to {VERSION}; update the program"
        )));
    }
    let id = StoreId::from_bytes(array(bytes, 12).ok_or_else(cut_off)?);
    if bytes.get(..HEADER) != Some(&header(id)[..]) {
        return Err(cut_off());
    }
    Ok(id)
}

/// The entry with these rows at this offset.
pub(crate) fn entry(id: StoreId, at: u64, rows: &[u8]) -> Vec<u8> {
    let length = (rows.len() as u64).to_le_bytes();
    let digest = digest(id, at, rows);
    [&MARK[..], &length, &digest, rows].concat()
}

/// With id and offset, so that what only looks like an entry, such as a journal saved in a checkpoint, is none.
fn digest(id: StoreId, at: u64, rows: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(id.as_bytes()).update(&at.to_le_bytes());
    hasher.update(&(rows.len() as u64).to_le_bytes());
    *hasher.update(rows).finalize().as_bytes()
}

/// The rows of each entry. What cannot be read at the end is a torn entry and left out.
pub(crate) fn scan(bytes: &[u8], id: StoreId) -> Result<Vec<Range<usize>>> {
    let (mut all, mut at) = (Vec::new(), HEADER);
    while let Some(rows) = entry_at(bytes, at, id) {
        at = rows.end;
        all.push(rows);
    }
    let behind = at + 1..bytes.len();
    if behind
        .into_iter()
        .any(|at| entry_at(bytes, at, id).is_some())
    {
        return Err(damaged(at as u64));
    }
    Ok(all)
}

fn entry_at(bytes: &[u8], at: usize, id: StoreId) -> Option<Range<usize>> {
    if !bytes.get(at..)?.starts_with(MARK) {
        return None;
    }
    let length = usize::try_from(u64::from_le_bytes(array(bytes, at + 4)?)).ok()?;
    let start = at + ENTRY;
    let rows = start..start.checked_add(length)?;
    let expected = array(bytes, at + 12)?;
    (digest(id, at as u64, bytes.get(rows.clone())?) == expected).then_some(rows)
}

/// The entry at this offset is not what was written.
pub(crate) fn damaged(at: u64) -> Error {
    Error::corrupt("an entry of the journal is damaged; restore a backup").with("offset", at)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}
