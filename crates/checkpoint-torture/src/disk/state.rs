//! What is certain to be on disk, and what may be.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::image::Image;
use super::journal::{Event, FileId, Name, ROOT};
use crate::load::Seed;

/// A disk at some moment.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    files: BTreeMap<FileId, Arc<Vec<u8>>>,
    directories: BTreeMap<FileId, BTreeMap<OsString, FileId>>,
    /// What was done and is not in the above yet, in its order.
    pub(super) open: Vec<Open>,
}

/// Something that was done and may not be on disk.
#[derive(Clone, Debug)]
pub(super) struct Open {
    effect: Event,
    /// A sync made it certain; it waits here for something older that is not.
    pub(super) certain: bool,
    /// A sync of it failed: no later one makes it certain.
    forgotten: bool,
}

impl Open {
    /// The length of what was written, if this is a write.
    pub(super) fn written(&self) -> Option<usize> {
        match &self.effect {
            Event::Write { bytes, .. } => Some(bytes.len()),
            _ => None,
        }
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.effect, Event::Names { .. })
    }

    fn is_of(&self, id: FileId) -> bool {
        match &self.effect {
            Event::Write { file, .. } | Event::Truncate { file, .. } => *file == id,
            _ => false,
        }
    }

    fn is_in(&self, directory: FileId) -> bool {
        self.names().any(|name| name.directory == directory)
    }

    fn names(&self) -> impl Iterator<Item = &Name> {
        let (add, remove) = match &self.effect {
            Event::Names { add, remove } => (add.as_ref(), remove.as_ref()),
            _ => (None, None),
        };
        add.map(|(name, _)| name).into_iter().chain(remove)
    }

    /// Whether it must come after another one: both are of one file, or of one name.
    fn follows(&self, older: &Self) -> bool {
        match &self.effect {
            Event::Write { file, .. } | Event::Truncate { file, .. } => older.is_of(*file),
            _ => self
                .names()
                .any(|name| older.names().any(|other| other == name)),
        }
    }
}

/// What becomes of something that is not certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Lost,
    /// Of a write, the sectors of this size that a seed chooses.
    Torn {
        sector: u64,
        seed: Seed,
    },
    /// Of a write, this many sectors of this size.
    First {
        sector: u64,
        sectors: u64,
    },
    /// Of a write that made the file longer, the length alone; the rest is this byte.
    Length(u8),
}

impl Disk {
    pub(super) fn new() -> Self {
        Self {
            files: BTreeMap::new(),
            directories: BTreeMap::from([(ROOT, BTreeMap::new())]),
            open: Vec::new(),
        }
    }

    /// Something that is there from the start: a file with its bytes, or a directory.
    pub(super) fn put(&mut self, name: Name, id: FileId, bytes: Option<Vec<u8>>) {
        if let Some(bytes) = bytes {
            self.files.insert(id, Arc::new(bytes));
        } else {
            self.directories.insert(id, BTreeMap::new());
        }
        let directory = self.directories.entry(name.directory).or_default();
        directory.insert(name.name, id);
    }

    /// Goes on by one event.
    pub(super) fn advance(&mut self, event: &Event) {
        match event {
            Event::Write { .. } | Event::Truncate { .. } | Event::Names { .. } => {
                self.open.push(Open {
                    effect: event.clone(),
                    certain: false,
                    forgotten: false,
                });
            }
            Event::Sync(file) => self.make_certain(|open| open.is_of(*file)),
            Event::SyncDirectory(directory) => self.make_certain(|open| open.is_in(*directory)),
            Event::FailedSync(file) => {
                for open in self.open.iter_mut().filter(|open| open.is_of(*file)) {
                    open.forgotten = !open.certain;
                }
            }
            Event::NewDirectory(id) => {
                self.directories.insert(*id, BTreeMap::new());
            }
            Event::Mark => {}
        }
    }

    fn make_certain(&mut self, which: impl Fn(&Open) -> bool) {
        for open in self.open.iter_mut().filter(|open| which(open)) {
            open.certain = !open.forgotten;
        }
        let mut left: Vec<Open> = Vec::new();
        for open in std::mem::take(&mut self.open) {
            if open.certain && !left.iter().any(|older| open.follows(older)) {
                self.apply(&open.effect, Fate::Kept);
            } else {
                left.push(open);
            }
        }
        self.open = left;
    }

    fn apply(&mut self, effect: &Event, fate: Fate) {
        match effect {
            _ if fate == Fate::Lost => {}
            Event::Write { file, at, bytes } => {
                let file = self.files.entry(*file).or_default();
                write(Arc::make_mut(file), *at, bytes, fate);
            }
            Event::Truncate { file, length } => {
                let file = self.files.entry(*file).or_default();
                Arc::make_mut(file).resize(*length as usize, 0);
            }
            Event::Names { add, remove } => {
                if let Some(name) = remove
                    && let Some(directory) = self.directories.get_mut(&name.directory)
                {
                    directory.remove(&name.name);
                }
                if let Some((name, id)) = add {
                    let directory = self.directories.entry(name.directory).or_default();
                    directory.insert(name.name.clone(), *id);
                }
            }
            _ => {}
        }
    }

    /// What is there after a cut, when this becomes of each thing that is open, in their order.
    pub(super) fn image(&self, fates: impl IntoIterator<Item = Fate>) -> Image {
        let mut after = Self {
            files: self.files.clone(),
            directories: self.directories.clone(),
            open: Vec::new(),
        };
        for (open, fate) in self.open.iter().zip(fates) {
            let fate = if open.certain { Fate::Kept } else { fate };
            after.apply(&open.effect, fate);
        }
        let mut image = Image::default();
        after.collect(ROOT, Path::new(""), &mut image);
        image
    }

    fn collect(&self, directory: FileId, below: &Path, image: &mut Image) {
        for (name, id) in self.directories.get(&directory).into_iter().flatten() {
            let path = below.join(name);
            if self.directories.contains_key(id) {
                image.entries.insert(path.clone(), None);
                self.collect(*id, &path, image);
            } else {
                let bytes = self.files.get(id).map(|bytes| bytes.as_ref().clone());
                image.entries.insert(path, Some(bytes.unwrap_or_default()));
            }
        }
    }
}

/// Writes what is left of a write. A sector is one of the disk's: the bytes of it beside the write stay as they were.
fn write(file: &mut Vec<u8>, at: u64, bytes: &[u8], fate: Fate) {
    let end = at as usize + bytes.len();
    let old = file.len();
    let kept = |sector: u64| -> bool {
        match fate {
            Fate::Torn { seed, .. } => seed.of(sector).below(2) == 0,
            Fate::First {
                sectors,
                sector: size,
            } => sector - at / size < sectors,
            Fate::Kept => true,
            Fate::Lost | Fate::Length(_) => false,
        }
    };
    let size = match fate {
        Fate::Torn { sector, .. } | Fate::First { sector, .. } => sector,
        _ => u64::MAX,
    };
    if let Fate::Length(fill) = fate {
        file.resize(old.max(end), fill);
        return;
    }
    let mut from = at;
    while from < end as u64 {
        let sector = from / size;
        let to = (sector.saturating_add(1))
            .saturating_mul(size)
            .min(end as u64);
        if kept(sector) {
            let (first, last) = (from as usize, to as usize);
            if file.len() < last {
                file.resize(last, 0);
            }
            file[first..last].copy_from_slice(&bytes[first - at as usize..last - at as usize]);
        }
        from = to;
    }
}
