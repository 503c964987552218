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
    let (files, ids) = (options.files.as_ref(), options.ids.as_ref());
    files::create(&SqliteMaker(options), files, ids, path)
}

/// Removes what creators left that no longer live.
pub(crate) fn sweep(options: &SqliteOptions, path: &Path) {
    files::sweep::<SqliteMaker<'_>>(options.files.as_ref(), path);
}

/// Makes databases.
struct SqliteMaker<'o>(&'o SqliteOptions);

impl Maker for SqliteMaker<'_> {
    type Door = Door;

    const BESIDE: &'static [&'static str] = &["", "-wal", "-shm", "-journal"];

    fn make(&self, made: &Path, id: StoreId) -> Result<()> {
        let connection = connect(self.0, made, true)?;
        migrate::create(&connection, id, self.0.clock.now())?;
        connection
            .close()
            .map_err(|(_, error)| open_fault(error, made))
    }

    fn door(&self) -> Door {
        Door::enter()
    }
}
