//! The description of a checkpoint: what its writer said about the state, the state's digest, and the checksum.
//!
//! It is the `meta` of a record: opaque to backends, written anew at each revision. Written as fields in rising order
//! (see `docs/format.md`); numbers that a reader does not know are skipped.

use bytes::Bytes;
use serde_json::{Map, Value};

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
    pub(crate) schema: Option<Schema>,
    /// Empty stands for JSON.
    pub(crate) content_type: String,
    pub(crate) digest: Option<StateDigest>,
    /// None when it was imported without one.
    pub(crate) checksum: Option<[u8; 32]>,
}

/// Name and version of the shape of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) name: String,
    pub(crate) version: u64,
}

/// The digest of an encoded state: BLAKE3, numbered 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateDigest([u8; 32]);

const BLAKE3: u8 = 1;

impl StateDigest {
    pub(crate) fn of(encoded: &[u8]) -> Self {
        Self(*blake3::hash(encoded).as_bytes())
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

    pub(crate) fn decode(bytes: Bytes) -> Result<Self> {
        let mut description = Self::default();
        let mut schema = Schema {
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
                        serde_json::from_slice(&field.value).map_err(|error| {
                            Error::corrupt("the metadata is not a JSON object").because(error)
                        })?;
                }
                5 => description.reason = field.text()?.to_owned(),
                6 => schema.name = field.text()?.to_owned(),
                7 => schema.version = field.number_value()?,
                8 => description.content_type = field.text()?.to_owned(),
                9 => description.digest = Some(read_digest(&field.array()?)?),
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
            schema in prop::option::of((".{1,8}", any::<u64>())),
            digest in any::<Option<[u8; 32]>>(),
            checksum in any::<Option<[u8; 32]>>(),
        ) -> Description {
            Description {
                message: texts[0].clone(),
                title: texts[1].clone(),
                step_description: texts[2].clone(),
                metadata: [(key, Value::from(1))].into_iter().collect(),
                reason: texts[3].clone(),
                schema: schema.map(|(name, version)| Schema { name, version }),
                content_type: texts[4].clone(),
                digest: digest.map(StateDigest),
                checksum,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(description in any_description()) {
            let bytes = description.encode().expect("encodes");
            prop_assert_eq!(Description::decode(bytes).expect("decodes"), description);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Description::decode(bytes.into());
        }
    }
}
