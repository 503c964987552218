//! What a writer's steps have made.

use std::collections::{BTreeMap, BTreeSet};

use super::state::State;
use super::step::{At, New, SHARED, Step};

/// All that one writer made and that is still there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    /// The epoch of each session of its own.
    pub(super) sessions: BTreeMap<String, u64>,
    /// Checkpoints that it named.
    pub(super) made: BTreeMap<At, Made>,
    /// The first checkpoint of each fork, by session: its id is the store's choice.
    pub(super) roots: BTreeMap<String, Made>,
    /// The newest large state of each session.
    last: BTreeMap<String, State>,
}

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) state: State,
    pub(super) revision: u64,
    pub(super) tags: BTreeSet<String>,
    pub(super) notes: Vec<String>,
}

impl Made {
    fn new(state: State) -> Self {
        Self {
            state,
            revision: 1,
            tags: BTreeSet::new(),
            notes: Vec::new(),
        }
    }
}

impl Model {
    /// The sessions that were forked.
    pub(super) fn forks(&self) -> Vec<String> {
        self.roots.keys().cloned().collect()
    }

    pub(super) fn last_large(&self, session: &str) -> Option<State> {
        self.last.get(session).copied()
    }

    /// Does a step; what it changes is there.
    pub(super) fn apply(&mut self, step: &Step) {
        match step {
            Step::Begin { session } => {
                self.sessions.insert(session.clone(), 0);
            }
            Step::Save(new) => self.save(new),
            Step::Transaction { saves, deleted } => {
                saves.iter().for_each(|new| self.save(new));
                if let Some(at) = deleted {
                    self.made.remove(at);
                }
            }
            Step::Tag { at, tag } => {
                if let Some(made) = self.made.get_mut(at) {
                    made.tags.insert(tag.clone());
                    made.revision += 1;
                }
            }
            Step::Annotate { at, note } => {
                if let Some(made) = self.made.get_mut(at) {
                    made.notes.push(note.clone());
                }
            }
            Step::Delete(at) => {
                self.made.remove(at);
            }
            Step::Fork { at, into } => {
                if let Some(made) = self.made.get(at) {
                    let tags = made.tags.clone();
                    let root = Made {
                        tags,
                        ..Made::new(made.state)
                    };
                    self.roots.insert(into.clone(), root);
                    self.sessions.insert(into.clone(), 0);
                }
            }
            Step::Claim { session } => *self.sessions.entry(session.clone()).or_default() += 1,
            Step::DeleteSession { session } => {
                self.sessions.remove(session);
                self.roots.remove(session);
                self.made.retain(|at, _| at.session != *session);
                self.last.remove(session);
            }
            Step::Sweep => {}
        }
    }

    fn save(&mut self, new: &New) {
        let At { session, .. } = &new.at;
        if new.state.lines > 1 && session != SHARED {
            self.last.insert(session.clone(), new.state);
        }
        self.made.insert(new.at.clone(), Made::new(new.state));
    }
}
