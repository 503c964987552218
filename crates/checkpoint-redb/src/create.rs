//! Making a store.

use std::path::Path;
use std::sync::Arc;

use checkpoint_core::engine::StoreRow;
use checkpoint_core::files::{self, Maker, file_fault};
use checkpoint_core::{Result, StoreId};
use checkpoint_rows::{Staged, Table};
use redb::Database;

use crate::bridge::Bridge;
use crate::config::RedbOptions;
use crate::error::{guarded, open_fault};
use crate::held;
use crate::migrate::{self, VERSION};

/// Puts more into a store that is made than an empty one has.
pub(crate) type Fill<'f> = &'f dyn Fn(&Database, StoreId) -> Result<()>;

/// Makes a store at a path; answers whether it is this one's, or another creator was first.
pub(crate) fn create(options: &RedbOptions, path: &Path) -> Result<bool> {
    let fill = |database: &Database, id| {
        let mut staged = Staged::default();
        migrate::stage(
            &mut staged,
            &StoreRow::new(id, options.clock.now(), VERSION),
        );
        write(database, &staged)
    };
    let maker = RedbMaker::new(options, &fill);
    files::create(&maker, &options.media.files(), options.ids.as_ref(), path)
}

/// Removes what creators left that no longer live.
pub(crate) fn sweep(options: &RedbOptions, path: &Path) {
    files::sweep(options.media.files().as_ref(), path, RedbMaker::SUFFIXES);
}

/// Writes and commits, to a store that nobody else knows of yet.
pub(crate) fn write(database: &Database, staged: &Staged) -> Result<()> {
    held::write(database, staged, &Table::ALL).map_err(|(error, _)| error)
}

/// Makes databases.
pub(crate) struct RedbMaker<'o> {
    options: &'o RedbOptions,
    fill: Fill<'o>,
}

impl<'o> RedbMaker<'o> {
    pub(crate) fn new(options: &'o RedbOptions, fill: Fill<'o>) -> Self {
        Self { options, fill }
    }
}

impl Maker for RedbMaker<'_> {
    type Door = ();

    const SUFFIXES: &'static [&'static str] = &[""];

    fn make(&self, made: &Path, id: StoreId) -> Result<()> {
        let medium = self.options.media.open(made, true);
        let medium = medium.map_err(|error| file_fault(error, "open the file", made))?;
        let made = || {
            let database = Database::builder()
                .set_cache_size(1 << 20)
                .create_with_backend(Bridge(Arc::clone(&medium)))
                .map_err(|error| open_fault(error, made))?;
            (self.fill)(&database, id)
        };
        guarded(made).result()
    }

    fn door() {}
}
