//! An entry of the log, and the stub that stands in its place once it was trimmed.

use bytes::Bytes;
use checkpoint_core::engine::row::{corrupt, put_time, take_array, take_time};
use checkpoint_core::{Result, Timestamp};

use crate::block;
use crate::id::Id;
use crate::run::Run;
use crate::seal::{self, Head, Kind, put_number, take_number};

/// BLAKE3 of all bytes of an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// Before the first entry there is none.
    pub(crate) const NONE: Self = Self([0; 32]);

    /// That of an object.
    pub(crate) fn of(object: &[u8]) -> Self {
        Self(blake3::hash(object).into())
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Digest({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// A snapshot, as an entry names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotName {
    /// The position of the last entry that is in it.
    pub(crate) position: u64,
    /// The id of its manifest.
    pub(crate) manifest: Id,
    /// The digest of its manifest.
    pub(crate) digest: Digest,
}

/// What a group of commits changed, at a position of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Which programs may do what, and what a later version adds.
    pub(crate) head: Head,
    /// The machine that wrote it.
    pub(crate) machine: Id,
    /// The attempt that wrote it: these bytes, at this position.
    pub(crate) operation: Id,
    /// Its position.
    pub(crate) position: u64,
    /// The sequence that its first checkpoint has, or would have.
    pub(crate) first_sequence: u64,
    /// When it was committed, by the clock of the machine.
    pub(crate) committed_at: Timestamp,
    /// The digest of the entry before it.
    pub(crate) before: Digest,
    /// A snapshot that counts from here on.
    pub(crate) snapshot: Option<SnapshotName>,
    /// The rows that changed.
    pub(crate) rows: Run,
}

/// What is left of an entry that was trimmed. The chain still checks: the next entry names what this one replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stub {
    /// Which programs may do what, and what a later version adds.
    pub(crate) head: Head,
    /// The attempt that wrote the entry.
    pub(crate) operation: Id,
    /// The position of both.
    pub(crate) position: u64,
    /// The digest of the entry.
    pub(crate) replaces: Digest,
    /// The digest of the entry before it.
    pub(crate) before: Digest,
    /// A snapshot that has what the entry said. There may be newer ones.
    pub(crate) snapshot: SnapshotName,
}

/// What may stand at a position of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Logged {
    /// An entry.
    Entry(Entry),
    /// What is left of one.
    Stub(Stub),
}

impl Entry {
    /// The bytes of the object.
    ///
    /// # Errors
    ///
    /// `TooLarge` for an extension above the limit.
    pub(crate) fn encode(&self) -> Result<Bytes> {
        let mut out = seal::begin(Kind::Entry, &self.head)?;
        out.extend_from_slice(&self.machine.0);
        out.extend_from_slice(&self.operation.0);
        put_number(&mut out, self.position);
        put_number(&mut out, self.first_sequence);
        put_time(&mut out, self.committed_at);
        out.extend_from_slice(&self.before.0);
        match &self.snapshot {
            None => out.push(0),
            Some(name) => {
                out.push(1);
                put_snapshot(&mut out, name);
            }
        }
        out.extend_from_slice(&block::encode(&self.rows, self.position));
        Ok(seal::finish(out))
    }

    fn take(head: Head, mut rest: &[u8]) -> Result<Self> {
        let rest = &mut rest;
        let (machine, operation) = (Id(take_array(rest)?), Id(take_array(rest)?));
        let (position, first_sequence) = (take_number(rest)?, take_number(rest)?);
        Ok(Self {
            head,
            machine,
            operation,
            position,
            first_sequence,
            committed_at: take_time(rest)?,
            before: Digest(take_array(rest)?),
            snapshot: take_snapshot(rest)?,
            rows: block::decode(rest, position)?,
        })
    }
}

fn put_snapshot(out: &mut Vec<u8>, name: &SnapshotName) {
    put_number(out, name.position);
    out.extend_from_slice(&name.manifest.0);
    out.extend_from_slice(&name.digest.0);
}

fn take_name(rest: &mut &[u8]) -> Result<SnapshotName> {
    Ok(SnapshotName {
        position: take_number(rest)?,
        manifest: Id(take_array(rest)?),
        digest: Digest(take_array(rest)?),
    })
}

fn take_snapshot(rest: &mut &[u8]) -> Result<Option<SnapshotName>> {
    match take_array(rest)? {
        [0] => Ok(None),
        [1] => take_name(rest).map(Some),
        [flag] => Err(seal::flag(flag)),
    }
}

impl Stub {
    /// The bytes of the object.
    ///
    /// # Errors
    ///
    /// `TooLarge` for an extension above the limit.
    pub(crate) fn encode(&self) -> Result<Bytes> {
        let mut out = seal::begin(Kind::Stub, &self.head)?;
        out.extend_from_slice(&self.operation.0);
        put_number(&mut out, self.position);
        out.extend_from_slice(&self.replaces.0);
        out.extend_from_slice(&self.before.0);
        put_snapshot(&mut out, &self.snapshot);
        Ok(seal::finish(out))
    }

    fn take(head: Head, mut rest: &[u8]) -> Result<Self> {
        let stub = Self {
            head,
            operation: Id(take_array(&mut rest)?),
            position: take_number(&mut rest)?,
            replaces: Digest(take_array(&mut rest)?),
            before: Digest(take_array(&mut rest)?),
            snapshot: take_name(&mut rest)?,
        };
        seal::end(rest)?;
        Ok(stub)
    }
}

impl Logged {
    /// Reads an object of the log.
    ///
    /// # Errors
    ///
    /// `Corrupt`; `Unsupported` for what a later version wrote, and this one must not read, naming both.
    pub(crate) fn decode(object: &[u8]) -> Result<Self> {
        let (kind, head, rest) = seal::open(object, &[Kind::Entry, Kind::Stub])?;
        corrupt(match kind {
            Kind::Stub => Stub::take(head, rest).map(Self::Stub),
            _ => Entry::take(head, rest).map(Self::Entry),
        })
    }

    /// Its position.
    pub(crate) const fn position(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.position,
            Self::Stub(stub) => stub.position,
        }
    }

    /// The attempt that wrote the entry.
    pub(crate) const fn operation(&self) -> Id {
        match self {
            Self::Entry(entry) => entry.operation,
            Self::Stub(stub) => stub.operation,
        }
    }

    /// The digest of the entry before.
    pub(crate) const fn before(&self) -> Digest {
        match self {
            Self::Entry(entry) => entry.before,
            Self::Stub(stub) => stub.before,
        }
    }

    /// The digest that the next entry names: that of the entry, of which `object` are the bytes unless it was trimmed.
    pub(crate) fn link(&self, object: &[u8]) -> Digest {
        match self {
            Self::Entry(_) => Digest::of(object),
            Self::Stub(stub) => stub.replaces,
        }
    }
}

#[cfg(test)]
mod tests;
