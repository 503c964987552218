//! Numbered formats: making the newest, and telling which one a file has.

use checkpoint_core::engine::StoreRow;
use checkpoint_core::{Error, Result};
use checkpoint_rows::{Snapshot, Staged, Table, put_store};

use crate::base::View;

/// The format that this version writes.
pub(crate) const VERSION: u32 = 1;

/// The version of the format: four bytes, little-endian, where every version looks first.
const FORMAT: &[u8] = b"format";

/// The row of a store that this program may read, or write to.
pub(crate) fn identify(view: &View, write: bool) -> Result<StoreRow> {
    let foreign = || {
        Error::unsupported(
            "the database belongs to another program; it was left as it is, give another path",
        )
    };
    let format = match view.get(Table::Store, FORMAT) {
        Ok(format) => format.ok_or_else(foreign)?,
        // The engine is sound, and has no such table.
        Err(error) if error.is_corrupt() && is_missing(&error) => return Err(foreign()),
        Err(error) => return Err(error),
    };
    let version = <[u8; 4]>::try_from(&*format).map(u32::from_le_bytes);
    match version {
        Ok(version) if version > VERSION => Err(Error::unsupported(format!(
            "the store has format {version}, and this program knows up to {VERSION}; update the program"
        ))),
        Ok(VERSION) => {
            let row = view.store()?;
            row.check(VERSION, write)?;
            check_tables(view)?;
            Ok(row)
        }
        _ => Err(Error::corrupt(
            "the version of the format is damaged; restore a backup",
        )),
    }
}

/// Whether an error of opening a table says that there is none, or another one.
fn is_missing(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<redb::TableError>())
}

/// That all tables are there.
fn check_tables(view: &View) -> Result<()> {
    Table::ALL
        .iter()
        .try_for_each(|table| view.base.count(*table).map(drop))
}

/// Stages the rows of a new store.
pub(crate) fn stage(staged: &mut Staged, row: &StoreRow) {
    staged.put(Table::Store, FORMAT, VERSION.to_le_bytes().to_vec());
    put_store(staged, row);
}
