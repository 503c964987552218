//! The description of a checkpoint: what its writer said about the state, the state's digest, and the checksum.
//!
//! It is the `meta` of a record: opaque to backends, written anew at each revision. Written as fields in rising order
//! (see `docs/format.md`); numbers that a reader does not know are skipped.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::wire::{FieldReader, Fields};

/// What a writer said about a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Description {
    pub(crate) message: String,
    pub(crate) title: String,
    pub(crate) step_description: String,
    pub(crate) metadata: Map<String, Value>,
    /// The reason of a custom trigger.
    pub(crate) reason: String,
    pub(crate) schema: Option<SchemaVersion>,
    /// Empty stands for JSON.
    pub(crate) content_type: String,
    pub(crate) digest: Option<StateDigest>,
    /// In the order of their bytes in the state.
    pub(crate) sections: Vec<Section>,
    /// None when it was imported without one.
    pub(crate) checksum: Option<[u8; 32]>,
}

/// Name and version of the shape of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaVersion {
    pub(crate) name: String,
    pub(crate) version: u64,
}

/// A part of a state that can be read alone.
///
/// Fields: 1 name, 2 content type (left out for JSON), 3 length in bytes, 4 digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) codec: Codec,
    pub(crate) length: u64,
    pub(crate) digest: StateDigest,
}

impl Section {
    fn encode(&self) -> Vec<u8> {
        let mut fields = Fields::new();
        fields.bytes(1, self.name.as_bytes());
        if self.codec != Codec::Json {
            fields.bytes(2, self.codec.content_type().as_bytes());
        }
        fields.number(3, self.length);
        fields.bytes(4, &self.digest.tagged());
        fields.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let (mut name, mut codec, mut length, mut digest) = (String::new(), Codec::Json, 0, None);
        let mut reader = FieldReader::new(bytes);
        while let Some(field) = reader.next()? {
            match field.number {
                1 => name = field.text()?.to_owned(),
                2 => {
                    codec = Codec::of(field.text()?).ok_or_else(|| {
                        Error::unsupported("a section has an unknown content type")
                    })?;
                }
                3 => length = field.number_value()?,
                4 => digest = Some(read_digest(&field.array()?)?),
                _ => {}
            }
        }
        let digest = digest.ok_or_else(|| Error::corrupt("a section has no digest"))?;
        Ok(Self {
            name,
            codec,
            length,
            digest,
        })
    }
}

/// The digest of an encoded state: BLAKE3, numbered 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateDigest([u8; 32]);

const BLAKE3: u8 = 1;

impl StateDigest {
    pub(crate) fn of(encoded: &[u8]) -> Self {
        Self(*blake3::hash(encoded).as_bytes())
    }

    /// Takes a BLAKE3 digest that was made piece by piece.
    pub(crate) fn from_blake3(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The BLAKE3 digest.
    pub(crate) fn blake3(&self) -> &[u8; 32] {
        &self.0
    }

    fn tagged(&self) -> [u8; 33] {
        let mut tagged = [BLAKE3; 33];
        tagged[1..].copy_from_slice(&self.0);
        tagged
    }
}

impl Description {
    /// Everything but the checksum, which is made over it.
    pub(crate) fn unsigned(&self) -> Result<Fields> {
        let mut fields = Fields::new();
        fields.bytes(1, self.message.as_bytes());
        fields.bytes(2, self.title.as_bytes());
        fields.bytes(3, self.step_description.as_bytes());
        if !self.metadata.is_empty() {
            let json = serde_json::to_vec(&self.metadata).map_err(|error| {
                Error::invalid("the metadata does not encode as JSON").because(error)
            })?;
            fields.bytes(4, &json);
        }
        fields.bytes(5, self.reason.as_bytes());
        if let Some(schema) = &self.schema {
            fields.bytes(6, schema.name.as_bytes());
            fields.number(7, schema.version);
        }
        fields.bytes(8, self.content_type.as_bytes());
        if let Some(digest) = &self.digest {
            fields.bytes(9, &digest.tagged());
        }
        for section in &self.sections {
            fields.present(10, &section.encode());
        }
        Ok(fields)
    }

    /// The whole description, with its checksum.
    pub(crate) fn encode(&self) -> Result<Bytes> {
        let mut fields = self.unsigned()?;
        if let Some(checksum) = &self.checksum {
            fields.bytes(31, checksum);
        }
        Ok(fields.finish().into())
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut description = Self::default();
        let mut schema = SchemaVersion {
            name: String::new(),
            version: 0,
        };
        let mut reader = FieldReader::new(bytes);
        while let Some(field) = reader.next()? {
            match field.number {
                1 => description.message = field.text()?.to_owned(),
                2 => description.title = field.text()?.to_owned(),
                3 => description.step_description = field.text()?.to_owned(),
                4 => {
                    description.metadata =
                        serde_json::from_slice(field.value).map_err(|error| {
                            Error::corrupt("the metadata is not a JSON object").because(error)
                        })?;
                }
                5 => description.reason = field.text()?.to_owned(),
                6 => schema.name = field.text()?.to_owned(),
                7 => schema.version = field.number_value()?,
                8 => description.content_type = field.text()?.to_owned(),
                9 => description.digest = Some(read_digest(&field.array()?)?),
                10 => description.sections.push(Section::decode(field.value)?),
                31 => description.checksum = Some(field.array()?),
                _ => {}
            }
        }
        if !schema.name.is_empty() {
            description.schema = Some(schema);
        }
        Ok(description)
    }
}

fn read_digest(tagged: &[u8; 33]) -> Result<StateDigest> {
    let [BLAKE3, rest @ ..] = tagged else {
        return Err(Error::unsupported(
            "the state has a digest of an unknown kind; a newer version may know it",
        )
        .with("kind", tagged[0]));
    };
    Ok(StateDigest(*rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_description()(
            texts in prop::collection::vec(".{0,20}", 5),
            key in ".{0,8}",
            number in prop::num::f64::NORMAL,
            schema in prop::option::of((".{1,8}", any::<u64>())),
            digest in any::<Option<[u8; 32]>>(),
            checksum in any::<Option<[u8; 32]>>(),
            sections in prop::collection::vec((".{1,8}", any::<bool>(), any::<u64>(), any::<[u8; 32]>()), 0..3),
        ) -> Description {
            Description {
                message: texts[0].clone(),
                title: texts[1].clone(),
                step_description: texts[2].clone(),
                metadata: [(key, Value::from(number))].into_iter().collect(),
                reason: texts[3].clone(),
                schema: schema.map(|(name, version)| SchemaVersion { name, version }),
                content_type: texts[4].clone(),
                digest: digest.map(StateDigest),
                checksum,
                sections: sections
                    .into_iter()
                    .map(|(name, json, length, digest)| Section {
                        name,
                        codec: if json { Codec::Json } else { Codec::MessagePack },
                        length,
                        digest: StateDigest(digest),
                    })
                    .collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(description in any_description()) {
            let bytes = description.encode().expect("encodes");
            prop_assert_eq!(Description::decode(&bytes).expect("decodes"), description);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Description::decode(&bytes);
        }
    }
}
