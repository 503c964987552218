//! Whether nobody worked on a session under an epoch that was another's already.

use std::collections::BTreeMap;

use checkpoint_core::{Change, ChangeKind};

use super::claims::Claims;
use super::owner::seed_of;
use super::seen::Seen;
use super::title::{Title, is_owned};
use crate::load::{self, Snapshot};

/// What is wrong with the sessions that owners claimed, by the feed and by what is there.
pub(super) fn owned(snapshot: &Snapshot, claims: &Claims) -> Vec<String> {
    let mut history = History {
        wrong: claims.wrong.clone(),
        ..History::default()
    };
    for change in &snapshot.changes {
        let session = change.session.as_ref().map(ToString::to_string);
        if let Some(session) = session.filter(|session| is_owned(session)) {
            history.take(&session, change);
        }
    }
    history.find_acknowledged(claims);
    let mut wrong = history.wrong;
    for (id, seen) in &snapshot.checkpoints {
        if is_owned(&seen.session) {
            wrong.extend(content(id, seen, claims));
        }
    }
    wrong
}

/// What machines read of the feed while it grew, against the whole.
pub(super) fn seen(snapshot: &Snapshot, told: &BTreeMap<u64, BTreeMap<u64, u64>>) -> Vec<String> {
    let (mut seen, mut digests) = (Seen::default(), BTreeMap::new());
    for change in &snapshot.changes {
        seen.take(change);
        let (changes, digest) = seen.now();
        digests.insert(changes, digest);
    }
    let mut wrong = Vec::new();
    for (machine, told) in told {
        // The first that differs tells.
        let other = told
            .iter()
            .find(|(changes, digest)| **changes > 0 && digests.get(changes) != Some(digest));
        wrong.extend(other.map(|(changes, _)| {
            format!("machine {machine} saw {changes} changes that are not the first in the feed")
        }));
    }
    wrong
}

/// What the feed told so far of each session.
#[derive(Default)]
struct History {
    sessions: BTreeMap<String, Now>,
    /// Who saved first under an epoch.
    workers: BTreeMap<(String, u64), u64>,
    created: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

/// A session at one place of the feed.
#[derive(Default)]
struct Now {
    epoch: u64,
    number: u64,
}

impl History {
    fn take(&mut self, session: &str, change: &Change) {
        let position = change.position;
        match change.kind {
            ChangeKind::SessionCreated => {
                let now = Now::default();
                if self.sessions.insert(session.to_owned(), now).is_some() {
                    self.wrong.push(format!("{session} is made twice"));
                }
            }
            ChangeKind::SessionClaimed => {
                let now = self.sessions.entry(session.to_owned()).or_default();
                let epoch = change.revision.unwrap_or_default();
                if epoch != now.epoch + 1 {
                    let before = now.epoch;
                    let wrong = format!("{session} goes from epoch {before} to {epoch}");
                    self.wrong.push(wrong);
                }
                now.epoch = epoch;
            }
            kind => {
                let id = change.checkpoint.as_ref().map(ToString::to_string);
                match id.unwrap_or_default().parse::<Title>() {
                    Ok(title) => self.work(session, kind, &title, position.sequence),
                    Err(why) => self.wrong.push(format!("at {position}: {kind:?}: {why}")),
                }
            }
        }
    }

    fn work(&mut self, session: &str, kind: ChangeKind, title: &Title, sequence: u64) {
        let Some(now) = self.sessions.get_mut(session) else {
            self.wrong.push(format!("{title} is in no session"));
            return;
        };
        if title.session != session || title.epoch != now.epoch {
            let epoch = now.epoch;
            self.wrong.push(format!(
                "{title} is {kind:?} while {session} has epoch {epoch}: two own it"
            ));
        }
        let key = (session.to_owned(), title.epoch);
        let worker = *self.workers.entry(key).or_insert(title.machine);
        if worker != title.machine {
            self.wrong.push(format!(
                "{title} is {kind:?} under the epoch of machine {worker}: two own {session}"
            ));
        }
        if kind == ChangeKind::Created {
            if title.number != now.number + 1 {
                let before = now.number;
                self.wrong
                    .push(format!("{title} comes after number {before} of {session}"));
            }
            now.number = title.number;
            self.created.insert(title.to_string(), sequence);
        }
    }

    fn find_acknowledged(&mut self, claims: &Claims) {
        let mut wrong = Vec::new();
        for (id, sequence) in &claims.saved {
            match self.created.get(id) {
                Some(found) if found == sequence => {}
                Some(found) => {
                    wrong.push(format!("{id} was told sequence {sequence} and has {found}"));
                }
                None => wrong.push(format!("{id} was acknowledged and is lost")),
            }
        }
        for ((session, epoch), machine) in &claims.owners {
            let reached = self.sessions.get(session).map_or(0, |now| now.epoch);
            if reached < *epoch {
                wrong.push(format!("{session}: the claim of epoch {epoch} is lost"));
            }
            let worker = self.workers.get(&(session.clone(), *epoch));
            if let Some(other) = worker.filter(|worker| *worker != machine) {
                wrong.push(format!(
                    "{session}: epoch {epoch} is machine {machine}'s, and {other} worked under it"
                ));
            }
        }
        for (what, told) in [("tags", &claims.tagged), ("notes", &claims.noted)] {
            let lost = told
                .iter()
                .filter(|(id, _)| !self.created.contains_key(*id));
            wrong.extend(lost.map(|(id, count)| format!("{id} is lost with {count} {what}")));
        }
        for (session, epoch) in &claims.refused {
            if self
                .sessions
                .get(session)
                .is_none_or(|now| now.epoch <= *epoch)
            {
                wrong.push(format!(
                    "{session}: epoch {epoch} was refused, and there is none after it"
                ));
            }
        }
        self.wrong.extend(wrong);
    }
}

/// What is there of a checkpoint, against what was saved and acknowledged.
fn content(id: &str, seen: &load::Seen, claims: &Claims) -> Vec<String> {
    let mut wrong = Vec::new();
    let title: Result<Title, String> = id.parse();
    match (title, &seen.state) {
        (Ok(title), Ok(state)) if *state == title.state(seed_of(&title.session)) => {}
        (Ok(_), Ok(_)) => wrong.push(format!("{id}: the state is another")),
        (Ok(_), Err(error)) => wrong.push(format!("{id}: the state cannot be read: {error}")),
        // The feed told of it too.
        (Err(_), _) => {}
    }
    // One more may have been done and not told.
    let mut compare = |what: &str, told: Option<&usize>, there: usize| {
        let told = told.copied().unwrap_or_default();
        if there < told || there > told + 1 {
            wrong.push(format!(
                "{id}: {told} {what} were acknowledged, {there} are there"
            ));
        }
    };
    compare("tags", claims.tagged.get(id), seen.tags.len());
    compare("notes", claims.noted.get(id), seen.notes.len());
    wrong
}
