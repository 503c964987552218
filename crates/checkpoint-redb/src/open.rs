//! Opening a file: what it is, is known before anything touches it.

use std::path::Path;
use std::sync::Arc;

use checkpoint_core::engine::{StoreRow, or_damage};
use checkpoint_core::files::{file_fault, regular};
use checkpoint_core::{Error, Result};
use redb::Database;

use crate::base;
use crate::bridge::Bridge;
use crate::config::RedbOptions;
use crate::create;
use crate::error::{guarded, locked, open_fault};
use crate::header;
use crate::media::Medium;
use crate::migrate;
use crate::proof::{Instead, Proof};
use crate::shadow::Shadow;

/// Bytes of the cache of a database that is looked at shortly.
const SMALL_CACHE: usize = 1 << 20;

/// What becomes of the pages that the engine keeps for itself, such as which are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Kept,
    /// They are made anew, which reads the whole file.
    Anew,
}

/// What opening a store gave.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) database: Database,
    /// The file itself, also when the database is a shadow of it.
    pub(crate) medium: Arc<dyn Medium>,
    pub(crate) row: StoreRow,
    /// Whether the file was made just now.
    pub(crate) created: bool,
}

/// Opens the store at a path; makes it when it is not there and may be made.
pub(crate) fn open(options: &RedbOptions, path: &Path) -> Result<Opened> {
    let mut created = false;
    if !is_there(options, path)? {
        if !options.create || options.read_only {
            return Err(Error::not_found(
                "there is no store at this path; check it, or allow it to be created",
            )
            .with("path", path.display()));
        }
        created = create::create(options, path)?;
    }
    if !options.read_only {
        create::sweep(options, path);
    }
    let medium = take(options, path)?;
    header::check(&*medium, path)?;
    let look = |system| guarded(|| identify(options, &medium, path, system)).result();
    let (database, row, system) = match or_damage(look(System::Kept))? {
        Ok((database, row)) => (database, row, System::Kept),
        // Pages that the engine keeps for itself may be all that is damaged.
        Err(damage) => {
            let (database, row) = look(System::Anew).map_err(|_| damage)?;
            tracing::warn!(path = %path.display(), "what the engine keeps for itself is damaged and made anew");
            (database, row, System::Anew)
        }
    };
    let database = if options.read_only {
        database
    } else {
        drop(database);
        let open = || connect(Arc::clone(&medium), system, options.cache as usize, path);
        guarded(open).result()?
    };
    Ok(Opened {
        database,
        medium,
        row,
        created,
    })
}

/// Whether there is a file. An empty one is an empty store: somebody made it and came no further.
fn is_there(options: &RedbOptions, path: &Path) -> Result<bool> {
    let found = regular(options.media.files().as_ref(), path)?;
    Ok(found.is_some_and(|metadata| metadata.len() > 0))
}

/// The file, with the lock on it.
fn take(options: &RedbOptions, path: &Path) -> Result<Arc<dyn Medium>> {
    let fault = |error| file_fault(error, "open the file", path);
    let medium = options.media.open(path, !options.read_only);
    let medium = medium.map_err(fault)?;
    if medium.lock(options.read_only).map_err(fault)? {
        Ok(medium)
    } else {
        Err(locked(path))
    }
}

/// Opens a shadow of the file and sees whether it is a store that this program knows. The file stays as it is.
fn identify(
    options: &RedbOptions,
    medium: &Arc<dyn Medium>,
    path: &Path,
    system: System,
) -> Result<(Database, StoreRow)> {
    let cache = if options.read_only {
        options.cache as usize
    } else {
        SMALL_CACHE
    };
    let shadow = shadow(medium, path)?;
    let database = connect(shadow, system, cache, path)?;
    let row = migrate::identify(&base::begin(&database)?, !options.read_only)
        .map_err(|error| error.with("path", path.display()))?;
    Ok((database, row))
}

/// A medium that leaves the file as it is.
fn shadow(medium: &Arc<dyn Medium>, path: &Path) -> Result<Arc<dyn Medium>> {
    let shadow = Shadow::new(Arc::clone(medium))
        .map_err(|error| file_fault(error, "read the file", path))?;
    Ok(Arc::new(shadow))
}

/// A database for the engine's own check, which leaves the file as it is and hides nothing from it.
pub(crate) fn bare(medium: &Arc<dyn Medium>, path: &Path) -> Result<Database> {
    build(shadow(medium, path)?, SMALL_CACHE, path)
}

/// A database of what can be read, which leaves the file as it is.
pub(crate) fn salvage(medium: &Arc<dyn Medium>, path: &Path) -> Result<(Database, Arc<Proof>)> {
    let proof = Arc::new(Proof::new(shadow(medium, path)?, Instead::Nothing));
    let database = build(Arc::clone(&proof) as Arc<dyn Medium>, SMALL_CACHE, path)?;
    Ok((database, proof))
}

fn connect(medium: Arc<dyn Medium>, system: System, cache: usize, path: &Path) -> Result<Database> {
    let proof = Proof::new(medium, Instead::Error);
    let proof = match system {
        System::Kept => proof,
        System::Anew => proof.bare(),
    };
    build(Arc::new(proof), cache, path)
}

fn build(medium: Arc<dyn Medium>, cache: usize, path: &Path) -> Result<Database> {
    Database::builder()
        .set_cache_size(cache)
        .create_with_backend(Bridge(medium))
        .map_err(|error| open_fault(error, path))
}
