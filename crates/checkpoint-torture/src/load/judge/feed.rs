//! Whether the feed tells how all that is there came to be.

use std::collections::{BTreeMap, BTreeSet};

use checkpoint_core::{Change, ChangeKind, Position};

use crate::load::ledger::Ledger;
use crate::load::snapshot::Snapshot;

/// Goes through the feed from its beginning.
pub(super) fn check(snapshot: &Snapshot, ledger: &Ledger) -> Vec<String> {
    let mut told = Told::default();
    for change in &snapshot.changes {
        told.take(change);
    }
    told.compare(snapshot);
    told.find_acknowledged(ledger);
    told.wrong
}

/// What the feed told so far.
#[derive(Default)]
struct Told {
    last: Position,
    /// The first position of the commit that was told last.
    commit: Position,
    /// Given so far.
    highest: u64,
    created: BTreeMap<String, u64>,
    /// Live checkpoints: the session, and the newest revision.
    live: BTreeMap<String, (String, u64)>,
    /// Live sessions, with their epoch.
    sessions: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

impl Told {
    fn take(&mut self, change: &Change) {
        let Change {
            position, first, ..
        } = *change;
        if position <= self.last {
            self.complain(position, "stands behind a later one");
        }
        if first > position || first < self.commit {
            self.complain(position, "is torn from its commit");
        }
        (self.last, self.commit) = (position, first);
        let session = change.session.as_ref().map(ToString::to_string);
        let checkpoint = change.checkpoint.as_ref().map(ToString::to_string);
        let number = change.revision.unwrap_or_default();
        match (change.kind, session, checkpoint) {
            (ChangeKind::Created, Some(session), Some(id)) => self.create(position, session, id),
            (ChangeKind::Deleted, _, Some(id)) => self.delete(position, &id),
            (ChangeKind::Updated, _, Some(id)) => match self.live.get_mut(&id) {
                Some((_, revision)) => *revision = number,
                None => self.complain(position, "updates what is not there"),
            },
            (ChangeKind::Attached, _, Some(id)) if !self.live.contains_key(&id) => {
                self.complain(position, "is about what is not there");
            }
            (ChangeKind::SessionCreated, Some(session), _) => {
                self.sessions.insert(session, 0);
            }
            (ChangeKind::SessionClaimed, Some(session), _) => {
                self.sessions.insert(session, number);
            }
            (ChangeKind::SessionDeleted, Some(session), _) => {
                self.sessions.remove(&session);
                self.live.retain(|_, (of, _)| *of != session);
            }
            _ => {}
        }
    }

    fn create(&mut self, position: Position, session: String, id: String) {
        let sequence = position.sequence;
        if sequence != self.highest + 1 {
            let highest = self.highest;
            self.wrong
                .push(format!("sequence {sequence} comes after {highest}"));
        }
        self.highest = sequence;
        if self.created.insert(id.clone(), sequence).is_some() {
            self.complain(position, "creates what was created before");
        }
        self.live.insert(id, (session, 1));
    }

    fn delete(&mut self, position: Position, id: &str) {
        if self.live.remove(id).is_none() {
            self.complain(position, "deletes what is not there");
        }
    }

    fn complain(&mut self, position: Position, what: &str) {
        self.wrong.push(format!("the change at {position} {what}"));
    }

    fn compare(&mut self, snapshot: &Snapshot) {
        let there = snapshot.checkpoints.iter();
        let there: BTreeSet<_> = there
            .map(|(id, seen)| {
                (
                    id.as_str(),
                    seen.session.as_str(),
                    seen.revision,
                    seen.sequence,
                )
            })
            .collect();
        let told = self.live.iter();
        let told: BTreeSet<_> = told
            .map(|(id, (session, revision))| {
                (id.as_str(), session.as_str(), *revision, self.created[id])
            })
            .collect();
        let mut wrong = Vec::new();
        for odd in there.symmetric_difference(&told) {
            let by = if told.contains(odd) {
                "only in the feed"
            } else {
                "not in the feed"
            };
            wrong.push(format!("{odd:?} is {by}"));
        }
        if self.sessions != snapshot.sessions {
            wrong.push("the feed tells of other sessions or epochs than are there".to_owned());
        }
        self.wrong.extend(wrong);
    }

    /// What was acknowledged is in the feed at its sequence, also when it was deleted since.
    fn find_acknowledged(&mut self, ledger: &Ledger) {
        let created: BTreeMap<u64, &String> = self
            .created
            .iter()
            .map(|(id, sequence)| (*sequence, id))
            .collect();
        let mut wrong = Vec::new();
        for account in &ledger.accounts {
            for (name, sequence) in &account.sequences {
                let told = created.get(sequence);
                // The root of a fork has an id that the store chose, and the name of the fork.
                let fits = told.is_some_and(|id| *id == name || name.contains("-fork-"));
                if !fits {
                    wrong.push(format!("the feed tells {told:?} at {sequence}, not {name}"));
                }
            }
        }
        self.wrong.extend(wrong);
    }
}
