//! A group of commits in one transaction, each with a fate of its own.

use checkpoint_core::engine::{Group, Recall, Waiting};
use checkpoint_core::{Applied, Clock, Durability, Error, ErrorKind, Result};
use checkpoint_rows::{Judge, Judged};

use crate::error::{is_fatal, not_applied, unknown};
use crate::held::Held;

/// Only one process writes, so that what it remembers holds for as long as it lives.
const VERSION: i64 = 0;

/// All members in one transaction.
pub(crate) fn transaction(
    held: &Held,
    clock: &dyn Clock,
    recall: &mut Recall,
    members: &[Waiting],
) -> Group {
    if let Err(error) = held.is_named() {
        return Group::Failed(error);
    }
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
    let mut judge = Judge {
        clock,
        recall,
        version: VERSION,
        durability: Durability::Disk,
        is_fatal,
    };
    held.based(|base| judge.judge(base, members))
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
