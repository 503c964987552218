//! Bringing in files of other systems.

use std::path::PathBuf;

use super::{ImportFormat, ImportReport};
use crate::error::Result;
use crate::exchange::foreign::{ForeignOptions, open};
use crate::exchange::receive::{Receive, receive};
use crate::exchange::report::{Progress, Received};
use crate::store::{Store, offload};

/// Where an import ends early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// Before anything is written.
    pub(super) only_check: bool,
    /// With the first fault.
    pub(super) only_whole: bool,
}

/// Looks at all that another system wrote to a path, and then brings it.
pub(super) async fn bring(
    path: PathBuf,
    format: ImportFormat,
    options: ForeignOptions,
    store: &Store,
    how: &Receive,
    stop: Stop,
) -> Result<ImportReport> {
    let limits = store.info().limits;
    let shown = path.display().to_string();
    let source = offload(move || open(&path, format, &options, &limits)).await??;
    let found = source.report();
    if let Some(progress) = &how.progress {
        progress(&Progress {
            done: found.checkpoints,
            ..Progress::default()
        });
    }
    if let (Some(first), false, true) = (found.faults.first(), stop.only_check, stop.only_whole) {
        let first = first.clone().with("path", shown);
        return Err(first.with("imported", "nothing"));
    }
    let received = if stop.only_check {
        Received::default()
    } else {
        receive(&source, store, how).await?
    };
    let found = source.report();
    Ok(ImportReport {
        format,
        found: found.checkpoints,
        remarks: found.remarks.clone(),
        left_out: 0,
        faults: found.faults.clone(),
        wrong: found.wrong,
        received,
    })
}
