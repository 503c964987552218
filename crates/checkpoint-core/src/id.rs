//! Names of things: every id is a type whose constructor is the only door.
//!
//! Ids of sessions and checkpoints are strings of 1 to [`MAX_ID_BYTES`] bytes without control characters,
//! chosen by the client and never parsed for meaning. One that is a UUID in canonical form (lower case,
//! hyphens) is kept as its 16 bytes; every other is kept verbatim. Two ids are equal when their strings are.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::{Error, Result};

/// The longest id, tag or worker name, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 256;

/// How an id is kept: a canonical UUID as 16 bytes, anything else as text.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Uuid(Uuid),
    Text(Arc<str>),
}

/// An id as a backend stores it, borrowed from the id.
///
/// The two forms never collide: text that is a canonical UUID is always in the short form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RawId<'a> {
    /// A UUID, which is 16 bytes.
    Uuid(&'a [u8; 16]),
    /// Any other string.
    Text(&'a str),
}

impl RawId<'_> {
    /// Hands on the id as a string, without memory of its own for it.
    pub(crate) fn with_text<T>(self, take: impl FnOnce(&str) -> T) -> T {
        match self {
            Self::Uuid(bytes) => {
                let uuid = Uuid::from_bytes_ref(bytes).as_hyphenated();
                take(uuid.encode_lower(&mut [0; uuid::fmt::Hyphenated::LENGTH]))
            }
            Self::Text(text) => take(text),
        }
    }
}

fn check_text(what: &'static str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(format!(
            "{what} is empty; it needs 1 to {MAX_ID_BYTES} bytes"
        )));
    }
    if text.len() > MAX_ID_BYTES {
        let error = Error::too_large(what, text.len() as u64, MAX_ID_BYTES as u64);
        let start: String = text.chars().take(32).collect();
        return Err(error.with("starts", format_args!("{start:?}")));
    }
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(());
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, c)) => Err(Error::invalid(format!(
            "{what} has the control character {c:?} at byte {at}; remove it"
        ))
        .with("value", format_args!("{text:?}"))),
        None => Ok(()),
    }
}

fn canonical_uuid(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 || bytes[8] != b'-' || bytes.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    Uuid::try_parse(text).ok()
}

/// The ways from a string to a name, all through its constructor.
macro_rules! from_text {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<&$name> for $name {
            type Error = Error;

            fn try_from(id: &$name) -> Result<Self> {
                Ok(id.clone())
            }
        }
    };
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Repr);

        impl $name {
            #[doc = concat!("Takes a string as ", $what, ".")]
            ///
            /// # Errors
            ///
            /// `Invalid` when it is empty or has a control character, `TooLarge` when it is longer than
            /// [`MAX_ID_BYTES`].
            pub fn new(text: impl AsRef<str>) -> Result<Self> {
                let text = text.as_ref();
                if let Some(uuid) = canonical_uuid(text) {
                    return Ok(Self(Repr::Uuid(uuid)));
                }
                check_text(concat!($what, " id"), text)?;
                Ok(Self(Repr::Text(Arc::from(text))))
            }

            /// Takes a UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(Repr::Uuid(uuid))
            }

            /// The UUID, when the id is one.
            #[must_use]
            pub const fn as_uuid(&self) -> Option<Uuid> {
                match self.0 {
                    Repr::Uuid(uuid) => Some(uuid),
                    Repr::Text(_) => None,
                }
            }

            /// Whether it starts so, as it is written.
            #[must_use]
            pub fn starts_with(&self, start: &str) -> bool {
                self.raw().with_text(|text| text.starts_with(start))
            }

            /// The form in which a backend stores it.
            #[must_use]
            #[inline]
            pub fn raw(&self) -> RawId<'_> {
                match &self.0 {
                    Repr::Uuid(uuid) => RawId::Uuid(uuid.as_bytes()),
                    Repr::Text(text) => RawId::Text(text),
                }
            }

            /// Takes back what [`raw`](Self::raw) gave, checked anew since storage is not trusted.
            ///
            /// # Errors
            ///
            /// As [`new`](Self::new).
            #[inline]
            pub fn from_raw(raw: RawId<'_>) -> Result<Self> {
                match raw {
                    RawId::Uuid(bytes) => Ok(Self(Repr::Uuid(Uuid::from_bytes(*bytes)))),
                    RawId::Text(text) => Self::new(text),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.0 {
                    Repr::Uuid(uuid) => fmt::Display::fmt(uuid.as_hyphenated(), f),
                    Repr::Text(text) => f.pad(text),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        /// By the stored form. The order has no meaning: newer and older is told by the sequence alone.
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.raw().cmp(&other.raw())
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        from_text!($name);
    };
}

string_id!(
    /// The id of a checkpoint, unique in its store.
    CheckpointId,
    "checkpoint"
);
string_id!(
    /// The id of a session, unique in its store.
    SessionId,
    "session"
);

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Takes a string as ", $what, ": 1 to [`MAX_ID_BYTES`] bytes, no control characters.")]
            ///
            /// # Errors
            ///
            /// `Invalid` when it is empty or has a control character, `TooLarge` when it is too long.
            pub fn new(text: impl AsRef<str>) -> Result<Self> {
                check_text($what, text.as_ref())?;
                Ok(Self(Arc::from(text.as_ref())))
            }

            /// The string.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        from_text!($name);
    };
}

label!(
    /// A tag of a checkpoint. Case matters; nothing is folded or trimmed.
    Tag,
    "tag"
);
label!(
    /// The worker that made a checkpoint, as it names itself.
    WorkerId,
    "worker"
);
label!(
    /// The name of one of the store's own records.
    RecordName,
    "record name"
);

impl RecordName {
    /// Whether the record is kept like any other and no change of it is told: it belongs to a layer between programs
    /// and their storage, such as the keys of encryption, and its name begins with a dot.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.as_str().starts_with('.')
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes 16 bytes, the bytes of a UUID.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Takes a UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid.into_bytes())
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&Uuid::from_bytes(self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

uuid_id!(
    /// The id of a commit. A retry carries the id of the first attempt.
    CommitId
);
uuid_id!(
    /// The id of a store, given when it is created.
    StoreId
);

/// The id of a chunk: a digest of its plain content, made by the store's [`ContentHasher`](crate::ContentHasher).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkId([u8; 32]);

impl ChunkId {
    /// Takes the 32 bytes of a digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

// The bytes are a digest already: eight of them are as good a hash as any made from all.
impl Hash for ChunkId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        state.write_u64(u64::from_le_bytes(first));
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChunkId(")?;
        self.0[..6]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…)")
    }
}
