//! What can go wrong with a request.

use std::fmt;

use super::super::call::{Call, Kind, When};

/// How a request fails for its caller.
///
/// What the S3 client of `object_store` 0.14 makes of each, with its retries off:
///
/// | failure | any request | create-only put | put by version |
/// |---|---|---|---|
/// | [`Internal`](Self::Internal), [`SlowDown`](Self::SlowDown), [`TooMany`](Self::TooMany) | `Generic` | `Generic` | `Generic` |
/// | [`Dropped`](Self::Dropped), [`TimedOut`](Self::TimedOut), [`Refused`](Self::Refused) | `Generic` | `Generic` | `Generic` |
/// | [`Conflict`](Self::Conflict) | `AlreadyExists` | `AlreadyExists`, though nothing may be there | `AlreadyExists` |
/// | [`Precondition`](Self::Precondition) | `Precondition` | `AlreadyExists` | `Precondition` |
/// | [`Forbidden`](Self::Forbidden) | `PermissionDenied` | `PermissionDenied` | `PermissionDenied` |
/// | [`Unauthorized`](Self::Unauthorized) | `Unauthenticated` | `Unauthenticated` | `Unauthenticated` |
/// | [`Expired`](Self::Expired), [`Moved`](Self::Moved) | `Generic` | `Generic` | `Generic` |
/// | [`NoBucket`](Self::NoBucket) | `NotFound` | `NotFound` | `Precondition` |
///
/// A list turns all of them into `Generic`. The status of a `Generic` stands in its text and nowhere else: the type that
/// knows it is not public.
///
/// With its retries on, the client first tries again by itself: after 429 and 5xx, and when no connection came about or one
/// was closed without an answer, whatever the request, so that a create-only put may meet itself
/// ([`Fault::Retried`]); after a timeout or a reset only for reads and for what overwrites; after 409 only for a put by version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// 500 `InternalError`. Ceph answers it to puts that lose a race.
    Internal,
    /// 503 `SlowDown`.
    SlowDown,
    /// 429 `TooManyRequests`.
    TooMany,
    /// The connection ends before an answer comes.
    Dropped,
    /// The client's own limit of time is over.
    TimedOut,
    /// No connection comes about.
    Refused,
    /// 409 `ConditionalRequestConflict`: another put to the key is under way.
    Conflict,
    /// 412 `PreconditionFailed`.
    Precondition,
    /// 403 `AccessDenied`.
    Forbidden,
    /// 401.
    Unauthorized,
    /// 400 `ExpiredToken`.
    Expired,
    /// 301 without a place to go to: the bucket is in another region.
    Moved,
    /// 404 `NoSuchBucket`.
    NoBucket,
}

impl Failure {
    /// Every failure.
    pub const ALL: [Self; 13] = [
        Self::Internal,
        Self::SlowDown,
        Self::TooMany,
        Self::Dropped,
        Self::TimedOut,
        Self::Refused,
        Self::Conflict,
        Self::Precondition,
        Self::Forbidden,
        Self::Unauthorized,
        Self::Expired,
        Self::Moved,
        Self::NoBucket,
    ];

    /// Those after which nobody knows whether the request was applied.
    pub const UNKNOWN: [Self; 6] = [
        Self::Internal,
        Self::SlowDown,
        Self::TooMany,
        Self::Dropped,
        Self::TimedOut,
        Self::Conflict,
    ];
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Internal => "500",
            Self::SlowDown => "503 slow down",
            Self::TooMany => "429",
            Self::Dropped => "connection dropped",
            Self::TimedOut => "timeout",
            Self::Refused => "no connection",
            Self::Conflict => "409",
            Self::Precondition => "412",
            Self::Forbidden => "403",
            Self::Unauthorized => "401",
            Self::Expired => "expired token",
            Self::Moved => "other region",
            Self::NoBucket => "no bucket",
        })
    }
}

/// What befalls a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The caller gets a failure, before the store applied the request or after.
    Fails(Failure, When),
    /// The caller gets a failure, and the request arrives later, when the test
    /// [releases](super::Faulty::release) it: a put whose caller has long given up takes place.
    Late(Failure),
    /// No answer comes until the test [releases](super::Faulty::release) it. A caller that gives up before drops the
    /// request: what was to hang before it was applied is never applied then.
    Hangs(When),
    /// The store applies the request, the answer is lost, and the client tries again by itself: what comes out is the
    /// answer to the second try, such as `AlreadyExists` to the very put that made the object. For changes that are one
    /// request.
    Retried,
    /// What is read ends after so many bytes, and one byte short of its end at the latest, with an error or, as behind a
    /// proxy that swallows it, without.
    Cuts {
        /// Bytes that come.
        kept: u64,
        /// Whether an error follows them: `Generic`, as the client gives when a connection ends within an answer.
        told: bool,
    },
    /// A list is not what is there.
    Lists(Stale),
}

impl Fault {
    /// Whether such a fault is possible for such a request.
    #[must_use]
    pub fn may_befall(&self, kind: Kind) -> bool {
        match self {
            Self::Fails(..) | Self::Hangs(_) => true,
            Self::Late(_) => kind.changes() && kind != Kind::PartsBegin,
            Self::Retried => matches!(
                kind,
                Kind::PutCreate | Kind::PutUpdate | Kind::Put | Kind::Delete | Kind::Copy
            ),
            Self::Cuts { .. } => matches!(kind, Kind::Get | Kind::GetRange),
            Self::Lists(_) => kind == Kind::List,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fails(failure, when) => write!(f, "{failure} {when}"),
            Self::Late(failure) => write!(f, "{failure}, and it arrives later"),
            Self::Hangs(when) => write!(f, "no answer, {when}"),
            Self::Retried => f.write_str("applied, and asked for again by the client"),
            Self::Cuts { kept, told: true } => write!(f, "cut after {kept} bytes"),
            Self::Cuts { kept, told: false } => write!(f, "cut after {kept} bytes and not told"),
            Self::Lists(stale) => write!(f, "{stale}"),
        }
    }
}

/// How a list differs from what is there. What is recent is what went through the same [`Faulty`](super::Faulty).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stale {
    /// The objects put last, so many, are not in it.
    Misses(usize),
    /// The objects deleted last, so many, still are. Deletions are remembered while such a fault is planned or scheduled.
    Keeps(usize),
    /// Each object comes twice.
    Repeats,
    /// The order is from the end to the begin.
    Reverses,
    /// The offset is not heeded.
    IgnoresOffset,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misses(count) => write!(f, "a list without the last {count} put"),
            Self::Keeps(count) => write!(f, "a list with the last {count} deleted"),
            Self::Repeats => f.write_str("a list with each object twice"),
            Self::Reverses => f.write_str("a list from the end"),
            Self::IgnoresOffset => f.write_str("a list without regard to its offset"),
        }
    }
}

/// A fault that struck, and what it struck.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Strike {
    /// The request.
    pub call: Call,
    /// What befell it.
    pub fault: Fault,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.fault)
    }
}
