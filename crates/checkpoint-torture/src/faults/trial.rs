//! One load, in which one call fails.

use std::fmt;
use std::sync::Arc;

use checkpoint_core::{Error, Result};
use tempfile::TempDir;

use super::after;
use super::desk::Desk;
use crate::chain::chain;
use crate::control::Control;
use crate::disk::{Op, Plan};
use crate::load::{Ledger, Seed};
use crate::subject::Subject;

/// Steps of the store that is found when it is opened.
const FOUND: u64 = 6;

/// What is done while a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A store is made.
    Making,
    /// Two writers work in turn, and the store is closed.
    Working,
    /// Four work at once, so that commits wait together.
    Together,
    /// A store is opened that was cut off, with its log.
    Opening,
    /// Two writers work in turn, and are killed when a sync has failed.
    Killed,
}

impl Phase {
    pub(super) const ALL: [Self; 5] = [
        Self::Making,
        Self::Working,
        Self::Together,
        Self::Opening,
        Self::Killed,
    ];

    /// Of so many calls one fails. Where several work at once, which of their calls is the third is chance anyway.
    pub(super) fn stride(self) -> usize {
        if self == Self::Together { 3 } else { 1 }
    }

    /// Which calls fail.
    pub(super) fn ops(self) -> &'static [Op] {
        match self {
            Self::Killed => &[Op::Sync],
            _ => &Op::ALL,
        }
    }

    fn writers(self) -> usize {
        if self == Self::Together { 4 } else { 2 }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Making => "making a store",
            Self::Working => "working in turn",
            Self::Together => "working at once",
            Self::Opening => "opening what was cut off",
            Self::Killed => "killed after a failed sync",
        })
    }
}

/// What became of a load.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) struck: u64,
    pub(super) told: u64,
    pub(super) unknown: u64,
    pub(super) reopened: u64,
    pub(super) images: u64,
    pub(super) wrong: Vec<String>,
}

impl Seen {
    pub(super) fn broken(why: String) -> Self {
        Self {
            wrong: vec![why],
            ..Self::default()
        }
    }
}

/// What is tried.
pub(super) struct Trial {
    pub(super) subject: Arc<dyn Subject>,
    pub(super) phase: Phase,
    pub(super) plan: Option<Plan>,
    pub(super) seed: Seed,
    pub(super) steps: u64,
    pub(super) control: Option<Control>,
    pub(super) place: TempDir,
    /// Where the store that is found comes from, or the one that was killed goes on.
    pub(super) spare: TempDir,
}

impl Trial {
    /// How often each call is made without a fault.
    pub(super) async fn count(self) -> Result<Vec<(Op, u64)>> {
        let mut desk = self.desk().await?;
        self.work(&mut desk).await?;
        let tap = desk.tap.clone();
        desk.close().await;
        let ops: &[Op] = match self.control {
            Some(_) => &[Op::Write, Op::Sync],
            None => self.phase.ops(),
        };
        Ok(ops.iter().map(|op| (*op, tap.calls(*op))).collect())
    }

    /// Does the load with the fault, mends it, works on, and judges.
    pub(super) async fn run(self) -> Seen {
        let mut desk = match self.desk().await {
            Ok(desk) => desk,
            Err(error) => return Seen::broken(chain(&error)),
        };
        let done = self.run_on(&mut desk).await;
        let mut seen = std::mem::take(&mut desk.seen);
        seen.wrong.extend(done.err().map(|error| chain(&error)));
        seen
    }

    async fn run_on<'a>(&'a self, desk: &mut Desk<'a>) -> Result<()> {
        self.work(desk).await?;
        if desk.tap.struck() == 0 && desk.plan.is_some() && self.control.is_none() {
            // Nothing left to fail but letting go.
            desk.close().await;
        }
        desk.mend();
        if desk.backend.is_none() {
            desk.open().await?;
        }
        for number in 0..self.phase.writers() {
            desk.step(number).await?;
        }
        after::judge_all(desk).await
    }

    async fn desk(&self) -> Result<Desk<'_>> {
        let ledger = Ledger::new(self.seed, self.phase.writers());
        let (subject, place) = (self.subject.as_ref(), self.place.path());
        let mut desk = if self.phase == Phase::Opening {
            let ledger = self.found(ledger).await?;
            Desk::new(subject, place, self.plan, ledger)?
        } else {
            Desk::new(subject, place, self.plan, ledger)?
        };
        desk.control = self.control;
        if matches!(self.phase, Phase::Working | Phase::Together | Phase::Killed) {
            desk.open().await?;
        }
        desk.begin_faults();
        Ok(desk)
    }

    /// Puts a store into the place that was worked on and not closed.
    async fn found(&self, ledger: Ledger) -> Result<Ledger> {
        let mut desk = Desk::new(self.subject.as_ref(), self.spare.path(), None, ledger)?;
        desk.open().await?;
        for step in 0..FOUND {
            desk.step((step % 2) as usize).await?;
        }
        let ledger = desk.ledger().clone();
        let left = desk.tap.journal().end();
        desk.close().await;
        left.write_to(self.place.path())
            .map_err(|error| Error::storage("a store cannot be put down").because(error))?;
        Ok(ledger)
    }

    async fn work<'a>(&'a self, desk: &mut Desk<'a>) -> Result<()> {
        match self.phase {
            Phase::Making => desk.open().await,
            Phase::Working => {
                for step in 0..self.steps {
                    desk.step((step % 2) as usize).await?;
                }
                Ok(())
            }
            Phase::Killed => {
                for step in 0..self.steps {
                    if !desk.step_once((step % 2) as usize).await? {
                        return desk.kill(self.spare.path()).await;
                    }
                }
                Ok(())
            }
            Phase::Together => {
                for _ in 0..self.steps / 4 {
                    desk.step_together().await?;
                }
                Ok(())
            }
            Phase::Opening => {
                desk.open().await?;
                desk.step(0).await
            }
        }
    }
}
