//! From what a step says of an operation to the operation.

use bytes::Bytes;
use checkpoint_core::{
    Append, Attach, CreateSession, Delete, NewState, Note, NoteKind, Operation, Origin, Parent,
    PatchSession, Payload, PutRecord, Quarantine, Reseal, Result, Tag, Update,
};

use super::resolve::{
    Resolver, checkpoint, chunk, guessed, moved, sealed, session, status, trigger,
};
use super::step::{Act, Cp, Extra, Guess, Home, Ss, State};
use crate::samples;

/// What an operation puts somewhere; some of it is no text.
fn content(of: &str, n: u8) -> Bytes {
    match n {
        0 => Bytes::from(of.to_owned()),
        1 => Bytes::new(),
        2 => Bytes::from(vec![0, 255, b'\'', b'\n']),
        n => Bytes::from(format!("{of} {n} {}", "again ".repeat(usize::from(n) * 80))),
    }
}

fn zeros(over: u64) -> Bytes {
    Bytes::from(vec![0; usize::try_from(over + 1).unwrap_or(usize::MAX)])
}

impl Resolver<'_> {
    pub(super) async fn operation(&self, act: &Act) -> Result<Operation> {
        Ok(match act {
            Act::Append(ss, cp, state, extras) => self.append(*ss, *cp, *state, extras).into(),
            Act::Update(home, cp, guess, state, extras) => self
                .update(*home, *cp, *guess, *state, extras)
                .await?
                .into(),
            Act::Delete(home, cp) => {
                let (session, id) = (self.home(*home, *cp).await?, checkpoint(*cp));
                Delete { session, id }.into()
            }
            Act::Attach(home, cp, key, bytes) => Attach {
                session: self.home(*home, *cp).await?,
                checkpoint: checkpoint(*cp),
                kind: key.parts().0.to_owned(),
                key: key.parts().1.to_owned(),
                bytes: bytes.map(|n| content(key.name(), n)),
            }
            .into(),
            Act::Create(ss, extras) => self.create(*ss, extras).into(),
            Act::Patch(ss, guess, n) => self.patch(*ss, *guess, *n).await?.into(),
            Act::Claim(ss) => Operation::ClaimSession(session(*ss)),
            Act::Drop(ss) => Operation::DeleteSession(session(*ss)),
            Act::Compacted(ss) => Note {
                session: session(*ss),
                checkpoint: None,
                kind: NoteKind::Compacted,
            }
            .into(),
            Act::Note(home, cp) => Note {
                session: self.home(*home, cp.unwrap_or(Cp(0))).await?,
                checkpoint: cp.map(checkpoint),
                kind: NoteKind::Restored,
            }
            .into(),
            Act::Put(rn, bytes) => PutRecord {
                name: samples::name(rn.name()),
                bytes: bytes.map(|n| content(rn.name(), n)),
            }
            .into(),
            Act::Reseal(target, guess) => Reseal {
                target: sealed(*target),
                replaces: self.digest(*target, *guess).await?,
                bytes: Bytes::from(format!("{target:?} sealed anew by {guess:?}")),
            }
            .into(),
            Act::Aside(home, cp, aside) => Quarantine {
                session: self.home(*home, *cp).await?,
                id: checkpoint(*cp),
                aside: *aside,
            }
            .into(),
            Act::Advance(ahead) => {
                Operation::Advance(self.newest.sequence.saturating_add_signed((*ahead).into()))
            }
        })
    }

    async fn patch(&self, id: Ss, guess: Guess, n: u8) -> Result<PatchSession> {
        let right = self.session_record(session(id)).await?;
        Ok(PatchSession {
            id: session(id),
            revision: guessed(guess, right.map(|it| it.revision)),
            body: content(id.name(), n),
        })
    }

    fn state(&self, id: Cp, state: State) -> NewState {
        let (length, payload) = match state {
            State::Inline(n) => {
                let bytes = content(id.name(), n);
                (bytes.len() as u64, Payload::Inline(bytes))
            }
            State::Empty => (0, Payload::Inline(Bytes::new())),
            State::Tree(top) => (5_000 + u64::from(top.0), Payload::Tree(chunk(top))),
            State::TooLong => {
                let over = self.model.info().limits.state + 1;
                (over, Payload::Inline(Bytes::new()))
            }
        };
        NewState { length, payload }
    }

    fn append(&self, at: Ss, id: Cp, state: State, extras: &[Extra]) -> Append {
        let NewState { length, payload } = self.state(id, state);
        let mut append = Append {
            length,
            payload,
            ..samples::append(at.name(), id.name())
        };
        for extra in extras {
            match *extra {
                Extra::Status(n) => append.status = status(n),
                Extra::Trigger(n) => append.trigger = trigger(n),
                Extra::Worker(word) => append.worker = Some(samples::worker(word.name())),
                Extra::Tag(word) => append.tags.push(samples::tag(word.name())),
                Extra::Step(n) => append.step = Some(u64::from(n) << (n % 50)),
                Extra::Pinned => append.pinned = true,
                Extra::Parent(parent) => {
                    append.parent = parent.map_or(Parent::None, |cp| Parent::Id(checkpoint(cp)));
                }
                Extra::Enclosing(cp) => append.enclosing = Some(checkpoint(cp)),
                Extra::Another => append.fingerprint = samples::fingerprint("another"),
                Extra::Origin(ahead, seconds) => append.origin = Some(self.origin(ahead, seconds)),
                Extra::Made(ahead, seconds) => append.made = Some(self.origin(ahead, seconds)),
                Extra::Revision(n) => append.revision = n.into(),
                Extra::Revive => append.revive = true,
                Extra::Clock(n) => append.updated_at = samples::time(n.into()),
                Extra::TooLong => append.meta = zeros(self.model.info().limits.meta),
                Extra::New | Extra::Epoch(_) | Extra::Twice | Extra::TooMany => {}
            }
        }
        self.settle_tags(&mut append.tags, extras);
        append
    }

    fn origin(&self, ahead: i8, seconds: i8) -> Origin {
        Origin {
            sequence: self.newest.sequence.saturating_add_signed(ahead.into()),
            committed_at: moved(self.now, seconds.into()),
        }
    }

    async fn update(
        &self,
        home: Home,
        id: Cp,
        guess: Guess,
        state: Option<State>,
        extras: &[Extra],
    ) -> Result<Update> {
        let right = self.record(id).await?.map(|record| record.header.revision);
        let mut update = samples::update("s0", id.name(), guessed(guess, right));
        update.session = self.home(home, id).await?;
        update.state = state.map(|state| self.state(id, state));
        for extra in extras {
            match *extra {
                Extra::Status(n) => update.status = status(n),
                Extra::Worker(word) => update.worker = Some(samples::worker(word.name())),
                Extra::Tag(word) => update.tags.push(samples::tag(word.name())),
                Extra::Step(n) => update.step = Some(u64::from(n)),
                Extra::Pinned => update.pinned = true,
                Extra::Revision(n) => update.becomes = update.revision.checked_add(n.into()),
                Extra::Clock(n) => update.updated_at = samples::time(n.into()),
                Extra::TooLong => update.meta = zeros(self.model.info().limits.meta),
                _ => {}
            }
        }
        self.settle_tags(&mut update.tags, extras);
        Ok(update)
    }

    /// Sorted, each once, unless the step wants them wrong.
    fn settle_tags(&self, tags: &mut Vec<Tag>, extras: &[Extra]) {
        tags.sort();
        tags.dedup();
        for extra in extras {
            match extra {
                Extra::Twice => tags.extend([samples::tag("twice"), samples::tag("twice")]),
                Extra::TooMany => {
                    let over = self.model.info().limits.tags + 1;
                    *tags = (0..over)
                        .map(|n| samples::tag(&format!("{n:04}")))
                        .collect();
                }
                _ => {}
            }
        }
    }

    fn create(&self, id: Ss, extras: &[Extra]) -> CreateSession {
        let mut create = samples::create(id.name());
        for extra in extras {
            match *extra {
                Extra::Epoch(n) => create.epoch = n.into(),
                Extra::New => create.must_be_new = true,
                Extra::TooLong => create.body = zeros(self.model.info().limits.meta),
                Extra::Clock(n) => create.created_at = samples::time(n.into()),
                _ => {}
            }
        }
        create
    }
}
