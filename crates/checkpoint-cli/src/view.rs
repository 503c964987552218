//! Checkpoints and sessions as programs read them. The names of members are a promise.

use checkpoint::{Annotation, Checkpoint, Saved, SessionInfo};
use serde::Serialize;
use serde_json::{Map, Value};

/// A checkpoint without its state.
#[derive(Debug, Serialize)]
pub(crate) struct CheckpointView<'a> {
    id: String,
    session: String,
    sequence: u64,
    parent: Option<String>,
    enclosing: Option<String>,
    revision: u64,
    created_at: String,
    committed_at: String,
    updated_at: String,
    status: &'static str,
    trigger: &'static str,
    reason: &'a str,
    worker: Option<&'a str>,
    title: &'a str,
    message: &'a str,
    step: Option<u64>,
    step_description: &'a str,
    tags: Vec<&'a str>,
    pinned: bool,
    quarantined: bool,
    length: u64,
    content_type: &'a str,
    schema: Option<SchemaView<'a>>,
    sections: Vec<&'a str>,
    metadata: &'a Map<String, Value>,
    checksum: Option<String>,
    origin: Option<OriginView>,
}

#[derive(Debug, Serialize)]
struct SchemaView<'a> {
    name: &'a str,
    version: u64,
}

#[derive(Debug, Serialize)]
struct OriginView {
    sequence: u64,
    committed_at: String,
}

impl<'a> From<&'a Checkpoint> for CheckpointView<'a> {
    fn from(checkpoint: &'a Checkpoint) -> Self {
        let header = checkpoint.header();
        let schema = checkpoint.schema();
        Self {
            id: header.id.to_string(),
            session: header.session.to_string(),
            sequence: header.sequence,
            parent: header.parent.as_ref().map(ToString::to_string),
            enclosing: header.enclosing.as_ref().map(ToString::to_string),
            revision: header.revision,
            created_at: header.created_at.to_string(),
            committed_at: header.committed_at.to_string(),
            updated_at: header.updated_at.to_string(),
            status: header.status.name(),
            trigger: header.trigger.name(),
            reason: checkpoint.reason(),
            worker: header.worker.as_ref().map(|worker| worker.as_str()),
            title: checkpoint.title(),
            message: checkpoint.message(),
            step: header.step,
            step_description: checkpoint.step_description(),
            tags: header.tags.iter().map(|tag| tag.as_str()).collect(),
            pinned: header.pinned,
            quarantined: header.quarantined,
            length: header.length,
            content_type: checkpoint.content_type(),
            schema: schema.map(|(name, version)| SchemaView { name, version }),
            sections: checkpoint.section_names().collect(),
            metadata: checkpoint.metadata(),
            checksum: checkpoint.checksum(),
            origin: header.origin.map(|origin| OriginView {
                sequence: origin.sequence,
                committed_at: origin.committed_at.to_string(),
            }),
        }
    }
}

/// A session.
#[derive(Debug, Serialize)]
pub(crate) struct SessionView<'a> {
    id: String,
    name: &'a str,
    head: Option<String>,
    sequence: Option<u64>,
    forked_from: Option<String>,
    created_at: String,
    revision: u64,
    epoch: u64,
    metadata: &'a Map<String, Value>,
}

impl<'a> From<&'a SessionInfo> for SessionView<'a> {
    fn from(info: &'a SessionInfo) -> Self {
        Self {
            id: info.id.to_string(),
            name: &info.name,
            head: info.head.as_ref().map(|head| head.id.to_string()),
            sequence: info.head.as_ref().map(|head| head.sequence),
            forked_from: info.forked_from.as_ref().map(ToString::to_string),
            created_at: info.created_at.to_string(),
            revision: info.revision,
            epoch: info.epoch,
            metadata: &info.metadata,
        }
    }
}

/// What became of a save.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt<'a> {
    id: String,
    session: &'a str,
    sequence: u64,
    parent: Option<String>,
    committed_at: String,
    durability: &'static str,
    replayed: bool,
    deleted: bool,
}

impl<'a> Receipt<'a> {
    pub(crate) fn of(session: &'a str, saved: &Saved) -> Self {
        Self {
            id: saved.id.to_string(),
            session,
            sequence: saved.sequence,
            parent: saved.parent.as_ref().map(ToString::to_string),
            committed_at: saved.committed_at.to_string(),
            durability: saved.durability.name(),
            replayed: saved.replayed,
            deleted: saved.deleted,
        }
    }
}

/// A note on a checkpoint.
#[derive(Debug, Serialize)]
pub(crate) struct NoteView<'a> {
    note: &'a str,
    severity: &'static str,
    author: &'a str,
    time: String,
}

impl<'a> From<&'a Annotation> for NoteView<'a> {
    fn from(annotation: &'a Annotation) -> Self {
        Self {
            note: &annotation.note,
            severity: annotation.severity.name(),
            author: &annotation.author,
            time: annotation.time.to_string(),
        }
    }
}
