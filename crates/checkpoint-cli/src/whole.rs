//! Files that a person names, written as a whole.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::fault::Fault;
use crate::interrupt::placing;

/// How many links are followed, as the system does.
const LINKS: usize = 40;

/// Writes a file as a whole: whoever opens it finds what was there before, or all of this. A link stays one, and a pipe or
/// a device takes the bytes, as where a shell writes.
pub(crate) fn whole(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let written = match std::fs::metadata(path) {
        Ok(there) if !streams(&there) => placing(|| replace(path, Some(&there), bytes)),
        Ok(_) => OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => placing(|| replace(path, None, bytes)),
        Err(error) => Err(error),
    };
    written.map_err(|error| Fault::file("write", path, &error))
}

/// Whether there is a pipe or a device, which may wait for who takes the bytes.
pub(crate) fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|there| streams(&there))
}

fn streams(there: &Metadata) -> bool {
    !there.is_file() && !there.is_dir()
}

/// Puts a new file in the place of the one that is there, if one is.
fn replace(path: &Path, there: Option<&Metadata>, bytes: &[u8]) -> io::Result<()> {
    let path = end(path);
    let directory = directory(&path);
    let mut file = beside(directory)?;
    file.write_all(bytes)?;
    if let Some(there) = there {
        resemble(file.as_file(), there)?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    // The name is on disk once its directory is.
    if cfg!(unix) {
        File::open(directory)?.sync_all()
    } else {
        Ok(())
    }
}

/// Where a file lies or would lie, from the root.
pub(crate) fn resolved(path: &Path) -> Option<PathBuf> {
    let path = end(path);
    let directory = directory(&path).canonicalize().ok()?;
    Some(directory.join(path.file_name()?))
}

/// The directory in which a file lies or would lie.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Where links lead in the end, be there something or not.
fn end(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = std::fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    path
}

/// A new file, which those may read whom the user lets read all that he makes.
fn beside(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".checkpoint-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Makes a file one of the same owner and mode as another.
fn resemble(file: &File, there: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Who may not give it away keeps it.
        let _ = fchown(file, Some(there.uid()), Some(there.gid()));
    }
    file.set_permissions(there.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Exit;

    #[test]
    fn a_file_is_written_as_a_whole_or_stays_as_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("state.json");
        whole(&path, b"1").expect("written");
        whole(&path, b"22").expect("written again");
        assert_eq!(std::fs::read(&path).expect("read"), b"22");
        let left = std::fs::read_dir(directory.path()).expect("listed").count();
        assert_eq!(left, 1, "nothing else is left");
        let fault = whole(&directory.path().join("no/such"), b"1").expect_err("no directory");
        assert_eq!(fault.exit(), Exit::NotFound);
    }
}
