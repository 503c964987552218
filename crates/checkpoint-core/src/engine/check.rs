//! What no store could take, whatever it holds.

use std::collections::HashSet;

use crate::commit::{Append, Commit, CreateSession, Operation, Sealed, Update};
use crate::error::{Error, Result};
use crate::id::{MAX_ID_BYTES, Tag};
use crate::limits::Limits;
use crate::record::Payload;

/// The highest sequence, revision and epoch that may come from outside: engines keep them as signed numbers of 64 bits,
/// and there is room above it for all that is still to be counted.
pub(crate) const HIGHEST: u64 = 1 << 62;

impl Commit {
    /// Checks what does not depend on what the store holds: limits, sorted tags, ids used once.
    ///
    /// Every backend calls it first.
    ///
    /// # Errors
    ///
    /// `TooLarge` with the limit and the size, `Invalid` with what would be right.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        let limits = &if self.sealed {
            limits.sealed()
        } else {
            *limits
        };
        within(
            "operations of a commit",
            self.operations.len() as u64,
            limits.operations,
        )?;
        within(
            "chunks of a commit",
            (self.chunks.len() + self.relies_on.len()) as u64,
            limits.operations,
        )?;
        let mut ids = HashSet::new();
        for operation in &self.operations {
            if let Operation::Append(append) = operation
                && self.operations.len() > 1
                && !ids.insert(&append.id)
            {
                return Err(
                    Error::invalid("a commit appends the same id twice; append it once")
                        .with("checkpoint", &append.id),
                );
            }
            operation.check(limits)?;
        }
        for chunk in &self.chunks {
            let checked = within("chunk", chunk.bytes.len() as u64, limits.chunk).and_then(|()| {
                within(
                    "children of a chunk",
                    chunk.children.len() as u64,
                    limits.children,
                )
            });
            checked.map_err(|error| error.with("chunk", chunk.id))?;
        }
        Ok(())
    }
}

impl Operation {
    fn check(&self, limits: &Limits) -> Result<()> {
        match self {
            Self::Append(append) => append
                .check(limits)
                .map_err(|error| error.with("checkpoint", &append.id)),
            Self::Update(update) => update
                .check(limits)
                .map_err(|error| error.with("checkpoint", &update.id)),
            Self::Attach(attach) => {
                within(
                    "kind of an attachment",
                    attach.kind.len() as u64,
                    MAX_ID_BYTES as u64,
                )?;
                within(
                    "key of an attachment",
                    attach.key.len() as u64,
                    MAX_ID_BYTES as u64,
                )?;
                let size = attach.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                within("attachment", size, limits.attachment)
                    .map_err(|error| error.with("checkpoint", &attach.checkpoint))
            }
            Self::CreateSession(create) => create
                .check(limits)
                .map_err(|error| error.with("session", &create.id)),
            Self::PatchSession(patch) => within("session", patch.body.len() as u64, limits.meta)
                .map_err(|error| error.with("session", &patch.id)),
            Self::PutRecord(put) => {
                let size = put.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                within("record", size, limits.record)
                    .map_err(|error| error.with("record", &put.name))
            }
            Self::Reseal(reseal) => {
                let (what, limit) = match reseal.target {
                    Sealed::Meta(_) => ("description", limits.meta),
                    Sealed::Inline(_) => ("inline state", limits.chunk),
                    Sealed::Chunk(_) => ("chunk", limits.chunk),
                    Sealed::Attachment(..) => ("attachment", limits.attachment),
                    Sealed::Session(_) => ("session", limits.meta),
                    Sealed::Record(_) => ("record", limits.record),
                };
                within(what, reseal.bytes.len() as u64, limit)
            }
            Self::Advance(sequence) if *sequence > HIGHEST => Err(Error::invalid(format!(
                "the counter can be raised to at most {HIGHEST}"
            ))
            .with("sequence", sequence)),
            Self::Advance(_)
            | Self::Delete(_)
            | Self::ClaimSession(_)
            | Self::DeleteSession(_)
            | Self::Note(_)
            | Self::Quarantine(_) => Ok(()),
        }
    }
}

impl Append {
    fn check(&self, limits: &Limits) -> Result<()> {
        within("description", self.meta.len() as u64, limits.meta)?;
        check_state(self.length, &self.payload, limits)?;
        check_tags(&self.tags, limits)?;
        if !(1..=HIGHEST).contains(&self.revision) {
            return Err(Error::invalid(format!(
                "the revision of a checkpoint must be from 1 to {HIGHEST}"
            ))
            .with("revision", self.revision));
        }
        let mut origins = self.origin.iter().chain(&self.made);
        match origins.find(|origin| !(1..=HIGHEST).contains(&origin.sequence)) {
            Some(origin) => Err(Error::invalid(format!(
                "an origin's sequence must be from 1 to {HIGHEST}"
            ))
            .with("sequence", origin.sequence)),
            None => Ok(()),
        }
    }
}

impl CreateSession {
    fn check(&self, limits: &Limits) -> Result<()> {
        within("session", self.body.len() as u64, limits.meta)?;
        if self.epoch > HIGHEST {
            let problem = format!("the epoch of a session must be at most {HIGHEST}");
            return Err(Error::invalid(problem).with("epoch", self.epoch));
        }
        Ok(())
    }
}

impl Update {
    fn check(&self, limits: &Limits) -> Result<()> {
        within("description", self.meta.len() as u64, limits.meta)?;
        if let Some(state) = &self.state {
            check_state(state.length, &state.payload, limits)?;
        }
        match self.becomes {
            Some(becomes) if becomes <= self.revision || becomes > HIGHEST => {
                return Err(Error::invalid(format!(
                    "an update raises the revision, to at most {HIGHEST}"
                ))
                .with("revision", self.revision)
                .with("becomes", becomes));
            }
            _ => {}
        }
        check_tags(&self.tags, limits)
    }
}

fn check_state(length: u64, payload: &Payload, limits: &Limits) -> Result<()> {
    within("state", length, limits.state)?;
    let inline = payload.inline().map_or(0, |bytes| bytes.len() as u64);
    within("inline state", inline, limits.chunk)
}

pub(crate) fn check_tags(tags: &[Tag], limits: &Limits) -> Result<()> {
    within("tags of a checkpoint", tags.len() as u64, limits.tags)?;
    match tags.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(Error::invalid("tags must be sorted, each once").with("tag", &pair[1])),
        None => Ok(()),
    }
}

pub(crate) fn within(what: &str, size: u64, limit: u64) -> Result<()> {
    if size <= limit {
        Ok(())
    } else {
        Err(Error::too_large(what, size, limit))
    }
}
