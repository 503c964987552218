//! What the system says, as errors that tell the caller what to do.

use std::io;
use std::path::Path;

use checkpoint_core::{Applied, Error, ErrorKind};

/// Something failed before anything was written that counts.
pub(crate) fn fault(error: io::Error, what: &str, path: &Path) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Storage,
    };
    Error::new(kind, format!("cannot {what}"))
        .with("path", path.display())
        .because(error)
}

/// An entry could not be written or synced: it may be there when the store is opened again, or not.
pub(crate) fn unknown(error: io::Error, path: &Path) -> Error {
    let kind = ErrorKind::Unavailable {
        applied: Applied::Unknown,
    };
    Error::new(
        kind,
        "the commit may or may not be on disk; open the store again, then send it again under the same id",
    )
    .with("path", path.display())
    .because(error)
}

/// A write failed before.
pub(crate) fn broken(path: &Path) -> Error {
    Error::new(
        ErrorKind::Stopped,
        "an earlier write failed and this handle writes no more; open the store again",
    )
    .with("path", path.display())
}

/// What every call of a closed handle gets.
pub(crate) fn stopped() -> Error {
    Error::new(ErrorKind::Stopped, "the store was closed; open it again")
}
