//! Keys in files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use checkpoint_core::files::{Files, SystemFiles, sync_directory};
use checkpoint_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use super::{PASSPHRASE_MOST, words};
use crate::secret::Secret;

/// Writes a new key to a file that is not there yet and that nobody else can read, and syncs it.
///
/// Keep a copy of it elsewhere: without it the store is lost.
///
/// # Errors
///
/// `AlreadyExists` when there is something: a key is never written over. Those of the system.
pub fn generate(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let line = words::write(&Secret::random()?);
    let written = (|| {
        let mut file = SystemFiles.create(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    })();
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::not_found("the directory in which the key is to be is not there; make it first")
                .with("file", path.display())
                .because(error)
        }
        _ => refused(path, error),
    })?;
    sync_directory(&SystemFiles, path)
}

/// Reads a key.
pub(super) fn read(path: &Path) -> Result<Secret> {
    let bytes = secret_bytes(path, words::MOST)?;
    words::read(&bytes).map_err(|error| error.with("file", path.display()))
}

/// Reads the first line of a file.
pub(super) fn passphrase(path: &Path) -> Result<Zeroizing<String>> {
    let bytes = secret_bytes(path, PASSPHRASE_MOST)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Error::invalid("the passphrase is no text in UTF-8").with("file", path.display())
    })?;
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

/// What a small file holds that its owner alone can read.
fn secret_bytes(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path).map_err(|error| refused(path, error))?;
    check_owner(&file, path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(path, error))?;
    if bytes.len() > most {
        return Err(Error::invalid(format!(
            "the file holds more than {most} bytes; it is no key"
        ))
        .with("file", path.display()));
    }
    Ok(bytes)
}

/// Of the file that is open, so that nobody can put another in its place between.
#[cfg(unix)]
fn check_owner(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|error| refused(path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    // A pipe, as of a shell's process substitution, is nobody else's.
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(Error::new(
            ErrorKind::Denied,
            format!("others than its owner can read or write the key (mode {mode:03o}); take that from them with `chmod 600`"),
        )
        .with("file", path.display()));
    }
    Ok(())
}

/// Who may read a file is told otherwise there.
#[cfg(not(unix))]
fn check_owner(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

fn refused(path: &Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let (kind, message) = match error.kind() {
        Io::NotFound => (
            ErrorKind::NotFound,
            "there is no such file; generate a key, or name the one that the store was made with",
        ),
        Io::PermissionDenied => (
            ErrorKind::Denied,
            "the key may not be read or written by this user",
        ),
        Io::AlreadyExists => (
            ErrorKind::AlreadyExists,
            "there is a file already; a key is never written over",
        ),
        _ => (ErrorKind::Storage, "the key cannot be read or written"),
    };
    Error::new(kind, message)
        .with("file", path.display())
        .because(error)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_and_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        generate(&path).expect("made");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let key = read(&path).expect("read");
        let error = generate(&path).expect_err("there already");
        assert_eq!(*error.kind(), ErrorKind::AlreadyExists);
        assert!(read(&path).expect("read") == key);
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_no_key_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        let error = read(&path).expect_err("not there");
        assert_eq!(*error.kind(), ErrorKind::NotFound);
        generate(&path).expect("made");
        for mode in [0o640, 0o604, 0o620, 0o601] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
            let error = read(&path).expect_err("others can read it");
            assert_eq!(*error.kind(), ErrorKind::Denied, "{mode:o}");
        }
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("set");
        for content in ["", "too short", &"x".repeat(10_000)] {
            std::fs::write(&path, content).expect("written");
            let error = read(&path).expect_err("no key");
            assert_eq!(*error.kind(), ErrorKind::Invalid, "{error}");
        }
        assert!(read(directory.path()).is_err(), "a directory");
    }

    #[test]
    fn a_passphrase_is_the_first_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("passphrase");
        let mut file = SystemFiles.create(&path).expect("made");
        file.write_all("correct horse ü\r\nnot this\n".as_bytes())
            .expect("written");
        assert_eq!(passphrase(&path).expect("read").as_str(), "correct horse ü");
    }
}
