//! What one writer made, against what is there of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::load::choice::choose;
use crate::load::ledger::{Account, Ledger};
use crate::load::model::{Made, Model};
use crate::load::snapshot::{Seen, Snapshot};
use crate::load::step::name;

pub(super) struct Part {
    /// The step that was under way is there.
    pub(super) ahead: bool,
    pub(super) wrong: Vec<String>,
}

/// Compares with what the acknowledged steps made, and with what one more would have.
pub(super) fn of_writer(snapshot: &Snapshot, ledger: &Ledger, writer: usize) -> Part {
    let account = &ledger.accounts[writer];
    let there = There::of(snapshot, &name(writer));
    let mut wrong = there.compare(&account.model);
    let mut ahead = false;
    if !wrong.is_empty() && !account.refused {
        let step = choose(ledger.seed, writer, account.done, &account.model);
        let mut next = account.model.clone();
        next.apply(&step);
        let with_next = there.compare(&next);
        ahead = with_next.is_empty();
        if ahead {
            wrong.clear();
        } else {
            // The complaints that are fewer are the ones that tell.
            let done = account.done;
            if with_next.len() < wrong.len() {
                wrong = with_next;
            }
            wrong.push(format!(
                "writer {writer} was told {done} steps, then {step:?}"
            ));
        }
    }
    wrong.extend(there.sequences(account));
    Part { ahead, wrong }
}

/// A writer's part of a store.
struct There<'a> {
    /// By session and id.
    named: BTreeMap<(&'a str, &'a str), &'a Seen>,
    /// By session: the one whose id the writer did not choose.
    roots: BTreeMap<&'a str, &'a Seen>,
    sessions: BTreeMap<&'a str, u64>,
    wrong: Vec<String>,
}

impl<'a> There<'a> {
    fn of(snapshot: &'a Snapshot, name: &str) -> Self {
        let prefix = format!("{name}-");
        let is_its = |text: &str| text == name || text.starts_with(&prefix);
        let mut there = Self {
            named: BTreeMap::new(),
            roots: BTreeMap::new(),
            sessions: BTreeMap::new(),
            wrong: Vec::new(),
        };
        for (id, seen) in &snapshot.checkpoints {
            if id.starts_with(&prefix) {
                there.named.insert((&seen.session, id), seen);
            } else if is_its(&seen.session)
                && let Some(_other) = there.roots.insert(&seen.session, seen)
            {
                let session = &seen.session;
                there
                    .wrong
                    .push(format!("{session} has a checkpoint that nobody made: {id}"));
            }
        }
        let sessions = snapshot.sessions.iter();
        let its = sessions.filter(|(session, _)| is_its(session));
        there
            .sessions
            .extend(its.map(|(session, epoch)| (session.as_str(), *epoch)));
        there
    }

    /// What differs.
    fn compare(&self, model: &Model) -> Vec<String> {
        let mut wrong = self.wrong.clone();
        let made = model.made.iter();
        let expected = made.map(|(at, made)| ((at.session.as_str(), at.id.as_str()), made));
        both(
            &expected.collect(),
            &self.named,
            &mut wrong,
            |at, made, seen| differences(&format!("{} of {}", at.1, at.0), made, seen),
        );
        let roots = model
            .roots
            .iter()
            .map(|(session, made)| (session.as_str(), made));
        both(
            &roots.collect(),
            &self.roots,
            &mut wrong,
            |session, made, seen| differences(&format!("the root of {session}"), made, seen),
        );
        let sessions = model.sessions.iter();
        let sessions = sessions.map(|(session, epoch)| (session.as_str(), *epoch));
        both(
            &sessions.collect(),
            &self.sessions,
            &mut wrong,
            |session, expected, epoch| {
                let told = format!("session {session} has epoch {epoch}, not {expected}");
                if epoch == expected {
                    Vec::new()
                } else {
                    vec![told]
                }
            },
        );
        wrong
    }

    /// What was given another sequence than its writer was told.
    fn sequences(&self, account: &Account) -> Vec<String> {
        let named = self.named.iter().map(|((_, id), seen)| (*id, *seen));
        let all = named.chain(self.roots.iter().map(|(session, seen)| (*session, *seen)));
        let wrong = all.filter_map(|(name, seen)| {
            let told = account.sequences.get(name)?;
            let has = seen.sequence;
            (has != *told).then(|| format!("{name} was told sequence {told} and has {has}"))
        });
        wrong.collect()
    }
}

/// Compares what has one key, and complains of what is there on one side alone.
fn both<K: Ord + std::fmt::Debug, E, F>(
    expected: &BTreeMap<K, E>,
    found: &BTreeMap<K, F>,
    wrong: &mut Vec<String>,
    compare: impl Fn(&K, &E, &F) -> Vec<String>,
) {
    let keys: BTreeSet<&K> = expected.keys().chain(found.keys()).collect();
    for key in keys {
        match (expected.get(key), found.get(key)) {
            (Some(expected), Some(found)) => wrong.extend(compare(key, expected, found)),
            (Some(_), None) => wrong.push(format!("{key:?} is lost")),
            (None, Some(_)) => wrong.push(format!("{key:?} is there and should not be")),
            (None, None) => {}
        }
    }
}

fn differences(name: &str, made: &Made, seen: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut complain = |what: &str, expected: String, found: String| {
        if expected != found {
            wrong.push(format!("{name}: {what} is {found}, not {expected}"));
        }
    };
    complain(
        "the revision",
        made.revision.to_string(),
        seen.revision.to_string(),
    );
    complain(
        "tags",
        format!("{:?}", made.tags),
        format!("{:?}", seen.tags),
    );
    complain(
        "notes",
        format!("{:?}", made.notes),
        format!("{:?}", seen.notes),
    );
    match &seen.state {
        Ok(text) if *text == made.state.text() => {}
        Ok(text) => wrong.push(format!(
            "{name}: the state is another, of {} bytes",
            text.len()
        )),
        Err(error) => wrong.push(format!("{name}: the state cannot be read: {error}")),
    }
    wrong
}
