//! Putting the next entry.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use checkpoint_core::{Error, ErrorKind, Result};
use futures::future::join;

use super::{Followed, Log};
use crate::entry::{Digest, Entry, Logged, SnapshotName};
use crate::error::{is_refused, not_applied, unknown};
use crate::flaw::Flaw;
use crate::id::Id;
use crate::layout::Name;
use crate::looked::Looked;
use crate::objects::Created;
use crate::run::Run;
use crate::seal::Head;
use crate::state::State;

/// How often the same bytes are put where nothing is found after a put without an answer.
const ATTEMPTS: usize = 3;

/// What became of an entry.
#[derive(Debug)]
pub(crate) enum Appended {
    /// It is in the log, and this is the state after it.
    Won(Arc<State>),
    /// Another one has its position. What was found there and behind it is known by now; whether that is all there was.
    Lost(Tail),
}

/// Whether the end of the log was seen after somebody else's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    Seen,
    Unseen,
}

/// Who has a position.
enum Settled {
    Own,
    /// The entry there, and what comes after it, if that could be read.
    Other(Bytes, Option<Option<Bytes>>),
}

/// What an entry says.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) rows: Run,
    /// The first sequence that it gives, or would.
    pub(crate) first_sequence: u64,
    pub(crate) snapshot: Option<SnapshotName>,
}

impl Log {
    /// Puts the entry after a state.
    ///
    /// # Errors
    ///
    /// `Unavailable` with `applied: Unknown` when nobody knows whether it is there; all others say that it is not.
    pub(crate) async fn append(
        self: &Arc<Self>,
        state: &Arc<State>,
        draft: Draft,
    ) -> Result<Appended> {
        let entry = Entry {
            head: Head::default(),
            machine: self.machine,
            // It belongs to these bytes at this position, and to nothing else: whatever is judged again gets another.
            operation: self.operation(state),
            position: state.position + 1,
            first_sequence: draft.first_sequence,
            committed_at: self.clock.now(),
            before: state.digest,
            snapshot: draft.snapshot,
            rows: draft.rows,
        };
        let bytes = entry.encode()?;
        let looked = *self.looked.lock();
        if let Settled::Other(found, next) = self.settle(&entry, &bytes).await? {
            return Ok(Appended::Lost(self.learn(state, &found, next)));
        }
        // Whoever slept for so long that the log's end had moved on, and what was there was taken away, has put an entry
        // where nobody reads, itself least of all.
        if looked.is_long_ago(&*self.clock) && !self.is_before(state).await? {
            self.reload().await?;
            return Ok(Appended::Lost(Tail::Unseen));
        }
        *self.looked.lock() = Looked::now(&*self.clock);
        let after = state.after(&entry, Digest::of(&bytes), self.machine)?;
        let after = Arc::new(after);
        self.publish(after);
        if let Some(name) = &entry.snapshot {
            self.has_named(name);
        }
        Ok(Appended::Won(self.state()))
    }

    /// Takes in the entry of who was first, and the one after it. What does not follow is told by who reads on.
    fn learn(&self, state: &State, found: &Bytes, next: Option<Option<Bytes>>) -> Tail {
        let Ok(Followed::To(mut after)) = self.follow(state, found) else {
            return Tail::Unseen;
        };
        let mut tail = Tail::Unseen;
        match next {
            Some(None) => tail = Tail::Seen,
            Some(Some(next)) => {
                if let Ok(Followed::To(last)) = self.follow(&after, &next) {
                    after = last;
                }
            }
            None => {}
        }
        self.publish(Arc::new(after));
        tail
    }

    fn operation(&self, state: &State) -> Id {
        if self.flaws.has(Flaw::ReusesOperations) {
            let (mut of, position) = (self.machine, state.position.to_be_bytes());
            of.0[..8].copy_from_slice(&position);
            return of;
        }
        self.new_id()
    }

    async fn is_before(&self, state: &State) -> Result<bool> {
        if state.position == 0 {
            return Ok(true);
        }
        let there = self.objects.get_log(state.position).await;
        there
            .map(|found| found.is_some())
            .map_err(|error| lost_sight().because(error))
    }

    /// Puts the bytes of an entry until it is known who has its position.
    async fn settle(&self, entry: &Entry, bytes: &Bytes) -> Result<Settled> {
        let name = Name::Log(entry.position);
        let mut failed = None;
        for _ in 0..ATTEMPTS {
            let begun = Instant::now();
            match self.objects.create(name, bytes.clone()).await {
                Ok(Created::Done) => {
                    self.took(begun);
                    return Ok(Settled::Own);
                }
                Ok(Created::Taken) if self.flaws.has(Flaw::TakesTakenForFailure) => {
                    return Err(Error::new(not_applied(), "something is in the way"));
                }
                Ok(Created::Taken) => {}
                Err(error) if is_refused(&error) && failed.is_none() => return Err(error),
                Err(error) => failed = Some(error),
            }
            // What is in the way may be what this put, or one before it, has brought there. Else it is another's, who
            // may have gone on already: to ask for both at once spares a round trip.
            let (found, next) = join(
                self.objects.get(name),
                self.objects.get_log(entry.position + 1),
            )
            .await;
            match found.map_err(out_of_sight)? {
                Some(found) if self.is_same(entry, bytes, &found)? => return Ok(Settled::Own),
                Some(found) => return Ok(Settled::Other(found, next.ok())),
                None => tracing::debug!(position = entry.position, "an entry is put once more"),
            }
        }
        Err(match failed {
            Some(error) => lost_sight().because(error),
            None => lost_sight(),
        })
    }

    /// Whether what is found at an entry's position is the entry itself, or what is left of it.
    fn is_same(&self, entry: &Entry, bytes: &Bytes, found: &Bytes) -> Result<bool> {
        if found == bytes {
            return Ok(true);
        }
        match Logged::decode(found)? {
            Logged::Entry(found) => {
                let reused = self.flaws.has(Flaw::ReusesOperations);
                Ok(reused && found.operation == entry.operation)
            }
            Logged::Stub(stub) => Ok(stub.operation == entry.operation),
        }
    }

    /// Remembers how long a round trip takes.
    fn took(&self, begun: Instant) {
        let mut known = self.round_trip.lock();
        *known = (*known * 7 + begun.elapsed()) / 8;
    }
}

/// Why what is at a position cannot be told.
fn out_of_sight(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Stopped => Error::new(
            unknown(),
            "nobody knows whether the commit is there; open the store again and send the same commit",
        ),
        _ => lost_sight(),
    }
    .because(error)
}

fn lost_sight() -> Error {
    Error::new(
        unknown(),
        "the service does not tell whether the commit is there; send the same commit again",
    )
}
