//! A copy of a store that others go on reading and writing: of one state, table by table.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use checkpoint_core::files::{Bench, FileDraft, Maker, free, resolve};
use checkpoint_core::{Meter, Order, Result};
use checkpoint_rows::{Staged, Table};
use redb::Database;

use crate::base::View;
use crate::config::RedbOptions;
use crate::create::{RedbMaker, sweep, write};
use crate::error::stopped;
use crate::shared::{LONGEST_PATH, Shared};

/// A copy that waits for its name.
pub(crate) type Draft = FileDraft<RedbMaker<'static>>;

/// Bytes that are copied in one transaction.
const BATCH: usize = 4 << 20;

/// A copy that is whole and on disk, under another name than its own.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) bench: Bench,
    pub(crate) path: PathBuf,
    options: RedbOptions,
}

impl Made {
    /// How to open the copy to look at it.
    pub(crate) fn options(&self) -> RedbOptions {
        let mut options = self.options.clone().with_read_only(true);
        options.path = self.bench.made();
        options
    }
}

/// Copies what the store holds now, unless nobody waits for it any more.
pub(crate) fn copy(
    shared: &Shared,
    to: &Path,
    meter: &Meter,
    given_up: &AtomicBool,
) -> Result<Made> {
    let options = &shared.options;
    free(to)?;
    let path = resolve(to, LONGEST_PATH)?;
    free(&path)?;
    sweep(options, &path);
    let (files, ids) = (options.media.files(), options.ids.as_ref());
    let bench = Bench::set_up(&files, ids, &path, RedbMaker::SUFFIXES)?;
    bench.create()?;
    let total = shared.held.length();
    shared.held.view(|view| {
        let fill = |database: &Database, _| {
            let mut told = Told {
                meter,
                given_up,
                done: 0,
                total,
            };
            rows(view, database, &mut told)
        };
        let maker = RedbMaker::new(options, &fill);
        maker.make(&bench.made(), bench.id())
    })?;
    bench.sync()?;
    meter.tell(total, total);
    Ok(Made {
        bench,
        path,
        options: options.clone(),
    })
}

/// Who hears how far it is.
struct Told<'c> {
    meter: &'c Meter,
    given_up: &'c AtomicBool,
    done: u64,
    /// Bytes of the file: what is copied may be less, since its free pages are not.
    total: u64,
}

impl Told<'_> {
    fn more(&mut self, bytes: usize) -> Result<()> {
        if self.given_up.load(Ordering::Acquire) {
            return Err(stopped());
        }
        self.done = self.total.min(self.done + bytes as u64);
        self.meter.tell(self.done, self.total);
        Ok(())
    }
}

fn rows(view: &View, database: &Database, told: &mut Told<'_>) -> Result<()> {
    let mut staged = Staged::default();
    let mut bytes = 0;
    for table in Table::ALL {
        for row in view.all(table, Order::Ascending)? {
            let (key, value) = row?;
            bytes += key.len() + value.len();
            staged.put(table, &key, value.to_vec());
            if bytes >= BATCH {
                write(database, &staged)?;
                told.more(bytes)?;
                (staged, bytes) = (Staged::default(), 0);
            }
        }
    }
    write(database, &staged)?;
    told.more(bytes)
}
