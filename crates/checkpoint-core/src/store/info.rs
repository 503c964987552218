//! What is known of a session, and how it is kept.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId};
use crate::query::Cursor;
use crate::record::{Head, SessionRecord};
use crate::wire::{FieldReader, Fields};

/// What is known of a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// Its name; empty when it has none.
    pub name: String,
    /// What was noted about it.
    pub metadata: Map<String, Value>,
    /// The checkpoint from which it was forked.
    pub forked_from: Option<CheckpointId>,
    /// When it was created, by the client's clock.
    pub created_at: Timestamp,
    /// Raised by each change of name or metadata.
    pub revision: u64,
    /// Raised by each claim.
    pub epoch: u64,
    /// Its newest checkpoint.
    pub head: Option<Head>,
}

/// Some of the sessions, and where the rest starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionListing {
    /// In the order of their creation.
    pub sessions: Vec<SessionInfo>,
    /// Those among them that cannot be read, each named.
    pub damaged: Vec<Error>,
    /// Where the next page starts; none when there is no more.
    pub next: Option<Cursor>,
}

impl SessionInfo {
    pub(crate) fn from_record(record: SessionRecord) -> Result<Self> {
        let SessionRecord {
            id,
            created_at,
            revision,
            epoch,
            body,
            head,
        } = record;
        let body = Body::decode(&body).map_err(|error| error.with("session", &id))?;
        let Body {
            name,
            metadata,
            forked_from,
        } = body;
        Ok(Self {
            id,
            name,
            metadata,
            forked_from,
            created_at,
            revision,
            epoch,
            head,
        })
    }
}

/// What is kept of a session besides what backends index. Fields: 1 name, 2 metadata as JSON, 3 fork point.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Body {
    pub(crate) name: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) forked_from: Option<CheckpointId>,
}

impl Body {
    pub(crate) fn encode(&self) -> Result<Bytes> {
        let mut fields = Fields::new();
        fields.bytes(1, self.name.as_bytes());
        if !self.metadata.is_empty() {
            let json = serde_json::to_vec(&self.metadata).map_err(|error| {
                Error::invalid("the metadata does not encode as JSON").because(error)
            })?;
            fields.bytes(2, &json);
        }
        if let Some(id) = &self.forked_from {
            fields.id(3, id.raw());
        }
        Ok(fields.finish().into())
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut body = Self::default();
        let mut reader = FieldReader::new(bytes);
        while let Some(field) = reader.next()? {
            match field.number {
                1 => body.name = field.text()?.to_owned(),
                2 => {
                    body.metadata = serde_json::from_slice(field.value).map_err(|error| {
                        Error::corrupt("the metadata is not a JSON object").because(error)
                    })?;
                }
                3 => {
                    let id = CheckpointId::new(field.text()?);
                    body.forked_from = Some(id.map_err(|error| {
                        Error::corrupt("the id of the fork point is none").because(error)
                    })?);
                }
                _ => {}
            }
        }
        Ok(body)
    }
}
