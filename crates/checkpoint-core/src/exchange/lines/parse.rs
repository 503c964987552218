//! Lines into checkpoints. What a line does not say as it must be said is refused, and so are names that it must not
//! have: a typing error of a script loses nothing in silence.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::attachment::AttachmentLine;
use super::canonical::is_deeper;
use super::text::{Text, from_base64, read_time};
use crate::codec::Codec;
use crate::description::{Description, SchemaVersion, Section, StateDigest};
use crate::error::{Error, Result};
use crate::exchange::source::{Arrival, ArrivingState};
use crate::hex::digest_from_hex;
use crate::id::{CheckpointId, SessionId, Tag, WorkerId};
use crate::record::{Attachment, Header, Origin, SessionRecord};
use crate::status::{Status, Trigger};
use crate::store::Body;

/// The first line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderLine<'a> {
    #[serde(borrow, rename = "kind")]
    _kind: Cow<'a, str>,
    #[serde(borrow, rename = "format")]
    _format: Cow<'a, str>,
    #[serde(rename = "version")]
    _version: u64,
    #[serde(rename = "min_reader")]
    _min_reader: u64,
    #[serde(borrow)]
    pub(super) store: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) exported_at: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) session: Option<Text<'a>>,
    pub(super) global_sequence: u64,
}

/// What every version's first line says.
#[derive(Debug, Deserialize)]
pub(super) struct FormatLine<'a> {
    #[serde(borrow)]
    pub(super) format: Cow<'a, str>,
    pub(super) version: u64,
    pub(super) min_reader: u64,
}

/// The last line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndLine<'a> {
    #[serde(borrow, rename = "kind")]
    _kind: Cow<'a, str>,
    pub(super) sessions: u64,
    pub(super) checkpoints: u64,
    pub(super) attachments: u64,
    pub(super) left_out: u64,
    pub(super) global_sequence: u64,
    #[serde(borrow)]
    pub(super) sha256: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionLine<'a> {
    #[serde(borrow, rename = "kind")]
    _kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    name: String,
    metadata: Map<String, Value>,
    #[serde(borrow)]
    forked_from: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
    revision: u64,
    epoch: u64,
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckpointLine<'a> {
    #[serde(borrow, rename = "kind")]
    _kind: Cow<'a, str>,
    sequence: u64,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(borrow)]
    parent: Option<Text<'a>>,
    #[serde(borrow)]
    enclosing: Option<Text<'a>>,
    revision: u64,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
    #[serde(borrow)]
    committed_at: Cow<'a, str>,
    #[serde(borrow)]
    updated_at: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    trigger: Cow<'a, str>,
    #[serde(borrow)]
    worker: Option<Text<'a>>,
    #[serde(borrow)]
    tags: Vec<Text<'a>>,
    step: Option<u64>,
    pinned: bool,
    quarantined: bool,
    #[serde(borrow)]
    origin: Option<OriginLine<'a>>,
    message: String,
    reason: Option<String>,
    title: Option<String>,
    step_description: Option<String>,
    metadata: Map<String, Value>,
    schema: Option<SchemaLine>,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
    length: u64,
    #[serde(borrow)]
    digest: Option<Text<'a>>,
    #[serde(borrow, default)]
    sections: Vec<SectionLine<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    state_text: Option<Text<'a>>,
    #[serde(borrow)]
    state_base64: Option<Text<'a>>,
    #[serde(borrow)]
    checksum: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    attachments: Vec<AttachmentLine<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginLine<'a> {
    sequence: u64,
    #[serde(borrow)]
    committed_at: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaLine {
    name: String,
    version: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionLine<'a> {
    name: String,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
    length: u64,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
}

/// A value that is there, also when it is null.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl SessionLine<'_> {
    pub(super) fn into_record(self) -> Result<SessionRecord> {
        let id = SessionId::new(&self.id)?;
        let known = Body {
            name: self.name,
            metadata: self.metadata,
            forked_from: self.forked_from.map(CheckpointId::new).transpose()?,
        };
        let mut body = known.encode()?;
        if let Some(bytes) = self.body {
            body = from_base64(&bytes)?.into();
            let said = Body::decode(&body).unwrap_or_default();
            if said != known {
                return Err(Error::invalid(
                    "`body` says otherwise than the names beside it; leave it out, or make them agree",
                ));
            }
        }
        Ok(SessionRecord {
            id,
            created_at: read_time(&self.created_at)?,
            revision: self.revision,
            epoch: self.epoch,
            body,
            head: None,
        })
    }
}

impl CheckpointLine<'_> {
    /// `depth` levels of nesting are taken in a state, and no more.
    pub(super) fn into_arrival(self, depth: usize) -> Result<Arrival> {
        let state = self.state(depth)?;
        let id = CheckpointId::new(&self.id)?;
        let origin = self.origin.as_ref().map(|origin| {
            Ok::<_, Error>(Origin {
                sequence: origin.sequence,
                committed_at: read_time(&origin.committed_at)?,
            })
        });
        let id_of = |id: &Text<'_>| CheckpointId::new(id);
        let header = Header {
            session: SessionId::new(&self.session)?,
            parent: self.parent.as_ref().map(id_of).transpose()?,
            enclosing: self.enclosing.as_ref().map(id_of).transpose()?,
            sequence: self.sequence,
            revision: self.revision,
            created_at: read_time(&self.created_at)?,
            committed_at: read_time(&self.committed_at)?,
            updated_at: read_time(&self.updated_at)?,
            status: Status::from_name(&self.status)?,
            trigger: Trigger::from_name(&self.trigger)?,
            worker: self.worker.as_ref().map(WorkerId::new).transpose()?,
            tags: self.tags.iter().map(Tag::new).collect::<Result<_>>()?,
            step: self.step,
            pinned: self.pinned,
            quarantined: self.quarantined,
            length: self.length,
            origin: origin.transpose()?,
            id,
        };
        let (meta, attachments) = self.rest(&header.id)?;
        Ok(Arrival {
            header: Box::new(header),
            meta,
            state: ArrivingState::Whole(state),
            attachments,
            verified: None,
        })
    }

    /// The bytes of the state, which stand in one of several ways.
    fn state(&self, depth: usize) -> Result<Bytes> {
        let values: Vec<_> = self.sections.iter().filter_map(|it| it.value).collect();
        let raw = values.iter().chain(&self.state);
        if raw
            .into_iter()
            .any(|json| is_deeper(json.get().as_bytes(), depth))
        {
            return Err(Error::invalid(format!(
                "the state is nested deeper than {depth} levels"
            )));
        }
        let ways = [
            self.state.is_some(),
            self.state_text.is_some(),
            self.state_base64.is_some(),
            !values.is_empty(),
        ];
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err(Error::invalid(
                "a checkpoint has its state once: as `state`, `state_text`, `state_base64`, or as a `value` in each \
                 of its `sections`",
            ));
        }
        let bytes = if let Some(json) = self.state {
            Bytes::copy_from_slice(json.get().as_bytes())
        } else if let Some(text) = &self.state_text {
            Bytes::copy_from_slice(text.as_bytes())
        } else if let Some(base64) = &self.state_base64 {
            from_base64(base64)?.into()
        } else if values.len() == self.sections.len() {
            values
                .iter()
                .map(|json| json.get())
                .collect::<String>()
                .into()
        } else {
            return Err(Error::invalid(
                "some of the sections have a `value` and others have none",
            ));
        };
        Ok(bytes)
    }

    /// The description, encoded, and what lies beside the checkpoint.
    fn rest(self, id: &CheckpointId) -> Result<(Bytes, Vec<Attachment>)> {
        let attachments = self.attachments.into_iter();
        let attachments = attachments.map(|it| it.into_attachment(id));
        let attachments = attachments.collect::<Result<_>>()?;
        let sections = self.sections.into_iter().map(SectionLine::into_section);
        let json = self.content_type == Codec::Json.content_type();
        let digest = |hex: &Text<'_>| digest_from_hex(hex);
        let description = Description {
            message: self.message,
            title: self.title.unwrap_or_default(),
            step_description: self.step_description.unwrap_or_default(),
            metadata: self.metadata,
            reason: self.reason.unwrap_or_default(),
            schema: self.schema.map(|schema| SchemaVersion {
                name: schema.name,
                version: schema.version,
            }),
            content_type: if json {
                String::new()
            } else {
                self.content_type.into_owned()
            },
            digest: self
                .digest
                .as_ref()
                .map(digest)
                .transpose()?
                .map(StateDigest::from_blake3),
            sections: sections.collect::<Result<_>>()?,
            checksum: self.checksum.as_ref().map(digest).transpose()?,
        };
        let Some(bytes) = &self.description else {
            return Ok((description.encode()?, attachments));
        };
        let meta = Bytes::from(from_base64(bytes)?);
        let mut said = Description::decode(&meta)?;
        if said.content_type == Codec::Json.content_type() {
            said.content_type.clear();
        }
        if said != description {
            return Err(Error::invalid(
                "`description` says otherwise than the names beside it; leave it out, or make them agree",
            ));
        }
        Ok((meta, attachments))
    }
}

impl SectionLine<'_> {
    fn into_section(self) -> Result<Section> {
        let codec = Codec::of(&self.content_type).ok_or_else(|| {
            Error::unsupported("a section has an unknown content type")
                .with("content type", format_args!("{:?}", self.content_type))
        })?;
        Ok(Section {
            name: self.name,
            codec,
            length: self.length,
            digest: StateDigest::from_blake3(digest_from_hex(&self.digest)?),
        })
    }
}
