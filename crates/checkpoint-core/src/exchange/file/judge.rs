//! What of an entry is not as it must be, told before anything of the file is taken.

use std::collections::HashSet;

use super::FileHeader;
use crate::checksum::checksum;
use crate::description::{Description, StateDigest};
use crate::engine::{HIGHEST, check_tags, within};
use crate::error::{Error, Result};
use crate::exchange::source::{Arrival, ArrivingState};
use crate::id::{ChunkId, MAX_ID_BYTES, RawId};
use crate::limits::Limits;
use crate::record::{Attachment, Header, SessionRecord};
use crate::store::{Body, check_description};

/// Judges the entries of one file, in their order.
///
/// It remembers 12 bytes of a digest for each id, so that an id that stands twice is found: some 30 bytes of memory a
/// checkpoint.
#[derive(Debug)]
pub(super) struct Judge {
    limits: Limits,
    newest: u64,
    last: u64,
    sessions: HashSet<Short>,
    checkpoints: HashSet<Short>,
}

type Short = [u8; 12];

/// A state that lies in chunks and is still to be compared with its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) top: ChunkId,
    pub(super) length: u64,
    pub(super) digest: Option<StateDigest>,
}

impl Judge {
    pub(super) fn new(header: &FileHeader, limits: Limits) -> Result<Self> {
        if header.newest > HIGHEST {
            return Err(Error::invalid(format!(
                "the highest sequence of a store is at most {HIGHEST}"
            ))
            .with("global_sequence", header.newest));
        }
        Ok(Self {
            limits,
            newest: header.newest,
            last: 0,
            sessions: HashSet::new(),
            checkpoints: HashSet::new(),
        })
    }

    pub(super) fn session(&mut self, session: &SessionRecord) -> Result<()> {
        within("session", session.body.len() as u64, self.limits.meta)?;
        Body::decode(&session.body).map_err(|error| error.with("session", &session.id))?;
        if session.epoch > HIGHEST || !(1..=HIGHEST).contains(&session.revision) {
            return Err(Error::invalid(format!(
                "a session has a revision from 1 and an epoch from 0, both at most {HIGHEST}"
            ))
            .with("revision", session.revision)
            .with("epoch", session.epoch));
        }
        if !self.sessions.insert(short(session.id.raw())) {
            return Err(
                Error::invalid("a session stands in the file twice").with("session", &session.id)
            );
        }
        Ok(())
    }

    /// Judges all but a state that lies in chunks.
    pub(super) fn checkpoint(&mut self, arrival: &Arrival) -> Result<Option<Tree>> {
        let header = &*arrival.header;
        self.place(header)?;
        self.sizes(arrival)?;
        let description = Description::decode(&arrival.meta)?;
        check_description(&description, &self.limits)?;
        if let Some(stored) = &description.checksum
            && checksum(header, &description)? != *stored
        {
            return Err(Error::corrupt(
                "the checksum does not match what is in the file",
            ));
        }
        match &arrival.state {
            ArrivingState::Whole(state) => {
                if state.len() as u64 != header.length {
                    return Err(Error::corrupt("the state has another length than is said")
                        .with("bytes", state.len())
                        .with("said", header.length));
                }
                if description
                    .digest
                    .is_some_and(|digest| digest != StateDigest::of(state))
                {
                    return Err(Error::corrupt("the state does not match its digest"));
                }
                Ok(None)
            }
            ArrivingState::Tree(top) => Ok(Some(Tree {
                top: *top,
                length: header.length,
                digest: description.digest,
            })),
        }
    }

    /// That ids are there once, and sequences rise.
    fn place(&mut self, header: &Header) -> Result<()> {
        if !self.sessions.contains(&short(header.session.raw())) {
            return Err(
                Error::invalid("the session of a checkpoint does not stand before it")
                    .with("session", &header.session),
            );
        }
        if !self.checkpoints.insert(short(header.id.raw())) {
            return Err(Error::invalid("an id stands in the file twice"));
        }
        if header.sequence <= self.last {
            return Err(
                Error::invalid("checkpoints are not in the order of their sequences")
                    .with("sequence", header.sequence)
                    .with("after", self.last),
            );
        }
        if header.sequence > self.newest {
            return Err(
                Error::invalid("a sequence is above the highest that the file names")
                    .with("sequence", header.sequence)
                    .with("global_sequence", self.newest),
            );
        }
        self.last = header.sequence;
        Ok(())
    }

    fn sizes(&self, arrival: &Arrival) -> Result<()> {
        let Header {
            revision,
            length,
            tags,
            origin,
            ..
        } = &*arrival.header;
        if !(1..=HIGHEST).contains(revision) {
            return Err(Error::invalid(format!(
                "the revision of a checkpoint is from 1 to {HIGHEST}"
            ))
            .with("revision", revision));
        }
        if let Some(origin) = origin
            && !(1..=HIGHEST).contains(&origin.sequence)
        {
            return Err(
                Error::invalid(format!("an origin's sequence is from 1 to {HIGHEST}"))
                    .with("sequence", origin.sequence),
            );
        }
        check_tags(tags, &self.limits)?;
        within("state", *length, self.limits.state)?;
        within("description", arrival.meta.len() as u64, self.limits.meta)?;
        self.attachments(&arrival.attachments)
    }

    fn attachments(&self, attachments: &[Attachment]) -> Result<()> {
        let mut names = HashSet::with_capacity(attachments.len());
        for Attachment {
            kind, key, bytes, ..
        } in attachments
        {
            within(
                "kind of an attachment",
                kind.len() as u64,
                MAX_ID_BYTES as u64,
            )?;
            within(
                "key of an attachment",
                key.len() as u64,
                MAX_ID_BYTES as u64,
            )?;
            let size = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            within("attachment", size, self.limits.attachment)?;
            if !names.insert((kind, key)) {
                return Err(
                    Error::invalid("a checkpoint has two attachments of one kind and key")
                        .with("kind", format_args!("{kind:?}"))
                        .with("key", format_args!("{key:?}")),
                );
            }
        }
        Ok(())
    }
}

/// Enough of a digest to tell a billion ids apart.
fn short(id: RawId<'_>) -> Short {
    let digest = id.with_text(|text| xxhash_rust::xxh3::xxh3_128(text.as_bytes()));
    let digest = digest.to_le_bytes();
    let mut short = Short::default();
    short.copy_from_slice(&digest[..12]);
    short
}
