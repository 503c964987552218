//! What a store is asked, and how one request is chosen among many.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::path::Path;
use object_store::{GetOptions, PutMode};

/// What a request is for. Services bill and refuse by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A put that must not find anything at its key.
    PutCreate,
    /// A put that must find a given version at its key.
    PutUpdate,
    /// A put that overwrites.
    Put,
    /// A whole object is read.
    Get,
    /// A part of an object is read.
    GetRange,
    /// Size and date of an object are asked for.
    Head,
    /// Keys are listed, up to 1,000 with one request.
    List,
    /// An object is deleted.
    Delete,
    /// An upload in parts begins.
    PartsBegin,
    /// One part is sent.
    Part,
    /// An upload in parts becomes an object.
    PartsEnd,
    /// An upload in parts is given up.
    PartsAbort,
    /// An object is copied within the store.
    Copy,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::PutCreate,
        Self::PutUpdate,
        Self::Put,
        Self::Get,
        Self::GetRange,
        Self::Head,
        Self::List,
        Self::Delete,
        Self::PartsBegin,
        Self::Part,
        Self::PartsEnd,
        Self::PartsAbort,
        Self::Copy,
    ];

    /// Whether the request changes what the store holds.
    #[must_use]
    pub const fn changes(self) -> bool {
        !matches!(self, Self::Get | Self::GetRange | Self::Head | Self::List)
    }

    /// Its place in [`ALL`](Self::ALL).
    pub(super) const fn place(self) -> usize {
        self as usize
    }

    pub(super) fn of_put(mode: &PutMode) -> Self {
        match mode {
            PutMode::Create => Self::PutCreate,
            PutMode::Update(_) => Self::PutUpdate,
            PutMode::Overwrite => Self::Put,
        }
    }

    pub(super) fn of_get(options: &GetOptions) -> Self {
        match (options.head, &options.range) {
            (true, _) => Self::Head,
            (false, Some(_)) => Self::GetRange,
            (false, None) => Self::Get,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PutCreate => "create-only put",
            Self::PutUpdate => "put by version",
            Self::Put => "put",
            Self::Get => "get",
            Self::GetRange => "ranged get",
            Self::Head => "head",
            Self::List => "list",
            Self::Delete => "delete",
            Self::PartsBegin => "begin of parts",
            Self::Part => "part",
            Self::PartsEnd => "end of parts",
            Self::PartsAbort => "abort of parts",
            Self::Copy => "copy",
        })
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Its place among all requests to this wrapper, from 1.
    pub number: u64,
    /// What it is for.
    pub kind: Kind,
    /// The key; of a list the prefix, of a copy the target.
    pub path: Path,
    /// Bytes of content that go up with it.
    pub sent: u64,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}, {} of `{}`", self.number, self.kind, self.path)
    }
}

/// On which side of its effect something happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The store has not applied it.
    Before,
    /// The store has applied it, and the caller has no answer yet.
    After,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before it was applied",
            Self::After => "after it was applied",
        })
    }
}

/// A choice among requests: of a kind, below a key, the n-th of those. One request is chosen, not those after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    kind: Option<Kind>,
    below: Option<Path>,
    skipped: u64,
}

impl Which {
    /// The next request, whatever it is.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Of this kind alone.
    #[must_use]
    pub fn of(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// With this key, or one below it, alone.
    #[must_use]
    pub fn below(mut self, key: impl Into<Path>) -> Self {
        self.below = Some(key.into());
        self
    }

    /// The n-th of those that fit, from 1, counted from when the choice is made known. 0 is taken for 1.
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        self.skipped = n.saturating_sub(1);
        self
    }

    fn fits(&self, call: &Call) -> bool {
        let below = self.below.as_ref();
        self.kind.is_none_or(|kind| kind == call.kind)
            && below.is_none_or(|below| call.path.prefix_matches(below))
    }
}

/// A choice on its way to the one request.
#[derive(Debug)]
pub(super) struct Choice {
    which: Which,
    fitted: AtomicU64,
}

impl Choice {
    pub(super) fn new(which: Which) -> Self {
        Self {
            which,
            fitted: AtomicU64::new(0),
        }
    }

    /// Whether this request is the one. Each is to be asked about once.
    pub(super) fn is(&self, call: &Call) -> bool {
        self.which.fits(call) && self.fitted.fetch_add(1, Ordering::Relaxed) == self.which.skipped
    }

    pub(super) fn is_over(&self) -> bool {
        self.fitted.load(Ordering::Relaxed) > self.which.skipped
    }
}
