//! The one error of the store.
//!
//! A kind tells the caller what to do; the rest tells a person what happened. [`Display`](fmt::Display)
//! prints this error alone, never its source: walk [`std::error::Error::source`] for the chain.

use std::fmt;
use std::sync::Arc;

use crate::commit::Expectation;
use crate::id::{CheckpointId, ChunkId};
use crate::record::Position;

/// What a fallible call of this crate answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed, with where and on what.
///
/// Cheap to move and to clone: one failed group of commits tells each of its callers.
///
/// ```
/// use checkpoint_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "no such checkpoint").with("checkpoint", "cp_1");
/// assert_eq!(error.to_string(), "no such checkpoint (checkpoint: cp_1)");
/// assert!(!error.is_retryable());
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    operation: Option<&'static str>,
    store: Option<Arc<str>>,
    context: Vec<(&'static str, String)>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What the caller can do about an [`Error`].
///
/// A kind is here only because a caller would act differently on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was to be changed is not there.
    NotFound,
    /// The id is taken, by something else than what was sent.
    AlreadyExists,
    /// An expectation was not met: read again, decide again. Nothing was written.
    Conflict(Box<Conflict>),
    /// The commit refers to chunks that are not in the store: send it again with them.
    MissingChunks(Vec<ChunkId>),
    /// Somebody else has the store open, and the engine allows only one.
    Locked,
    /// What is stored is damaged. Other things in the store are still readable.
    Corrupt,
    /// Not allowed: permissions, credentials, or a wrong key.
    Denied,
    /// The request itself makes no sense, whatever the store holds.
    Invalid,
    /// Over a limit; nothing was written. Both in bytes, or in entries where the message says so.
    TooLarge {
        /// The limit in force.
        limit: u64,
        /// What was asked for.
        size: u64,
    },
    /// The feed no longer reaches back that far.
    Truncated {
        /// The oldest position that can still be asked for.
        oldest: Position,
    },
    /// The handle or the service was stopped.
    Stopped,
    /// This backend, format or build cannot do it; the message says what can.
    Unsupported,
    /// The storage did not answer as it should. Trying again may help.
    Unavailable {
        /// Whether the operation may have taken place.
        applied: Applied,
    },
    /// The storage failed, and trying again is not known to help.
    Storage,
}

/// Whether an operation that failed may have taken place nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Applied {
    /// It did not.
    No,
    /// Nobody knows. Sending the same commit under the same id again settles it.
    Unknown,
}

/// An [`Expectation`] that was not met, and what is there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What the commit expected.
    pub expected: Expectation,
    /// What the store holds.
    pub actual: Actual,
}

/// What a store holds where a commit expected something else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actual {
    /// The head of the session; none when it has no checkpoint.
    Head(Option<CheckpointId>),
    /// The revision of the checkpoint or session; none when it is not there.
    Revision(Option<u64>),
    /// The epoch of the session; none when there never was such a session.
    Epoch(Option<u64>),
    /// The version of the store's named record; none when it is not there.
    Version(Option<u64>),
    /// The digest of the sealed object is another one.
    Digest,
}

impl Error {
    /// An error of this kind, described by one sentence without a full stop.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            operation: None,
            store: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// [`ErrorKind::NotFound`].
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// [`ErrorKind::Invalid`].
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// [`ErrorKind::Corrupt`].
    #[must_use]
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// [`ErrorKind::Unsupported`].
    #[must_use]
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// [`ErrorKind::Storage`].
    #[must_use]
    pub fn storage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Storage, message)
    }

    /// [`ErrorKind::TooLarge`]: `what` is over its limit. Sizes in bytes unless `what` says otherwise.
    #[must_use]
    pub fn too_large(what: &str, size: u64, limit: u64) -> Self {
        Self::new(
            ErrorKind::TooLarge { limit, size },
            format!("{what} is too large: {size}, and at most {limit} is allowed"),
        )
    }

    /// [`ErrorKind::Conflict`].
    #[must_use]
    pub fn conflict(expected: Expectation, actual: Actual) -> Self {
        let message = format!("expected {expected}, found {actual}");
        Self::new(
            ErrorKind::Conflict(Box::new(Conflict { expected, actual })),
            message,
        )
    }

    /// The operation that failed, as the user knows it: `save`, `restore`.
    #[must_use]
    pub fn during(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// The label of the store on which it failed (see [`StoreInfo::label`](crate::StoreInfo::label)).
    #[must_use]
    pub fn on(mut self, store: &Arc<str>) -> Self {
        self.0.store.get_or_insert_with(|| Arc::clone(store));
        self
    }

    /// Adds a name and a value to the context, shown in the order added.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Keeps what caused this error.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The operation that failed, if it was noted.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The label of the store, if it was noted.
    #[must_use]
    pub fn store(&self) -> Option<&str> {
        self.0.store.as_deref()
    }

    /// Names and values noted on the way up, oldest first.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0
            .context
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether the same call may succeed later without anything being changed by the caller.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Unavailable { .. } | ErrorKind::Locked
        )
    }

    /// Whether what was asked for is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.0.kind, ErrorKind::NotFound)
    }

    /// The expectation that was not met, if this is a conflict.
    #[must_use]
    pub fn as_conflict(&self) -> Option<&Conflict> {
        match &self.0.kind {
            ErrorKind::Conflict(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// Whether what is stored is damaged.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Corrupt)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            operation,
            message,
            store,
            context,
            ..
        } = &*self.0;
        if let Some(operation) = operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(message)?;
        let store = store.as_deref().map(|label| ("store", label));
        let pairs = context
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .chain(store);
        for (n, (name, value)) in pairs.enumerate() {
            write!(f, "{}{name}: {value}", if n == 0 { " (" } else { ", " })?;
        }
        if context.is_empty() && store.is_none() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            message,
            operation,
            store,
            context,
            source,
        } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("message", message)
            .field("operation", operation)
            .field("store", store)
            .field("context", context)
            .field("source", source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for Actual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(Some(id)) => write!(f, "head {id}"),
            Self::Head(None) => f.write_str("no checkpoint"),
            Self::Revision(Some(n)) => write!(f, "revision {n}"),
            Self::Epoch(Some(n)) => write!(f, "epoch {n}"),
            Self::Version(Some(n)) => write!(f, "version {n}"),
            Self::Revision(None) | Self::Epoch(None) | Self::Version(None) => {
                f.write_str("nothing")
            }
            Self::Digest => f.write_str("other bytes"),
        }
    }
}
