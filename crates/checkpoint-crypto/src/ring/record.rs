//! The record of a ring, as it is written: JSON, so that a person can see what a store has.
//!
//! ```json
//! {"format": 1,
//!  "slots": [{"id": "…", "argon2id": {"memory": 65536, "passes": 3, "lanes": 4, "salt": "…"}, "key": "…"}],
//!  "ring": "…"}
//! ```
//!
//! Bytes are in base64. A slot without `argon2id` is one of a key of 32 bytes. A store whose keys were dropped has no
//! slots, and `ring` is empty.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use checkpoint_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::slot::{Argon2, SALT, SLOTS_MOST, Slot};

/// Of the record.
const FORMAT: u32 = 1;

/// What a record says.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) slots: Vec<Slot>,
    pub(super) ring: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    slots: Vec<SlotDocument>,
    ring: String,
}

#[derive(Serialize, Deserialize)]
struct SlotDocument {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argon2id: Option<Argon2Document>,
    key: String,
}

#[derive(Serialize, Deserialize)]
struct Argon2Document {
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

#[derive(Deserialize)]
struct FormatDocument {
    format: u32,
}

impl Written {
    pub(super) fn write(&self) -> Result<Bytes> {
        let slots = self.slots.iter().map(|slot| SlotDocument {
            id: slot.id.clone(),
            argon2id: slot.argon2.map(|argon2| Argon2Document {
                memory: argon2.memory,
                passes: argon2.passes,
                lanes: argon2.lanes,
                salt: STANDARD.encode(argon2.salt),
            }),
            key: STANDARD.encode(&slot.sealed),
        });
        let document = Document {
            format: FORMAT,
            slots: slots.collect(),
            ring: STANDARD.encode(&self.ring),
        };
        let bytes = serde_json::to_vec(&document);
        let bytes = bytes
            .map_err(|error| Error::invalid("the ring is not to be written").because(error))?;
        Ok(bytes.into())
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let damaged =
            || Error::corrupt("the record of the keys is damaged; restore the store from a backup");
        let known: FormatDocument = serde_json::from_slice(bytes).map_err(|_| damaged())?;
        if known.format != FORMAT {
            return Err(Error::unsupported(format!(
                "the keys of the store are kept in format {}, and this program knows {FORMAT}; use a newer one",
                known.format
            )));
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|_| damaged())?;
        if document.slots.is_empty() && document.ring.is_empty() {
            return Err(Error::new(
                ErrorKind::Denied,
                "the keys of the store were dropped: nobody can read what is in it any more",
            ));
        }
        if document.slots.len() > SLOTS_MOST {
            return Err(damaged());
        }
        let slots = document.slots.into_iter().map(SlotDocument::take);
        Ok(Self {
            slots: slots.collect::<Option<_>>().ok_or_else(damaged)?,
            ring: STANDARD.decode(document.ring).map_err(|_| damaged())?,
        })
    }
}

impl SlotDocument {
    fn take(self) -> Option<Slot> {
        Some(Slot {
            id: self.id,
            argon2: match self.argon2id {
                None => None,
                Some(argon2) => Some(argon2.take()?),
            },
            sealed: STANDARD.decode(self.key).ok()?,
        })
    }
}

impl Argon2Document {
    fn take(self) -> Option<Argon2> {
        let salt: [u8; SALT] = STANDARD.decode(self.salt).ok()?.try_into().ok()?;
        let argon2 = Argon2 {
            memory: self.memory,
            passes: self.passes,
            lanes: self.lanes,
            salt,
        };
        argon2.is_bearable().then_some(argon2)
    }
}

/// The record of a store whose keys were dropped.
pub(crate) fn dropped() -> Result<Bytes> {
    Written {
        slots: Vec::new(),
        ring: Vec::new(),
    }
    .write()
}
