//! Checkpoints into lines.

use super::canonical::is_canonical;
use super::object::Object;
use super::{FORMAT, MAX_LINE, MIN_READER, VERSION};
use crate::codec::Codec;
use crate::description::{Description, Section};
use crate::error::{Error, Result};
use crate::exchange::file::{Encoder, FileHeader, Totals};
use crate::exchange::source::{Arrival, ArrivingState};
use crate::id::{CheckpointId, ChunkId, SessionId};
use crate::limits::Limits;
use crate::record::{Attachment, Header, SessionRecord, StoredChunk};
use crate::store::{ANNOTATION, Annotation, Body};

/// Writes lines.
#[derive(Debug)]
pub(crate) struct LinesEncoder {
    newest: u64,
    depth: usize,
}

impl LinesEncoder {
    pub(crate) fn new() -> Self {
        let depth = usize::try_from(Limits::default().depth).unwrap_or(usize::MAX);
        Self { newest: 0, depth }
    }
}

impl Encoder for LinesEncoder {
    fn begin(&mut self, header: &FileHeader, out: &mut Vec<u8>) -> Result<()> {
        self.newest = header.newest;
        put_line("header", out, |line| {
            line.text("format", FORMAT);
            line.number("version", VERSION);
            line.number("min_reader", MIN_READER);
            line.text("store", &header.store.to_string());
            line.time("exported_at", header.exported_at);
            line.maybe_id("session", header.session.as_ref().map(SessionId::raw));
            line.number("global_sequence", header.newest);
        })
    }

    fn session(&mut self, session: &SessionRecord, out: &mut Vec<u8>) -> Result<()> {
        let known = Body::decode(&session.body).ok();
        let whole = known
            .as_ref()
            .is_some_and(|body| body.encode().is_ok_and(|encoded| encoded == session.body));
        let body = known.unwrap_or_default();
        put_line("session", out, |line| {
            line.id("id", session.id.raw());
            line.text("name", &body.name);
            line.map("metadata", &body.metadata);
            let forked = body.forked_from.as_ref();
            line.maybe_id("forked_from", forked.map(CheckpointId::raw));
            line.time("created_at", session.created_at);
            line.number("revision", session.revision);
            line.number("epoch", session.epoch);
            if !whole {
                line.base64("body", &session.body);
            }
        })
    }

    fn chunk(&mut self, _: &ChunkId, _: &StoredChunk, _: &mut Vec<u8>) -> Result<()> {
        Err(Error::unsupported("lines have no chunks"))
    }

    fn checkpoint(
        &mut self,
        arrival: &Arrival,
        description: &Description,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let ArrivingState::Whole(state) = &arrival.state else {
            return Err(Error::unsupported("lines hold states that are whole"));
        };
        // JSON has two spellings, of which the clear name stands for the usual one.
        let whole = description.encode()? == arrival.meta
            && description.content_type != Codec::Json.content_type();
        let depth = self.depth;
        put_line("checkpoint", out, |line| {
            put_header(line, &arrival.header);
            put_description(line, description);
            put_state(line, description, state, depth);
            if let Some(checksum) = &description.checksum {
                line.hex("checksum", checksum);
            }
            if !whole {
                line.base64("description", &arrival.meta);
            }
            if !arrival.attachments.is_empty() {
                line.array("attachments", &arrival.attachments, put_attachment);
            }
        })
    }

    fn is_digested(&self) -> bool {
        true
    }

    fn end(&mut self, totals: &Totals, sha256: Option<[u8; 32]>, out: &mut Vec<u8>) -> Result<()> {
        let digest = sha256.ok_or_else(|| Error::unsupported("lines end with their SHA-256"))?;
        let newest = self.newest;
        put_line("end", out, |line| {
            line.number("sessions", totals.sessions);
            line.number("checkpoints", totals.checkpoints);
            line.number("attachments", totals.attachments);
            line.number("left_out", totals.left_out);
            line.number("global_sequence", newest);
            line.hex("sha256", &digest);
        })
    }
}

/// Appends a line that `fill` writes. One that is too long is taken back.
fn put_line(kind: &str, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) -> Result<()> {
    let start = out.len();
    let mut object = Object::new(out);
    object.text("kind", kind);
    fill(&mut object);
    object.end();
    out.push(b'\n');
    let length = out.len() - start;
    if length > MAX_LINE {
        out.truncate(start);
        let error = Error::too_large("a line", length as u64, MAX_LINE as u64);
        return Err(error.with("instead", "export an archive"));
    }
    Ok(())
}

fn put_header(line: &mut Object<'_>, header: &Header) {
    line.number("sequence", header.sequence);
    line.id("id", header.id.raw());
    line.id("session", header.session.raw());
    line.maybe_id("parent", header.parent.as_ref().map(CheckpointId::raw));
    if let Some(enclosing) = &header.enclosing {
        line.id("enclosing", enclosing.raw());
    }
    line.number("revision", header.revision);
    line.time("created_at", header.created_at);
    line.time("committed_at", header.committed_at);
    line.time("updated_at", header.updated_at);
    line.text("status", header.status.name());
    line.text("trigger", header.trigger.name());
    if let Some(worker) = &header.worker {
        line.text("worker", worker.as_str());
    }
    line.array("tags", &header.tags, |out, tag| {
        super::object::put_text(out, tag.as_str());
    });
    if let Some(step) = header.step {
        line.number("step", step);
    }
    line.flag("pinned", header.pinned);
    line.flag("quarantined", header.quarantined);
    if let Some(origin) = &header.origin {
        let mut inner = Object::new(line.member("origin"));
        inner.number("sequence", origin.sequence);
        inner.time("committed_at", origin.committed_at);
        inner.end();
    }
}

fn put_description(line: &mut Object<'_>, description: &Description) {
    line.text("message", &description.message);
    let texts = [
        ("reason", &description.reason),
        ("title", &description.title),
        ("step_description", &description.step_description),
    ];
    for (name, text) in texts {
        if !text.is_empty() {
            line.text(name, text);
        }
    }
    line.map("metadata", &description.metadata);
    if let Some(schema) = &description.schema {
        let mut inner = Object::new(line.member("schema"));
        inner.text("name", &schema.name);
        inner.number("version", schema.version);
        inner.end();
    }
}

/// The state as it can best be read: as JSON, else as text, else in base64.
fn put_state(line: &mut Object<'_>, description: &Description, state: &[u8], depth: usize) {
    let content_type = match description.content_type.as_str() {
        "" => Codec::Json.content_type(),
        other => other,
    };
    line.text("content_type", content_type);
    line.number("length", state.len() as u64);
    if let Some(digest) = &description.digest {
        line.hex("digest", digest.blake3());
    }
    let values = values(&description.sections, state, depth);
    if !description.sections.is_empty() {
        let all = description.sections.iter().enumerate();
        line.array("sections", all, |out, (n, section)| {
            let value = values.as_ref().and_then(|values| values.get(n));
            put_section(out, section, value.copied());
        });
    }
    if values.is_some() {
        return;
    }
    let is_json = content_type == Codec::Json.content_type();
    if is_json && is_canonical(state, depth) {
        line.member("state").extend_from_slice(state);
    } else if let Some(text) = readable(state) {
        line.text("state_text", text);
    } else {
        line.base64("state_base64", state);
    }
}

/// The parts of a state that is made of sections and of nothing else, when all of them are JSON.
fn values<'a>(sections: &[Section], state: &'a [u8], depth: usize) -> Option<Vec<&'a [u8]>> {
    let mut rest = state;
    let mut values = Vec::with_capacity(sections.len());
    for section in sections {
        let value = rest.split_off(..usize::try_from(section.length).ok()?)?;
        if section.codec != Codec::Json || !is_canonical(value, depth) {
            return None;
        }
        values.push(value);
    }
    (rest.is_empty() && !values.is_empty()).then_some(values)
}

fn put_section(out: &mut Vec<u8>, section: &Section, value: Option<&[u8]>) {
    let mut inner = Object::new(out);
    inner.text("name", &section.name);
    inner.text("content_type", section.codec.content_type());
    inner.number("length", section.length);
    inner.hex("digest", section.digest.blake3());
    if let Some(value) = value {
        inner.member("value").extend_from_slice(value);
    }
    inner.end();
}

fn put_attachment(out: &mut Vec<u8>, attachment: &Attachment) {
    let bytes = attachment.bytes.as_deref().unwrap_or_default();
    let mut inner = Object::new(out);
    inner.text("kind", &attachment.kind);
    inner.text("key", &attachment.key);
    let annotation = (attachment.kind == ANNOTATION)
        .then(|| Annotation::decode(bytes).ok())
        .flatten()
        .filter(|annotation| annotation.encode() == bytes);
    if let Some(annotation) = annotation {
        inner.text("note", &annotation.note);
        inner.text("severity", annotation.severity.name());
        inner.text("author", &annotation.author);
        inner.time("time", annotation.time);
    } else if let Some(text) = readable(bytes) {
        inner.text("text", text);
    } else {
        inner.base64("base64", bytes);
    }
    inner.end();
}

/// Text that a person can read: no control characters but those that lay it out.
fn readable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    (!text.contains(odd)).then_some(text)
}
