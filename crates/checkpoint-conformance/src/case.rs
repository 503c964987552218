//! A case, what it answers, and the words in which it says what it wants.

use std::fmt;
use std::panic::Location;

use checkpoint_core::{Error, ErrorKind};
use futures::future::BoxFuture;

use crate::context::Context;

/// One thing that a backend must do, with the clause of the contract that demands it.
#[derive(Clone, Copy)]
pub struct Case {
    /// States the behaviour.
    pub name: &'static str,
    /// Which clause it belongs to.
    pub clause: Clause,
    /// Tries it on the fresh store of a context.
    pub run: for<'a> fn(&'a Context) -> BoxFuture<'a, Verdict>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({} {})", self.clause, self.name)
    }
}

/// What a case found out.
pub type Verdict<T = ()> = Result<T, Failure>;

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The backend did something else than the contract says.
    Wrong(String),
    /// The backend cannot do what the case needs.
    Skipped(String),
}

impl Failure {
    /// The contract is broken, in this way.
    #[must_use]
    pub fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }
}

impl From<Error> for Failure {
    /// Says where it was called: an error alone does not tell which call of a case it is from.
    #[track_caller]
    fn from(error: Error) -> Self {
        let (kind, place) = (kind_name(error.kind()), Location::caller());
        let mut text = format!(
            "unexpected error at {}:{}: {error} [{kind}]",
            place.file(),
            place.line()
        );
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self::Wrong(text)
    }
}

/// The name of a kind, without what it holds.
pub(crate) fn kind_name(kind: &ErrorKind) -> String {
    let text = format!("{kind:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

macro_rules! clauses {
    ($($variant:ident = $number:literal, $name:literal;)+) => {
        /// A clause of the contract; see the module [`checkpoint_core::backend`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is described at the seam")]
        pub enum Clause {
            $($variant = $number,)+
        }

        impl Clause {
            /// Every clause, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name under which cases are listed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Its number in the contract.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}

clauses! {
    Atomic = 1, "atomic";
    Durable = 2, "durable";
    Sequence = 3, "sequence";
    Idempotent = 4, "idempotent";
    Expectations = 5, "expectations";
    Ownership = 6, "ownership";
    Closed = 7, "closed";
    Isolation = 8, "isolation";
    Order = 9, "order";
    Deletion = 10, "deletion";
    Corruption = 11, "corruption";
    Limits = 12, "limits";
    TwoAtOnce = 13, "two-at-once";
    Formats = 14, "formats";
    Unicode = 15, "unicode";
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Fails the case with a message unless a condition holds.
macro_rules! holds {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::Failure::Wrong(format!($($message)+)));
        }
    };
}

/// Fails the case unless two values are equal; the message says of what.
macro_rules! same {
    ($actual:expr, $expected:expr, $($what:tt)+) => {{
        let (actual, expected) = (&$actual, &$expected);
        if actual != expected {
            let what = format!($($what)+);
            return Err($crate::Failure::Wrong(format!("{what}: expected {expected:?}, got {actual:?}")));
        }
    }};
}

/// Fails the case unless a call was refused with an error of this kind; the message says what was called.
macro_rules! refused {
    ($result:expr, $kind:pat, $($what:tt)+) => {
        match $result {
            Err(error) if matches!(error.kind(), $kind) => error,
            Err(error) => {
                let what = format!($($what)+);
                let kind = $crate::case::kind_name(error.kind());
                let wanted = stringify!($kind);
                return Err($crate::Failure::Wrong(format!("{what}: expected {wanted}, got {kind}: {error}")));
            }
            Ok(answer) => {
                let what = format!($($what)+);
                let wanted = stringify!($kind);
                return Err($crate::Failure::Wrong(format!("{what}: expected {wanted}, got {answer:?}")));
            }
        }
    };
}

pub(crate) use {holds, refused, same};
