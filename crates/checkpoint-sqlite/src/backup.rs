//! Copying a live store by the engine's own way, page by page, from one state of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use checkpoint_core::files::{Bench, FileDraft, Maker, free, taken};
use checkpoint_core::{Applied, Error, ErrorKind, Meter, Result};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::config::SqliteOptions;
use crate::create::{SqliteMaker, sweep};
use crate::error::{fault, open_fault, stopped};
use crate::header::look;
use crate::open::connect;
use crate::place::resolve;
use crate::query::control;
use crate::shared::Shared;

/// Pages copied at a time, 1 MiB: after each it is looked whether anybody still waits.
const STEP: i32 = 256;

/// A copy that waits for its name.
pub(crate) type Draft = FileDraft<SqliteMaker<'static>>;

/// A copy that is whole and on disk, under another name than its own.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) bench: Bench,
    pub(crate) path: PathBuf,
    options: SqliteOptions,
}

impl Made {
    /// How to open the copy to look at it.
    pub(crate) fn options(&self) -> SqliteOptions {
        let mut options = self.options.clone().with_read_only(true);
        options.path = Some(self.bench.made());
        options
    }
}

/// The place of a file that is not there yet.
fn place(options: &SqliteOptions, to: &Path) -> Result<PathBuf> {
    free(to)?;
    let path = resolve(to)?;
    // What is left of another store's log would be played into the copy.
    match look(options.files.as_ref(), &path)? {
        Some(_) => Err(taken(to)),
        None => Ok(path),
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
    let path = place(options, to)?;
    sweep(options, &path);
    let ids = options.ids.as_ref();
    let bench = Bench::set_up(&options.files, ids, &path, SqliteMaker::SUFFIXES)?;
    bench.create()?;
    let made = bench.made();
    let mut target = connect(options, &made, true)?;
    shared
        .readers
        .snapshot(|source| pages(source, &mut target, meter, given_up))?;
    target
        .close()
        .map_err(|(_, error)| open_fault(error, &made))?;
    bench.sync()?;
    Ok(Made {
        bench,
        path,
        options: options.clone(),
    })
}

/// Must run inside a transaction: without one the engine would begin anew whenever somebody writes.
fn pages(
    source: &Connection,
    target: &mut Connection,
    meter: &Meter,
    given_up: &AtomicBool,
) -> Result<()> {
    let (total, _) = control::pages(source)?;
    let total = control::bytes(total);
    let backup = Backup::new(source, target).map_err(fault)?;
    meter.tell(0, total);
    loop {
        if given_up.load(Ordering::Acquire) {
            return Err(stopped());
        }
        let step = backup.step(STEP).map_err(fault)?;
        let left = u64::try_from(backup.progress().remaining).unwrap_or(0);
        meter.tell(total.saturating_sub(control::bytes(left)), total);
        match step {
            StepResult::More => {}
            StepResult::Done => return Ok(()),
            _ => {
                return Err(Error::new(
                    ErrorKind::Unavailable {
                        applied: Applied::No,
                    },
                    "the store cannot be read just now; try again",
                ));
            }
        }
    }
}
