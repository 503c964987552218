//! Giving space back, in entries of the log like all others.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::engine::Sweep;
use checkpoint_core::{Budget, Error, MaintainStep, Result};
use checkpoint_rows::{Staged, View};

use crate::base::Base;
use crate::draft::{Packs, Tools};
use crate::entry::SnapshotName;
use crate::error::{is_gone, missing, not_applied};
use crate::flush::{Effort, flush};
use crate::layout::Name;
use crate::log::{Appended, Draft};
use crate::repack::repack;
use crate::row::Change;
use crate::run::Run;
use crate::shared::AGAIN;
use crate::state::State;
use crate::sweep::{Moment, sweep};
use crate::trim::{Course, trim};

/// How often a step begins again that another machine's entry has overtaken.
const ATTEMPTS: usize = 8;

/// What is done one step after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What all backends do with rows.
    #[default]
    Rows,
    /// A snapshot, merged.
    Snapshot,
    /// The log behind it.
    Log,
    /// Packs that are mostly dead.
    Packs,
    /// Objects to which nothing leads.
    Objects,
}

/// How far upkeep has come.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    sweep: Option<Sweep>,
    stage: Stage,
    trim: Option<Course>,
}

/// One step. Whoever lags behind may have an index of which another machine took a part away: there is a newer one.
pub(crate) fn step(tools: &Tools, upkeep: &mut Upkeep, budget: &Budget) -> Result<MaintainStep> {
    for _ in 0..AGAIN {
        match step_once(tools, upkeep, budget) {
            Err(error) if is_gone(&error) => drop(tools.log.fetcher.wait(tools.log.reload())?),
            done => return done,
        }
    }
    Err(missing())
}

/// First what all backends do, then what objects need.
fn step_once(tools: &Tools, upkeep: &mut Upkeep, budget: &Budget) -> Result<MaintainStep> {
    let mut done = MaintainStep::default();
    // Until all stages are over there is more to do.
    done.more = true;
    upkeep.stage = match upkeep.stage {
        Stage::Rows => {
            done = rows(tools, &mut upkeep.sweep, budget)?;
            let next = if done.more {
                Stage::Rows
            } else {
                Stage::Snapshot
            };
            done.more = true;
            next
        }
        Stage::Snapshot => {
            if let Some(pending) = flush(tools, tools.log.state_set_apart(), Effort::All)? {
                tools.log.expect(pending);
                name_snapshot(tools)?;
            }
            Stage::Log
        }
        Stage::Log => {
            let trimmed = trim(tools, &mut upkeep.trim, budget, time(tools)?)?;
            if trimmed.more {
                Stage::Log
            } else {
                Stage::Packs
            }
        }
        Stage::Packs => {
            if repack(tools)? {
                Stage::Packs
            } else {
                Stage::Objects
            }
        }
        Stage::Objects => {
            let swept = sweep(tools, budget, time(tools)?)?;
            tracing::debug!(?swept, "objects were swept");
            done.more = false;
            Stage::Rows
        }
    };
    Ok(done)
}

/// One step of what all backends do.
fn rows(tools: &Tools, sweep: &mut Option<Sweep>, budget: &Budget) -> Result<MaintainStep> {
    let log = &tools.log;
    for _ in 0..ATTEMPTS {
        let mut state = log.fetcher.wait(log.catch_up())?;
        let first = tools.base(&state);
        let mut overtaken = false;
        let mut write = |staged: &Staged| -> Result<Base> {
            let base = tools.base(&state);
            let rows = Packs::default().rows(tools, &base, staged)?;
            match tools.put_rows(&state, rows)? {
                Appended::Won(after) => {
                    state = after;
                    Ok(tools.base(&state))
                }
                Appended::Lost(_) => {
                    overtaken = true;
                    Err(Error::new(not_applied(), "another machine was first"))
                }
            }
        };
        let done = checkpoint_rows::step(first, &mut write, sweep, budget, tools.clock.now());
        if !overtaken {
            return done;
        }
    }
    Err(always_overtaken())
}

fn always_overtaken() -> Error {
    Error::new(not_applied(), "other machines were always first; ask again")
}

/// Puts an entry that names the snapshot which waits for one.
pub(crate) fn name_snapshot(tools: &Tools) -> Result<()> {
    let log = &tools.log;
    for _ in 0..ATTEMPTS {
        let state = log.state();
        if log.to_name(&tools.base(&state))?.is_none() {
            return Ok(());
        }
        match tools.put(&state, Vec::new())? {
            Appended::Won(_) => return Ok(()),
            Appended::Lost(_) => drop(log.fetcher.wait(log.catch_up())?),
        }
    }
    Err(always_overtaken())
}

/// What time it is, by the store's own clock: when something was put just now.
fn time(tools: &Tools) -> Result<Moment> {
    let log = &*tools.log;
    log.fetcher.wait(async {
        for _ in 0..ATTEMPTS {
            let probe = Name::Probe(log.new_id());
            log.objects.put(probe, Bytes::new()).await?;
            let modified = log.objects.modified(probe).await;
            log.objects.delete(probe).await?;
            // Whoever stalls in between for an hour finds it swept.
            if let Some(modified) = modified? {
                return Ok(modified);
            }
        }
        Err(Error::new(
            not_applied(),
            "what was put just now is not there; ask again",
        ))
    })
}

impl Tools {
    /// Puts an entry of changes that are none of a commit.
    pub(crate) fn put(&self, state: &Arc<State>, changes: Vec<Change>) -> Result<Appended> {
        self.put_rows(state, Run::of(changes)?)
    }

    fn put_rows(&self, state: &Arc<State>, rows: Run) -> Result<Appended> {
        let snapshot = self.log.to_name(&self.base(state))?;
        self.put_naming(state, rows, snapshot)
    }

    /// Puts an entry that dooms objects. It names no snapshot: the one that waits to be named may be among them.
    pub(crate) fn put_doom(&self, state: &Arc<State>, changes: Vec<Change>) -> Result<Appended> {
        self.put_naming(state, Run::of(changes)?, None)
    }

    fn put_naming(
        &self,
        state: &Arc<State>,
        rows: Run,
        snapshot: Option<SnapshotName>,
    ) -> Result<Appended> {
        let base = self.base(state);
        let draft = Draft {
            rows,
            first_sequence: View::new(base)
                .counters()?
                .position
                .sequence
                .saturating_add(1),
            snapshot,
        };
        self.log.fetcher.wait(self.log.append(state, draft))
    }
}
