//! What the log says at one position: the rows of a snapshot, and on top of them the rows of the entries since.

use std::collections::VecDeque;
use std::sync::Arc;

use checkpoint_core::{Error, Result};

use crate::entry::{Digest, Entry, SnapshotName};
use crate::id::Id;
use crate::merge::{Removals, merge_runs};
use crate::run::Run;
use crate::segment::Segment;
use crate::turns::LOOK_BACK;

/// The rows of a snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// The position up to which they go; 0: there is no snapshot.
    pub(crate) position: u64,
    /// Newest first.
    pub(crate) segments: Vec<Segment>,
}

/// The rows of entries.
#[derive(Clone, Debug)]
struct Tail {
    rows: Run,
    /// The positions of the first entry and of the last.
    first: u64,
    last: u64,
}

/// A state of the log. Cheap to clone, never changed.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// That of the newest entry; 0: there is none.
    pub(crate) position: u64,
    /// The digest of the newest entry.
    pub(crate) digest: Digest,
    pub(crate) tree: Arc<Tree>,
    /// Oldest first.
    tails: Vec<Tail>,
    /// The newest snapshot that an entry named. It may be newer than the one of `tree`.
    pub(crate) named: Option<SnapshotName>,
    /// Who put the newest entries, newest first.
    pub(crate) recent: VecDeque<Id>,
    /// Entries of others so far: what was judged before one of them came may not hold.
    pub(crate) foreign: i64,
    /// Up to where a snapshot goes, or one that is being made: what it has is not put together with what comes after it.
    apart: u64,
}

impl State {
    /// A log without entries.
    pub(crate) fn empty() -> Self {
        Self::of(Tree::default(), Digest::NONE, None)
    }

    /// The rows of a snapshot alone, at its position.
    pub(crate) fn of(tree: Tree, digest: Digest, named: Option<SnapshotName>) -> Self {
        Self {
            position: tree.position,
            digest,
            tree: Arc::new(tree),
            tails: Vec::new(),
            named,
            recent: VecDeque::new(),
            foreign: 0,
            apart: 0,
        }
    }

    /// The rows of entries since the snapshot, newest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.tails.iter().rev().map(|tail| &tail.rows)
    }

    /// Those of entries after a position, newest first; rows of earlier ones may be among them.
    pub(crate) fn runs_after(&self, position: u64) -> impl Iterator<Item = &Run> {
        let after = self.tails.iter().rev();
        after
            .take_while(move |tail| tail.last > position)
            .map(|tail| &tail.rows)
    }

    /// Whether this is the newest snapshot that counts, and the rows of later entries alone lie over it. Those of earlier
    /// ones say the same, but for where chunks lie.
    pub(crate) fn is_apart(&self) -> bool {
        let mut tails = self.tails.iter();
        let newest = self.covered() == self.tree.position;
        newest && tails.all(|tail| tail.first > self.tree.position)
    }

    /// Bytes of memory that rows of entries take.
    pub(crate) fn held(&self) -> usize {
        self.runs().map(Run::held).sum()
    }

    /// The position up to which a snapshot goes that counts.
    pub(crate) fn covered(&self) -> u64 {
        self.named.as_ref().map_or(0, |named| named.position)
    }

    /// The state after an entry of this machine, or another one. `digest` is that of its bytes.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the entry does not follow.
    pub(crate) fn after(&self, entry: &Entry, digest: Digest, own: Id) -> Result<Self> {
        if entry.position != self.position + 1 {
            return Err(Error::corrupt(
                "an entry of the log stands at another position than its own",
            )
            .with("expected", self.position + 1)
            .with("position", entry.position));
        }
        if entry.before != self.digest {
            return Err(Error::corrupt(
                "an entry of the log does not follow the one before it: one of them was replaced; restore what was \
                 there, or copy what can be read into another store",
            )
            .with("position", entry.position));
        }
        let mut after = self.clone();
        after.position = entry.position;
        after.digest = digest;
        after.foreign += i64::from(entry.machine != own);
        after.recent.push_front(entry.machine);
        after.recent.truncate(LOOK_BACK);
        if let Some(named) = &entry.snapshot
            && named.position > self.covered()
        {
            after.named = Some(*named);
            after.apart = after.apart.max(named.position);
        }
        after.push(entry.rows.clone())?;
        Ok(after)
    }

    fn push(&mut self, rows: Run) -> Result<()> {
        self.tails.push(Tail {
            rows,
            first: self.position,
            last: self.position,
        });
        // Runs of about one size become one, so that few are left however many entries there are.
        while let Some(at) = self.alike() {
            let newer = self.tails.remove(at + 1);
            let older = &mut self.tails[at];
            older.rows = merge_runs(&[newer.rows, older.rows.clone()], Removals::Keep)?;
            older.last = newer.last;
        }
        Ok(())
    }

    /// Which of the tails is to be put together with the next one.
    fn alike(&self) -> Option<usize> {
        self.tails.windows(2).rposition(|two| {
            let (older, newer) = (&two[0], &two[1]);
            let is_between = older.last <= self.apart && self.apart < newer.first;
            !is_between && older.rows.len() <= 2 * newer.rows.len()
        })
    }

    /// Up to where what came after is kept apart.
    pub(crate) const fn apart(&self) -> u64 {
        self.apart
    }

    /// The same, kept apart up to a position at least.
    pub(crate) fn apart_from(self: Arc<Self>, position: u64) -> Arc<Self> {
        let mut state = self;
        if state.apart < position {
            Arc::make_mut(&mut state).apart = position;
        }
        state
    }

    /// The same for who makes a snapshot of all there is, which is not put together with what comes from now on.
    pub(crate) fn set_apart(&self) -> Self {
        Self {
            apart: self.position,
            ..self.clone()
        }
    }

    /// The same with the rows of a newer snapshot below, which takes the place of the entries that it has.
    pub(crate) fn on(&self, tree: Tree) -> Self {
        let mut on = self.clone();
        on.tails.retain(|tail| tail.last > tree.position);
        on.tree = Arc::new(tree);
        on
    }
}

#[cfg(test)]
mod tests;
