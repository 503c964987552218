//! A copy of a store that others go on reading and writing.

use std::path::Path;

use checkpoint_core::files::resolve;
use checkpoint_core::{Error, ErrorKind, Order, Result};
use redb::Database;

use crate::config::RedbOptions;
use crate::create::{create_with, write};
use crate::held::Held;
use crate::query::store;
use crate::schema::Table;
use crate::shared::LONGEST_PATH;
use crate::staged::Staged;
use crate::view::View;

/// Bytes that are copied in one transaction.
const BATCH: usize = 4 << 20;

/// Copies one state of the store into a new file, which is made as a store is: under another name, whole, synced.
pub(crate) fn copy(held: &Held, options: &RedbOptions, to: &Path) -> Result<()> {
    let to = resolve(to, LONGEST_PATH)?;
    let taken = || {
        Error::new(
            ErrorKind::AlreadyExists,
            "there is a file under this path; name another one for the copy",
        )
        .with("path", to.display())
    };
    if options.media.files().metadata(&to).is_ok() {
        return Err(taken());
    }
    held.view(|view| {
        let fill = |database: &Database, _| fill(view, database);
        if create_with(options, &to, &fill)? {
            Ok(())
        } else {
            Err(taken())
        }
    })
}

fn fill(view: &View, database: &Database) -> Result<()> {
    let mut staged = Staged::default();
    let mut bytes = 0;
    store::identify(view, false)?;
    for table in Table::ALL {
        for row in view.all(table, Order::Ascending)? {
            let (key, value) = row?;
            bytes += key.len() + value.len();
            staged.put(table, &key, value.to_vec());
            if bytes >= BATCH {
                write(database, &staged)?;
                (staged, bytes) = (Staged::default(), 0);
            }
        }
    }
    write(database, &staged)
}
