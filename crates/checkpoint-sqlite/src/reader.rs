//! Connections to read with.

use std::path::PathBuf;
use std::sync::Arc;

use checkpoint_core::Result;
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::config::SqliteOptions;
use crate::error::stopped;
use crate::open;
use crate::place::Hold;
use crate::query::control;
use crate::still::Still;

/// Connections that are kept for the next read.
const KEPT: usize = 8;

/// What waits for the next read.
#[derive(Debug)]
pub(crate) struct Idle {
    connections: Vec<Connection>,
    hold: Arc<Hold>,
}

impl Idle {
    /// A connection, and what must outlive it.
    fn take(&mut self) -> (Option<Connection>, Arc<Hold>) {
        (self.connections.pop(), Arc::clone(&self.hold))
    }
}

/// Where reads go.
#[derive(Debug)]
pub(crate) enum Readers {
    /// To idle connections of the file's own, more as they are needed.
    File {
        options: Box<SqliteOptions>,
        path: PathBuf,
        idle: Mutex<Option<Idle>>,
    },
    /// To connections of a file that takes no locks.
    Still(Still),
    /// To the one connection that a store in memory has, which the writer shares.
    Memory(Mutex<Option<Arc<Mutex<Connection>>>>),
}

impl Readers {
    pub(crate) fn file(
        options: &SqliteOptions,
        path: PathBuf,
        first: Option<Connection>,
        hold: Arc<Hold>,
    ) -> Self {
        Self::File {
            options: Box::new(options.clone()),
            path,
            idle: Mutex::new(Some(Idle {
                connections: first.into_iter().collect(),
                hold,
            })),
        }
    }

    pub(crate) fn memory(connection: Arc<Mutex<Connection>>) -> Self {
        Self::Memory(Mutex::new(Some(connection)))
    }

    /// Reads with a connection. What needs one state of the store throughout opens a transaction, as in
    /// [`snapshot`](Self::snapshot).
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match self {
            Self::File {
                options,
                path,
                idle,
            } => {
                let (kept, _hold) = idle.lock().as_mut().ok_or_else(stopped)?.take();
                let connection = match kept {
                    Some(connection) => connection,
                    None => open::reader(options, path)?,
                };
                let result = read(&connection);
                control::rollback(&connection);
                if let Some(idle) = idle.lock().as_mut()
                    && idle.connections.len() < KEPT
                {
                    idle.connections.push(connection);
                }
                result
            }
            Self::Still(still) => still.with(read),
            Self::Memory(shared) => {
                let connection = shared.lock().clone().ok_or_else(stopped)?;
                let connection = connection.lock();
                let result = read(&connection);
                control::rollback(&connection);
                result
            }
        }
    }

    /// Reads one state of the store.
    pub(crate) fn snapshot<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.with(|connection| {
            control::begin_read(connection)?;
            read(connection)
        })
    }

    /// Lets go of the store.
    pub(crate) fn close(&self) {
        match self {
            Self::File { idle, .. } => drop(idle.lock().take()),
            Self::Still(still) => still.close(),
            Self::Memory(shared) => drop(shared.lock().take()),
        }
    }
}
