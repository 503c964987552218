//! A group of commits judged on one state, each with a fate of its own.

use std::mem;

use checkpoint_core::engine::{Counters, Recall, Waiting, apply, is_lenient};
use checkpoint_core::{Clock, Commit, Durability, Error, Receipt, Result};

use crate::query::store;
use crate::staged::Staged;
use crate::tables::RowTables;
use crate::view::{Snapshot, View};

/// What judging a group gave.
#[derive(Debug)]
pub struct Judged {
    /// One for each member, in their order.
    pub fates: Vec<Result<Receipt>>,
    /// How far the store had come before it.
    pub before: Counters,
    /// How far it comes by it.
    pub counters: Counters,
    /// What is to be written.
    pub staged: Staged,
}

/// Who judges, and by what.
#[derive(Debug)]
pub struct Judge<'j> {
    /// Gives the time of the commits.
    pub clock: &'j dyn Clock,
    /// What is remembered from one group to the next.
    pub recall: &'j mut Recall,
    /// Differs whenever somebody else has written since: then nothing that is remembered holds.
    pub version: i64,
    /// What receipts claim once the group is written.
    pub durability: Durability,
    /// Errors after which the whole group is given up.
    pub is_fatal: fn(&Error) -> bool,
}

impl Judge<'_> {
    /// Judges the members of a group, one on top of the other.
    ///
    /// # Errors
    ///
    /// Those that are fatal, or of the state below before the first member.
    pub fn judge<S: Snapshot>(&mut self, base: S, members: &[Waiting]) -> Result<Judged> {
        let mut view = View::new(base);
        let mut counters = self.recall.begin(self.version, || store::counters(&view))?;
        let before = counters;
        let mut fates = Vec::with_capacity(members.len());
        for (commit, _) in members {
            match self.member(&mut view, &mut counters, commit) {
                Err(error) if (self.is_fatal)(&error) => return Err(error),
                fate => fates.push(fate),
            }
        }
        Ok(Judged {
            fates,
            before,
            counters,
            staged: mem::take(&mut view.staged),
        })
    }

    /// One member, which leaves nothing staged when it is refused.
    fn member<S: Snapshot>(
        &mut self,
        view: &mut View<S>,
        counters: &mut Counters,
        commit: &Commit,
    ) -> Result<Receipt> {
        let (mark, before) = (view.staged.mark(), *counters);
        let mut tables = RowTables::new(view, self.recall, is_lenient(commit));
        let now = self.clock.now();
        let fate = apply(&mut tables, counters, commit, now, self.durability);
        if fate.is_err() {
            *counters = before;
            if view.staged.mark() > mark {
                view.staged.roll_back(mark);
                self.recall.forget();
            }
        }
        fate
    }
}
