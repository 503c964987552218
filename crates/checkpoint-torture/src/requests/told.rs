//! What machines were told, and whether it is true.

use std::collections::BTreeSet;
use std::sync::Arc;

use checkpoint_core::{Applied, Backend, Error, ErrorKind, Result};

use super::machine::Begun;
use super::op::{Answer, Op, counted};
use super::trial::Seen;
use crate::chain::chain;
use crate::load::{Acknowledged, Ledger, Seed, judge};

/// Refusals of one load after which the store is judged: it takes longer than the step.
const REFUSALS: u64 = 4;

/// All that was told.
pub(super) struct Told {
    pub(super) ledger: Ledger,
    pub(super) seen: Seen,
    /// The highest sequence.
    pub(super) highest: u64,
    /// The newest epoch of the session that both claim.
    pub(super) epoch: u64,
    epochs: BTreeSet<u64>,
    /// What was counted, and what may have been besides.
    count: u64,
    perhaps: u64,
    /// The newest step of each writer.
    newest: Vec<Option<Acknowledged>>,
    refusals: u64,
}

impl Told {
    pub(super) fn new(seed: Seed, writers: usize) -> Self {
        Self {
            ledger: Ledger::new(seed, writers),
            seen: Seen::default(),
            highest: 0,
            epoch: 0,
            epochs: BTreeSet::new(),
            count: 0,
            perhaps: 0,
            newest: vec![None; writers],
            refusals: 0,
        }
    }

    pub(super) fn wrong(&mut self, what: String) {
        self.seen.wrong.push(what);
    }

    pub(super) fn is_broken(&self) -> bool {
        !self.seen.wrong.is_empty()
    }

    /// Hears what came of something; `failed` says whether a request failed meanwhile. Answers the writer whose step was
    /// refused, when nothing of it may be there and that is to be looked at.
    pub(super) fn heard(
        &mut self,
        op: Op,
        begun: Begun,
        failed: bool,
        came: Result<Answer>,
    ) -> Option<usize> {
        match came {
            Ok(answer) => {
                self.done(op, begun, answer);
                None
            }
            Err(error) => {
                self.seen.told += 1;
                self.excuse(op, begun, failed, &error);
                self.failed(op, &error)
            }
        }
    }

    fn done(&mut self, op: Op, begun: Begun, answer: Answer) {
        match (op, answer) {
            (_, Answer::Told(told)) => self.acknowledged(told),
            (_, Answer::Claimed(epoch)) => {
                if !self.epochs.insert(epoch) {
                    self.wrong(format!("two claims were told epoch {epoch}"));
                }
                self.epoch = self.epoch.max(epoch);
            }
            (_, Answer::Position(position)) if position.sequence < begun.highest => {
                let (seen, highest) = (position.sequence, begun.highest);
                self.wrong(format!(
                    "a read sees {seen}, and {highest} was acknowledged before"
                ));
            }
            (Op::Count { epoch }, Answer::Nothing) => {
                self.count += 1;
                if let Some(epoch) = epoch.filter(|epoch| *epoch < begun.epoch) {
                    let newest = begun.epoch;
                    self.wrong(format!(
                        "split ownership: epoch {epoch} wrote, and {newest} was told before"
                    ));
                }
            }
            _ => {}
        }
    }

    fn acknowledged(&mut self, told: Acknowledged) {
        let writer = told.writer;
        if told.step == self.ledger.done(writer) {
            self.highest = told.sequences.iter().copied().fold(self.highest, u64::max);
            if let Err(why) = self.ledger.hear(&told) {
                self.wrong(why);
            }
            self.newest[writer] = Some(told);
        } else if self.newest[writer].as_ref() != Some(&told) {
            let newest = &self.newest[writer];
            self.wrong(format!("`{told}` was told before as {newest:?}"));
        }
    }

    /// Whether an error is one that a request that failed may have.
    fn excuse(&mut self, op: Op, begun: Begun, failed: bool, error: &Error) {
        let lost = matches!(op, Op::Count { .. });
        let why = match error.kind() {
            ErrorKind::Conflict(_) if lost => return,
            ErrorKind::Unavailable { .. } if failed => return,
            ErrorKind::Unavailable { .. } => "with no request that failed",
            _ => "that tells nothing of a fault",
        };
        let chain = chain(error);
        self.wrong(format!("{op:?}: an error {why}: {chain} ({begun:?})"));
    }

    fn failed(&mut self, op: Op, error: &Error) -> Option<usize> {
        let unknown = matches!(
            error.kind(),
            ErrorKind::Unavailable {
                applied: Applied::Unknown
            }
        );
        self.seen.unknown += u64::from(unknown);
        match op {
            Op::Count { .. } => self.perhaps += u64::from(unknown),
            Op::Step { writer, step } if step == self.ledger.done(writer) => {
                if unknown {
                    self.ledger.doubt(writer);
                    return None;
                }
                self.ledger.refuse(writer);
                self.refusals += u64::from(self.ledger.is_refused(writer));
                if self.ledger.is_refused(writer) && self.refusals <= REFUSALS {
                    return Some(writer);
                }
                self.ledger.try_again(writer);
            }
            _ => {}
        }
        None
    }

    /// Compares a store with all that was told.
    pub(super) async fn judge(&mut self, backend: Arc<dyn Backend>, when: &str) {
        self.seen.judged += 1;
        match self.compare(backend).await {
            Ok(wrong) => {
                let wrong = wrong.into_iter().map(|line| format!("{when}: {line}"));
                self.seen.wrong.extend(wrong);
            }
            Err(error) => {
                let why = chain(&error);
                self.wrong(format!("{when}: it cannot be read: {why}"));
            }
        }
    }

    async fn compare(&self, backend: Arc<dyn Backend>) -> Result<Vec<String>> {
        let mut wrong = judge(Arc::clone(&backend), &self.ledger).await?.wrong;
        let (_, counted) = counted(&*backend).await?;
        let (least, most) = (self.count, self.count + self.perhaps);
        if !(least..=most).contains(&counted) {
            wrong.push(format!("{counted} are counted, not {least} to {most}"));
        }
        let found = backend.check().await?;
        wrong.extend(found.iter().map(|error| format!("check: {}", chain(error))));
        Ok(wrong)
    }
}
