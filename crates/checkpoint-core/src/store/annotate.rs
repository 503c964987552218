//! What is kept beside a checkpoint: annotations, and attachments of the user's own.

use bytes::Bytes;

use super::{Session, Store};
use crate::clock::Timestamp;
use crate::commit::Attach;
use crate::engine::within;
use crate::error::{Error, Result};
use crate::id::CheckpointId;
use crate::query::AttachmentQuery;
use crate::receipt::Outcome;
use crate::record::{Attachment, Item};
use crate::status::numbered;
use crate::wire::{FieldReader, Fields, unzigzag, zigzag};

/// The kind under which annotations are attached.
pub(crate) const ANNOTATION: &str = "annotation";

/// A note on a checkpoint, made after it was saved. It never changes the checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotation {
    /// What it says.
    pub note: String,
    /// How much it matters.
    pub severity: Severity,
    /// Who says it; empty when not told.
    pub author: String,
    /// When it was made, by the client's clock.
    pub time: Timestamp,
}

numbered!(
    /// How much an annotation matters.
    #[derive(Default)]
    Severity {
        /// Good to know.
        #[default]
        Info = 0, "info";
        /// Something to look at.
        Warning = 1, "warning";
        /// Something is wrong.
        Critical = 2, "critical";
    }
);

impl Annotation {
    /// Fields: 1 note, 2 severity (0 info, 1 warning, 2 critical), 3 author, 4 time in microseconds (zigzag).
    pub(crate) fn encode(&self) -> Bytes {
        let mut fields = Fields::new();
        fields.bytes(1, self.note.as_bytes());
        fields.number(2, u64::from(self.severity.number()));
        fields.bytes(3, self.author.as_bytes());
        fields.number(4, zigzag(self.time.micros()));
        fields.finish().into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut time = 0;
        let mut annotation = Self {
            note: String::new(),
            severity: Severity::Info,
            author: String::new(),
            time: Timestamp::from_micros(0)?,
        };
        let mut reader = FieldReader::new(bytes);
        while let Some(field) = reader.next()? {
            match field.number {
                1 => annotation.note = field.text()?.to_owned(),
                2 => {
                    let number = field.number_value()?;
                    let known = u8::try_from(number).ok().and_then(Severity::from_number);
                    annotation.severity = known.ok_or_else(|| {
                        Error::corrupt("unknown severity").with("severity", number)
                    })?;
                }
                3 => annotation.author = field.text()?.to_owned(),
                4 => time = unzigzag(field.number_value()?),
                _ => {}
            }
        }
        annotation.time = Timestamp::from_micros(time).map_err(|error| {
            Error::corrupt("the time of an annotation is out of range").because(error)
        })?;
        Ok(annotation)
    }
}

impl Session {
    /// Adds a note to a checkpoint.
    ///
    /// # Errors
    ///
    /// `NotFound`, and `TooLarge` for a note longer than a message may be.
    pub async fn annotate(
        &self,
        id: &CheckpointId,
        note: &str,
        severity: Severity,
        author: &str,
    ) -> Result<()> {
        let store = self.store();
        within(
            "note",
            (note.len() + author.len()) as u64,
            store.info().limits.message,
        )?;
        let annotation = Annotation {
            note: note.to_owned(),
            severity,
            author: author.to_owned(),
            time: store.0.clock.now(),
        };
        let key = store.0.ids.next().to_string();
        self.put(id, ANNOTATION, &key, Some(annotation.encode()), "annotate")
            .await
            .map(drop)
    }

    /// The notes on a checkpoint, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// `Corrupt` when one is damaged.
    pub async fn annotations(&self, id: &CheckpointId) -> Result<Vec<Annotation>> {
        let attachments = self.store().read_attachments(id, Some(ANNOTATION)).await?;
        attachments
            .into_iter()
            .map(|it| {
                let decoded = Annotation::decode(&it.bytes.unwrap_or_default());
                decoded.map_err(|error| {
                    let error = error.with("annotation", it.key).with("checkpoint", id);
                    self.store().blame(error, "annotations")
                })
            })
            .collect()
    }

    /// Puts bytes beside a checkpoint, under a kind and a key; what was there is replaced. Answers whether there was
    /// something. They are no part of its checksum and go with it.
    ///
    /// # Errors
    ///
    /// `NotFound`, and `TooLarge`.
    pub async fn attach(
        &self,
        id: &CheckpointId,
        kind: &str,
        key: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<bool> {
        self.put(id, kind, key, Some(bytes.into()), "attach").await
    }

    /// Removes what was put beside a checkpoint; answers whether there was something.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such checkpoint.
    pub async fn detach(&self, id: &CheckpointId, kind: &str, key: &str) -> Result<bool> {
        self.put(id, kind, key, None, "detach").await
    }

    /// What was put beside a checkpoint, of one kind or of all, in the order in which it was first put.
    ///
    /// # Errors
    ///
    /// `Corrupt` when one is damaged.
    pub async fn attachments(
        &self,
        id: &CheckpointId,
        kind: Option<&str>,
    ) -> Result<Vec<Attachment>> {
        self.store().read_attachments(id, kind).await
    }

    async fn put(
        &self,
        id: &CheckpointId,
        kind: &str,
        key: &str,
        bytes: Option<Bytes>,
        operation: &'static str,
    ) -> Result<bool> {
        let attach = Attach {
            session: self.id().clone(),
            checkpoint: id.clone(),
            kind: kind.to_owned(),
            key: key.to_owned(),
            bytes,
        };
        let mut commit = self.store().commit_of().with(attach);
        commit.expectations = self.fence();
        let receipt = self.store().send(commit, operation).await?;
        Ok(matches!(
            receipt.outcomes.first(),
            Some(Outcome::Attached { existed: true })
        ))
    }
}

impl Store {
    async fn read_attachments(
        &self,
        id: &CheckpointId,
        kind: Option<&str>,
    ) -> Result<Vec<Attachment>> {
        let mut query = AttachmentQuery {
            kind: kind.map(str::to_owned),
            ..AttachmentQuery::of(id.clone())
        };
        let mut found = Vec::new();
        loop {
            let page = self.0.backend.attachments(&query).await;
            let page = page.map_err(|error| self.blame(error, "attachments"))?;
            for item in page.items {
                let item: Item<Attachment> = item;
                found.extend(
                    item.into_option()
                        .map_err(|error| self.blame(error, "attachments"))?,
                );
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(found),
            }
        }
    }
}
