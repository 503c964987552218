//! A checkpoint as a program sees it.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Store;
use crate::checksum::checksum;
use crate::chunk::{Read, ReadError, Reader};
use crate::codec::Codec;
use crate::description::{Description, Section, StateDigest};
use crate::engine::within;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, ChunkId, SessionId, Tag};
use crate::record::{Header, Parts, Payload, Record};
use crate::status::Status;

/// A checkpoint: who, when and why, and the way to its state.
///
/// A small state is here already; a large one is read when it is asked for.
#[derive(Clone)]
pub struct Checkpoint {
    store: Store,
    header: Box<Header>,
    pub(super) description: Description,
    payload: Option<Payload>,
}

impl Checkpoint {
    /// Takes a record with its description. The checksum is compared when the state was read along: a list goes by the
    /// backend's own digests.
    pub(super) fn from_record(store: &Store, record: Record) -> Result<Self> {
        let Record {
            header,
            meta,
            payload,
        } = record;
        let damaged = |error: Error| error.with("checkpoint", &header.id).on(&store.info().label);
        let description = Description::decode(&meta.unwrap_or_default()).map_err(damaged)?;
        if payload.is_some()
            && let Some(stored) = &description.checksum
            && checksum(&header, &description)? != *stored
        {
            return Err(damaged(Error::corrupt(
                "the checksum does not match what is stored",
            )));
        }
        Ok(Self {
            store: store.clone(),
            header,
            description,
            payload,
        })
    }

    /// The store it is in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &CheckpointId {
        &self.header.id
    }

    /// The session it belongs to.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.header.session
    }

    /// The checkpoint it was made from, which may be deleted since.
    #[must_use]
    pub fn parent(&self) -> Option<&CheckpointId> {
        self.header.parent.as_ref()
    }

    /// Its number in the store: 1 for the first.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.header.sequence
    }

    /// 1 when made, raised by each update.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.header.revision
    }

    /// How far the work has come.
    #[must_use]
    pub fn status(&self) -> Status {
        self.header.status
    }

    /// Its tags, sorted.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.header.tags
    }

    /// Everything that is indexed.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What its writer said about it; empty when nothing.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.description.message
    }

    /// The title of its work; empty when none was given.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.description.title
    }

    /// The description of its step; empty when none was given.
    #[must_use]
    pub fn step_description(&self) -> &str {
        &self.description.step_description
    }

    /// The reason of a custom trigger; empty when there is none.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.description.reason
    }

    /// What its writer noted beside the state.
    #[must_use]
    pub fn metadata(&self) -> &Map<String, Value> {
        &self.description.metadata
    }

    /// Name and version of the shape of its state, if it was said.
    #[must_use]
    pub fn schema(&self) -> Option<(&str, u64)> {
        self.description
            .schema
            .as_ref()
            .map(|schema| (schema.name.as_str(), schema.version))
    }

    /// How its state is encoded.
    #[must_use]
    pub fn content_type(&self) -> &str {
        match self.description.content_type.as_str() {
            "" => Codec::Json.content_type(),
            named => named,
        }
    }

    /// SHA-256 over all that its writer gave, in hexadecimal; none for one that was imported without.
    #[must_use]
    pub fn checksum(&self) -> Option<String> {
        let bytes = self.description.checksum.as_ref()?;
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The state, decoded.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is not a `T`, `Corrupt` when it is damaged, `NotFound` when it was deleted meanwhile.
    pub async fn state<T: DeserializeOwned>(&self) -> Result<T> {
        let schemas = &self.store.0.schemas;
        if let Some((name, version)) = self.schema()
            && let Some(schema) = schemas.iter().find(|schema| schema.name() == name)
        {
            let blame = |error: Error| error.with("checkpoint", &self.header.id);
            if schema.is_old(version).map_err(blame)? {
                let state = schema
                    .bring_up(version, self.value().await?)
                    .map_err(blame)?;
                return from_value(state).map_err(blame);
            }
        }
        if !self.description.sections.is_empty() {
            return from_value(self.all_sections().await?);
        }
        self.decode().await
    }

    /// The state as a JSON value, whatever its codec, in the shape in which it was saved. Sections become the members
    /// of an object.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn value(&self) -> Result<Value> {
        if !self.description.sections.is_empty() {
            return self.all_sections().await;
        }
        self.decode().await
    }

    /// The whole state by its codec.
    async fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        let codec = self.codec()?;
        let decoded = codec.decode(&self.bytes().await?);
        decoded.map_err(|error| error.with("checkpoint", &self.header.id))
    }

    fn codec(&self) -> Result<Codec> {
        Codec::of(self.content_type()).ok_or_else(|| {
            Error::invalid("this state is raw bytes; read it with `bytes`")
                .with("content type", self.content_type())
                .with("checkpoint", &self.header.id)
        })
    }

    /// The encoded state, compared with its digest.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged, `NotFound` when it was deleted meanwhile.
    pub async fn bytes(&self) -> Result<Bytes> {
        self.checked(0..self.header.length, self.description.digest)
            .await
    }

    /// The bytes of one section, compared with its digest.
    pub(super) async fn range(&self, range: Range<u64>, section: &Section) -> Result<Bytes> {
        let bytes = self.checked(range, Some(section.digest)).await;
        bytes.map_err(|error| error.with("section", &section.name))
    }

    async fn checked(&self, range: Range<u64>, digest: Option<StateDigest>) -> Result<Bytes> {
        let payload = self.payload().await?;
        match self.load(&payload, range, digest).await {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(self.why_unreadable(error).await),
        }
    }

    async fn load(
        &self,
        payload: &Payload,
        range: Range<u64>,
        digest: Option<StateDigest>,
    ) -> Result<Bytes, ReadError> {
        let info = self.store.info();
        let matches = |read: &Read| {
            read.bytes.len() as u64 == range.end - range.start
                && digest.is_none_or(|digest| digest == StateDigest::from_blake3(read.digest))
        };
        let read = match payload {
            Payload::Inline(bytes) => {
                if bytes.len() as u64 != self.header.length {
                    let problem = "the state has another length than its checkpoint says";
                    return Err(Error::corrupt(problem).into());
                }
                let end = range.end.min(bytes.len() as u64) as usize;
                Read::of(bytes.slice((range.start as usize).min(end)..end))
            }
            Payload::Tree(top) => {
                within("state", self.header.length, info.limits.state)?;
                let reader = Reader::new(self.store.backend().as_ref(), &info.hasher);
                if let Some(bytes) = self
                    .load_tree(&reader, *top, range.clone(), matches)
                    .await?
                {
                    return Ok(bytes);
                }
                // Something in there is wrong: this time each chunk is compared with its id, to name it.
                reader
                    .verifying()
                    .read_range(*top, self.header.length, range.clone())
                    .await?
            }
        };
        if matches(&read) {
            Ok(read.bytes)
        } else {
            Err(Error::corrupt("the state does not match its digest").into())
        }
    }

    /// Reads a tree without a look at each chunk; none when something in it is wrong. What was read whole need not be
    /// cut and sent again when the next state of the session is saved.
    async fn load_tree(
        &self,
        reader: &Reader<'_>,
        top: ChunkId,
        range: Range<u64>,
        matches: impl Fn(&Read) -> bool,
    ) -> Result<Option<Bytes>, ReadError> {
        if range != (0..self.header.length) {
            let read = reader.read_range(top, self.header.length, range).await?;
            return Ok(matches(&read).then_some(read.bytes));
        }
        let (read, previous) = reader.read_known(top, self.header.length).await?;
        if !matches(&read) {
            return Ok(None);
        }
        self.store.0.placer.keep_first(self.session(), previous);
        Ok(Some(read.bytes))
    }

    /// Whether a digest that was made piece by piece is that of the state.
    pub(super) fn compare_digest(&self, digest: StateDigest) -> Result<()> {
        if self
            .description
            .digest
            .is_none_or(|stored| stored == digest)
        {
            Ok(())
        } else {
            Err(self.blame(Error::corrupt("the state does not match its digest")))
        }
    }

    /// What to tell a caller whose state could not be read: a chunk may be missing because the checkpoint was deleted
    /// or its state replaced while it was read, and then nothing is damaged.
    pub(super) async fn why_unreadable(&self, error: ReadError) -> Error {
        let chunk = match error {
            ReadError::Failed(error) => return self.blame(error),
            ReadError::Absent(chunk) => chunk,
        };
        match self.payload_now().await {
            Ok(_) => {
                self.blame(Error::corrupt("a chunk of the state is missing").with("chunk", chunk))
            }
            Err(error) => error,
        }
    }

    /// Where the state lies: as it was read with the checkpoint, else as it is now.
    pub(super) async fn payload(&self) -> Result<Payload> {
        match &self.payload {
            Some(known) => Ok(known.clone()),
            None => self.payload_now().await,
        }
    }

    async fn payload_now(&self) -> Result<Payload> {
        let parts = Parts {
            meta: true,
            payload: true,
        };
        let now = self.store.read(&self.header.id, parts).await?;
        let gone =
            || Error::not_found("the checkpoint was deleted").with("checkpoint", &self.header.id);
        let now = now.ok_or_else(gone)?;
        if now.header.revision != self.header.revision
            && now.description.digest != self.description.digest
        {
            return Err(Error::not_found(
                "the state was replaced by an update; read the checkpoint again",
            )
            .with("checkpoint", &self.header.id));
        }
        now.payload.ok_or_else(gone)
    }

    fn blame(&self, error: Error) -> Error {
        error
            .with("checkpoint", &self.header.id)
            .on(&self.store.info().label)
    }

    pub(super) fn into_parts(self) -> (Header, Description, Option<Payload>) {
        (*self.header, self.description, self.payload)
    }
}

fn from_value<T: DeserializeOwned>(state: Value) -> Result<T> {
    serde_json::from_value(state).map_err(|error| {
        let name = std::any::type_name::<T>();
        Error::invalid(format!("the state does not decode as {name}")).because(error)
    })
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
