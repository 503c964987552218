//! What a directory may hold after a cut.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

/// The files and directories below a directory; the bytes of a file, none for a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pub(super) entries: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl Image {
    /// Puts the image into a directory, which must be empty.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn write_to(&self, directory: &Path) -> io::Result<()> {
        for (path, bytes) in &self.entries {
            let path = directory.join(path);
            match bytes {
                Some(bytes) => fs::write(path, bytes)?,
                None => fs::create_dir(path)?,
            }
        }
        Ok(())
    }

    /// The files and directories, by their paths below the directory, with their lengths.
    pub fn files(&self) -> impl Iterator<Item = (&Path, Option<usize>)> {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Vec::len);
        let entries = self.entries.iter();
        entries.map(move |(path, bytes)| (path.as_path(), length(bytes)))
    }

    /// The same for images that hold the same.
    #[must_use]
    pub fn digest(&self) -> u128 {
        let mut hasher = Xxh3::new();
        for (path, bytes) in &self.entries {
            let name = path.as_os_str().as_encoded_bytes();
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name);
            match bytes {
                Some(bytes) => {
                    hasher.update(&(bytes.len() as u64).to_le_bytes());
                    hasher.update(bytes);
                }
                None => hasher.update(&u64::MAX.to_le_bytes()),
            }
        }
        hasher.digest128()
    }
}
