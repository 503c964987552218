//! A file gone through from its beginning to its end, before anything is taken out of it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::judge::{Judge, Tree};
use super::source::{FileSource, Index, Inner};
use super::{At, Entry, Fault, FileHeader, Place, Reading, Totals, count};
use crate::chunk::{Source, StreamReader};
use crate::description::StateDigest;
use crate::error::{Error, Result};
use crate::exchange::beside::{AHEAD, Beside};
use crate::hasher::ContentHasher;
use crate::id::{CheckpointId, ChunkId};
use crate::limits::Limits;

/// Entries that are read and then judged together, and bytes of the file after which they end.
const STEP: usize = 1_024;
const STEP_BYTES: u64 = 1 << 20;
/// Checkpoints from one mark to the next.
const STRIDE: u64 = 1_024;
/// Faults that are told; a file with more is not told all of them.
pub(super) const TOLD: usize = 1_000;

/// What a file holds, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) source: FileSource,
    pub(crate) totals: Totals,
    /// In the order of the file, at most a thousand.
    pub(crate) faults: Vec<Fault>,
    /// How many there are.
    pub(crate) wrong: u64,
}

/// A state that is still to be compared with its digest.
struct Pending {
    tree: Tree,
    id: CheckpointId,
    at: At,
    offset: u64,
}

/// Entries that were read one after another.
#[derive(Default)]
pub(super) struct Batch {
    entries: Vec<Read>,
    /// The bytes that they take in the file.
    bytes: u64,
    /// Nothing comes behind them.
    over: bool,
}

/// An entry, or why there is none.
struct Read {
    entry: Result<Entry, Fault>,
    place: Place,
    at: At,
}

/// What judges entries, while those behind them are read.
struct Judging {
    judge: Judge,
    index: Arc<Mutex<Index>>,
    totals: Totals,
}

/// What was found in a batch.
#[derive(Default)]
struct Step {
    faults: Vec<Fault>,
    pending: Vec<Pending>,
}

impl Survey {
    /// Goes through a file. With `all` it goes on behind what is wrong.
    ///
    /// # Errors
    ///
    /// Those of the system; what is wrong with the file is among the faults.
    pub(crate) async fn of(
        label: String,
        header: FileHeader,
        reading: Box<dyn Reading>,
        limits: Limits,
        all: bool,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Self> {
        let judge = Judge::new(&header, limits)?;
        let source = FileSource::new(label, header, reading);
        let mut judging = Judging {
            judge,
            index: Arc::clone(&source.index),
            totals: Totals::default(),
        };
        let mut survey = Self {
            source,
            totals: Totals::default(),
            faults: Vec::new(),
            wrong: 0,
        };
        let mut compared = HashMap::new();
        let read = |source: &FileSource| source.blocking(move |inner| inner.batch(all));
        let mut next = Some(read(&survey.source));
        while let Some(batch) = next.take() {
            let batch = batch.end().await?;
            let goes_on = !batch.over;
            if goes_on && batch.bytes <= AHEAD {
                next = Some(read(&survey.source));
            }
            let judged = Beside::start(move || {
                let mut judging = judging;
                let step = judging.step(batch, all);
                (judging, step)
            });
            let step;
            (judging, step) = judged.end().await?;
            let taken = survey.take(step, &mut judging.totals, all, &mut compared);
            if taken.await? && !all {
                break;
            }
            progress(judging.totals.checkpoints);
            if goes_on && next.is_none() {
                next = Some(read(&survey.source));
            }
        }
        survey.totals = judging.totals;
        survey.source.total = survey.totals.checkpoints;
        survey.faults.sort_by_key(|fault| fault.at.offset);
        Ok(survey)
    }

    /// Takes what was found in a batch, and compares states with their digests; answers whether anything is wrong.
    async fn take(
        &mut self,
        step: Step,
        totals: &mut Totals,
        all: bool,
        compared: &mut HashMap<ChunkId, (u64, StateDigest)>,
    ) -> Result<bool> {
        for fault in step.faults {
            self.found(fault);
        }
        for pending in step.pending {
            if !all && self.wrong > 0 {
                break;
            }
            if !self.compare(pending, compared).await? {
                totals.checkpoints -= 1;
            }
        }
        Ok(self.wrong > 0)
    }

    fn found(&mut self, fault: Fault) {
        self.wrong += 1;
        if self.faults.len() < TOLD {
            self.faults.push(fault);
        }
    }

    /// Reads a state that lies in chunks, each compared with its id, and compares it with its digest. A state is read
    /// once, in however many checkpoints it is. Answers whether it is the one that it was.
    async fn compare(
        &mut self,
        pending: Pending,
        compared: &mut HashMap<ChunkId, (u64, StateDigest)>,
    ) -> Result<bool> {
        let Pending {
            tree,
            id,
            at,
            offset,
        } = pending;
        let known = compared.get(&tree.top).copied();
        let read = match known {
            Some((length, digest)) if length == tree.length => Ok(digest),
            _ => self.digest(tree).await,
        };
        let error = match read {
            Ok(digest) if tree.digest.is_none_or(|stored| stored == digest) => {
                compared.insert(tree.top, (tree.length, digest));
                return Ok(true);
            }
            Ok(_) => Error::corrupt("the state does not match its digest"),
            Err(error) if error.is_corrupt() => error,
            Err(error) => return Err(error),
        };
        self.source.index.lock().refused.insert(offset);
        self.found(Fault {
            error,
            checkpoint: Some(id),
            at,
            last: false,
        });
        Ok(false)
    }

    async fn digest(&self, tree: Tree) -> Result<StateDigest> {
        let mut reader = StreamReader::new(ContentHasher::plain(), tree.top, tree.length);
        while reader
            .next_from(Source::Other(&self.source))
            .await?
            .is_some()
        {}
        Ok(StateDigest::from_blake3(reader.digest()))
    }
}

impl Inner {
    /// Reads what comes next, with `all` also behind what cannot be read.
    fn batch(&mut self, all: bool) -> Batch {
        let mut batch = Batch::default();
        let from = self.reading.place().offset;
        while batch.entries.len() < STEP && batch.bytes <= STEP_BYTES && !batch.over {
            let place = self.reading.place();
            let entry = self.reading.next();
            batch.over = match &entry {
                Ok(entry) => matches!(entry, Entry::End(_)),
                Err(fault) => fault.last || !all,
            };
            batch.entries.push(Read {
                entry,
                place,
                at: self.reading.at(),
            });
            batch.bytes = self.reading.place().offset.saturating_sub(from);
        }
        batch
    }
}

impl Judging {
    fn step(&mut self, batch: Batch, all: bool) -> Step {
        let mut step = Step::default();
        let index = Arc::clone(&self.index);
        let mut index = index.lock();
        for Read { entry, place, at } in batch.entries {
            let judged = match entry {
                Ok(Entry::End(left_out)) => {
                    self.totals.left_out = left_out;
                    break;
                }
                Ok(entry) => self.judge(&entry, &mut index, place, at).map(|tree| {
                    count(&mut self.totals, &entry);
                    step.pending.extend(tree);
                }),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = judged {
                index.refused.insert(place.offset);
                step.faults.push(fault);
                if !all {
                    break;
                }
            }
        }
        step
    }

    fn judge(
        &mut self,
        entry: &Entry,
        index: &mut Index,
        place: Place,
        at: At,
    ) -> Result<Option<Pending>, Fault> {
        let fault = |error: Error| Fault {
            error,
            checkpoint: None,
            at,
            last: false,
        };
        match entry {
            Entry::Session(session) => {
                self.judge.session(session).map_err(fault)?;
                index.sessions.push(place);
                Ok(None)
            }
            Entry::Chunk(id, children, offset) => {
                let lacks = |child: &&ChunkId| !index.chunks.contains_key(child);
                if let Some(child) = children.iter().find(lacks) {
                    let error = Error::corrupt("a chunk stands before one that it needs");
                    return Err(fault(error.with("chunk", id).with("needs", child)));
                }
                index.chunks.entry(*id).or_insert(*offset);
                Ok(None)
            }
            Entry::Checkpoint(arrival) => {
                let id = &arrival.header.id;
                let tree = self.judge.checkpoint(arrival).map_err(|error| Fault {
                    checkpoint: Some(id.clone()),
                    ..fault(error)
                })?;
                if self.totals.checkpoints.is_multiple_of(STRIDE) {
                    index.marks.push((arrival.header.sequence, place));
                }
                Ok(tree.map(|tree| Pending {
                    tree,
                    id: id.clone(),
                    at,
                    offset: place.offset,
                }))
            }
            Entry::End(_) => Ok(None),
        }
    }
}
