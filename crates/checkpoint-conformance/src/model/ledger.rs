//! What must hold of any store, known from its receipts and its feed alone and not from the model: so that the model,
//! which is a store of ours, is tried too.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use checkpoint_core::{
    Backend, Change, ChangeKind, CheckpointId, ChunkId, Commit, Filter, Item, Operation, Order,
    Outcome, Parts, Position, Query, Receipt, Record, Result, SessionId, SessionQuery, Status,
};

/// What was read off receipts and the feed so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The highest sequence that a receipt told.
    highest: u64,
    /// Which sequence was given to what.
    given: BTreeMap<u64, CheckpointId>,
    /// How far the feed was read.
    position: Position,
    /// What it told.
    told: BTreeMap<Position, String>,
    live: BTreeMap<CheckpointId, Live>,
    /// Revisions.
    sessions: BTreeMap<SessionId, u64>,
    /// The highest epoch that a session was ever seen with.
    epochs: BTreeMap<SessionId, u64>,
    /// Made and deleted in one commit: the feed does not tell in which order.
    unclear: BTreeSet<CheckpointId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Live {
    session: SessionId,
    sequence: u64,
    revision: u64,
    status: Status,
    aside: bool,
}

/// What does not hold.
pub(super) type Broken = String;

macro_rules! must {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}

fn failed(error: checkpoint_core::Error) -> Broken {
    format!("could not be read: {error}")
}

impl Ledger {
    /// Sequences follow each other, but where an origin or an advance raises them, and none is given twice.
    pub(super) fn receipt(&mut self, commit: &Commit, receipt: &Receipt) -> Result<(), Broken> {
        must!(
            receipt.outcomes.len() == commit.operations.len(),
            "{} outcomes of {} operations",
            receipt.outcomes.len(),
            commit.operations.len()
        );
        for (operation, outcome) in commit.operations.iter().zip(&receipt.outcomes) {
            if let (Operation::Advance(asked), Outcome::Advanced { sequence }) =
                (operation, outcome)
            {
                let stands = self.highest.max(*asked);
                must!(
                    *sequence == stands || receipt.replayed && *sequence < stands,
                    "the counter was advanced to {sequence}, and it stands at {stands}"
                );
                self.highest = stands;
                continue;
            }
            let (Operation::Append(append), Outcome::Appended(appended)) = (operation, outcome)
            else {
                continue;
            };
            let (id, sequence) = (&append.id, appended.sequence);
            if sequence <= self.highest {
                let first = self.given.get(&sequence);
                must!(
                    first == Some(id),
                    "{id} is told to have sequence {sequence}, which {first:?} was given"
                );
                continue;
            }
            let raised = append.origin.map_or(0, |origin| origin.sequence);
            let next = if raised > self.highest {
                raised
            } else {
                self.highest + 1
            };
            must!(
                sequence == next,
                "{id} was given sequence {sequence}, and {next} comes next"
            );
            self.highest = sequence;
            self.given.insert(sequence, id.clone());
        }
        Ok(())
    }

    /// Reads the feed from where it was read before and sees that the store is what the feed tells.
    pub(super) async fn look(&mut self, store: &dyn Backend) -> Result<(), Broken> {
        self.follow(store).await?;
        let query = Query {
            order: Order::Ascending,
            filter: Filter {
                quarantined: true,
                ..Filter::default()
            },
            parts: Parts::ALL,
            limit: 10_000,
            ..Query::default()
        };
        let page = store.scan(&query).await.map_err(failed)?;
        must!(page.next.is_none(), "more is listed than the model makes");
        let records = page.items.into_iter().map(Item::into_option);
        let records: Vec<Record> = records
            .filter_map(Result::transpose)
            .collect::<Result<_>>()
            .map_err(failed)?;
        self.checkpoints(&records)?;
        self.sessions(store).await?;
        closed(store, &records).await?;
        Ok(())
    }

    /// Positions rise, and no page splits a commit.
    pub(super) async fn follow(&mut self, store: &dyn Backend) -> Result<(), Broken> {
        loop {
            let page = store.changes(self.position, 3).await.map_err(failed)?;
            let end = page.end;
            let changes = page.whole().map_err(failed)?;
            if changes.is_empty() {
                return Ok(());
            }
            must!(
                changes[0].first == changes[0].position,
                "a page of the feed begins amid the commit of {:?}",
                changes[0]
            );
            let commits = changes.chunk_by(|one, next| one.first == next.first);
            for commit in commits {
                for change in commit {
                    must!(
                        change.position > self.position,
                        "{change:?} comes after {}",
                        self.position
                    );
                    self.position = change.position;
                    self.told.insert(change.position, format!("{change:?}"));
                }
                self.fold(commit)?;
            }
            must!(
                end == self.position,
                "a page of the feed that ends at {} says {end}",
                self.position
            );
        }
    }

    /// What the feed told of all after a position, also what it no longer tells.
    pub(super) fn told_after(&self, after: Position) -> Vec<String> {
        let all = self.told.range((Bound::Excluded(after), Bound::Unbounded));
        all.map(|(_, told)| told.clone()).collect()
    }

    fn fold(&mut self, commit: &[Change]) -> Result<(), Broken> {
        for change in commit {
            if let (Some(id), Some(session)) = (&change.checkpoint, &change.session) {
                self.fold_checkpoint(change, id, session, commit)?;
            } else if let Some(session) = &change.session {
                self.fold_session(change, session, commit);
            }
        }
        Ok(())
    }

    fn fold_checkpoint(
        &mut self,
        change: &Change,
        id: &CheckpointId,
        session: &SessionId,
        commit: &[Change],
    ) -> Result<(), Broken> {
        let created = change.kind == ChangeKind::Created;
        if created {
            let given = self.given.get(&change.position.sequence);
            must!(
                given == Some(id),
                "the feed tells that {id} was made at {}, the receipt {given:?}",
                change.position
            );
            self.live.insert(
                id.clone(),
                Live {
                    session: session.clone(),
                    sequence: change.position.sequence,
                    revision: change.revision.unwrap_or(0),
                    status: change.status.unwrap_or(Status::Created),
                    aside: false,
                },
            );
        }
        // Appends come first whatever the order in the commit: what else happened under the id may have been before.
        let both = |other: &Change| {
            let this = other.checkpoint.as_ref() == Some(id);
            let gone = this && other.kind == ChangeKind::Deleted;
            gone || other.kind == ChangeKind::SessionDeleted
                && other.session.as_ref() == Some(session)
        };
        if created && commit.iter().any(both) {
            self.unclear.insert(id.clone());
        }
        if change.kind == ChangeKind::Deleted {
            self.live.remove(id);
        } else if let Some(live) = self.live.get_mut(id) {
            live.aside ^= change.kind == ChangeKind::Quarantined;
            live.revision = change.revision.unwrap_or(live.revision);
            live.status = change.status.unwrap_or(live.status);
        }
        Ok(())
    }

    fn fold_session(&mut self, change: &Change, id: &SessionId, commit: &[Change]) {
        match change.kind {
            ChangeKind::SessionCreated => {
                self.sessions.insert(id.clone(), 1);
            }
            ChangeKind::SessionPatched => {
                self.sessions
                    .insert(id.clone(), change.revision.unwrap_or(0));
            }
            ChangeKind::SessionDeleted => {
                self.sessions.remove(id);
                let made = |other: &Change| other.kind == ChangeKind::Created;
                let made: BTreeSet<_> = commit
                    .iter()
                    .filter(|it| made(it))
                    .filter_map(|it| it.checkpoint.as_ref())
                    .collect();
                self.live
                    .retain(|other, live| live.session != *id || made.contains(other));
            }
            _ => {}
        }
    }

    /// The live checkpoints are those that the feed tells, and commit times rise with sequences.
    fn checkpoints(&mut self, records: &[Record]) -> Result<(), Broken> {
        let there: BTreeMap<_, _> = records
            .iter()
            .map(|record| {
                let header = &record.header;
                let live = Live {
                    session: header.session.clone(),
                    sequence: header.sequence,
                    revision: header.revision,
                    status: header.status,
                    aside: header.quarantined,
                };
                (header.id.clone(), live)
            })
            .collect();
        for id in std::mem::take(&mut self.unclear) {
            match there.get(&id) {
                Some(live) => self.live.insert(id, live.clone()),
                None => self.live.remove(&id),
            };
        }
        for id in self.live.keys().chain(there.keys()) {
            let (told, is) = (self.live.get(id), there.get(id));
            must!(
                told == is,
                "by the feed {id} is {told:?}, and in the store {is:?}"
            );
        }
        let times = records
            .iter()
            .map(|record| (record.header.sequence, record.header.committed_at));
        must!(
            times.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1),
            "sequences or commit times fall"
        );
        Ok(())
    }

    /// Sessions are those that the feed tells, their heads the newest of their checkpoints, and their epochs never fall.
    async fn sessions(&mut self, store: &dyn Backend) -> Result<(), Broken> {
        let query = SessionQuery {
            limit: 10_000,
            ..SessionQuery::default()
        };
        let page = store.sessions(&query).await.map_err(failed)?;
        let mut there = BTreeSet::new();
        for item in page.items {
            let Some(session) = item.into_option().map_err(failed)? else {
                return Err("a list of sessions holds one that is not there".to_owned());
            };
            let told = self.sessions.get(&session.id);
            must!(
                told == Some(&session.revision),
                "by the feed the revision is {told:?} of {session:?}"
            );
            let of_it = self
                .live
                .values()
                .filter(|live| live.session == session.id && !live.aside);
            let newest = of_it.map(|live| live.sequence).max();
            let head = session.head.as_ref().map(|head| head.sequence);
            must!(
                head == newest,
                "the newest of its checkpoints is {newest:?} of {session:?}"
            );
            let epoch = self.epochs.entry(session.id.clone()).or_default();
            must!(
                session.epoch >= *epoch,
                "the epoch was {epoch} before of {session:?}"
            );
            *epoch = session.epoch;
            there.insert(session.id);
        }
        let missing = self.sessions.keys().find(|id| !there.contains(*id));
        must!(
            missing.is_none(),
            "by the feed there is a session {missing:?}"
        );
        Ok(())
    }
}

/// All that states refer to is there, through whatever children.
async fn closed(store: &dyn Backend, records: &[Record]) -> Result<(), Broken> {
    let tops = records
        .iter()
        .filter_map(|record| record.payload.as_ref()?.top());
    let mut wanted: BTreeSet<ChunkId> = tops.collect();
    let mut seen = BTreeSet::new();
    while !wanted.is_empty() {
        let ids: Vec<_> = wanted.iter().copied().collect();
        seen.append(&mut wanted);
        for (id, item) in ids.iter().zip(store.chunks(&ids).await.map_err(failed)?) {
            let Item::Found(chunk) = item else {
                return Err(format!("a state needs {id:?}, which is {item:?}"));
            };
            wanted.extend(chunk.children.iter().filter(|child| !seen.contains(*child)));
        }
    }
    Ok(())
}
