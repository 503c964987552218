//! Making a store: under another name, whole and synced, and then linked to its own, so that nobody finds half of one.

use std::io::{self, ErrorKind as Io};
use std::path::Path;
use std::sync::Arc;

use super::workshop::Bench;
use super::{Files, file_fault, sync_directory};
use crate::clock::IdSource;
use crate::error::Result;
use crate::id::StoreId;

/// How an engine makes a store.
pub trait Maker {
    /// Kept while a file is opened that may be a store, where that must not happen beside the engine.
    type Door;

    /// What the engine may put behind the name of a database, with the empty one for the database itself.
    const SUFFIXES: &'static [&'static str];

    /// Makes a whole store, with this id, in a file that is there and empty, and closes it.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn make(&self, made: &Path, id: StoreId) -> Result<()>;

    /// Sees to it that a file may be opened that may be a store.
    fn door() -> Self::Door;
}

/// Makes a store at a path; answers whether it is this one's, or another creator was first.
///
/// # Errors
///
/// Those of the file system and of the maker, `Locked` when others keep taking the place away.
pub fn create<M: Maker>(
    maker: &M,
    files: &Arc<dyn Files>,
    ids: &dyn IdSource,
    path: &Path,
) -> Result<bool> {
    let bench = Bench::set_up(files, ids, path, M::SUFFIXES)?;
    bench.create()?;
    let made = bench.made();
    maker.make(&made, bench.id())?;
    bench.sync()?;
    publish::<M>(bench.files(), &made, path)
}

/// Gives what was made its name, unless it is taken: another's store is as good.
fn publish<M: Maker>(files: &dyn Files, made: &Path, path: &Path) -> Result<bool> {
    let ours = match take_name::<M>(files, made, path) {
        Ok(false) => replace_empty::<M>(files, made, path),
        ours => ours,
    };
    let ours = ours.map_err(|error| file_fault(error, "name the file", path))?;
    sync_directory(files, path)?;
    Ok(ours)
}

/// Gives a file a name that nothing has; answers whether that was so.
pub(super) fn take_name<M: Maker>(files: &dyn Files, made: &Path, path: &Path) -> io::Result<bool> {
    match files.link(made, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Io::AlreadyExists => Ok(false),
        // There may be no links here. An empty file takes the name then.
        Err(error) if matches!(error.kind(), Io::Unsupported | Io::PermissionDenied) => {
            match files.create(path) {
                Err(error) if error.kind() == Io::AlreadyExists => Ok(false),
                Err(error) => Err(error),
                Ok(_) => replace_empty::<M>(files, made, path),
            }
        }
        Err(error) => Err(error),
    }
}

/// Puts what was made in the place of an empty file. With a lock on that file, so that of two creators that find it
/// empty the second does not put its store in the place of the first one's.
fn replace_empty<M: Maker>(files: &dyn Files, made: &Path, path: &Path) -> io::Result<bool> {
    let _door = M::door();
    if files.metadata(path)?.len() > 0 {
        return Ok(false);
    }
    let empty = files.open(path)?;
    match empty.lock() {
        Err(error) if error.kind() != Io::Unsupported => return Err(error),
        _ => {}
    }
    if files.metadata(path)?.len() > 0 {
        return Ok(false);
    }
    files.rename(made, path).map(|()| true)
}
