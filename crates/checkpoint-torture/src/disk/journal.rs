//! What was done to the files of a directory, in its order.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::image::Image;
use super::state::{Disk, Fate};

/// A file or directory, whatever its names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(super) u32);

/// The directory itself.
pub(super) const ROOT: FileId = FileId(0);

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) directory: FileId,
    pub(super) name: OsString,
}

/// Something that was done.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Write {
        file: FileId,
        at: u64,
        bytes: Arc<[u8]>,
    },
    Truncate {
        file: FileId,
        length: u64,
    },
    Sync(FileId),
    FailedSync(FileId),
    /// Names were given or taken, all at once.
    Names {
        add: Option<(Name, FileId)>,
        remove: Option<Name>,
    },
    SyncDirectory(FileId),
    /// What is named next is a directory.
    NewDirectory(FileId),
    /// The caller marked this place.
    Mark,
}

/// All that was done, from a state in which everything was on disk.
#[derive(Clone, Debug)]
pub struct Journal {
    pub(super) base: Disk,
    pub(super) events: Vec<Event>,
    /// Which names lead where at the end.
    names: BTreeMap<PathBuf, FileId>,
    next: u32,
}

impl Journal {
    /// File calls and marks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing was done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// What is there at the end, when nothing is lost.
    #[must_use]
    pub fn end(&self) -> Image {
        let mut disk = self.base.clone();
        self.events.iter().for_each(|event| disk.advance(event));
        disk.image(disk.open.iter().map(|_| Fate::Kept))
    }

    /// Marks that were made.
    #[must_use]
    pub fn marks(&self) -> usize {
        let is_mark = |event: &&Event| matches!(event, Event::Mark);
        self.events.iter().filter(is_mark).count()
    }
}

/// Writes a journal.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) journal: Journal,
}

impl Recorder {
    /// Begins with what lies in the directory, all of it on disk.
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let mut it = Self {
            journal: Journal {
                base: Disk::new(),
                events: Vec::new(),
                names: BTreeMap::from([(PathBuf::new(), ROOT)]),
                next: 1,
            },
        };
        it.read(root, Path::new(""))?;
        Ok(it)
    }

    /// Goes on with a journal, from a disk on which the same is certain, and the same is not.
    pub(super) fn resume(journal: &Journal) -> Self {
        let mut journal = journal.clone();
        for event in journal.events.drain(..) {
            journal.base.advance(&event);
        }
        Self { journal }
    }

    fn read(&mut self, root: &Path, below: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(root.join(below))?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = below.join(entry.file_name());
            let (name, id) = (self.name(&path), self.number(&path));
            if entry.file_type()?.is_dir() {
                self.journal.base.put(name, id, None);
                self.read(root, &path)?;
            } else {
                let bytes = fs::read(entry.path())?;
                self.journal.base.put(name, id, Some(bytes));
            }
        }
        Ok(())
    }

    fn number(&mut self, path: &Path) -> FileId {
        let id = FileId(self.journal.next);
        self.journal.next += 1;
        self.journal.names.insert(path.to_owned(), id);
        id
    }

    fn name(&self, path: &Path) -> Name {
        let directory = path.parent().unwrap_or(Path::new(""));
        Name {
            directory: self.journal.names.get(directory).copied().unwrap_or(ROOT),
            name: path.file_name().unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn find(&self, path: &Path) -> Option<FileId> {
        self.journal.names.get(path).copied()
    }

    pub(super) fn push(&mut self, event: Event) {
        self.journal.events.push(event);
    }

    /// A new file or directory under a name.
    pub(super) fn make(&mut self, path: &Path, directory: bool) -> FileId {
        let (name, id) = (self.name(path), self.number(path));
        if directory {
            self.push(Event::NewDirectory(id));
        }
        self.push(Event::Names {
            add: Some((name, id)),
            remove: None,
        });
        id
    }

    pub(super) fn remove(&mut self, path: &Path) {
        let name = self.name(path);
        if self.journal.names.remove(path).is_some() {
            self.push(Event::Names {
                add: None,
                remove: Some(name),
            });
        }
    }

    /// A file gets a name more, and loses the one that it had when it is moved.
    pub(super) fn link(&mut self, from: &Path, to: &Path, moved: bool) {
        let Some(id) = self.find(from) else { return };
        let (old, new) = (self.name(from), self.name(to));
        self.journal.names.insert(to.to_owned(), id);
        if moved {
            self.journal.names.remove(from);
        }
        self.push(Event::Names {
            add: Some((new, id)),
            remove: moved.then_some(old),
        });
    }
}
