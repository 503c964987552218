//! What becomes of a checkpoint, by what the target has under its id.

use std::borrow::Cow;

use super::Receiver;
use super::batch::{Ready, What};
use super::carry::Carried;
use crate::checksum::{checksum, fingerprint};
use crate::commit::{Append, Commit, Fingerprint, NewState, Operation, Parent, Quarantine, Update};
use crate::description::Description;
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::source::{Arrival, ArrivingState};
use crate::id::CommitId;
use crate::record::{Header, Item, Origin, Payload, Record};
use crate::store::check_description;

/// What the target has under an id.
enum Found {
    Nothing,
    Deleted,
    /// The same, as it arrives.
    Same(Box<Header>),
    /// The same at a lower revision; whether its state is another.
    Older(Box<Header>, bool),
    /// The same at a higher revision.
    Newer,
}

impl Receiver<'_> {
    /// What is to be done; none when there is nothing to do, which is counted then.
    pub(super) async fn plan(
        &mut self,
        arrival: &Arrival,
        there: Item<Record>,
    ) -> Result<Option<Ready>> {
        let description = self.check(arrival)?;
        let planned = match found(arrival, &description, there)? {
            Found::Deleted if !self.how.revive => {
                self.received.deleted += 1;
                self.progress.done += 1;
                return Ok(None);
            }
            Found::Nothing | Found::Deleted => self.append(arrival, &description).await?,
            Found::Older(header, state) => {
                self.update(arrival, &description, &header, state).await?
            }
            Found::Same(header) => Some(self.same(arrival, &header).await?),
            Found::Newer => Some(Ready::new(What::Skipped)),
        };
        let Some(ready) = planned else {
            // It is gone from the source since its page was read.
            return Ok(None);
        };
        if ready.operations.is_empty() && ready.late.is_empty() {
            ready.count(&mut self.received);
            self.progress.done += 1;
            return Ok(None);
        }
        Ok(Some(ready))
    }

    /// What arrives must be what a writer could have saved, and what it was when it was saved.
    fn check<'a>(&self, arrival: &'a Arrival) -> Result<Cow<'a, Description>> {
        let limits = &self.target.info().limits;
        if let Some(description) = &arrival.verified {
            check_description(description, limits)?;
            return Ok(Cow::Borrowed(description));
        }
        let description = Description::decode(&arrival.meta)?;
        check_description(&description, limits)?;
        if let Some(stored) = &description.checksum
            && checksum(&arrival.header, &description)? != *stored
        {
            let problem = "the checksum does not match what arrives";
            return Err(Error::corrupt(problem));
        }
        Ok(Cow::Owned(description))
    }

    async fn append(
        &mut self,
        arrival: &Arrival,
        description: &Description,
    ) -> Result<Option<Ready>> {
        let Some(carried) = self.carry(arrival, description).await? else {
            return Ok(None);
        };
        let Carried { payload, chunks } = carried;
        let mut append = append(&arrival.header, payload);
        append.meta = arrival.meta.clone();
        append.revive = self.how.revive;
        append.fingerprint = fingerprint(&self.target.info().hasher, &append, description)?;
        let mut ready = Ready {
            chunks,
            state: append.length,
            ..Ready::new(What::Made)
        };
        ready.operations.push(append.into());
        if arrival.header.quarantined {
            ready.operations.push(set_aside(&arrival.header));
        }
        self.within_limits(&mut ready)?;
        self.attach_all(arrival, &mut ready, false).await?;
        Ok(Some(ready))
    }

    async fn update(
        &mut self,
        arrival: &Arrival,
        description: &Description,
        there: &Header,
        new_state: bool,
    ) -> Result<Option<Ready>> {
        let header = &arrival.header;
        let mut ready = Ready::new(What::Updated);
        let mut state = None;
        if new_state {
            let Some(carried) = self.carry(arrival, description).await? else {
                return Ok(None);
            };
            ready.chunks = carried.chunks;
            ready.state = header.length;
            state = Some(NewState {
                length: header.length,
                payload: carried.payload,
            });
        }
        ready.operations.push(
            Update {
                session: header.session.clone(),
                id: header.id.clone(),
                revision: there.revision,
                becomes: Some(header.revision),
                updated_at: header.updated_at,
                status: header.status,
                worker: header.worker.clone(),
                tags: header.tags.clone(),
                step: header.step,
                pinned: header.pinned,
                meta: arrival.meta.clone(),
                state,
            }
            .into(),
        );
        if header.quarantined && !there.quarantined {
            ready.operations.push(set_aside(header));
        }
        self.within_limits(&mut ready)?;
        self.attach_all(arrival, &mut ready, true).await?;
        Ok(Some(ready))
    }

    async fn same(&mut self, arrival: &Arrival, there: &Header) -> Result<Ready> {
        let mut ready = Ready::new(What::Skipped);
        if arrival.header.quarantined && !there.quarantined {
            ready.operations.push(set_aside(&arrival.header));
        }
        self.attach_all(arrival, &mut ready, true).await?;
        if !ready.operations.is_empty() || !ready.late.is_empty() {
            ready.what = What::Updated;
        }
        Ok(ready)
    }

    /// The state; none when it is gone from the source since its page was read.
    async fn carry(
        &mut self,
        arrival: &Arrival,
        description: &Description,
    ) -> Result<Option<Carried>> {
        let carried = self.carrier.carry(arrival, description).await?;
        let missing = match carried {
            Ok(carried) => return Ok(Some(carried)),
            Err(missing) => missing,
        };
        // A checkpoint that was deleted or got another state meanwhile is not damaged.
        let header = &arrival.header;
        let again = self
            .source
            .arrivals(header.sequence.saturating_sub(1))
            .await;
        let first = again
            .map_err(|error| self.there(error))?
            .items
            .into_iter()
            .next();
        match (first, &arrival.state) {
            (Some(Item::Found(now)), ArrivingState::Tree(top))
                if now.header.id == header.id
                    && matches!(now.state, ArrivingState::Tree(still) if still == *top) =>
            {
                let problem = "a chunk of the state is missing";
                Err(self.there(Error::corrupt(problem).with("chunk", missing)))
            }
            _ => Ok(None),
        }
    }

    /// Judged alone, so that what no store could take does not take those beside it along.
    fn within_limits(&self, ready: &mut Ready) -> Result<()> {
        let mut commit = Commit::new(CommitId::from_bytes([0; 16]));
        std::mem::swap(&mut commit.operations, &mut ready.operations);
        std::mem::swap(&mut commit.chunks, &mut ready.chunks);
        let checked = commit.check(&self.target.info().limits);
        ready.operations = commit.operations;
        ready.chunks = commit.chunks;
        checked
    }
}

impl Ready {
    fn new(what: What) -> Self {
        Self {
            what,
            operations: Vec::new(),
            chunks: Vec::new(),
            state: 0,
            late: Vec::new(),
        }
    }
}

/// What the target has, compared with what arrives.
fn found(arrival: &Arrival, description: &Description, there: Item<Record>) -> Result<Found> {
    let there = match there {
        Item::Absent => return Ok(Found::Nothing),
        Item::Deleted => return Ok(Found::Deleted),
        Item::Corrupt(error) => return Err(error),
        Item::Found(there) => there,
    };
    let (ours, theirs) = (&there.header, &arrival.header);
    if !is_one(ours, theirs) {
        let problem = "the store has another checkpoint under this id; it is left as it is";
        return Err(Error::new(ErrorKind::AlreadyExists, problem));
    }
    if ours.revision > theirs.revision {
        return Ok(Found::Newer);
    }
    let meta = there.meta.unwrap_or_default();
    if ours.revision == theirs.revision {
        if meta == arrival.meta && is_equal(ours, theirs) {
            return Ok(Found::Same(there.header));
        }
        let problem = "the store has this revision of the checkpoint with another content; it is left as it is";
        let error = Error::new(ErrorKind::AlreadyExists, problem);
        return Err(error.with("revision", ours.revision));
    }
    let digest = Description::decode(&meta)?.digest;
    let new_state =
        digest.is_none() || digest != description.digest || ours.length != theirs.length;
    Ok(Found::Older(there.header, new_state))
}

/// Whether two headers are of one checkpoint, by what no update changes.
fn is_one(ours: &Header, theirs: &Header) -> bool {
    ours.session == theirs.session
        && ours.created_at == theirs.created_at
        && ours.parent == theirs.parent
        && ours.enclosing == theirs.enclosing
        && ours.trigger == theirs.trigger
        && ours.as_of() == theirs.as_of()
}

/// Whether one checkpoint is told alike, by what an update changes.
fn is_equal(ours: &Header, theirs: &Header) -> bool {
    ours.updated_at == theirs.updated_at
        && ours.status == theirs.status
        && ours.worker == theirs.worker
        && ours.tags == theirs.tags
        && ours.step == theirs.step
        && ours.pinned == theirs.pinned
        && ours.length == theirs.length
}

fn set_aside(header: &Header) -> Operation {
    Quarantine {
        session: header.session.clone(),
        id: header.id.clone(),
        aside: true,
    }
    .into()
}

/// The append of what arrives, but for description and fingerprint.
fn append(header: &Header, payload: Payload) -> Append {
    let Header {
        id,
        session,
        parent,
        enclosing,
        sequence,
        revision,
        created_at,
        committed_at,
        updated_at,
        status,
        trigger,
        worker,
        tags,
        step,
        pinned,
        quarantined: _,
        length,
        origin,
    } = header.clone();
    Append {
        id,
        session,
        parent: parent.map_or(Parent::None, Parent::Id),
        enclosing,
        revision,
        created_at,
        updated_at,
        status,
        trigger,
        worker,
        tags,
        step,
        pinned,
        length,
        origin: Some(Origin {
            sequence,
            committed_at,
        }),
        made: origin,
        revive: false,
        fingerprint: Fingerprint([0; 16]),
        meta: bytes::Bytes::new(),
        payload,
    }
}
