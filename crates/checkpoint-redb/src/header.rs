//! What a file is, told from its first bytes, before the engine touches it.

use std::path::Path;

use checkpoint_core::files::file_fault;
use checkpoint_core::{Error, Result};

use crate::media::Medium;

/// With what every file of the engine begins.
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
/// The engine's header, with both of its slots.
pub(crate) const HEADER: usize = 320;
/// Where its slots begin, each with the version of its format.
pub(crate) const VERSIONS: [usize; 2] = [64, 192];
/// The newest version of its format that the engine knows.
const ENGINE: u8 = 3;

/// Refuses what no store can be.
pub(crate) fn check(medium: &dyn Medium, path: &Path) -> Result<()> {
    read(medium, path).map_err(|error| error.with("path", path.display()))
}

fn read(medium: &dyn Medium, path: &Path) -> Result<()> {
    let fault = |error| file_fault(error, "read the file", path);
    let length = medium.length().map_err(fault)?;
    let mut header = vec![0; length.min(HEADER as u64) as usize];
    medium.read(0, &mut header).map_err(fault)?;
    if !header.starts_with(&MAGIC) {
        return Err(if MAGIC.starts_with(&header) {
            cut_off(length)
        } else {
            Error::unsupported(
                "the file is not a database of this engine; it was left as it is, give another path",
            )
        });
    }
    if header.len() < HEADER {
        return Err(cut_off(length));
    }
    let newest = VERSIONS.map(|at| header[at]).into_iter().max();
    match newest {
        Some(version) if version > ENGINE => Err(Error::unsupported(format!(
            "the file has version {version} of the engine's format, and this program knows up to {ENGINE}; update the \
             program"
        ))),
        _ => Ok(()),
    }
}

fn cut_off(length: u64) -> Error {
    Error::corrupt("the file is cut off; restore a backup").with("bytes", length)
}
