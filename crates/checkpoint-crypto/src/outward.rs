//! What comes up: each answer with its contents opened.

use bytes::Bytes;
use checkpoint_core::{
    Attachment, ChunkId, Error, MetaRecord, Payload, Record, Result, SessionRecord, StoreId,
    StoredChunk,
};

use crate::bound::{Object, Revision};
use crate::description;
use crate::ring::Ring;

/// Opens what comes up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outward<'a> {
    pub(crate) ring: &'a Ring,
    pub(crate) store: &'a StoreId,
}

/// What comes up sealed.
pub(crate) trait Opens: Sized + Send + 'static {
    /// The bytes of it that are sealed.
    fn sealed(&self) -> [&[u8]; 2];

    /// Opens it.
    fn open(self, outward: &Outward<'_>) -> Result<Self>;
}

macro_rules! opens {
    ($($type:ty, $one:ident: $sealed:expr, $open:ident;)+) => {
        $(impl Opens for $type {
            fn sealed(&self) -> [&[u8]; 2] {
                let $one = self;
                [$sealed, &[]]
            }

            fn open(self, outward: &Outward<'_>) -> Result<Self> {
                outward.$open(self)
            }
        })+
    };
}

opens! {
    SessionRecord, session: &session.body, session;
    Attachment, attachment: attachment.bytes.as_deref().unwrap_or_default(), attachment;
    MetaRecord, record: &record.bytes, named;
    (ChunkId, StoredChunk), chunk: &chunk.1.bytes, chunk;
}

impl Opens for Record {
    fn sealed(&self) -> [&[u8]; 2] {
        let inline = self.payload.as_ref().and_then(Payload::inline);
        [
            self.meta.as_deref().unwrap_or_default(),
            inline.map(|bytes| &bytes[..]).unwrap_or_default(),
        ]
    }

    fn open(self, outward: &Outward<'_>) -> Result<Self> {
        outward.record(self)
    }
}

impl Outward<'_> {
    /// A checkpoint, read with its description.
    pub(crate) fn record(&self, mut record: Record) -> Result<Record> {
        let header = &record.header;
        let named = |error: Error| {
            error
                .with("checkpoint", &header.id)
                .with("session", &header.session)
        };
        let sealed = record.meta.take().unwrap_or_default();
        let described = self
            .open(&Object::Description(Revision::from(&**header)), &sealed)
            .and_then(|plain| description::decode(&plain))
            .map_err(named)?;
        if let Some(Payload::Inline(sealed)) = &record.payload {
            let object = Object::Inline(&header.session, &header.id, header.length);
            let plain = self.open(&object, sealed).map_err(named)?;
            record.payload = Some(Payload::Inline(plain));
        }
        record.header.worker = described.worker;
        record.header.tags = described.tags;
        record.meta = Some(described.meta);
        Ok(record)
    }

    pub(crate) fn session(&self, record: SessionRecord) -> Result<SessionRecord> {
        let object = Object::Session(&record.id, record.revision);
        let body = self.open(&object, &record.body);
        let body = body.map_err(|error| error.with("session", &record.id))?;
        Ok(SessionRecord { body, ..record })
    }

    pub(crate) fn attachment(&self, attachment: Attachment) -> Result<Attachment> {
        let Attachment {
            checkpoint,
            kind,
            key,
            bytes,
        } = &attachment;
        let Some(sealed) = bytes else {
            return Ok(attachment);
        };
        let opened = self.open(&Object::Attachment(checkpoint, kind, key), sealed);
        let opened = opened.map_err(|error| {
            error
                .with("checkpoint", checkpoint)
                .with("kind", kind)
                .with("key", key)
        })?;
        Ok(Attachment {
            bytes: Some(opened),
            ..attachment
        })
    }

    pub(crate) fn chunk(
        &self,
        (id, chunk): (ChunkId, StoredChunk),
    ) -> Result<(ChunkId, StoredChunk)> {
        let bytes = self.open(&Object::Chunk(&id, &chunk.children), &chunk.bytes);
        let bytes = bytes.map_err(|error| error.with("chunk", id))?;
        Ok((id, StoredChunk { bytes, ..chunk }))
    }

    pub(crate) fn named(&self, record: MetaRecord) -> Result<MetaRecord> {
        let bytes = self.open(&Object::Record(record.name.as_str()), &record.bytes);
        let bytes = bytes.map_err(|error| error.with("record", &record.name))?;
        Ok(MetaRecord { bytes, ..record })
    }

    pub(crate) fn open(&self, object: &Object<'_>, sealed: &[u8]) -> Result<Bytes> {
        let opened = self.ring.open_object(&object.bound(self.store), sealed);
        opened.map_err(|_| refused())
    }
}

/// The one error of what does not open. Why is nobody's business.
pub(crate) fn refused() -> Error {
    Error::corrupt(
        "what is sealed does not open: it is damaged, or was put there without the key; restore it from a backup",
    )
}
