//! A checkpoint that is being made.

use bytes::Bytes;

use super::Session;
use super::place::Placed;
use crate::checksum::{checksum, fingerprint};
use crate::chunk::Previous;
use crate::clock::Timestamp;
use crate::codec::Codec;
use crate::commit::{Append, Expectation, NewChunk, Parent};
use crate::description::{Description, StateDigest};
use crate::engine::{NewCheckpoint, within};
use crate::error::{Applied, Error, ErrorKind, Result};
use crate::id::{CheckpointId, ChunkId, Tag, WorkerId};
use crate::limits::Limits;
use crate::record::{Header, Payload};
use crate::status::{Status, Trigger};

/// A checkpoint that is being made.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) id: CheckpointId,
    pub(super) parent: Parent,
    pub(super) enclosing: Option<CheckpointId>,
    pub(super) created_at: Timestamp,
    pub(super) status: Status,
    pub(super) trigger: Trigger,
    pub(super) worker: Option<WorkerId>,
    pub(super) tags: Vec<Tag>,
    pub(super) step: Option<u64>,
    pub(super) pinned: bool,
    pub(super) description: Description,
    pub(super) state: State,
    pub(super) expectations: Vec<Expectation>,
}

/// A state on its way into the store.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// As a whole.
    Encoded(Bytes),
    /// Sent ahead in pieces, but for the last chunks.
    Streamed {
        top: ChunkId,
        length: u64,
        last: Vec<NewChunk>,
    },
}

impl State {
    fn length(&self) -> u64 {
        match self {
            Self::Encoded(bytes) => bytes.len() as u64,
            Self::Streamed { length, .. } => *length,
        }
    }
}

impl Draft {
    pub(super) fn check(&self, limits: &Limits) -> Result<()> {
        within("state", self.state.length(), limits.state)?;
        check_description(&self.description, limits)
    }

    pub(super) fn new(
        session: &Session,
        content_type: &str,
        state: State,
        digest: StateDigest,
    ) -> Self {
        let inner = &session.store().0;
        let json = content_type == Codec::Json.content_type();
        Self {
            id: CheckpointId::from_uuid(inner.ids.next()),
            parent: Parent::Head,
            enclosing: None,
            created_at: inner.clock.now(),
            status: Status::Created,
            trigger: Trigger::Manual,
            worker: None,
            tags: Vec::new(),
            step: None,
            pinned: false,
            description: Description {
                content_type: if json { "" } else { content_type }.to_owned(),
                digest: Some(digest),
                ..Description::default()
            },
            state,
            expectations: session.fence(),
        }
    }

    /// Puts the state in its place. With `all` nothing is assumed to be in the store.
    pub(super) async fn place(&self, session: &Session, all: bool) -> Result<Placed> {
        match &self.state {
            State::Encoded(encoded) => {
                session
                    .store()
                    .0
                    .placer
                    .place(session.id(), encoded.clone(), all)
                    .await
            }
            State::Streamed { .. } if all => Err(Error::new(
                ErrorKind::Unavailable {
                    applied: Applied::No,
                },
                "chunks that were sent ahead have been swept since; save the reader again",
            )),
            State::Streamed { top, last, .. } => Ok(Placed {
                payload: Payload::Tree(*top),
                chunks: last.clone(),
                next: None,
            }),
        }
    }

    /// The append for a state in its place.
    pub(super) fn append(
        &self,
        session: &Session,
        placed: Placed,
    ) -> Result<(Append, Vec<NewChunk>, Option<Previous>)> {
        let Placed {
            payload,
            chunks,
            next,
        } = placed;
        let mut description = self.description.clone();
        let mut append = Append {
            id: self.id.clone(),
            session: session.id().clone(),
            parent: self.parent.clone(),
            enclosing: self.enclosing.clone(),
            revision: 1,
            created_at: self.created_at,
            updated_at: self.created_at,
            status: self.status,
            trigger: self.trigger,
            worker: self.worker.clone(),
            tags: self.tags.clone(),
            step: self.step,
            pinned: self.pinned,
            length: self.state.length(),
            origin: None,
            made: None,
            revive: false,
            fingerprint: crate::commit::Fingerprint([0; 16]),
            meta: Bytes::new(),
            payload,
        };
        append.fingerprint = fingerprint(&session.store().info().hasher, &append, &description)?;
        description.checksum = Some(checksum(&header_of(&append), &description)?);
        append.meta = description.encode()?;
        Ok((append, chunks, next))
    }
}

/// A content type that can be kept.
pub(super) fn check_content_type(content_type: &str) -> Result<()> {
    if (1..=256).contains(&content_type.len()) && !content_type.contains(char::is_control) {
        return Ok(());
    }
    let start: String = content_type.chars().take(32).collect();
    Err(
        Error::invalid("a content type has 1 to 256 bytes and no control characters")
            .with("starts", format_args!("{start:?}")),
    )
}

pub(crate) fn check_description(description: &Description, limits: &Limits) -> Result<()> {
    let texts = [
        &description.message,
        &description.title,
        &description.step_description,
        &description.reason,
    ];
    for text in texts {
        within("message", text.len() as u64, limits.message)?;
    }
    if description.metadata.is_empty() {
        return Ok(());
    }
    let json = Codec::Json.encode(&description.metadata, limits)?;
    within("metadata", json.len() as u64, limits.metadata)
}

/// The header as the checksum sees it: what only the commit knows is left out there.
pub(super) fn header_of(append: &Append) -> Header {
    let new = NewCheckpoint {
        append,
        session: 0,
        parent: None,
        sequence: 0,
        committed_at: append.created_at,
        origin: None,
        first: 0,
    };
    new.header()
}
