//! From what a step says to what a store is sent, by what the model holds just then.

use std::time::Duration;

use bytes::Bytes;
use checkpoint_core::{
    AttachmentQuery, Backend, CheckpointId, ChunkId, Commit, CommitId, ContentHasher, Expectation,
    Item, NewChunk, Operation, Parts, Position, Purpose, Record, Result, Sealed, SessionId,
    SessionQuery, SessionRecord, Status, Timestamp, Trigger,
};

use super::step::{Ck, Cp, Expect, Guess, Home, How, Piece, Plan, Ss, Target};
use crate::samples;

/// Reads the model.
pub(super) struct Resolver<'a> {
    pub(super) model: &'a dyn Backend,
    pub(super) now: Timestamp,
    pub(super) newest: Position,
}

pub(super) fn session(ss: Ss) -> SessionId {
    samples::session(ss.name())
}

pub(super) fn checkpoint(cp: Cp) -> CheckpointId {
    samples::id(cp.name())
}

pub(super) fn chunk(ck: Ck) -> ChunkId {
    ContentHasher::plain().chunk_id(Purpose::Leaf, ck.name().as_bytes())
}

pub(super) fn status(n: u8) -> Status {
    Status::ALL[usize::from(n) % Status::ALL.len()]
}

pub(super) fn trigger(n: u8) -> Trigger {
    Trigger::ALL[usize::from(n) % Trigger::ALL.len()]
}

/// So many seconds from a time.
pub(super) fn moved(time: Timestamp, seconds: i64) -> Timestamp {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        time.saturating_sub(by)
    } else {
        time.saturating_add(by)
    }
}

fn new_chunk(piece: &Piece) -> NewChunk {
    let name = piece.id.name();
    NewChunk {
        id: chunk(piece.id),
        children: piece.children.iter().map(|child| chunk(*child)).collect(),
        bytes: Bytes::from(format!("{name} ").repeat(1 + 40 * usize::from(piece.form))),
    }
}

/// The number that is right, or another.
pub(super) fn guessed(guess: Guess, right: Option<u64>) -> u64 {
    let right = right.unwrap_or(0);
    match guess {
        Guess::Right => right,
        Guess::Behind => right.saturating_sub(1),
        Guess::Ahead => right + 1,
        Guess::Nothing => 0,
    }
}

impl Resolver<'_> {
    pub(super) async fn commit(&self, id: CommitId, plan: &Plan) -> Result<Commit> {
        let mut commit = Commit::new(id);
        for expect in &plan.expects {
            commit.expectations.push(self.expectation(*expect).await?);
        }
        for act in &plan.acts {
            commit.operations.push(self.operation(act).await?);
        }
        commit.chunks = plan.pieces.iter().map(new_chunk).collect();
        commit.relies_on = plan.relies_on.iter().map(|ck| chunk(*ck)).collect();
        Ok(commit)
    }

    pub(super) async fn record(&self, id: Cp) -> Result<Option<Record>> {
        let found = self.model.get(&[checkpoint(id)], Parts::ALL).await?.pop();
        found.map_or(Ok(None), Item::into_option)
    }

    pub(super) async fn session_record(&self, id: SessionId) -> Result<Option<SessionRecord>> {
        let found = self
            .model
            .sessions(&SessionQuery::one(id))
            .await?
            .items
            .pop();
        found.map_or(Ok(None), Item::into_option)
    }

    pub(super) async fn home(&self, home: Home, id: Cp) -> Result<SessionId> {
        let its = self.record(id).await?.map(|record| record.header.session);
        Ok(match home {
            Home::In(ss) => session(ss),
            Home::Its => its.unwrap_or_else(|| session(Ss(0))),
        })
    }

    async fn expectation(&self, expect: Expect) -> Result<Expectation> {
        Ok(match expect {
            Expect::Head(ss, guess) => {
                let head = self
                    .session_record(session(ss))
                    .await?
                    .and_then(|it| it.head);
                let head = head
                    .filter(|_| !matches!(guess, Guess::Nothing))
                    .map(|head| head.id);
                let wrong = matches!(guess, Guess::Behind | Guess::Ahead);
                Expectation::Head(
                    session(ss),
                    if wrong { Some(checkpoint(Cp(0))) } else { head },
                )
            }
            Expect::HeadIs(ss, cp) => Expectation::Head(session(ss), Some(checkpoint(cp))),
            Expect::Revision(cp, guess) => {
                let right = self.record(cp).await?.map(|record| record.header.revision);
                Expectation::Revision(checkpoint(cp), guessed(guess, right))
            }
            Expect::Session(ss, guess) => {
                let right = self
                    .session_record(session(ss))
                    .await?
                    .map(|it| it.revision);
                Expectation::SessionRevision(session(ss), guessed(guess, right))
            }
            Expect::Epoch(ss, guess) => {
                let right = self.session_record(session(ss)).await?.map(|it| it.epoch);
                Expectation::Epoch(session(ss), guessed(guess, right))
            }
            Expect::Version(rn, guess) => {
                let there = self.model.records(rn.name()).await?;
                let there = there
                    .into_iter()
                    .filter_map(|item| item.into_option().ok().flatten());
                let mut named = there.filter(|it| it.name.as_str() == rn.name());
                let right = named.next().map(|it| it.version);
                let none = matches!(guess, Guess::Nothing)
                    || matches!(guess, Guess::Right) && right.is_none();
                let version = (!none).then(|| guessed(guess, right));
                Expectation::Version(samples::name(rn.name()), version)
            }
            Expect::Sealed(target, guess) => {
                Expectation::Sealed(sealed(target), self.digest(target, guess).await?)
            }
        })
    }

    /// The digest of the stored bytes of an object, or another.
    pub(super) async fn digest(&self, target: Target, guess: Guess) -> Result<[u8; 32]> {
        let bytes = self.stored(target).await?.unwrap_or_default();
        let right = matches!(guess, Guess::Right);
        Ok(*blake3::hash(if right { &bytes } else { b"other" }).as_bytes())
    }

    async fn stored(&self, target: Target) -> Result<Option<Bytes>> {
        Ok(match target {
            Target::Meta(cp) => self.record(cp).await?.and_then(|record| record.meta),
            Target::Inline(cp) => {
                let payload = self.record(cp).await?.and_then(|record| record.payload);
                payload.and_then(|payload| payload.inline().cloned())
            }
            Target::Chunk(ck) => {
                let found = self.model.chunks(&[chunk(ck)]).await?.pop();
                let found = found.map_or(Ok(None), Item::into_option)?;
                found.map(|chunk| chunk.bytes)
            }
            Target::Attachment(cp, key) => {
                let (kind, key) = key.parts();
                let query = AttachmentQuery {
                    kind: Some(kind.to_owned()),
                    key: Some(key.to_owned()),
                    ..AttachmentQuery::of(checkpoint(cp))
                };
                let found = self.model.attachments(&query).await?.items.pop();
                let found = found.map_or(Ok(None), Item::into_option)?;
                found.and_then(|attachment| attachment.bytes)
            }
            Target::Session(ss) => self.session_record(session(ss)).await?.map(|it| it.body),
        })
    }
}

pub(super) fn sealed(target: Target) -> Sealed {
    match target {
        Target::Meta(cp) => Sealed::Meta(checkpoint(cp)),
        Target::Inline(cp) => Sealed::Inline(checkpoint(cp)),
        Target::Chunk(ck) => Sealed::Chunk(chunk(ck)),
        Target::Attachment(cp, key) => {
            let (kind, key) = key.parts();
            Sealed::Attachment(checkpoint(cp), kind.to_owned(), key.to_owned())
        }
        Target::Session(ss) => Sealed::Session(session(ss)),
    }
}

/// An earlier commit, to be sent again; `fresh` is an id that was not used yet.
pub(super) fn again(earlier: &Commit, how: How, fresh: CommitId) -> Commit {
    let mut commit = earlier.clone();
    match how {
        How::Same => {}
        How::Rebuilt => commit.id = fresh,
        How::Bare => commit.chunks.clear(),
        How::Unguarded => commit.expectations.clear(),
        How::Longer => commit = commit.with(samples::record("r0", Some("one more"))),
        How::Sealed => {
            for operation in &mut commit.operations {
                seal_anew(operation);
            }
        }
    }
    commit
}

fn seal_anew(operation: &mut Operation) {
    let anew = Bytes::from_static(b"sealed with another salt");
    match operation {
        Operation::Append(append) => {
            append.meta = anew;
            append.created_at = samples::time(7);
            append.updated_at = samples::time(7);
        }
        Operation::Update(update) => update.meta = anew,
        Operation::Attach(attach) => attach.bytes = attach.bytes.take().map(|_| anew),
        Operation::PatchSession(patch) => patch.body = anew,
        Operation::PutRecord(put) => put.bytes = put.bytes.take().map(|_| anew),
        _ => {}
    }
}
