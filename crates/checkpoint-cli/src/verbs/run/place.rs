//! The file in which a command keeps its place.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::start::{Start, digest};
use crate::fault::{Exit, Fault};
use crate::json;
use crate::whole::whole;

/// A file that is looked at now and then.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    is_raw: bool,
    /// The most bytes that are saved.
    limit: u64,
    /// What it was when all of it was known.
    seen: Option<Stamp>,
    /// What it was at the last look.
    last: Option<Stamp>,
    /// The state that was saved last.
    saved: Option<[u8; 32]>,
    /// The one that is being saved.
    saving: Option<[u8; 32]>,
    /// The command has ended: nobody writes any more.
    over: Over,
}

/// What a look at it finds.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing yet, or nothing else than before.
    Nothing,
    /// The state that was saved last.
    Saved,
    /// A state that is to be saved.
    New(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    No,
    Well,
    Badly,
}

/// By what a change is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            inode,
        }
    }
}

impl Place {
    pub(super) fn new(path: &Path, is_raw: bool, limit: u64) -> Self {
        Self {
            path: path.to_owned(),
            is_raw,
            limit,
            seen: None,
            last: None,
            saved: None,
            saving: None,
            over: Over::No,
        }
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) const fn content_type(&self) -> &'static str {
        if self.is_raw {
            "application/octet-stream"
        } else {
            "application/json"
        }
    }

    /// Puts a state into the file; where there is none, it stays as it is.
    pub(super) fn put_back(&self, start: &Start) -> Result<(), Fault> {
        let Some((path, _)) = start.restored() else {
            return Ok(());
        };
        let state = std::fs::read(path).map_err(|error| Fault::file("read", path, &error))?;
        whole(&self.path, &state)
    }

    /// Whether there is something.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Whether a state was saved, and the file holds another one.
    pub(super) fn differs(&self, start: &Start) -> bool {
        let there = self.read().ok().flatten();
        let (Some(saved), Some((bytes, _))) = (start.digest(), there) else {
            return false;
        };
        digest(&bytes) != saved
    }

    /// The command is about to start: what is in the file now is of an earlier time, and may be older than what was
    /// saved. Only where nothing was saved yet it is the first state.
    pub(super) fn begin(&mut self, start: &Start) {
        self.saved = start.digest();
        self.last = std::fs::metadata(&self.path).ok().as_ref().map(Stamp::of);
        // Nor is what a command left that was killed while it wrote, or a file that is still empty.
        let is_first = self.saved.is_none() && self.over == Over::No;
        self.seen = self.last.filter(|stamp| !is_first || stamp.length == 0);
        self.over = Over::No;
    }

    /// The command has ended.
    pub(super) fn over(&mut self, well: bool) {
        self.over = if well { Over::Well } else { Over::Badly };
    }

    /// What is to be saved, if anything is. A file that is being written is looked at again later.
    pub(super) fn look(&mut self) -> Result<Found, Fault> {
        let Some((bytes, stamp)) = self.read()? else {
            return Ok(Found::Nothing);
        };
        // A change may leave the stamp as it was when it comes at once after another: seen is what was so twice.
        let is_settled = self.last == Some(stamp);
        self.last = Some(stamp);
        let found = digest(&bytes);
        if is_settled || self.over != Over::No {
            self.seen = Some(stamp);
        }
        if self.saved == Some(found) {
            return Ok(Found::Saved);
        }
        // Bytes do not tell whether somebody is still writing, or was killed while he was.
        let is_whole = !self.is_raw || is_settled || self.over == Over::Well;
        if !is_whole {
            return Ok(Found::Nothing);
        }
        if !self.is_raw
            && let Err(error) = json::check(&bytes)
        {
            // Half a file is not worth a word while somebody may be writing the other half.
            return if is_settled || self.over != Over::No {
                let what = format!("{} is no JSON", self.path.display());
                Err(Fault::new(Exit::Failed, what)
                    .because(&error)
                    .hint("say --raw to save bytes as they are"))
            } else {
                Ok(Found::Nothing)
            };
        }
        self.saving = Some(found);
        Ok(Found::New(bytes))
    }

    pub(super) fn is_saved(&mut self) {
        self.saved = self.saving.take();
    }

    /// It is looked at again.
    pub(super) fn is_not_saved(&mut self) {
        self.saving = None;
        self.seen = None;
    }

    /// The file, unless it is as it was, is not there, or changes while it is read.
    fn read(&self) -> Result<Option<(Vec<u8>, Stamp)>, Fault> {
        let failed = |error: &std::io::Error| Fault::file("read", &self.path, error);
        match std::fs::metadata(&self.path) {
            Ok(there) if self.seen == Some(Stamp::of(&there)) => return Ok(None),
            Ok(there) if !there.is_file() => {
                return Err(Fault::new(
                    Exit::Failed,
                    format!("{} is no file", self.path.display()),
                ));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        }
        let read = || -> std::io::Result<_> {
            let mut file = File::open(&self.path)?;
            let before = Stamp::of(&file.metadata()?);
            let mut bytes = Vec::new();
            file.by_ref()
                .take(self.limit.saturating_add(1))
                .read_to_end(&mut bytes)?;
            let after = Stamp::of(&file.metadata()?);
            Ok((before == after).then_some((bytes, after)))
        };
        let read = match read() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            read => read,
        };
        let Some((bytes, stamp)) = read.map_err(|error| failed(&error))? else {
            return Ok(None);
        };
        if bytes.len() as u64 > self.limit {
            let (path, limit) = (self.path.display(), self.limit);
            return Err(Fault::new(
                Exit::Failed,
                format!("{path} has more than {limit} bytes, which is the most"),
            ));
        }
        Ok(Some((bytes, stamp)))
    }
}
