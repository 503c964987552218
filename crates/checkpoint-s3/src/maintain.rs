//! Giving space back, in entries of the log like all others.

use checkpoint_core::engine::Sweep;
use checkpoint_core::{Budget, Error, MaintainStep, Result};
use checkpoint_rows::{Staged, View};

use crate::base::Base;
use crate::draft::{Packs, Tools};
use crate::error::not_applied;
use crate::log::{Appended, Draft};
use crate::run::Run;

/// How often a step begins again that another machine's entry has overtaken.
const ATTEMPTS: usize = 8;

/// One step: what all backends do.
pub(crate) fn step(
    tools: &Tools,
    sweep: &mut Option<Sweep>,
    budget: &Budget,
) -> Result<MaintainStep> {
    let log = &*tools.log;
    for _ in 0..ATTEMPTS {
        let mut state = log.fetcher.wait(log.catch_up())?;
        let first = tools.base(&state);
        let mut overtaken = false;
        let mut write = |staged: &Staged| -> Result<Base> {
            let base = tools.base(&state);
            let draft = Draft {
                rows: Packs::default().rows(log, &base, &*tools.clock, staged)?,
                first_sequence: 0,
                snapshot: log.to_name(&base)?,
            };
            match log.fetcher.wait(log.append(&state, draft))? {
                Appended::Won(after) => {
                    state = after;
                    Ok(tools.base(&state))
                }
                Appended::Lost => {
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
    Err(Error::new(
        not_applied(),
        "other machines were always first; ask again",
    ))
}

/// Puts an entry that names the snapshot which waits for one.
pub(crate) fn name_snapshot(tools: &Tools) -> Result<()> {
    let log = &*tools.log;
    for _ in 0..ATTEMPTS {
        let state = log.state();
        let base = tools.base(&state);
        let Some(name) = log.to_name(&base)? else {
            return Ok(());
        };
        let draft = Draft {
            rows: Run::of(Vec::new())?,
            first_sequence: View::new(base).counters()?.position.sequence + 1,
            snapshot: Some(name),
        };
        match log.fetcher.wait(log.append(&state, draft))? {
            Appended::Won(_) => return Ok(()),
            Appended::Lost => drop(log.fetcher.wait(log.catch_up())?),
        }
    }
    Ok(())
}
