//! What is known of rows whose pages cannot be read, by what is left of the others.
//!
//! All of this goes through whole tables, so it is asked for only when a page could not be read.

use std::collections::{BTreeMap, BTreeSet};

use checkpoint_core::{CheckpointId, Error, Order, Result, SessionId, Timestamp};

use super::{checkpoint, session};
use crate::key::{self, By};
use crate::lying::Lying;
use crate::table::Table;
use crate::view::{Snapshot, View};

/// What is missing in a store.
#[derive(Debug, Default)]
pub struct Lost {
    tables: BTreeSet<Box<str>>,
    /// Checkpoints that something leads to, by their sequences.
    pub(crate) checkpoints: BTreeMap<u64, Known>,
    /// Likewise sessions, by their keys; none of them is known to be deleted.
    pub(crate) sessions: BTreeMap<u64, Option<SessionId>>,
}

/// What other tables tell of a checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) id: Option<CheckpointId>,
    pub(crate) session: Option<u64>,
}

impl Known {
    /// Names the checkpoint as far as that is known.
    pub(crate) fn name(&self, sequence: u64) -> Error {
        let error = Error::corrupt("a checkpoint lies on a page that cannot be read");
        let error = match &self.id {
            Some(id) => error.with("checkpoint", id),
            None => error,
        };
        error.with("sequence", sequence)
    }
}

impl Lost {
    /// Looks through what can be read.
    ///
    /// `view` shows what is left, and `damaged` names the tables of which something is missing, once every row was
    /// asked for.
    ///
    /// # Errors
    ///
    /// Those of the state below.
    pub fn find(
        view: &View<impl Snapshot>,
        damaged: impl FnOnce() -> BTreeSet<Box<str>>,
    ) -> Result<Self> {
        for table in Table::ALL {
            // The content of chunks and attachments leads to nothing else.
            if !matches!(table, Table::ChunkData | Table::Attachment) {
                view.all(table, Order::Ascending)?
                    .try_for_each(|row| row.map(drop))?;
            }
        }
        let mut lost = Self {
            tables: damaged(),
            ..Self::default()
        };
        if lost.is_of(Table::Checkpoint) || lost.is_of(Table::Session) {
            lost.by_ids(view)?;
            lost.by_index(view)?;
        }
        Ok(lost)
    }

    pub(crate) fn is_of(&self, table: Table) -> bool {
        self.tables.contains(table.name())
    }

    /// Whether every checkpoint that is missing is among those that are known.
    pub(crate) fn knows_checkpoints(&self) -> bool {
        !self.is_of(Table::Checkpoint)
            || !self.is_of(Table::CheckpointId)
            || !self.is_of(Table::Index)
    }

    /// Whether every session that is missing is among those that are known.
    pub(crate) fn knows_sessions(&self) -> bool {
        !self.is_of(Table::Session) || !self.is_of(Table::SessionId)
    }

    fn by_ids(&mut self, view: &View<impl Snapshot>) -> Result<()> {
        for row in view.all(Table::CheckpointId, Order::Ascending)? {
            let (id, place) = row?;
            if let Ok(checkpoint::Place::Live(sequence)) = checkpoint::to_place(&place)
                && !view.has(Table::Checkpoint, &key::number(sequence))?
            {
                let id = key::to_id(&id).and_then(CheckpointId::from_raw);
                self.checkpoints.entry(sequence).or_default().id = id.ok();
            }
        }
        for row in view.all(Table::SessionId, Order::Ascending)? {
            let (id, key) = row?;
            if let Ok(key) = key::last_number(&key)
                && is_missing(view, key)?
            {
                let id = key::to_id(&id).and_then(SessionId::from_raw);
                self.sessions.insert(key, id.ok());
            }
        }
        Ok(())
    }

    fn by_index(&mut self, view: &View<impl Snapshot>) -> Result<()> {
        for row in view.all(Table::Index, Order::Ascending)? {
            let (entry, _) = row?;
            let Ok((By::Session(session), sequence)) = By::read(&entry) else {
                continue;
            };
            if !view.has(Table::Checkpoint, &key::number(sequence))? {
                self.checkpoints.entry(sequence).or_default().session = Some(session);
            }
            if !self.sessions.contains_key(&session) && is_missing(view, session)? {
                self.sessions.insert(session, None);
            }
        }
        Ok(())
    }
}

/// Whether a session that is not known to be deleted has no row.
fn is_missing(view: &View<impl Snapshot>, key: u64) -> Result<bool> {
    let there = view.has(Table::Session, &key::number(key))?
        || view.has(Table::Index, &By::Deleted.entry(key))?;
    Ok(!there)
}

/// Id and deletion of a session whose row is missing: of one that is known to be deleted, when is not.
pub(crate) fn session_name(
    view: &View<impl Snapshot>,
    key: u64,
) -> Result<Option<(SessionId, Option<Timestamp>)>> {
    let Some(lost) = view.lost(&[Table::Session]) else {
        return Ok(None);
    };
    if let Some(Some(id)) = lost.sessions.get(&key) {
        return Ok(Some((id.clone(), None)));
    }
    for row in view.all(Table::SessionId, Order::Ascending)? {
        let (id, number) = row?;
        if key::last_number(&number).is_ok_and(|number| number == key) {
            let id = SessionId::from_raw(key::to_id(&id)?);
            return Ok(id.ok().map(|id| (id, Some(Timestamp::MIN))));
        }
    }
    Ok(None)
}

/// The key of the newest session under an id, by the rows of sessions.
pub(crate) fn session_key(view: &View<impl Snapshot>, id: &SessionId) -> Result<Option<u64>> {
    if view.lost(&[Table::SessionId]).is_none() {
        return Ok(None);
    }
    for row in view.all(Table::Session, Order::Descending)? {
        let key = key::last_number(&row?.0)?;
        if session::name(view, key).is_ok_and(|name| name.is_some_and(|(name, _)| name == *id)) {
            return Ok(Some(key));
        }
    }
    match view.lost(&[Table::Session]) {
        Some(_) => Err(
            Error::corrupt("the session may lie on a page that cannot be read").with("session", id),
        ),
        None => Ok(None),
    }
}

/// The sequence of a checkpoint, by the rows of checkpoints.
pub(crate) fn sequence(view: &View<impl Snapshot>, id: &CheckpointId) -> Result<Option<u64>> {
    if view.lost(&[Table::CheckpointId]).is_none() {
        return Ok(None);
    }
    for row in view.all(Table::Checkpoint, Order::Descending)? {
        let (key, value) = row?;
        let sequence = key::last_number(&key)?;
        if Lying::new(sequence, &value).is_ok_and(|row| row.id == id.raw()) {
            return Ok(Some(sequence));
        }
    }
    match view.lost(&[Table::Checkpoint]) {
        Some(_) => Err(
            Error::corrupt("the checkpoint may lie on a page that cannot be read")
                .with("checkpoint", id),
        ),
        None => Ok(None),
    }
}

/// Sequences of a session, the highest first, by the rows of checkpoints and what is known of others.
pub(crate) fn of_session(view: &View<impl Snapshot>, session: u64) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    for row in view.all(Table::Checkpoint, Order::Descending)? {
        let (key, value) = row?;
        let sequence = key::last_number(&key)?;
        // One that cannot be told apart may be of any.
        if Lying::new(sequence, &value).map_or(true, |row| row.session == session) {
            found.push(sequence);
        }
    }
    if let Some(lost) = view.lost(&[Table::Checkpoint]) {
        let of = |known: &Known| known.session.is_none_or(|of| of == session);
        let known = lost.checkpoints.iter().filter(|(_, known)| of(known));
        found.extend(known.map(|(sequence, _)| *sequence));
        found.sort_unstable_by(|a, b| b.cmp(a));
    }
    Ok(found)
}

/// The highest sequence that ids tell, and when the newest checkpoint that can be reached from below was committed.
pub(crate) fn newest(view: &View<impl Snapshot>) -> Result<(u64, Option<Timestamp>)> {
    let mut highest = 0;
    for row in view.all(Table::CheckpointId, Order::Ascending)? {
        let place = checkpoint::to_place(&row?.1)?;
        let (checkpoint::Place::Live(sequence) | checkpoint::Place::Dead(sequence)) = place;
        highest = highest.max(sequence);
    }
    let mut newest = None;
    for row in view.all(Table::Checkpoint, Order::Ascending)? {
        let Ok((key, value)) = row else { break };
        let sequence = key::last_number(&key)?;
        if let Ok((small, _)) = Lying::new(sequence, &value).and_then(|row| row.small()) {
            newest = newest.max(Some(small.packed.committed));
        }
    }
    Ok((highest, newest))
}
