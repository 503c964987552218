//! A file gone through from its beginning to its end, before anything is taken out of it.

use std::collections::HashMap;

use super::judge::{Judge, Tree};
use super::source::{FileSource, Inner};
use super::{At, Entry, Fault, FileHeader, Reading, Totals, count};
use crate::chunk::{Source, StreamReader};
use crate::description::StateDigest;
use crate::error::{Error, Result};
use crate::hasher::ContentHasher;
use crate::id::{CheckpointId, ChunkId};
use crate::limits::Limits;

/// Entries looked at before the executor is given a turn, and bytes of them.
const STEP: usize = 1_024;
const STEP_BYTES: u64 = 4 << 20;
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

/// What a step found.
#[derive(Default)]
struct Step {
    faults: Vec<Fault>,
    pending: Vec<Pending>,
    over: bool,
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
        let mut judge = Some(Judge::new(&header, limits)?);
        let mut survey = Self {
            source: FileSource::new(label, header, reading),
            totals: Totals::default(),
            faults: Vec::new(),
            wrong: 0,
        };
        let mut compared = HashMap::new();
        while let Some(mut judging) = judge.take() {
            let mut totals = survey.totals;
            let step = survey.source.blocking(move |inner| {
                let step = inner.step(&mut judging, &mut totals, all);
                (step, judging, totals)
            });
            let (step, judging, totals) = step.await?;
            survey.totals = totals;
            step.faults
                .into_iter()
                .for_each(|fault| survey.found(fault));
            for pending in step.pending {
                if !all && survey.wrong > 0 {
                    break;
                }
                survey.compare(pending, &mut compared).await?;
            }
            progress(survey.totals.checkpoints);
            judge = (!step.over && (all || survey.wrong == 0)).then_some(judging);
        }
        survey.source.total = survey.totals.checkpoints;
        survey.faults.sort_by_key(|fault| fault.at.offset);
        Ok(survey)
    }

    fn found(&mut self, fault: Fault) {
        self.wrong += 1;
        if self.faults.len() < TOLD {
            self.faults.push(fault);
        }
    }

    /// Reads a state that lies in chunks, each compared with its id, and compares it with its digest. A state is read
    /// once, in however many checkpoints it is.
    async fn compare(
        &mut self,
        pending: Pending,
        compared: &mut HashMap<ChunkId, (u64, StateDigest)>,
    ) -> Result<()> {
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
                return Ok(());
            }
            Ok(_) => Error::corrupt("the state does not match its digest"),
            Err(error) if error.is_corrupt() => error,
            Err(error) => return Err(error),
        };
        self.totals.checkpoints -= 1;
        self.source
            .blocking(move |inner| inner.refused.insert(offset))
            .await?;
        self.found(Fault {
            error,
            checkpoint: Some(id),
            at,
            last: false,
        });
        Ok(())
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
    fn step(&mut self, judge: &mut Judge, totals: &mut Totals, all: bool) -> Step {
        let mut step = Step::default();
        let from = self.reading.place().offset;
        for _ in 0..STEP {
            let place = self.reading.place();
            if place.offset - from > STEP_BYTES {
                break;
            }
            let judged = match self.reading.next() {
                Ok(Entry::End(left_out)) => {
                    totals.left_out = left_out;
                    step.over = true;
                    break;
                }
                Ok(entry) => self.judge(&entry, judge, totals, place).map(|tree| {
                    count(totals, &entry);
                    step.pending.extend(tree);
                }),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = judged {
                self.refused.insert(place.offset);
                step.over = fault.last || !all;
                step.faults.push(fault);
                if step.over {
                    break;
                }
            }
        }
        step
    }

    fn judge(
        &mut self,
        entry: &Entry,
        judge: &mut Judge,
        totals: &Totals,
        place: super::Place,
    ) -> Result<Option<Pending>, Fault> {
        let at = self.reading.at();
        let fault = |error: Error| Fault {
            error,
            checkpoint: None,
            at,
            last: false,
        };
        match entry {
            Entry::Session(session) => {
                judge.session(session).map_err(fault)?;
                self.sessions.push(place);
                Ok(None)
            }
            Entry::Chunk(id, children, offset) => {
                if let Some(child) = children
                    .iter()
                    .find(|child| !self.chunks.contains_key(child))
                {
                    let error = Error::corrupt("a chunk stands before one that it needs");
                    return Err(fault(error.with("chunk", id).with("needs", child)));
                }
                self.chunks.entry(*id).or_insert(*offset);
                Ok(None)
            }
            Entry::Checkpoint(arrival) => {
                let id = &arrival.header.id;
                let tree = judge.checkpoint(arrival).map_err(|error| Fault {
                    checkpoint: Some(id.clone()),
                    ..fault(error)
                })?;
                if totals.checkpoints.is_multiple_of(STRIDE) {
                    self.marks.push((arrival.header.sequence, place));
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
