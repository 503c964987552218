//! What a file is, told by how it begins.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use super::ImportFormat;
use crate::error::{Error, Result};
use crate::exchange::archive::{ArchiveReading, is_archive};
use crate::exchange::file::{FileHeader, Reading, unreadable};
use crate::exchange::foreign::recognise;
use crate::exchange::lines::{LinesReading, is_lines};
use crate::limits::Limits;
use crate::store::offload;

/// Bytes by which a file is told. The first line of a file of lines has less.
const HEAD: u64 = 4 << 10;

/// A file of ours that was recognised, and its header read.
pub(super) struct Opened {
    pub(super) format: ImportFormat,
    pub(super) header: FileHeader,
    pub(super) reading: Box<dyn Reading>,
}

/// Opens a file, by its path unless it is open already.
pub(super) async fn open(
    path: PathBuf,
    file: Option<File>,
    format: Option<ImportFormat>,
    limits: Limits,
) -> Result<Opened> {
    offload(move || open_now(&path, file, format, &limits)).await?
}

fn open_now(
    path: &Path,
    file: Option<File>,
    format: Option<ImportFormat>,
    limits: &Limits,
) -> Result<Opened> {
    let at = |error: Error| {
        if path.as_os_str().is_empty() {
            error
        } else {
            error.with("path", path.display())
        }
    };
    let mut file = match file {
        Some(file) => file,
        None => regular(path).map_err(at)?,
    };
    let mut head = Vec::new();
    let read = (&mut file).take(HEAD).read_to_end(&mut head);
    read.and_then(|_| file.rewind())
        .map_err(|error| at(unreadable(error)))?;
    let format = match format {
        Some(format) => format,
        None => of(&head).map_err(at)?,
    };
    let opened = match format {
        ImportFormat::Archive => ArchiveReading::open(file).map(boxed),
        ImportFormat::Lines => LinesReading::open(file, limits).map(boxed),
        other => {
            return Err(at(Error::unsupported(
                "files of this kind are not read from here",
            )
            .with("format", other)));
        }
    };
    let (reading, header) = opened.map_err(|fault| at(fault.into_error()))?;
    Ok(Opened {
        format,
        header,
        reading,
    })
}

/// The other system that wrote what lies at a path; none when it is a file of ours, or none at all.
pub(super) async fn foreign(
    path: PathBuf,
    format: Option<ImportFormat>,
) -> Result<Option<ImportFormat>> {
    offload(move || match format {
        Some(ImportFormat::Archive | ImportFormat::Lines) => None,
        Some(other) => Some(other),
        // What cannot be read is told by whoever opens it.
        None => recognise(&path).unwrap_or(None),
    })
    .await
}

fn boxed<R: Reading>((reading, header): (R, FileHeader)) -> (Box<dyn Reading>, FileHeader) {
    (Box::new(reading), header)
}

fn regular(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::not_found("there is no such file to import"),
        _ => unreadable(error),
    })?;
    let found = file.metadata().map_err(unreadable)?;
    if found.is_dir() {
        return Err(Error::invalid(
            "a directory cannot be imported as a file; name a file",
        ));
    }
    if !found.is_file() {
        return Err(Error::invalid(
            "what can be read once only is imported by `import_reader`; name a regular file",
        ));
    }
    Ok(file)
}

/// The format of a file that begins so.
fn of(head: &[u8]) -> Result<ImportFormat> {
    if is_archive(head) {
        return Ok(ImportFormat::Archive);
    }
    if is_lines(head) {
        return Ok(ImportFormat::Lines);
    }
    if head.is_empty() {
        return Err(Error::invalid(
            "the file is empty; an export has at least a header and an end",
        ));
    }
    Err(
        Error::invalid("the file is no export; neither an archive nor JSON lines")
            .with("it seems to be", looks_like(head)),
    )
}

/// Beginnings of files that somebody may take for an export.
const OTHERS: &[(&[u8], &str)] = &[
    (
        b"SQLite format 3\0",
        "an SQLite database; open it as a store and copy it",
    ),
    (
        b"redb\x1a\x0a\xa9\x0d\x0a",
        "a redb database; open it as a store and copy it",
    ),
    (b"\x1f\x8b", "compressed by gzip; decompress it first"),
    (
        b"\x28\xb5\x2f\xfd",
        "compressed by zstd; decompress it first",
    ),
    (b"PK\x03\x04", "a zip file; unpack it first"),
    (
        b"\xef\xbb\xbf",
        "text that begins with a byte order mark; remove it",
    ),
    (
        b"\x89ckpa",
        "an archive that was changed on its way, as if it were text; bring it as bytes",
    ),
    (b"{", "JSON of another kind"),
    (b"[", "JSON of another kind"),
];

fn looks_like(head: &[u8]) -> String {
    if let Some((_, what)) = OTHERS.iter().find(|(begins, _)| head.starts_with(begins)) {
        return (*what).to_owned();
    }
    let start = &head[..head.len().min(16)];
    if std::str::from_utf8(start).is_ok() {
        format!("text that begins {:?}", String::from_utf8_lossy(start))
    } else {
        format!("bytes that begin {start:02x?}")
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({})", self.format)
    }
}
