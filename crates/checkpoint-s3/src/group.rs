//! A group of commits becomes one entry of the log, each with a fate of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_core::engine::{Group, Recall, Waiting};
use checkpoint_core::{Error, ErrorKind, Result};
use checkpoint_rows::{Judge, Judged};

use crate::base::Base;
use crate::draft::{Packs, Tools};
use crate::error::{is_gone, not_applied, nothing_done};
use crate::log::{Appended, Draft, Log, Tail};
use crate::state::State;
use crate::turns::{Next, Turn};

/// How long a group tries to get a position of the log.
const PATIENCE: Duration = Duration::from_secs(300);

/// Errors after which nothing can be said of any member.
fn is_fatal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable { .. } | ErrorKind::Storage | ErrorKind::Denied | ErrorKind::Stopped
    )
}

/// Puts the members into one entry, however often another machine is first.
pub(crate) fn transaction(tools: &Tools, recall: &mut Recall, members: &[Waiting]) -> Group {
    let done = attempt(tools, recall, members);
    if !matches!(done, Ok((_, true))) {
        recall.forget();
    }
    match done {
        Ok((group, _)) => group,
        Err(error) if matches!(error.kind(), ErrorKind::TooLarge { .. }) => Group::Apart(error),
        Err(error) => Group::Failed(error),
    }
}

/// Whether what was remembered still holds comes with what became of the group.
fn attempt(tools: &Tools, recall: &mut Recall, members: &[Waiting]) -> Result<(Group, bool)> {
    let log = &tools.log;
    let begun = Instant::now();
    let mut packs = Packs::default();
    let (mut state, mut fresh, mut turn) = (log.state(), false, Turn::default());
    loop {
        if begun.elapsed() > PATIENCE {
            return Err(Error::new(
                not_applied(),
                "other machines were always first; send the same commit again",
            ));
        }
        if let Next::Look(pause) = next(log, &state, &mut turn) {
            // The writer's own thread; to be woken too early costs a look at the log, no more.
            std::thread::park_timeout(pause);
            (state, fresh) = (newest(log)?, true);
            continue;
        }
        let judged = match judge(tools, recall, &state, members) {
            Err(error) if is_gone(&error) => {
                recall.forget();
                (state, fresh) = (reloaded(log)?, true);
                continue;
            }
            judged => judged?,
        };
        if judged.staged.is_empty() {
            // Refusals, and what was done before: true of this state, and it may be old.
            let now = if fresh {
                Arc::clone(&state)
            } else {
                newest(log)?
            };
            if now.position == state.position {
                return Ok(done(recall, judged));
            }
            (state, fresh) = (now, true);
            continue;
        }
        match put(tools, &mut packs, &state, &judged) {
            Ok(Appended::Won(_)) => return Ok(done(recall, judged)),
            Ok(Appended::Lost(Tail::Seen)) => (state, fresh) = (log.state(), true),
            Ok(Appended::Lost(Tail::Unseen)) => (state, fresh) = (newest(log)?, true),
            Err(error) => return Err(error),
        }
        recall.forget();
        turn.lost();
    }
}

fn done(recall: &mut Recall, judged: Judged) -> (Group, bool) {
    recall.done(judged.counters);
    (Group::Done(judged.fates, judged.counters.position), true)
}

/// Whether it is this machine's turn.
fn next(log: &Log, state: &State, turn: &mut Turn) -> Next {
    let recent: Vec<_> = state.recent.iter().copied().collect();
    let (position, now) = (state.position + 1, Instant::now());
    turn.next(&recent, log.machine, position, log.round_trip(), now)
}

/// Until something was put, no error leaves anything open.
fn newest(log: &Arc<Log>) -> Result<Arc<State>> {
    log.fetcher.wait(log.catch_up()).map_err(nothing_done)
}

fn reloaded(log: &Arc<Log>) -> Result<Arc<State>> {
    log.fetcher.wait(log.reload()).map_err(nothing_done)
}

fn judge(
    tools: &Tools,
    recall: &mut Recall,
    state: &Arc<State>,
    members: &[Waiting],
) -> Result<Judged> {
    let mut judge = Judge {
        clock: &*tools.clock,
        recall,
        version: state.foreign,
        durability: tools.durability,
        is_fatal,
    };
    judge.judge(tools.base(state), members)
}

fn put(tools: &Tools, packs: &mut Packs, state: &Arc<State>, judged: &Judged) -> Result<Appended> {
    let (log, base) = (&tools.log, tools.base(state));
    let draft = Draft {
        rows: packs.rows(tools, &base, &judged.staged)?,
        first_sequence: judged.before.position.sequence.saturating_add(1),
        snapshot: log.to_name(&base)?,
    };
    log.fetcher.wait(log.append(state, draft))
}

impl Tools {
    /// A state as it is read.
    pub(crate) fn base(&self, state: &Arc<State>) -> Base {
        Base::new(Arc::clone(state), self.log.fetcher.clone())
    }
}
