//! Reading a store in a place where nothing can be made beside it: a read-only medium, a directory of somebody else's.
//!
//! The engine's locks lie in a file beside the store, so here it takes none and believes that nobody writes. Before
//! and after each read the file is looked at instead: what was read while somebody wrote is thrown away.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use checkpoint_core::files::{beside, file_fault};
use checkpoint_core::{Applied, Error, ErrorKind, Result};
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::config::SqliteOptions;
use crate::error::stopped;
use crate::open;
use crate::place::Hold;
use crate::query::control;

/// What tells that nobody has written meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

/// Connections that take no locks.
#[derive(Debug)]
pub(crate) struct Still {
    options: Box<SqliteOptions>,
    path: PathBuf,
    idle: Mutex<Option<Idle>>,
}

#[derive(Debug)]
struct Idle {
    connection: Option<(Stamp, Connection)>,
    hold: Arc<Hold>,
}

impl Still {
    pub(crate) fn new(options: &SqliteOptions, path: PathBuf, hold: Arc<Hold>) -> Self {
        let idle = Idle {
            connection: None,
            hold,
        };
        Self {
            options: Box::new(options.clone()),
            path,
            idle: Mutex::new(Some(idle)),
        }
    }

    /// What the file is now; an error when it is not all there is, since somebody writes to the log.
    fn stamp(&self) -> Result<Stamp> {
        let files = &self.options.files;
        let metadata = files
            .metadata(&self.path)
            .map_err(|error| file_fault(error, "look at the file", &self.path))?;
        if files
            .metadata(&beside(&self.path, "-wal"))
            .is_ok_and(|log| log.len() > 0)
        {
            return Err(written());
        }
        Ok(Stamp {
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    pub(crate) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let (kept, _hold) = {
            let mut idle = self.idle.lock();
            let idle = idle.as_mut().ok_or_else(stopped)?;
            (idle.connection.take(), Arc::clone(&idle.hold))
        };
        let before = self.stamp()?;
        let connection = match kept {
            Some((stamp, connection)) if stamp == before => connection,
            _ => open::still(&self.options, &self.path)?,
        };
        let result = read(&connection);
        control::rollback(&connection);
        if self.stamp()? != before {
            return Err(written());
        }
        if let Some(idle) = self.idle.lock().as_mut() {
            idle.connection = Some((before, connection));
        }
        result
    }

    pub(crate) fn close(&self) {
        drop(self.idle.lock().take());
    }
}

fn written() -> Error {
    Error::new(
        ErrorKind::Unavailable {
            applied: Applied::No,
        },
        "another program writes to the store, and here it can be read only while nobody does; try again, or open the \
         store again",
    )
}
