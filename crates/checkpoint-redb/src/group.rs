//! A group of commits in one transaction, each with a fate of its own.

use std::mem;

use checkpoint_core::engine::{Counters, Group, Recall, Waiting, apply, is_lenient};
use checkpoint_core::{Applied, Clock, Commit, Durability, Error, ErrorKind, Receipt, Result};

use crate::error::{is_fatal, not_applied, unknown};
use crate::held::Held;
use crate::query::store;
use crate::staged::Staged;
use crate::tables::RedbTables;
use crate::view::View;

/// Only one process writes, so that what it remembers holds for as long as it lives.
const VERSION: i64 = 0;

/// What judging a group gave.
struct Judged {
    fates: Vec<Result<Receipt>>,
    counters: Counters,
    staged: Staged,
}

/// All members in one transaction.
pub(crate) fn transaction(
    held: &Held,
    clock: &dyn Clock,
    recall: &mut Recall,
    members: &[Waiting],
) -> Group {
    let judged = match judge(held, clock, recall, members) {
        Ok(judged) => judged,
        Err(error) => {
            recall.forget();
            return Group::Failed(error);
        }
    };
    // What nothing was staged for is on disk already.
    let written = if judged.staged.is_empty() {
        Ok(())
    } else {
        held.write(&judged.staged)
    };
    match written {
        Ok(()) => {
            recall.done(judged.counters);
            Group::Done(judged.fates, judged.counters.position)
        }
        Err((error, applied)) => {
            recall.forget();
            look_again(held, clock, recall, members, error, applied)
        }
    }
}

fn judge(
    held: &Held,
    clock: &dyn Clock,
    recall: &mut Recall,
    members: &[Waiting],
) -> Result<Judged> {
    held.viewed(|mut view| {
        let mut counters = recall.begin(VERSION, || store::counters(&view))?;
        let mut fates = Vec::with_capacity(members.len());
        for (commit, _) in members {
            let fate = member(&mut view, clock, recall, &mut counters, commit);
            match fate {
                Err(error) if is_fatal(&error) => return Err(error),
                fate => fates.push(fate),
            }
        }
        Ok(Judged {
            fates,
            counters,
            staged: mem::take(&mut view.staged),
        })
    })
}

/// One member, which leaves nothing staged when it is refused.
fn member(
    view: &mut View,
    clock: &dyn Clock,
    recall: &mut Recall,
    counters: &mut Counters,
    commit: &Commit,
) -> Result<Receipt> {
    let (mark, before) = (view.staged.mark(), *counters);
    let mut tables = RedbTables::new(view, recall, is_lenient(commit));
    let fate = apply(&mut tables, counters, commit, clock.now(), Durability::Disk);
    if fate.is_err() {
        *counters = before;
        if view.staged.mark() > mark {
            view.staged.roll_back(mark);
            recall.forget();
        }
    }
    fate
}

/// After a commit that failed nobody knows whether it is there. The database is opened anew and tells.
fn look_again(
    held: &Held,
    clock: &dyn Clock,
    recall: &mut Recall,
    members: &[Waiting],
    error: Error,
    applied: Applied,
) -> Group {
    let failed = |error: Error| match applied {
        Applied::No => Group::Failed(error),
        Applied::Unknown => Group::Failed(unknown(error)),
    };
    if held.revive().is_err() {
        return failed(error);
    }
    let [(commit, _)] = members else {
        return Group::Apart(error);
    };
    // What does nothing but bring chunks leaves nothing by which it is known.
    if commit.operations.is_empty() {
        return failed(error);
    }
    match judge(held, clock, recall, members) {
        Ok(judged) if judged.staged.is_empty() => {
            recall.done(judged.counters);
            Group::Done(judged.fates, judged.counters.position)
        }
        Ok(_) => {
            recall.forget();
            Group::Failed(not_there(error))
        }
        Err(_) => {
            recall.forget();
            failed(error)
        }
    }
}

/// That a commit was not done.
fn not_there(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Storage | ErrorKind::Corrupt => error,
        _ => Error::new(
            not_applied(),
            "the commit was not done; check the disk, then send it again",
        )
        .because(error),
    }
}
