//! Questions: scans, pages, opaque cursors.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId};
use crate::record::Parts;

pub use filter::Filter;

mod filter;

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Lowest sequence first; sessions in the order of their creation.
    Ascending,
    /// Highest first.
    #[default]
    Descending,
}

/// Which checkpoints to list, how, and which parts of them.
///
/// ```
/// use checkpoint_core::{Order, Parts, Query, SessionId};
///
/// let query = Query { session: Some(SessionId::new("research-42")?), limit: 10, ..Query::default() };
/// assert_eq!((query.order, query.parts), (Order::Descending, Parts::HEADER));
/// # Ok::<(), checkpoint_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Query {
    /// Of this session; none: of all.
    pub session: Option<SessionId>,
    /// Default: newest first.
    pub order: Order,
    /// Sequences to look at, both ends included. Default: all. Empty when it starts above its end.
    pub sequences: RangeInclusive<u64>,
    /// What else must hold.
    pub filter: Filter,
    /// Which parts to read. Default: the header.
    pub parts: Parts,
    /// The most to answer; 0 answers none. Default: 100.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            session: None,
            order: Order::default(),
            sequences: 0..=u64::MAX,
            filter: Filter::default(),
            parts: Parts::HEADER,
            limit: 100,
            after: None,
        }
    }
}

impl Query {
    /// The sequences still to look at: the range asked for, less what earlier pages went through.
    ///
    /// # Errors
    ///
    /// `Invalid` when the cursor is not one of a scan in this order.
    pub fn remaining(&self) -> Result<RangeInclusive<u64>> {
        let (start, end) = (*self.sequences.start(), *self.sequences.end());
        match (&self.after, self.order) {
            (None, _) => Ok(start..=end),
            (Some(cursor), Order::Ascending) => {
                match cursor.place(CursorKind::Ascending)?.checked_add(1) {
                    Some(next) => Ok(start.max(next)..=end),
                    None => Ok(empty_range()),
                }
            }
            (Some(cursor), Order::Descending) => {
                match cursor.place(CursorKind::Descending)?.checked_sub(1) {
                    Some(next) => Ok(start..=end.min(next)),
                    None => Ok(empty_range()),
                }
            }
        }
    }

    /// The cursor after the checkpoint with this sequence.
    #[must_use]
    pub fn cursor(&self, sequence: u64) -> Cursor {
        match self.order {
            Order::Ascending => Cursor::new(CursorKind::Ascending, sequence),
            Order::Descending => Cursor::new(CursorKind::Descending, sequence),
        }
    }
}

#[expect(clippy::reversed_empty_ranges, reason = "an empty range is meant")]
const fn empty_range() -> RangeInclusive<u64> {
    1..=0
}

/// Which sessions to list.
#[derive(Clone, Debug)]
pub struct SessionQuery {
    /// Only this one; none: all.
    pub id: Option<SessionId>,
    /// Default: oldest first.
    pub order: Order,
    /// The most to answer; 0 answers none. Default: 100.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

impl Default for SessionQuery {
    fn default() -> Self {
        Self {
            id: None,
            order: Order::Ascending,
            limit: 100,
            after: None,
        }
    }
}

impl SessionQuery {
    /// One session.
    #[must_use]
    pub fn one(id: SessionId) -> Self {
        Self {
            id: Some(id),
            limit: 1,
            ..Self::default()
        }
    }

    /// The place in the order of creation, as the backend counts it, after which this page starts.
    ///
    /// # Errors
    ///
    /// `Invalid` when the cursor is not one of a list of sessions.
    pub fn after_place(&self) -> Result<Option<u64>> {
        self.after
            .as_ref()
            .map(|cursor| cursor.place(CursorKind::Sessions))
            .transpose()
    }

    /// The cursor after the session at this place in the order of creation.
    #[must_use]
    pub fn cursor(&self, place: u64) -> Cursor {
        Cursor::new(CursorKind::Sessions, place)
    }
}

/// Which attachments to list: of these checkpoints, in their order; of one checkpoint in the order in which they
/// were first put.
#[derive(Clone, Debug)]
pub struct AttachmentQuery {
    /// Of these checkpoints; those that are not there have none.
    pub checkpoints: Vec<CheckpointId>,
    /// Of this kind; none: of every.
    pub kind: Option<String>,
    /// With this key; none: with every.
    pub key: Option<String>,
    /// Whether to read the content. Default: yes.
    pub content: bool,
    /// The most to answer; 0 answers none. Default: 1,000.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

impl Default for AttachmentQuery {
    fn default() -> Self {
        Self {
            checkpoints: Vec::new(),
            kind: None,
            key: None,
            content: true,
            limit: 1_000,
            after: None,
        }
    }
}

impl AttachmentQuery {
    /// All attachments of one checkpoint.
    #[must_use]
    pub fn of(checkpoint: CheckpointId) -> Self {
        Self {
            checkpoints: vec![checkpoint],
            ..Self::default()
        }
    }

    /// How many matching attachments earlier pages went through.
    ///
    /// # Errors
    ///
    /// `Invalid` when the cursor is not one of a list of attachments.
    pub fn after_place(&self) -> Result<u64> {
        self.after
            .as_ref()
            .map_or(Ok(0), |cursor| cursor.place(CursorKind::Attachments))
    }

    /// The cursor after as many matching attachments.
    #[must_use]
    pub fn cursor(&self, place: u64) -> Cursor {
        Cursor::new(CursorKind::Attachments, place)
    }
}

/// Part of an answer, and where the rest starts.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What was found, in the order asked for.
    pub items: Vec<T>,
    /// Where the next page starts; none when there is no more.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Nothing, and no more.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            items: Vec::new(),
            next: None,
        }
    }
}

/// Where a page ended. Opaque, valid for the same question, also after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(String);

/// What a cursor is a place in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CursorKind {
    /// Checkpoints, ascending; the place is a sequence.
    Ascending,
    /// Checkpoints, descending; the place is a sequence.
    Descending,
    /// Sessions.
    Sessions,
    /// Attachments.
    Attachments,
    /// Chunks.
    Chunks,
}

impl CursorKind {
    const fn letter(self) -> char {
        match self {
            Self::Ascending => 'a',
            Self::Descending => 'd',
            Self::Sessions => 's',
            Self::Attachments => 't',
            Self::Chunks => 'c',
        }
    }
}

impl Cursor {
    /// A cursor at a place. For backends; users take cursors from pages.
    #[must_use]
    pub fn new(kind: CursorKind, place: u64) -> Self {
        let body = format!("1{}{place:x}", kind.letter());
        let check = xxhash_rust::xxh3::xxh3_64(body.as_bytes()) as u16;
        Self(format!("{body}.{check:04x}"))
    }

    /// The place. For backends.
    ///
    /// # Errors
    ///
    /// `Invalid` when the cursor was not given for this kind of question.
    pub fn place(&self, kind: CursorKind) -> Result<u64> {
        let wrong = || {
            Error::invalid("this cursor is not from such a question; take it from its page before")
        };
        let (body, _) = self.0.split_once('.').ok_or_else(wrong)?;
        let place = body
            .strip_prefix('1')
            .and_then(|rest| rest.strip_prefix(kind.letter()));
        place
            .and_then(|hex| u64::from_str_radix(hex, 16).ok())
            // A number has many spellings, a cursor one.
            .filter(|place| Self::new(kind, *place) == *self)
            .ok_or_else(|| wrong().with("cursor", format_args!("{:?}", self.0)))
    }

    /// The cursor as text, to be handed to a client and read back with [`FromStr`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let start: String = text.chars().take(40).collect();
            Error::invalid("not a cursor; take it from the page before")
                .with("value", format_args!("{start:?}"))
        };
        let (body, check) = text.split_once('.').ok_or_else(wrong)?;
        let expected = xxhash_rust::xxh3::xxh3_64(body.as_bytes()) as u16;
        let known = text.len() <= 32 && body.starts_with('1') && check == format!("{expected:04x}");
        if known {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong())
        }
    }
}

#[cfg(test)]
mod tests;
