//! What somebody outside of a store remembers of it, to notice that a part was put back or taken away.

mod blocks;
mod check;
mod form;
#[cfg(test)]
mod tests;

use std::future::IntoFuture;

use futures_core::future::BoxFuture;

pub use check::{BlockFinding, CheckWitness, Explanation, WitnessReport};

use super::Store;
use crate::backup::Meter;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::StoreId;
use crate::record::Position;

use self::blocks::{Block, Blocks};

/// Sequences of which one digest is kept, unless asked otherwise.
const BLOCK: u64 = 1_000;

/// What a store held at a position: a digest for each block of sequences, and how many checkpoints there were.
///
/// A store cannot tell that it was rolled back to what it once was, or that a checkpoint was put back to an older
/// revision or taken out whole: each is a state in which the store has been. A witness that is kept where those who can
/// write to the storage cannot write tells it. It shows nothing of what the store holds; the digests of an encrypted
/// store are keyed, so that nobody can try contents against them.
///
/// Sessions, attachments and named records are not witnessed.
///
/// ```
/// # use std::sync::Arc;
/// # use checkpoint_core::{MemoryBackend, Store, Witness};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> checkpoint_core::Result<()> {
/// let store = Store::new(Arc::new(MemoryBackend::new()));
/// store.session("research-42").await?.save(&"found").await?;
/// let kept: String = store.witness().await?.to_json();
///
/// // Later, or elsewhere:
/// let report = store.check_witness(Witness::from_json(&kept)?).await?;
/// assert!(report.is_clean());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    store: StoreId,
    position: Position,
    made_at: Timestamp,
    unreadable: u64,
    /// Sequences in a block.
    length: u64,
    /// Those in which there is a checkpoint, by number.
    blocks: Vec<(u64, Block)>,
}

impl Witness {
    /// The store that it was made of.
    #[must_use]
    pub const fn store(&self) -> StoreId {
        self.store
    }

    /// The position up to which it tells what there was.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// When it was made, by the store's clock.
    #[must_use]
    pub const fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// How many checkpoints it tells of.
    #[must_use]
    pub fn checkpoints(&self) -> u64 {
        let counts = self.blocks.iter().map(|(_, block)| block.count);
        counts.fold(0, u64::saturating_add)
    }

    /// How many checkpoints could not be read when it was made. It does not tell of them.
    #[must_use]
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }
}

/// The making of a [`Witness`]. Reads the description of every checkpoint, and no state. Await it.
#[must_use = "nothing is read until it is awaited"]
#[derive(Clone, Debug)]
pub struct MakeWitness {
    store: Store,
    length: u64,
    meter: Meter,
}

impl MakeWitness {
    /// How many sequences one digest is made of: 1,000, unless asked otherwise. What happened to one checkpoint of a
    /// block hides what else happened to the block. A witness takes about 90 bytes for each block; with 1 it tells of
    /// each checkpoint by itself.
    pub fn block(mut self, sequences: u64) -> Self {
        self.length = sequences;
        self
    }

    /// Hears at which sequence it is, and the last one.
    pub fn progress(mut self, hears: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.meter = Meter::new(hears);
        self
    }

    async fn run(self) -> Result<Witness> {
        let Self {
            store,
            length,
            meter,
        } = self;
        if length == 0 {
            let error = Error::invalid("a block has at least 1 sequence").with("block", length);
            return Err(store.blame(error, "witness"));
        }
        // Before anything is read: what happens meanwhile is told by the feed after this position.
        let position = store.position_for("witness").await?;
        let mut blocks = Blocks::new(length, position.sequence);
        blocks.read(&store, &meter, "witness").await?;
        Ok(Witness {
            store: store.info().id,
            position,
            made_at: store.0.clock.now(),
            unreadable: blocks.unreadable.len(),
            length,
            blocks: blocks.found.into_iter().collect(),
        })
    }
}

impl IntoFuture for MakeWitness {
    type Output = Result<Witness>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl Store {
    /// Makes a witness of what the store holds, to keep elsewhere. Await it, or narrow it first.
    pub fn witness(&self) -> MakeWitness {
        MakeWitness {
            store: self.clone(),
            length: BLOCK,
            meter: Meter::default(),
        }
    }

    /// Compares the store with what a witness tells of it. Await it, or say who hears how far it is.
    pub fn check_witness(&self, witness: Witness) -> CheckWitness {
        CheckWitness::new(self.clone(), witness)
    }
}
