//! Chunks in a directory of this machine, so that who opens the store again need not fetch what was there before.
//!
//! Nothing in the directory is trusted. A file is a digest and a part of a pack; the digest is of the store, the place and
//! the bytes, so that what is damaged, cut off, exchanged or another store's is noticed, dropped and fetched anew. Files are
//! written under another name and renamed, and not synced: to lose one costs a request. Several processes may share the
//! directory, since whoever finds a file gone does without it.
//!
//! All calls wait for the disk.

mod name;
mod shelf;

use std::fs::Metadata;
use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use checkpoint_core::files::Files;
use checkpoint_core::{Clock, IdSource, StoreId};
use parking_lot::Mutex;

use self::name::{Extent, LARGEST, is_unnamed, unnamed};
use self::shelf::{Found, Shelf, room, surplus};
use crate::config::ObjectOptions;
use crate::id::Id;
use crate::place::Spot;

const DIGEST: usize = 32;
/// What the digest begins with: the version of these files.
const VERSION: u8 = 1;
/// The part of the bound that is given free at once, and after which one looks what others have written.
const PART: u64 = 16;
/// A file that was left unwritten so long ago is nobody's.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// A part of a pack, as it was fetched.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) spot: Spot,
    pub(crate) bytes: Bytes,
}

/// The cache in a directory.
#[derive(Debug)]
pub(crate) struct DiskCache {
    directory: PathBuf,
    most: u64,
    store: Id,
    files: Arc<dyn Files>,
    ids: Arc<dyn IdSource>,
    clock: Arc<dyn Clock>,
    /// It could not be written.
    off: AtomicBool,
    shelf: Mutex<Shelf>,
}

impl DiskCache {
    /// The cache that is asked for, if any, and if there can be one. Makes the directory if need be.
    pub(crate) fn open(options: &ObjectOptions, store: StoreId) -> Option<Self> {
        let cache = Self {
            directory: options.cache_directory.clone()?,
            most: options.cache_bytes,
            store: Id(*store.as_bytes()),
            files: Arc::clone(&options.cache_files),
            ids: Arc::clone(&options.ids),
            clock: Arc::clone(&options.clock),
            off: AtomicBool::new(false),
            shelf: Mutex::default(),
        };
        let found = cache.find_directory().and_then(|()| cache.look());
        match found {
            Ok(found) => *cache.shelf.lock() = Shelf::of(cache.store, &found),
            Err(error) => cache.turn_off(&error),
        }
        (!cache.is_off()).then_some(cache)
    }

    fn is_off(&self) -> bool {
        self.off.load(Ordering::Acquire)
    }

    /// Says once why, and does nothing from there on.
    fn turn_off(&self, error: &io::Error) {
        if !self.off.swap(true, Ordering::AcqRel) {
            tracing::warn!(%error, directory = %self.directory.display(), "nothing is cached in the directory");
        }
    }

    /// States lie in it, so it must be this user's alone.
    fn find_directory(&self) -> io::Result<()> {
        match self.files.create_directory(&self.directory) {
            Err(error) if error.kind() != Io::AlreadyExists => return Err(error),
            _ => {}
        }
        let found = std::fs::symlink_metadata(&self.directory)?;
        if !found.is_dir() {
            return Err(io::Error::other("it is no directory"));
        }
        only_ours(&found)
    }

    /// The files of the cache, of all stores; what was left unwritten long ago is removed.
    fn look(&self) -> io::Result<Vec<Found>> {
        let now = self.now();
        let mut found = Vec::new();
        for name in self.files.names(&self.directory)? {
            let is_unnamed = is_unnamed(&name);
            if !is_unnamed && Extent::parse(&name).is_none() {
                continue;
            }
            let path = self.directory.join(&name);
            // Another process may have taken it away.
            let Ok(metadata) = std::fs::symlink_metadata(&path) else {
                continue;
            };
            let used = metadata.modified().map_or(0, micros);
            if is_unnamed && now.saturating_sub(used) > FORGOTTEN.as_micros() as i64 {
                let _ = self.files.remove(&path);
                continue;
            }
            found.push(Found {
                name,
                room: room(metadata.len()),
                used,
            });
        }
        Ok(found)
    }

    fn now(&self) -> i64 {
        self.clock.now().micros()
    }

    /// What of these spots, which are sorted, is there.
    pub(crate) fn find(&self, spots: &[Spot]) -> Vec<(Spot, Bytes)> {
        let mut found = Vec::new();
        let mut last: Option<(Extent, Option<Bytes>)> = None;
        for spot in spots {
            if self.is_off() {
                break;
            }
            let Some(extent) = self.shelf.lock().around(self.store, spot) else {
                continue;
            };
            if last.as_ref().is_none_or(|(read, _)| *read != extent) {
                last = Some((extent, self.read(&extent)));
            }
            if let Some((_, Some(bytes))) = &last {
                let from = (spot.offset - extent.offset) as usize;
                // A copy: one chunk that is kept must not keep all that was read with it.
                let bytes = &bytes[from..from + spot.length as usize];
                found.push((*spot, Bytes::copy_from_slice(bytes)));
            }
        }
        found
    }

    /// The bytes of a file; what is not as it should be is taken away.
    fn read(&self, extent: &Extent) -> Option<Bytes> {
        let path = self.directory.join(extent.to_string());
        match self.read_file(&path, extent) {
            Ok(Some(bytes)) => return Some(bytes),
            Ok(None) => {
                tracing::warn!(path = %path.display(), "a file of the cache is damaged, and fetched anew");
            }
            Err(error) if error.kind() == Io::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a file of the cache cannot be read");
            }
        }
        self.drop_file(extent);
        None
    }

    fn read_file(&self, path: &Path, extent: &Extent) -> io::Result<Option<Bytes>> {
        let file = self.files.open_to_read(path)?;
        let length = DIGEST as u64 + extent.length;
        if file.metadata()?.len() != length {
            return Ok(None);
        }
        let mut bytes = vec![0; length as usize];
        self.files.read(&file, 0, &mut bytes)?;
        let bytes = Bytes::from(bytes);
        let content = bytes.slice(DIGEST..);
        if bytes[..DIGEST] != digest(extent, &content) {
            return Ok(None);
        }
        // Who cannot say that it was used lets it go sooner.
        let _ = file.set_modified(self.time());
        Ok(Some(content))
    }

    fn time(&self) -> SystemTime {
        let micros = u64::try_from(self.now()).unwrap_or(0);
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }

    /// Does without what was found there.
    pub(crate) fn drop_around(&self, spots: &[Spot]) {
        for spot in spots {
            let extent = self.shelf.lock().around(self.store, spot);
            if let Some(extent) = extent {
                self.drop_file(&extent);
            }
        }
    }

    fn drop_file(&self, extent: &Extent) {
        self.shelf.lock().forget(extent, size(extent));
        let _ = self.files.remove(&self.directory.join(extent.to_string()));
    }

    /// Keeps what was fetched, as far as it is not there.
    pub(crate) fn keep(&self, parts: &[Part]) {
        for part in parts {
            if self.is_off() {
                return;
            }
            let extent = Extent {
                store: self.store,
                pack: part.spot.pack,
                offset: part.spot.offset,
                length: part.bytes.len() as u64,
            };
            let fits = extent.length <= LARGEST && size(&extent) <= self.most;
            if !fits || self.shelf.lock().around(self.store, &part.spot).is_some() {
                continue;
            }
            let kept = self.make_room(size(&extent));
            if let Err(error) = kept.and_then(|()| self.write(&extent, &part.bytes)) {
                self.turn_off(&error);
            }
        }
    }

    /// Makes room for so many bytes. Who shares the directory is seen when it is looked at.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        let mut shelf = self.shelf.lock();
        let full = shelf.held.saturating_add(bytes) > self.most;
        if !full && shelf.since <= self.most / PART {
            return Ok(());
        }
        let mut found = self.look()?;
        let held: u64 = found.iter().map(|it| it.room).sum();
        if held.saturating_add(bytes) > self.most {
            let some = self.most - self.most / PART;
            for gone in surplus(&mut found, some.saturating_sub(bytes)) {
                match self.files.remove(&self.directory.join(&gone.name)) {
                    Err(error) if error.kind() != Io::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        *shelf = Shelf::of(self.store, &found);
        Ok(())
    }

    fn write(&self, extent: &Extent, bytes: &[u8]) -> io::Result<()> {
        let staged = unnamed(Id(*self.ids.next().as_bytes()));
        let staged = self.directory.join(staged);
        let file = self.files.create(&staged)?;
        let written = self
            .files
            .write(
                &file,
                &staged,
                &[&digest(extent, bytes)[..], bytes].concat(),
            )
            .and_then(|()| file.set_modified(self.time()))
            .and_then(|()| {
                let path = self.directory.join(extent.to_string());
                self.files.rename(&staged, &path)
            });
        match &written {
            Ok(()) => self.shelf.lock().add(*extent, size(extent)),
            Err(_) => drop(self.files.remove(&staged)),
        }
        written
    }
}

/// What the file of a part takes.
const fn size(extent: &Extent) -> u64 {
    room(DIGEST as u64 + extent.length)
}

/// Of which store, where, and what.
fn digest(extent: &Extent, bytes: &[u8]) -> [u8; DIGEST] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[VERSION]);
    hasher.update(&extent.store.0);
    hasher.update(&extent.pack.0);
    hasher.update(&extent.offset.to_le_bytes());
    hasher.update(&extent.length.to_le_bytes());
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

#[cfg(unix)]
fn only_ours(directory: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if directory.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::other(
        "others may read or write in it, and states lie there; take that from them (chmod 700)",
    ))
}

#[cfg(not(unix))]
fn only_ours(_: &Metadata) -> io::Result<()> {
    Ok(())
}
