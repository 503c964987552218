//! A group of commits in one transaction, each with a fate of its own.

use checkpoint_core::engine::{self, Counters, Group, Recall, apply, is_lenient};
use checkpoint_core::files::Named;
use checkpoint_core::{Commit, ErrorKind, Receipt, Result};
use rusqlite::{Connection, ErrorCode};

use crate::error::{commit_fault, fault};
use crate::query::{control, store};
use crate::tables::SqliteTables;
use crate::worker::{Setup, Work};

/// A commit, and who waits for its fate.
pub(crate) type Member = engine::Member<Work>;

/// All members in one transaction.
pub(crate) fn transaction(setup: &Setup, recall: &mut Recall, members: &[Member]) -> Group {
    if let Some(Err(error)) = setup.named.as_ref().map(Named::check) {
        return Group::Failed(error);
    }
    let connection = setup.connection.lock();
    if let Err(error) = control::begin_write(&connection) {
        return Group::Failed(fault(error));
    }
    let group = inside(setup, recall, &connection, members);
    if !matches!(group, Group::Done(..)) {
        recall.forget();
    }
    control::rollback(&connection);
    group
}

fn inside(
    setup: &Setup,
    recall: &mut Recall,
    connection: &Connection,
    members: &[Member],
) -> Group {
    let begun = control::data_version(connection)
        .and_then(|version| recall.begin(version, || store::counters(connection)));
    let counters = match begun {
        Ok(counters) => counters,
        Err(error) => return Group::Failed(error),
    };
    let mut open = Open {
        setup,
        recall,
        connection,
        counters,
        alone: members.len() == 1,
    };
    let mut fates = Vec::with_capacity(members.len());
    for (commit, _) in members {
        match open.member(commit) {
            Ok(fate) => fates.push(fate),
            Err(error) => return Group::Apart(error),
        }
    }
    let counters = open.counters;
    match control::commit(connection) {
        Ok(()) => {
            recall.done(counters);
            Group::Done(fates, counters.position)
        }
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            Group::Apart(fault(error))
        }
        Err(error) => Group::Failed(commit_fault(error)),
    }
}

/// A transaction that is under way.
struct Open<'g> {
    setup: &'g Setup,
    recall: &'g mut Recall,
    connection: &'g Connection,
    counters: Counters,
    /// The group has one member, who takes the transaction with it when it fails.
    alone: bool,
}

impl Open<'_> {
    /// One member. The outer error is one after which the transaction is no more: what the engine cannot undo in part
    /// it undoes in whole.
    fn member(&mut self, commit: &Commit) -> Result<Result<Receipt>> {
        let connection = self.connection;
        let can_undo = !self.alone && !is_simple(commit);
        if can_undo {
            control::savepoint(connection)?;
        }
        let before = self.counters;
        let mut tables = SqliteTables::new(connection, self.recall, is_lenient(commit));
        let (now, durability) = (self.setup.clock.now(), self.setup.durability);
        let error = match apply(&mut tables, &mut self.counters, commit, now, durability) {
            Ok(receipt) => {
                if can_undo {
                    control::release(connection)?;
                }
                return Ok(Ok(receipt));
            }
            Err(error) => error,
        };
        let wrote = tables.wrote;
        self.counters = before;
        // A fatal error took the transaction already.
        if self.alone || connection.is_autocommit() {
            return Err(error);
        }
        if can_undo {
            self.recall.forget();
            control::undo(connection)?;
        } else if wrote {
            return Err(error);
        }
        match error.kind() {
            ErrorKind::Storage => Err(error),
            _ => Ok(Err(error)),
        }
    }
}

/// Commits of one operation and no chunk are refused, as a rule, before they write; so they need no savepoint, which
/// copies each page that they touch.
fn is_simple(commit: &Commit) -> bool {
    commit.operations.len() <= 1 && commit.chunks.is_empty() && commit.relies_on.is_empty()
}
