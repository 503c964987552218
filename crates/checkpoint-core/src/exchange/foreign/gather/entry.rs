//! Where a foreign entry stands in its file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::super::scan::Place;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CheckpointId;

/// Where an entry stands, and what orders it.
#[derive(Clone, Debug)]
pub(in super::super) struct Entry {
    pub(in super::super) id: CheckpointId,
    /// As written until all are ordered, then as given.
    pub(in super::super) sequence: u64,
    pub(super) created_at: Timestamp,
    pub(super) step: u64,
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) line: u32,
    /// So that a change since is noticed.
    pub(super) digest: u32,
    pub(super) file: u32,
    pub(in super::super) session: u32,
    /// The one before it in its session.
    pub(in super::super) parent: Option<u32>,
}

impl Entry {
    /// Reads the entry again.
    pub(in super::super) fn load(
        &self,
        files: &[PathBuf],
        open: &mut Option<(u32, File)>,
    ) -> Result<Vec<u8>> {
        let path = files.get(self.file as usize).map(PathBuf::as_path);
        let path = path.unwrap_or(Path::new(""));
        let changed = || {
            Error::corrupt("the file was changed since it was opened; open it again")
                .with("file", path.display())
                .with("checkpoint", &self.id)
        };
        if open.as_ref().is_none_or(|(file, _)| *file != self.file) {
            let file = File::open(path).map_err(|error| {
                Error::storage("the file cannot be opened")
                    .with("file", path.display())
                    .because(error)
            })?;
            *open = Some((self.file, file));
        }
        let Some((_, file)) = open.as_mut() else {
            return Err(changed());
        };
        let mut bytes = vec![0; self.length as usize];
        file.seek(SeekFrom::Start(self.offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| changed().because(error))?;
        if digest(&bytes) == self.digest {
            Ok(bytes)
        } else {
            Err(changed())
        }
    }

    pub(in super::super) fn place(&self) -> Place {
        Place::of(self.offset, u64::from(self.line))
    }
}

pub(super) fn digest(bytes: &[u8]) -> u32 {
    let digest = xxhash_rust::xxh3::xxh3_64(bytes);
    (digest ^ (digest >> 32)) as u32
}
