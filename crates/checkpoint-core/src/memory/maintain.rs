//! Giving space back, in steps.

use std::collections::HashSet;
use std::ops::Bound;

use parking_lot::RwLock;

use super::state::{State, whole};
use crate::backend::{Budget, MaintainStep};
use crate::clock::Timestamp;
use crate::id::ChunkId;
use crate::record::Position;

/// How much of a step is left.
#[derive(Debug)]
pub(super) struct Rows(usize);

impl Rows {
    pub(super) fn of(budget: &Budget) -> Self {
        Self(budget.rows.max(1))
    }

    fn take(&mut self, rows: usize) {
        self.0 = self.0.saturating_sub(rows);
    }

    pub(super) const fn used_up(&self) -> bool {
        self.0 == 0
    }
}

impl State {
    /// Purges and trims; what is purged and still within the window leaves graves.
    pub(super) fn tidy(
        &mut self,
        budget: &Budget,
        now: Timestamp,
        rows: &mut Rows,
        step: &mut MaintainStep,
    ) {
        let old = |time: Timestamp| time.saturating_add(budget.window) <= now;
        self.purge(rows, step);
        self.raise_floor(&old, rows, step);
        self.forget_commits(&old, rows, step);
        self.forget_graves(&old, rows, step);
    }

    fn purge(&mut self, rows: &mut Rows, step: &mut MaintainStep) {
        while !rows.used_up() {
            let Some((&session, ())) = self.to_purge.first_key_value() else {
                return;
            };
            let newest = self.by_session.range(whole(session)).next_back();
            match newest.map(|(&(_, sequence), ())| sequence) {
                Some(sequence) => self.purge_checkpoint(session, sequence, rows, step),
                None => self.purge_session(session, rows, step),
            }
        }
    }

    /// Attachments first, as many as the step allows; then the checkpoint.
    fn purge_checkpoint(
        &mut self,
        session: u64,
        sequence: u64,
        rows: &mut Rows,
        step: &mut MaintainStep,
    ) {
        while let Some((&at, _)) = self.attachments.range(whole(sequence)).next_back() {
            if rows.used_up() {
                return;
            }
            if let Some(row) = self.attachments.remove(&at) {
                self.places.remove(&(sequence, row.kind, row.key));
            }
            rows.take(1);
            step.purged += 1;
        }
        self.by_session.remove(&(session, sequence));
        let deleted = self.sessions.get(&session).and_then(|row| row.deleted);
        if let (Some(row), Some(deleted)) = (self.checkpoints.remove(&sequence), deleted) {
            self.graves.insert(sequence, row.grave(deleted));
            self.graves_by_age.insert((deleted, sequence), ());
        }
        rows.take(1);
        step.purged += 1;
    }

    /// The newest row under an id stays, so that the next session under it has a higher epoch.
    fn purge_session(&mut self, session: u64, rows: &mut Rows, step: &mut MaintainStep) {
        self.to_purge.remove(&session);
        rows.take(1);
        let Some(row) = self.sessions.get_mut(&session) else {
            return;
        };
        row.body = bytes::Bytes::new();
        if self.session_keys.get(&row.id) != Some(&session) {
            self.sessions.remove(&session);
            step.purged += 1;
        }
    }

    /// Forgets the changes at the start of the feed, up to the first that is not old. Appends cost nothing, and are told
    /// of for as long as no change after them is forgotten.
    fn raise_floor(
        &mut self,
        old: &impl Fn(Timestamp) -> bool,
        rows: &mut Rows,
        step: &mut MaintainStep,
    ) {
        let mut gone = Vec::new();
        let mut commit = None;
        for change in self.changes.values() {
            // A commit goes whole, however long it is.
            let ends = commit.replace(change.first) != Some(change.first);
            if ends && gone.len() >= rows.0 || !old(change.committed_at) {
                break;
            }
            gone.push(change.position);
        }
        for position in &gone {
            self.changes.remove(position);
            self.floor = self.floor.max(*position);
        }
        step.trimmed += gone.len() as u64;
        rows.take(gone.len());
    }

    fn forget_commits(
        &mut self,
        old: &impl Fn(Timestamp) -> bool,
        rows: &mut Rows,
        step: &mut MaintainStep,
    ) {
        while !rows.used_up() {
            let Some((&(time, id), ())) = self.remembered_by_age.first_key_value() else {
                return;
            };
            if !old(time) {
                return;
            }
            self.remembered_by_age.remove(&(time, id));
            self.remembered.remove(&id);
            rows.take(1);
            step.trimmed += 1;
        }
    }

    /// A grave stays while the feed still tells of its append.
    fn forget_graves(
        &mut self,
        old: &impl Fn(Timestamp) -> bool,
        rows: &mut Rows,
        step: &mut MaintainStep,
    ) {
        let told = |sequence| Position::of(sequence) > self.floor;
        let by_age = self.graves_by_age.keys();
        let gone: Vec<_> = by_age
            .take_while(|(deleted, _)| old(*deleted))
            .filter(|(_, sequence)| !told(*sequence))
            .take(rows.0)
            .copied()
            .collect();
        for (deleted, sequence) in gone {
            self.graves_by_age.remove(&(deleted, sequence));
            if let Some(grave) = self.graves.remove(&sequence)
                && self.sequences.get(&grave.id) == Some(&sequence)
            {
                self.sequences.remove(&grave.id);
            }
            rows.take(1);
            step.trimmed += 1;
        }
    }

    fn within_grace(&self, id: &ChunkId, sweep: &Sweep<'_>) -> bool {
        self.chunks
            .get(id)
            .is_some_and(|row| row.since.saturating_add(sweep.budget.grace) > sweep.now)
    }
}

/// One look at all chunks: what is reached from live checkpoints, or from a chunk within its grace, stays.
///
/// The lock is let go between batches. What commits come to rely on meanwhile, they add to the barrier, and it is
/// marked before anything is removed.
pub(super) struct Sweep<'a> {
    state: &'a RwLock<State>,
    budget: &'a Budget,
    now: Timestamp,
    marked: HashSet<ChunkId>,
    pending: Vec<ChunkId>,
}

impl Drop for Sweep<'_> {
    fn drop(&mut self) {
        self.state.write().barrier = None;
    }
}

impl<'a> Sweep<'a> {
    /// One at a time: the caller sees to it.
    pub(super) fn begin(state: &'a RwLock<State>, budget: &'a Budget, now: Timestamp) -> Self {
        state.write().barrier = Some(Vec::new());
        Self {
            state,
            budget,
            now,
            marked: HashSet::new(),
            pending: Vec::new(),
        }
    }

    const fn batch(&self) -> usize {
        if self.budget.rows == 0 {
            1
        } else {
            self.budget.rows
        }
    }

    /// Removes at most as many chunks as the budget has rows.
    pub(super) async fn run(mut self, step: &mut MaintainStep) {
        self.mark_checkpoints().await;
        self.mark_within_grace().await;
        self.mark_children().await;
        let (mut after, mut room) = (Bound::Unbounded, self.batch());
        loop {
            let done = self.remove_batch(&mut after, &mut room, step);
            if done || room == 0 {
                step.more |= !done;
                return;
            }
            self.mark_children().await;
        }
    }

    async fn mark_checkpoints(&mut self) {
        let mut after = Some(0);
        while let Some(from) = after {
            after = self.mark_checkpoints_after(from);
            tokio::task::yield_now().await;
        }
    }

    /// Looks at one batch; answers its last sequence, none when it was the last batch.
    fn mark_checkpoints_after(&mut self, after: u64) -> Option<u64> {
        let state = self.state.read();
        let from = (Bound::Excluded(after), Bound::Unbounded);
        let (mut looked, mut last) = (0, after);
        for (sequence, row) in state.checkpoints.range(from).take(self.batch()) {
            looked += 1;
            last = *sequence;
            if state.is_live(row) {
                self.pending.extend(row.payload.top());
            }
        }
        (looked == self.batch()).then_some(last)
    }

    async fn mark_within_grace(&mut self) {
        let mut after = Some(Bound::Unbounded);
        while let Some(from) = after {
            after = self.mark_within_grace_after(from).map(Bound::Excluded);
            tokio::task::yield_now().await;
        }
    }

    fn mark_within_grace_after(&mut self, after: Bound<ChunkId>) -> Option<ChunkId> {
        let state = self.state.read();
        let rows = state.chunks.range((after, Bound::Unbounded));
        let ids: Vec<_> = rows.take(self.batch()).map(|(id, _)| *id).collect();
        let young = ids.iter().filter(|id| state.within_grace(id, self));
        let young: Vec<_> = young.copied().collect();
        self.pending.extend(young);
        let last = ids.last().copied();
        last.filter(|_| ids.len() == self.batch())
    }

    async fn mark_children(&mut self) {
        while !self.pending.is_empty() {
            self.mark_some();
            tokio::task::yield_now().await;
        }
    }

    fn mark_some(&mut self) {
        let state = self.state.read();
        for _ in 0..self.batch() {
            let Some(id) = self.pending.pop() else { return };
            if self.marked.insert(id)
                && let Some(row) = state.chunks.get(&id)
            {
                self.pending.extend(row.children.iter().copied());
            }
        }
    }

    /// Looks at one batch; answers whether it was the last. Does nothing when there is more to mark first.
    fn remove_batch(
        &mut self,
        after: &mut Bound<ChunkId>,
        room: &mut usize,
        step: &mut MaintainStep,
    ) -> bool {
        let mut state = self.state.write();
        let relied_on = state.barrier.as_mut().map(std::mem::take);
        self.pending.extend(relied_on.unwrap_or_default());
        if !self.pending.is_empty() {
            return false;
        }
        let rows = state.chunks.range((*after, Bound::Unbounded));
        let ids: Vec<_> = rows.take(self.batch()).map(|(id, _)| *id).collect();
        for id in &ids {
            if self.marked.contains(id) || state.within_grace(id, self) {
                continue;
            }
            if *room == 0 {
                return false;
            }
            if let Some(row) = state.chunks.remove(id) {
                *room -= 1;
                step.swept += 1;
                step.swept_bytes += row.bytes.len() as u64;
            }
        }
        if let Some(last) = ids.last() {
            *after = Bound::Excluded(*last);
        }
        ids.len() < self.batch()
    }
}
