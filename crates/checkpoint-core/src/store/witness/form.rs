//! A witness as JSON.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Block, Witness};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::hex::{digest_from_hex, put_hex};
use crate::id::StoreId;
use crate::record::Position;

/// The version of the form.
const VERSION: u64 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Form {
    witness: u64,
    store: String,
    sequence: u64,
    n: u64,
    made_at: String,
    #[serde(default)]
    unreadable: u64,
    block: u64,
    /// Number, checkpoints, digest.
    blocks: Vec<(u64, u64, String)>,
}

#[derive(Deserialize)]
struct Version {
    witness: u64,
}

impl Witness {
    /// As a line of JSON: `witness` (the version of the form, 1), `store`, the position as `sequence` and `n`, `made_at`,
    /// `unreadable`, `block` (sequences in a block), and `blocks`, each `[number, checkpoints, digest]`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let blocks = self.blocks.iter().map(|(number, block)| {
            let mut digest = Vec::with_capacity(64);
            put_hex(&mut digest, &block.digest);
            let digest = String::from_utf8(digest).unwrap_or_default();
            (*number, block.count, digest)
        });
        let form = Form {
            witness: VERSION,
            store: self.store.to_string(),
            sequence: self.position.sequence,
            n: self.position.n,
            made_at: self.made_at.to_string(),
            unreadable: self.unreadable,
            block: self.length,
            blocks: blocks.collect(),
        };
        serde_json::to_string(&form).unwrap_or_default()
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is no witness, `Unsupported` when it is one of a newer version.
    pub fn from_json(json: &str) -> Result<Self> {
        let no_witness = |error| Error::invalid("this is not a witness").because(error);
        let version: Version = serde_json::from_str(json).map_err(no_witness)?;
        if version.witness != VERSION {
            let error = Error::unsupported("a witness of another version of this library");
            return Err(error
                .with("version", version.witness)
                .with("expected", VERSION));
        }
        let form: Form = serde_json::from_str(json).map_err(no_witness)?;
        if form.block == 0 {
            return Err(Error::invalid("a block has at least 1 sequence").with("block", form.block));
        }
        let store = Uuid::parse_str(&form.store).map_err(|error| {
            Error::invalid("the id of a store is a UUID")
                .with("store", &form.store)
                .because(error)
        })?;
        let mut witness = Self {
            store: StoreId::from_uuid(store),
            position: Position {
                sequence: form.sequence,
                n: form.n,
            },
            made_at: Timestamp::parse(&form.made_at)?,
            unreadable: form.unreadable,
            length: form.block,
            blocks: Vec::with_capacity(form.blocks.len()),
        };
        for (number, count, digest) in &form.blocks {
            witness.take(*number, *count, digest)?;
        }
        Ok(witness)
    }

    /// Takes the next block, if it can be one.
    fn take(&mut self, number: u64, count: u64, digest: &str) -> Result<()> {
        let follows = self.blocks.last().is_none_or(|(last, _)| *last < number);
        let known = number
            .checked_mul(self.length)
            .is_some_and(|before| before < self.position.sequence);
        if !follows || !known || count == 0 || count > self.length {
            return Err(Error::invalid(
                "blocks of a witness rise, lie before its position, and hold a checkpoint each",
            )
            .with("block", number)
            .with("checkpoints", count));
        }
        let digest = digest_from_hex(digest)?;
        self.blocks.push((number, Block { count, digest }));
        Ok(())
    }
}
