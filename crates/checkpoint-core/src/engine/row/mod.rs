//! A checkpoint's row without what is large, as backends keep it whose engine has rows.
//!
//! Its packed form begins with three digests of eight bytes, XXH3-64, little-endian: of the row, of `meta` and of
//! `payload`. That of the row goes over number, id and session, which the backend keeps beside it, and over the rest of
//! the form. So a row is checked without reading what is large.

mod pack;
mod packed;

use bytes::Bytes;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

pub use self::pack::{
    corrupt, put_id, put_text, put_time, take, take_array, take_id, take_if, take_text, take_time,
};
pub use self::packed::Packed;
use super::tables::{Existing, NewCheckpoint};
use crate::error::{Error, Result};
use crate::id::{CheckpointId, RawId, SessionId};
use crate::record::{Header, Payload};
use crate::status::Status;

/// Stands for the digest of a damaged row that was set aside.
const ASIDE: [u8; 8] = [0xff; 8];
/// Stands for the digest of one that was taken back; it stays damaged.
const DAMAGED: [u8; 8] = [0; 8];
/// Bytes of the digests.
const DIGESTS: usize = 24;

/// The digests of `meta` and `payload`, as they stand in a row.
pub type Digests = [u8; 16];

/// A row without what is large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Small {
    /// Its sequence.
    pub sequence: u64,
    /// Its id.
    pub id: CheckpointId,
    /// The key of its session.
    pub session: u64,
    /// What no index needs.
    pub packed: Packed,
}

impl Small {
    /// That of a checkpoint that is about to be added.
    #[must_use]
    pub fn new(new: &NewCheckpoint<'_>) -> Self {
        Self {
            sequence: new.sequence,
            id: new.append.id.clone(),
            session: new.session,
            packed: Packed::new(new),
        }
    }

    /// Reads a row that matches its digest; answers the digests of the large columns too.
    ///
    /// # Errors
    ///
    /// `Corrupt`.
    #[inline]
    pub fn open(
        sequence: u64,
        id: RawId<'_>,
        session: u64,
        column: &[u8],
    ) -> Result<(Self, Digests)> {
        let cut = || damaged("packed");
        let (head, rest) = column.split_first_chunk::<8>().ok_or_else(cut)?;
        if row_digest(sequence, id, session, rest) != *head {
            return Err(cut());
        }
        let (digests, packed) = rest.split_first_chunk().ok_or_else(cut)?;
        let small = Self {
            sequence,
            id: corrupt(CheckpointId::from_raw(id))?,
            session,
            packed: Packed::decode(packed)?,
        };
        Ok((small, *digests))
    }

    /// Reads a row as far as it is legible, whatever its digest says.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is not.
    pub fn guess(sequence: u64, id: RawId<'_>, session: u64, column: &[u8]) -> Result<Self> {
        Ok(Self {
            sequence,
            id: corrupt(CheckpointId::from_raw(id))?,
            session,
            packed: Packed::decode(column.get(DIGESTS..).unwrap_or_default())?,
        })
    }

    /// The packed form with its digests.
    #[must_use]
    pub fn seal(&self, digests: Digests) -> Vec<u8> {
        let mut column = Vec::with_capacity(192);
        column.extend_from_slice(&[0; 8]);
        column.extend_from_slice(&digests);
        self.packed.encode(&mut column);
        let digest = row_digest(self.sequence, self.id.raw(), self.session, &column[8..]);
        column[..8].copy_from_slice(&digest);
        column
    }

    /// What the judgement of a commit needs to know.
    #[must_use]
    pub fn existing(self) -> Existing {
        Existing {
            sequence: self.sequence,
            session: self.session,
            parent: self.packed.parent,
            committed_at: self.packed.committed,
            revision: self.packed.revision,
            status: self.packed.status,
            fingerprint: self.packed.fingerprint,
        }
    }

    /// Its header, in this session.
    #[must_use]
    #[inline]
    pub fn header(self, session: SessionId) -> Header {
        let it = self.packed;
        Header {
            id: self.id,
            session,
            parent: it.parent,
            enclosing: it.enclosing,
            sequence: self.sequence,
            revision: it.revision,
            created_at: it.created,
            committed_at: it.committed,
            updated_at: it.updated,
            status: it.status,
            trigger: it.trigger,
            worker: it.worker,
            tags: it.tags,
            step: it.step,
            pinned: it.pinned,
            quarantined: it.aside,
            length: it.length,
            origin: it.origin,
        }
    }
}

/// A row with what is large, to be changed and written back.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What is not large.
    pub small: Small,
    /// The description.
    pub meta: Bytes,
    /// The state.
    pub payload: Payload,
}

impl Whole {
    /// The digests of what is large.
    #[must_use]
    pub fn digests(&self) -> Digests {
        digests(&self.meta, self.payload.inline())
    }
}

/// The digests of a description, and of a state that lies in the row.
#[must_use]
#[inline]
pub fn digests(meta: &[u8], payload: Option<&Bytes>) -> Digests {
    let mut digests = [0; 16];
    digests[..8].copy_from_slice(&large_digest(meta));
    digests[8..].copy_from_slice(&large_digest(payload.map_or(&[], |bytes| bytes)));
    digests
}

/// The digest of a large column.
#[must_use]
#[inline]
pub fn large_digest(bytes: &[u8]) -> [u8; 8] {
    xxh3_64(bytes).to_le_bytes()
}

/// Checks the n-th large column against the digests of the large columns of its row.
///
/// # Errors
///
/// `Corrupt`, naming the column.
#[inline]
pub fn check_large(digests: &[u8], n: usize, bytes: &[u8], what: &'static str) -> Result<()> {
    if digests.get(8 * n..8 * n + 8) == Some(&large_digest(bytes)[..]) {
        Ok(())
    } else {
        Err(damaged(what))
    }
}

/// A row does not match its digest.
#[must_use]
pub fn damaged(what: &'static str) -> Error {
    Error::corrupt("a row does not match its digest; restore it from a backup, or delete it")
        .with("column", what)
}

#[inline]
fn row_digest(sequence: u64, id: RawId<'_>, session: u64, rest: &[u8]) -> [u8; 8] {
    let (kind, id) = match id {
        RawId::Text(text) => (1, text.as_bytes()),
        RawId::Uuid(bytes) => (2, &bytes[..]),
    };
    let mut place = [0; 16];
    place[..8].copy_from_slice(&sequence.to_le_bytes());
    place[8..].copy_from_slice(&session.to_le_bytes());
    let seed = xxh3_64_with_seed(&place, xxh3_64_with_seed(id, kind));
    xxh3_64_with_seed(rest, seed).to_le_bytes()
}

/// The length of the state, of a row of which the packed form alone was read.
///
/// # Errors
///
/// `Corrupt` when it is cut off.
#[inline]
pub fn length(column: &[u8]) -> Result<u64> {
    packed::length(column.get(DIGESTS..).unwrap_or_default())
}

/// Whether the packed form of a damaged row says that it was set aside.
#[must_use]
pub fn is_aside(column: &[u8]) -> bool {
    column.starts_with(&ASIDE)
}

/// The packed form of a damaged row, set aside or taken back.
#[must_use]
pub fn set_aside(column: &[u8], aside: bool) -> Vec<u8> {
    let mark = if aside { ASIDE } else { DAMAGED };
    [&mark, column.get(8..).unwrap_or_default()].concat()
}

/// A status by its number, as rows have it.
///
/// # Errors
///
/// `Corrupt` for one that is not known.
pub fn status(number: u64) -> Result<Status> {
    u8::try_from(number)
        .ok()
        .and_then(Status::from_number)
        .ok_or_else(|| Error::corrupt("unknown status").with("number", number))
}

/// Whether checkpoints with this status are in its index. What a plain save gives is not, so that it need not touch it.
#[must_use]
pub fn is_rare(status: Status) -> bool {
    status > Status::Active
}
