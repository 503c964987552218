//! Files of three older systems, as sources.
//!
//! A file is gone through once when it is opened, entry by entry: what of it can be brought is remembered by place,
//! what cannot is refused in a report with line and column, and what was changed or assumed is remarked there. When it
//! is asked for, an entry is read again. So memory holds the largest entry and about a hundred bytes for each other.
//!
//! Nothing in a file is trusted: what is larger than the limits is not read, what is deeper is refused, ids are made
//! legal, sequences are given anew where they repeat.
//!
//! A field that says what a checkpoint is must be there: its id, its session, its time, its state. Where one only adds to
//! it, nothing or null is taken for its default. The wrong type is refused everywhere.

mod dispatcher;
mod environment;
mod fields;
mod gather;
mod imported;
mod names;
mod orchestrator;
mod piece;
mod recognise;
mod report;
mod scan;
mod source;
mod temporal;
#[cfg(test)]
mod tests;

use std::path::Path;

use chrono::{FixedOffset, Offset, Utc};

pub(crate) use recognise::recognise;
#[cfg(test)]
use report::ForeignReport;
pub use report::{Remark, Remarked};
pub(crate) use source::Foreign;

use super::ImportFormat;
use crate::error::{Error, Result};
use crate::limits::Limits;

/// How files of other systems are brought in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForeignOptions {
    /// Keeps the values of environment variables instead of masking them. Default: false.
    pub(crate) keep_environment: bool,
    /// Where times are taken to be from that have no zone. Default: UTC.
    pub(crate) zone: FixedOffset,
}

impl Default for ForeignOptions {
    fn default() -> Self {
        Self {
            keep_environment: false,
            zone: Utc.fix(),
        }
    }
}

/// Opens a file or a directory of another system, and goes through all of it.
///
/// # Errors
///
/// `Invalid` when it is not as a whole what it should be, with the place; `Storage` when it cannot be read;
/// `Unsupported` for a format of ours. An entry that cannot be brought is no error but refused in the report.
pub(crate) fn open(
    path: &Path,
    format: ImportFormat,
    how: &ForeignOptions,
    limits: &Limits,
) -> Result<Foreign> {
    let settings = gather::Settings {
        options: *how,
        limits: *limits,
    };
    let opened = match format {
        ImportFormat::Temporal => temporal::open(path, settings),
        ImportFormat::Dispatcher => dispatcher::open(path, settings),
        ImportFormat::Orchestrator => orchestrator::open(path, settings),
        _ => Err(Error::unsupported("this is not a file of another system")
            .with("format", format.name())),
    };
    opened.map_err(|error| error.with("path", path.display()))
}
