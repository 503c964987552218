//! Making a store.

use std::path::Path;

use checkpoint_core::files::{self, Maker};
use checkpoint_core::{Result, StoreId};

use crate::config::SqliteOptions;
use crate::error::open_fault;
use crate::migrate;
use crate::open::connect;
use crate::place::Door;

/// Makes a store at a path; answers whether it is this one's, or another creator was first.
pub(crate) fn create(options: &SqliteOptions, path: &Path) -> Result<bool> {
    files::create(
        &SqliteMaker(options),
        &options.files,
        options.ids.as_ref(),
        path,
    )
}

/// Removes what creators left that no longer live.
pub(crate) fn sweep(options: &SqliteOptions, path: &Path) {
    files::sweep(options.files.as_ref(), path, SqliteMaker::SUFFIXES);
}

/// Makes databases.
pub(crate) struct SqliteMaker<'o>(&'o SqliteOptions);

impl Maker for SqliteMaker<'_> {
    type Door = Door;

    const SUFFIXES: &'static [&'static str] = &["", "-wal", "-shm", "-journal"];

    fn make(&self, made: &Path, id: StoreId) -> Result<()> {
        let connection = connect(self.0, made, true)?;
        migrate::create(&connection, id, self.0.clock.now())?;
        connection
            .close()
            .map_err(|(_, error)| open_fault(error, made))
    }

    fn door() -> Door {
        Door::enter()
    }
}
