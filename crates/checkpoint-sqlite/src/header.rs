//! What a file is, told from its first bytes and its length, before the engine touches it.

use std::path::Path;
use std::sync::Arc;

use checkpoint_core::files::{Files, beside, file_fault, regular};
use checkpoint_core::{Error, Result};

use crate::place::{Door, Hold};
use crate::schema::{APPLICATION_ID, PAGE_SIZE, VERSION};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How often a file is looked at that seems to be cut off: another process may be about to extend it.
const LOOKS: usize = 4;

/// Takes hold of the file, after refusing what cannot be a store. None when there is none: no file or an empty one.
pub(crate) fn look(files: &dyn Files, path: &Path) -> Result<Option<Arc<Hold>>> {
    // Before the file itself: who makes a store makes its log later.
    let log = beside(path, "-wal");
    let logged = length_beside(files, &log)?;
    let door = Door::enter();
    let Some(metadata) = regular(files, path)? else {
        return nothing(files, path, &log, logged);
    };
    if door.is_open(&metadata) {
        return Ok(Some(door.hold(&metadata)));
    }
    // An empty file is an empty database: somebody made it and came no further.
    if metadata.len() == 0 {
        return nothing(files, path, &log, logged);
    }
    read_header(files, path).map_err(|error| error.with("path", path.display()))?;
    Ok(Some(door.hold(&metadata)))
}

/// The length of a file beside the store, 0 when there is none.
fn length_beside(files: &dyn Files, path: &Path) -> Result<u64> {
    match files.metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(metadata.len()),
        Ok(_) => Err(Error::invalid(
            "what has the name of the store's log is no file; move it away, or give another path",
        )
        .with("path", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(file_fault(error, "look at the file", path)),
    }
}

/// That there is no store. A log without its store would be played into the next one that is made there.
fn nothing(files: &dyn Files, path: &Path, log: &Path, logged: u64) -> Result<Option<Arc<Hold>>> {
    let journal = beside(path, "-journal");
    for (left, length) in [(log, logged), (&journal, length_beside(files, &journal)?)] {
        if length > 0 {
            return Err(Error::corrupt(
                "the store is gone and its log is still there; bring back the file to which it belongs, or move the \
                 log away",
            )
            .with("path", left.display())
            .with("bytes", length));
        }
    }
    Ok(None)
}

fn read_header(files: &dyn Files, path: &Path) -> Result<()> {
    let mut looks = 0;
    loop {
        looks += 1;
        let logged = length_beside(files, &beside(path, "-wal"))?;
        let (header, length) = files
            .head(path, 100)
            .map_err(|error| file_fault(error, "read the file", path))?;
        check_mark(&header, length)?;
        match check_length(&header, length) {
            Err(error) if logged == 0 && looks == LOOKS => return Err(error),
            Err(_) if logged == 0 => {}
            _ => return Ok(()),
        }
    }
}

fn word(header: &[u8], at: usize) -> u32 {
    let bytes = header
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok());
    u32::from_be_bytes(bytes.unwrap_or_default())
}

fn check_mark(header: &[u8], length: u64) -> Result<()> {
    let ours = word(header, 68) == APPLICATION_ID.cast_unsigned();
    let whole = header.len() == 100;
    if !header.starts_with(MAGIC) {
        return Err(if ours && whole || MAGIC.starts_with(header) {
            Error::corrupt("the start of the file is damaged; restore a backup")
        } else {
            Error::unsupported(
                "the file is not a database; it was left as it is, give another path",
            )
        });
    }
    if !whole {
        return Err(cut_off(length));
    }
    if !ours {
        return Err(Error::unsupported(
            "the database belongs to another program; it was left as it is, give another path",
        )
        .with("application id", format_args!("{:#x}", word(header, 68))));
    }
    let version = word(header, 60);
    if version > VERSION {
        return Err(Error::unsupported(format!(
            "the store has format {version}, and this program knows up to {VERSION}; update the program"
        )));
    }
    // Writing and reading; the engine knows two of each, and takes a file with a higher one for one to be read alone.
    if header[18].max(header[19]) > 2 {
        return Err(Error::unsupported(
            "the file says that it needs a newer version of the engine; update the program, or restore a backup if \
             the file is damaged",
        ));
    }
    let page = u64::from(header[16]) << 8 | u64::from(header[17]);
    if version == 0 || page != PAGE_SIZE {
        return Err(Error::corrupt(
            "the header of the file is damaged; restore a backup",
        ));
    }
    Ok(())
}

/// Without a log, all pages stand in the file.
fn check_length(header: &[u8], length: u64) -> Result<()> {
    let expected = u64::from(word(header, 28)) * PAGE_SIZE;
    if length.is_multiple_of(PAGE_SIZE) && length >= expected {
        Ok(())
    } else {
        Err(cut_off(length).with("expected", expected))
    }
}

fn cut_off(length: u64) -> Error {
    Error::corrupt("the file is cut off; restore a backup").with("bytes", length)
}
