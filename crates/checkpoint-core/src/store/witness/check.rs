//! Comparing a store with what a witness tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::IntoFuture;
use std::ops::RangeInclusive;

use futures_core::future::BoxFuture;

use super::blocks::{Block, Blocks, Unreadable, number};
use super::{Store, Witness};
use crate::backup::Meter;
use crate::error::{Error, ErrorKind, Result};
use crate::feed::{Change, ChangeKind};
use crate::id::CheckpointId;
use crate::record::{Item, Parts, Position};

/// Changes read in one step.
const PAGE: usize = 256;
/// Checkpoints that are named for a block.
const NAMED: usize = 16;

/// The comparison of a store with a [`Witness`]. Reads the description of every checkpoint that there was when it was
/// made, and no state. Await it.
#[must_use = "nothing is compared until it is awaited"]
#[derive(Clone, Debug)]
pub struct CheckWitness {
    store: Store,
    witness: Witness,
    meter: Meter,
}

/// How a store differs from what a witness tells of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WitnessReport {
    /// Blocks that were compared.
    pub blocks: u64,
    /// The position of the store when it is before that of the witness: what came after is gone.
    pub rolled_back: Option<Position>,
    /// Blocks that differ, by sequence.
    pub findings: Vec<BlockFinding>,
    /// What cannot be read of the checkpoints and the feed, the first 100; [`Store::verify`] finds all.
    pub unreadable: Vec<Error>,
}

/// A block of sequences that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockFinding {
    /// The sequences.
    pub sequences: RangeInclusive<u64>,
    /// Checkpoints that there were.
    pub expected: u64,
    /// Checkpoints that there are.
    pub found: u64,
    /// What the store tells that would make the difference.
    pub explanation: Explanation,
}

/// What a store's feed tells since a witness was made of a block that differs.
///
/// The feed lies in the store: who can write there can write it too. Whether somebody did at that time what it tells
/// is for the caller to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Explanation {
    /// Nothing that would make the difference.
    Nothing,
    /// These were changed, at most 16 of them; what else happened to the block cannot be told.
    Changed(Vec<CheckpointId>),
    /// At least as many were deleted in the store as are missing; which ones is not remembered.
    Deleted,
    /// Changes since then are no longer kept.
    Forgotten,
}

impl WitnessReport {
    /// Whether nothing was taken away or put back that the store does not explain.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rolled_back.is_none() && self.findings.iter().all(BlockFinding::is_explained)
    }
}

impl BlockFinding {
    /// Whether the store tells what would make the difference.
    #[must_use]
    pub const fn is_explained(&self) -> bool {
        matches!(
            self.explanation,
            Explanation::Changed(_) | Explanation::Deleted
        )
    }
}

impl CheckWitness {
    pub(super) fn new(store: Store, witness: Witness) -> Self {
        Self {
            store,
            witness,
            meter: Meter::default(),
        }
    }

    /// Hears at which sequence it is, and the last one.
    pub fn progress(mut self, hears: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.meter = Meter::new(hears);
        self
    }

    async fn run(self) -> Result<WitnessReport> {
        let Self {
            store,
            witness,
            meter,
        } = self;
        let id = store.info().id;
        if witness.store != id {
            let error = Error::invalid("the witness is of another store")
                .with("expected", id)
                .with("store", witness.store);
            return Err(store.blame(error, DOING));
        }
        let now = store.position_for(DOING).await?;
        let rolled_back = (now < witness.position).then_some(now);
        let mut blocks = Blocks::new(witness.length, witness.position.sequence);
        blocks.read(&store, &meter, DOING).await?;
        let Blocks {
            found,
            mut unreadable,
            ..
        } = blocks;
        let mut differing = compare(&witness, &found);
        if !differing.is_empty() && rolled_back.is_none() {
            let told = Told::since(&store, &witness, &differing, &mut unreadable).await?;
            told.explain(&mut differing);
        }
        Ok(WitnessReport {
            blocks: found
                .keys()
                .chain(witness.blocks.iter().map(|(number, _)| number))
                .collect::<BTreeSet<_>>()
                .len() as u64,
            rolled_back,
            findings: differing.into_values().collect(),
            unreadable: unreadable.first,
        })
    }
}

const DOING: &str = "check_witness";

impl IntoFuture for CheckWitness {
    type Output = Result<WitnessReport>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Blocks that differ, by number, not explained yet.
fn compare(witness: &Witness, found: &BTreeMap<u64, Block>) -> BTreeMap<u64, BlockFinding> {
    let expected: BTreeMap<_, _> = witness.blocks.iter().copied().collect();
    let numbers: BTreeSet<_> = expected.keys().chain(found.keys()).copied().collect();
    let of = |blocks: &BTreeMap<u64, Block>, number| blocks.get(&number).copied();
    let differing = numbers
        .into_iter()
        .filter(|number| of(&expected, *number) != of(found, *number));
    differing
        .map(|number| {
            let first = number.saturating_mul(witness.length).saturating_add(1);
            let last = first.saturating_add(witness.length - 1);
            let finding = BlockFinding {
                sequences: first..=last.min(witness.position.sequence),
                expected: of(&expected, number).unwrap_or_default().count,
                found: of(found, number).unwrap_or_default().count,
                explanation: Explanation::Nothing,
            };
            (number, finding)
        })
        .collect()
}

/// What the feed tells of blocks that differ.
struct Told {
    changed: BTreeMap<u64, Vec<CheckpointId>>,
    /// Checkpoints that were deleted, of which nobody remembers the sequences.
    deleted: u64,
    forgotten: bool,
}

impl Told {
    async fn since(
        store: &Store,
        witness: &Witness,
        differing: &BTreeMap<u64, BlockFinding>,
        unreadable: &mut Unreadable,
    ) -> Result<Self> {
        let mut told = Self {
            changed: BTreeMap::new(),
            deleted: 0,
            forgotten: false,
        };
        let mut after = witness.position;
        loop {
            let changes = match store.changes(after, PAGE).await {
                Ok(changes) => changes,
                Err(error) if matches!(error.kind(), ErrorKind::Truncated { .. }) => {
                    told.forgotten = true;
                    return Ok(told);
                }
                Err(error) => return Err(error),
            };
            changes
                .damaged
                .into_iter()
                .for_each(|error| unreadable.push(error));
            if changes.end == after {
                return Ok(told);
            }
            after = changes.end;
            let changed = changes.changes.iter().filter_map(|it| told.take(it));
            let changed: BTreeSet<_> = changed.collect();
            told.place(store, witness, differing, changed).await?;
        }
    }

    /// Counts what is told of deletions; answers the checkpoint that was changed.
    fn take(&mut self, change: &Change) -> Option<CheckpointId> {
        match change.kind {
            ChangeKind::Deleted => self.deleted = self.deleted.saturating_add(1),
            // How many checkpoints went with it is not told.
            ChangeKind::SessionDeleted | ChangeKind::SessionCompacted => self.deleted = u64::MAX,
            ChangeKind::Updated
            | ChangeKind::Completed
            | ChangeKind::Failed
            | ChangeKind::Restored => return change.checkpoint.clone(),
            _ => {}
        }
        None
    }

    /// Says in which blocks these are.
    async fn place(
        &mut self,
        store: &Store,
        witness: &Witness,
        differing: &BTreeMap<u64, BlockFinding>,
        changed: BTreeSet<CheckpointId>,
    ) -> Result<()> {
        let ids: Vec<_> = changed.into_iter().collect();
        let found = store.backend().get(&ids, Parts::HEADER).await;
        for item in found.map_err(|error| store.blame(error, DOING))? {
            let Item::Found(record) = item else { continue };
            let number = number(record.header.sequence, witness.length);
            if record.header.sequence > witness.position.sequence
                || !differing.contains_key(&number)
            {
                continue;
            }
            let named = self.changed.entry(number).or_default();
            if named.len() < NAMED && !named.contains(&record.header.id) {
                named.push(record.header.id.clone());
            }
        }
        Ok(())
    }

    fn explain(mut self, differing: &mut BTreeMap<u64, BlockFinding>) {
        let missing = differing
            .values()
            .map(|block| block.expected.saturating_sub(block.found))
            .fold(0, u64::saturating_add);
        for (number, block) in differing {
            block.explanation = if self.forgotten {
                Explanation::Forgotten
            } else if block.found < block.expected && missing <= self.deleted {
                Explanation::Deleted
            } else if block.found == block.expected
                && let Some(changed) = self.changed.remove(number)
            {
                Explanation::Changed(changed)
            } else {
                Explanation::Nothing
            };
        }
    }
}
