//! What was saved, and what is known of it.

use std::collections::{BTreeMap, BTreeSet};

use checkpoint_core::{CheckpointId, Outcome, Receipt, Save, Session, Transaction};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::board::Board;

/// A checkpoint to be saved: all that it is follows from its id and a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) id: CheckpointId,
    pub(super) session: String,
    pub(super) size: usize,
}

impl Draft {
    pub(super) fn new(id: &str, session: &str, size: usize) -> Self {
        Self {
            id: CheckpointId::new(id).expect("a legal id"),
            session: session.to_owned(),
            size,
        }
    }

    pub(super) fn state(&self) -> Value {
        let id = self.id.to_string();
        let filling: String = id.chars().cycle().take(self.size).collect();
        json!({ "id": id, "filling": filling })
    }

    pub(super) fn save(&self, session: &Session) -> Save {
        session.save(&self.state()).id(self.id.clone())
    }
}

/// What is known after a machine has run.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Acknowledged, with the sequence that was answered.
    pub(super) kept: BTreeMap<CheckpointId, (Draft, u64)>,
    /// Acknowledged, and deleted since; the sequence that it had.
    pub(super) gone: BTreeMap<CheckpointId, u64>,
    /// Commits of which nobody knows whether they were done.
    pub(super) open: Vec<Vec<Draft>>,
    given: BTreeSet<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Known>);

impl Ledger {
    /// A save was acknowledged.
    pub(super) fn keep(&self, board: &Board, draft: &Draft, sequence: u64) {
        let mut known = self.0.lock();
        let twice = !known.given.insert(sequence);
        let before = known
            .kept
            .insert(draft.id.clone(), (draft.clone(), sequence));
        match before {
            Some((_, before)) if before != sequence => board.wrong(format!(
                "{} was answered as number {before}, then as {sequence}",
                draft.id
            )),
            None if twice => board.wrong(format!(
                "number {sequence} was given twice, now to {}",
                draft.id
            )),
            _ => {}
        }
    }

    /// A commit was acknowledged, whose appends are these.
    pub(super) fn done(&self, board: &Board, drafts: &[Draft], receipt: &Receipt) {
        let appended = receipt.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Appended(appended) => Some(appended.sequence),
            _ => None,
        });
        let sequences: Vec<u64> = appended.collect();
        if sequences.len() != drafts.len() {
            board.wrong(format!(
                "a commit of {} saves answers for {}",
                drafts.len(),
                sequences.len()
            ));
        }
        for (draft, sequence) in drafts.iter().zip(sequences) {
            self.keep(board, draft, sequence);
        }
    }

    /// A deletion was acknowledged.
    pub(super) fn gone(&self, id: &CheckpointId) {
        let mut known = self.0.lock();
        if let Some((_, sequence)) = known.kept.remove(id) {
            known.gone.insert(id.clone(), sequence);
        }
    }

    /// Nobody knows whether this commit was done.
    pub(super) fn open(&self, drafts: Vec<Draft>) {
        self.0.lock().open.push(drafts);
    }

    pub(super) fn known(&self) -> Known {
        self.0.lock().clone()
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.0.lock().given.len() as u64
    }
}

/// A transaction of these saves, in their order.
pub(super) fn transaction(drafts: &[Draft], session: impl Fn(&str) -> Session) -> Transaction {
    let mut sessions = drafts.iter().map(|draft| session(&draft.session));
    let store = session(&drafts[0].session).store().clone();
    drafts.iter().fold(store.transaction(), |all, draft| {
        let session = sessions.next().expect("one for each");
        all.save(draft.save(&session))
    })
}
