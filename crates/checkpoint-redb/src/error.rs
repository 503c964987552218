//! What the engine says, as errors that tell the caller what to do.

use std::io::ErrorKind as Io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use checkpoint_core::files::file_fault;
use checkpoint_core::{Applied, Error, ErrorKind, Result};
use redb::{CommitError, CompactionError, DatabaseError, StorageError, TableError};

const DAMAGED: &str = "the file is damaged; copy out what can be read, or restore a backup";

/// That nothing was written and another try may help.
pub(crate) const fn not_applied() -> ErrorKind {
    ErrorKind::Unavailable {
        applied: Applied::No,
    }
}

/// That nobody knows.
pub(crate) fn unknown(error: Error) -> Error {
    Error::new(
        ErrorKind::Unavailable {
            applied: Applied::Unknown,
        },
        "the commit may or may not be on disk; send it again under the same id",
    )
    .because(error)
}

/// An error of the engine outside of a commit.
pub(crate) fn fault(error: StorageError) -> Error {
    let (kind, message) = match &error {
        StorageError::Corrupted(_) => (ErrorKind::Corrupt, DAMAGED),
        StorageError::ValueTooLarge(_) => (
            ErrorKind::Storage,
            "a row is larger than the engine takes; split it",
        ),
        StorageError::Io(error) => match error.kind() {
            Io::StorageFull | Io::QuotaExceeded => (
                ErrorKind::Storage,
                "the disk is full; make room and try again, nothing was written",
            ),
            // Part of the file is not there.
            Io::UnexpectedEof | Io::InvalidData => (ErrorKind::Corrupt, DAMAGED),
            _ => (
                not_applied(),
                "the file cannot be read or written; check the disk and try again",
            ),
        },
        _ => (
            not_applied(),
            "the engine gave the file up after an error; try again, it is opened anew",
        ),
    };
    Error::new(kind, message).because(error)
}

/// Whether the engine refused for an error that it had told another call.
pub(crate) fn has_given_up(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    matches!(source, Some(StorageError::PreviousIo))
}

/// Whether the engine has to be opened anew before it does anything again.
pub(crate) fn is_fatal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable { .. } | ErrorKind::Storage
    )
}

/// An error of opening a table.
pub(crate) fn table_fault(error: TableError) -> Error {
    match error {
        TableError::Storage(error) => fault(error),
        error => Error::corrupt(
            "the tables are not those of this format; restore a backup, or give another path",
        )
        .because(error),
    }
}

/// An error of a commit.
pub(crate) fn commit_fault(error: CommitError) -> Error {
    match error {
        CommitError::Storage(error) => fault(error),
        error => Error::new(not_applied(), "the engine took its transaction back").because(error),
    }
}

/// An error of compacting.
pub(crate) fn compaction_fault(error: CompactionError) -> Error {
    match error {
        CompactionError::Storage(error) => fault(error),
        error => Error::new(
            not_applied(),
            "the file was not compacted; try again when nobody reads",
        )
        .because(error),
    }
}

/// An error of opening.
pub(crate) fn open_fault(error: DatabaseError, path: &Path) -> Error {
    match error {
        DatabaseError::Storage(StorageError::Io(error))
            if !matches!(error.kind(), Io::UnexpectedEof | Io::InvalidData) =>
        {
            file_fault(error, "open the file", path)
        }
        DatabaseError::Storage(error) => fault(error).with("path", path.display()),
        DatabaseError::UpgradeRequired(version) => Error::unsupported(format!(
            "the file has version {version} of the engine's format, which this program no longer reads; bring it up to \
             date with an older one"
        ))
        .with("path", path.display()),
        DatabaseError::DatabaseAlreadyOpen => locked(path).because(error),
        error => Error::corrupt(DAMAGED)
            .because(error)
            .with("path", path.display()),
    }
}

/// That another handle has the file.
pub(crate) fn locked(path: &Path) -> Error {
    Error::new(
        ErrorKind::Locked,
        "another handle has the store open, in this program or another, and only one may; close it, then try again",
    )
    .with("path", path.display())
}

/// The answer of a handle that was closed.
pub(crate) fn stopped() -> Error {
    Error::new(
        ErrorKind::Stopped,
        "the store was closed; open it again to go on",
    )
}

/// Calls the engine, which asserts much of what it reads: what it panics over is a damaged file.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Guarded<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Guarded::Returned(result),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            let error = Error::corrupt(DAMAGED);
            Guarded::Panicked(match text {
                Some(text) => error.with("engine", text),
                None => error,
            })
        }
    }
}

/// How a call of the engine ended.
pub(crate) enum Guarded<T> {
    Returned(Result<T>),
    /// It is in no state to be called again.
    Panicked(Error),
}

impl<T> Guarded<T> {
    pub(crate) fn result(self) -> Result<T> {
        match self {
            Self::Returned(result) => result,
            Self::Panicked(error) => Err(error),
        }
    }
}

/// An error of beginning a transaction.
pub(crate) fn begin_fault(error: redb::TransactionError) -> Error {
    match error {
        redb::TransactionError::Storage(error) => fault(error),
        error => {
            Error::new(not_applied(), "the engine began no transaction; try again").because(error)
        }
    }
}
