//! What the store's errors mean to a caller, and what a person should do about them.

use std::error::Error as _;

use checkpoint_core::{Applied, Error, ErrorKind};
use object_store::Error as Fault;

/// Nothing was changed, or could have been.
pub(crate) const fn not_applied() -> ErrorKind {
    ErrorKind::Unavailable {
        applied: Applied::No,
    }
}

/// Nobody knows whether the request took place.
pub(crate) const fn unknown() -> ErrorKind {
    ErrorKind::Unavailable {
        applied: Applied::Unknown,
    }
}

pub(crate) fn stopped() -> Error {
    Error::new(
        ErrorKind::Stopped,
        "the store was closed; open it again to go on",
    )
}

/// Words in an answer by which services name what is wrong, what that means, and what to do. The first that fits counts.
const SAID: &[(&[&str], Told, &str)] = &[
    (
        &[
            "NoSuchBucket",
            "ContainerNotFound",
            "The specified bucket does not exist",
        ],
        Told::NotFound,
        "there is no such bucket; check its name and region, and create it first",
    ),
    (
        &[
            "RequestTimeTooSkewed",
            "RequestExpired",
            "date header too old",
            "reasonable timeframe",
        ],
        Told::Denied,
        "the clock of this machine is wrong, so the service refuses what it signs; set it right",
    ),
    (
        &[
            "ExpiredToken",
            "TokenRefreshRequired",
            "ExpiredAuthenticationToken",
            "not valid in the specified time frame",
            "invalid_grant",
        ],
        Told::Denied,
        "the credentials have expired; get new ones and open the store again",
    ),
    (
        &[
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraint",
            "incorrectly configured region",
        ],
        Told::Invalid,
        "the bucket is in another region; name its region in the URL or the environment",
    ),
    (
        &["169.254.169.254", "169.254.170.2", "metadata.google"],
        Told::Denied,
        "there are no credentials, neither in the environment nor from the machine; set them in the environment",
    ),
    (
        &[
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "AuthenticationFailed",
            "AuthenticationRequired",
            "InvalidAuthenticationInfo",
            "InvalidToken",
            "invalid_client",
            "unauthorized_client",
        ],
        Told::Denied,
        "the service does not know these credentials; check the ones in the environment",
    ),
    (
        &[
            "AccessDenied",
            "AllAccessDisabled",
            "AuthorizationFailure",
            "AuthorizationPermissionMismatch",
            "InsufficientAccountPermissions",
            "AccountIsDisabled",
        ],
        Told::Denied,
        "the credentials do not allow this; give them the rights that docs/object-storage.md names",
    ),
    (
        &[
            "SlowDown",
            "ServerBusy",
            "TooManyRequests",
            "429 Too",
            "503 Service",
        ],
        Told::Unavailable,
        "the service asks for fewer requests; try again later",
    ),
    (
        &["corrupt message of type InvalidContentType"],
        Told::Invalid,
        "what answers there speaks no TLS; check the port of the endpoint, or write the endpoint with http:",
    ),
    (
        &["certificate"],
        Told::Invalid,
        "the certificate of the service is not trusted here; check the endpoint, and the certificates of this machine",
    ),
    (
        &["dns error", "failed to lookup address"],
        Told::Unavailable,
        "the service is not found by its name; check the network, the endpoint and the account",
    ),
    (
        &["Connection refused", "timed out", "deadline has elapsed"],
        Told::Unavailable,
        "nothing answers where the service should be; check the network and the endpoint, then try again",
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    NotFound,
    Denied,
    Invalid,
    Unavailable,
}

/// An object that the index names is not there: it was taken away since the index was read, or is lost.
#[derive(Debug, thiserror::Error)]
#[error("the object is not there")]
pub(crate) struct Gone;

/// That an object is gone.
pub(crate) fn gone(name: impl std::fmt::Display) -> Error {
    Error::new(
        not_applied(),
        "an object that the store needs is not there; look once more",
    )
    .with("object", name)
    .because(Gone)
}

/// That objects are gone, and still are in the newest index.
pub(crate) fn missing() -> Error {
    Error::corrupt("objects that the index names are missing; restore them, or a copy of the store")
}

/// Whether something was not there that the index names.
pub(crate) fn is_gone(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<Gone>())
}

/// An error of a request. `unavailable` says what is known when the service did not answer, or not as it should.
pub(crate) fn fault(error: Fault, unavailable: ErrorKind) -> Error {
    if let Some(own) = own(&error) {
        return own.clone();
    }
    let (kind, problem) = judge(&error, unavailable);
    Error::new(kind, problem).because(error)
}

/// What our own store of objects says, a directory, in an error of the library.
fn own(error: &Fault) -> Option<&Error> {
    match error {
        Fault::Generic { source, .. } => source.downcast_ref(),
        _ => None,
    }
}

fn judge(error: &Fault, unavailable: ErrorKind) -> (ErrorKind, &'static str) {
    if let Some((told, problem)) = said(error) {
        let kind = match told {
            Told::NotFound => ErrorKind::NotFound,
            Told::Denied => ErrorKind::Denied,
            Told::Invalid => ErrorKind::Invalid,
            Told::Unavailable => unavailable,
        };
        return (kind, problem);
    }
    match error {
        Fault::NotFound { .. } => (ErrorKind::NotFound, "an object is not there"),
        Fault::PermissionDenied { .. } => (
            ErrorKind::Denied,
            "the credentials do not allow this; give them the rights that docs/object-storage.md names",
        ),
        Fault::Unauthenticated { .. } => (
            ErrorKind::Denied,
            "the service takes no credentials from here; check the ones in the environment",
        ),
        Fault::NotSupported { .. } | Fault::NotImplemented { .. } => (
            ErrorKind::Unsupported,
            "this kind of storage cannot do what a store needs",
        ),
        Fault::InvalidPath { .. } => (ErrorKind::Invalid, "a path is not one of an object"),
        _ => (
            unavailable,
            "the service did not answer as it should; check the network and the endpoint, then try again",
        ),
    }
}

/// What the service says itself.
fn said(error: &Fault) -> Option<(Told, &'static str)> {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&error.to_string());
        text.push('\n');
        source = error.source();
    }
    let known = SAID
        .iter()
        .find(|(words, ..)| words.iter().any(|word| text.contains(word)));
    known.map(|(_, told, problem)| (*told, *problem))
}

/// Whether the store says that something is in the way of a create-only put. It may be what this very request has put.
pub(crate) fn is_taken(error: &Fault) -> bool {
    matches!(
        error,
        Fault::AlreadyExists { .. } | Fault::Precondition { .. }
    )
}

/// An error of what comes before a put that matters: it leaves nothing open.
pub(crate) fn nothing_done(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unavailable { .. } => Error::new(
            not_applied(),
            "nothing was done, since the service did not answer; try again",
        )
        .because(error),
        _ => error,
    }
}

/// Whether a put that failed so was surely not done, as nothing of it was let through. A directory says `Storage` of what
/// has no name yet, and `Stopped` once it cannot tell what is on its disk.
pub(crate) fn is_refused(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Denied
            | ErrorKind::Invalid
            | ErrorKind::Unsupported
            | ErrorKind::Storage
            | ErrorKind::Stopped
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &'static str) -> Fault {
        Fault::Generic {
            store: "S3",
            source: text.into(),
        }
    }

    #[test]
    fn what_a_service_says_is_told_apart() {
        let cases = [
            (
                "<Code>NoSuchBucket</Code>",
                ErrorKind::NotFound,
                "no such bucket",
            ),
            (
                "<Code>ExpiredToken</Code>",
                ErrorKind::Denied,
                "have expired",
            ),
            (
                "<Code>RequestTimeTooSkewed</Code>",
                ErrorKind::Denied,
                "clock",
            ),
            (
                "<Code>PermanentRedirect</Code>",
                ErrorKind::Invalid,
                "another region",
            ),
            (
                "<Code>InvalidAccessKeyId</Code>",
                ErrorKind::Denied,
                "does not know",
            ),
            (
                "<Code>AccessDenied</Code>",
                ErrorKind::Denied,
                "do not allow",
            ),
            ("<Code>SlowDown</Code>", unknown(), "fewer requests"),
            ("connection refused", unknown(), "check the network"),
            (
                "client error (Connect): received corrupt message of type InvalidContentType",
                ErrorKind::Invalid,
                "speaks no TLS",
            ),
            ("503 Service Unavailable", unknown(), "fewer requests"),
            (
                "GET http://169.254.169.254/latest/api/token: timed out",
                ErrorKind::Denied,
                "there are no credentials",
            ),
            (
                "GET http://h/b/log/00000000000000000503 in 1.429s: 500 Internal Server Error",
                unknown(),
                "did not answer as it should",
            ),
        ];
        for (answer, kind, problem) in cases {
            let error = fault(answered(answer), unknown());
            assert_eq!(*error.kind(), kind, "{answer}");
            assert!(error.to_string().contains(problem), "{error}");
        }
    }

    #[test]
    fn only_what_was_refused_is_known_not_to_be_done() {
        assert!(is_refused(&fault(answered("AccessDenied"), unknown())));
        assert!(!is_refused(&fault(answered("InternalError"), unknown())));
        let taken = Fault::AlreadyExists {
            path: "log/1".into(),
            source: "".into(),
        };
        assert!(is_taken(&taken) && !is_taken(&answered("InternalError")));
    }
}
