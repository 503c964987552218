//! What the engine says, as errors that tell the caller what to do.

use std::path::Path;

use checkpoint_core::{Applied, Error, ErrorKind};
use rusqlite::ErrorCode;

/// An error of the engine inside a transaction that was not committed.
pub(crate) fn fault(error: rusqlite::Error) -> Error {
    let (kind, message) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable {
                applied: Applied::No,
            },
            "another process holds the write lock; try again, or raise the busy timeout",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            ErrorKind::Corrupt,
            "the file is damaged; copy out what can be read, or restore a backup",
        ),
        Some(ErrorCode::DiskFull) => (
            ErrorKind::Storage,
            "the disk is full; make room and try again, nothing was written",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            ErrorKind::Denied,
            "the file cannot be written; check the permissions of it and its directory",
        ),
        Some(ErrorCode::CannotOpen) => (
            ErrorKind::Denied,
            "the file, or one beside it, cannot be opened; check the permissions of its directory, or open it for reading only",
        ),
        Some(ErrorCode::OutOfMemory) => (ErrorKind::Storage, "out of memory"),
        Some(_) => (ErrorKind::Storage, "the storage engine failed"),
        None => (
            ErrorKind::Corrupt,
            "a row is not what this format has; restore it from a backup",
        ),
    };
    Error::new(kind, message).because(error)
}

/// An error of COMMIT itself.
pub(crate) fn commit_fault(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) | None => Error::new(
            ErrorKind::Unavailable {
                applied: Applied::Unknown,
            },
            "the commit may or may not be on disk; send it again under the same id",
        )
        .because(error),
        _ => fault(error),
    }
}

/// An error of opening.
pub(crate) fn open_fault(error: rusqlite::Error, path: &Path) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::new(
            ErrorKind::Locked,
            "another program has the file locked; end it, or raise the busy timeout",
        )
        .because(error),
        _ => fault(error),
    }
    .with("path", path.display())
}

/// The answer of a handle that was closed.
pub(crate) fn stopped() -> Error {
    Error::new(
        ErrorKind::Stopped,
        "the store was closed; open it again to go on",
    )
}
