//! Checking that what is stored is what was saved, and telling from where to go on where it is not.

mod attached;
mod run;

use std::future::IntoFuture;

use futures_core::future::BoxFuture;

use super::{Checkpoint, Session, Store};
use crate::backup::Meter;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId};
use crate::query::{Order, Query};
use crate::record::{Head, Item, Parts};

/// A check of checkpoints: description against checksum, state against digest, chunks against ids. Await it.
///
/// That of a whole store looks at sessions, attachments and named records too, and asks the backend
/// ([`Backend::check`](crate::Backend::check)). Memory stays at some ten MiB, and a state of the largest size.
#[must_use = "nothing is checked until it is awaited"]
#[derive(Clone, Debug)]
pub struct Verify {
    store: Store,
    session: Option<SessionId>,
    newest: Option<usize>,
    quarantine: bool,
    meter: Meter,
}

/// What a check found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifyReport {
    /// When it began, by the store's clock.
    pub checked_at: Timestamp,
    /// Checkpoints that are as they were saved.
    pub valid: u64,
    /// Those that are not, or cannot be read; a session, an attachment or a record that cannot be read counts as one.
    pub invalid: u64,
    /// Those without a checksum, whose state could be read.
    pub skipped: u64,
    /// One for each that is invalid; of a whole store also what [`Backend::check`](crate::Backend::check) found. At most
    /// [`MOST_FINDINGS`](Self::MOST_FINDINGS).
    pub findings: Vec<Finding>,
    /// How many findings more there are.
    pub left_out: u64,
    /// Damaged checkpoints that were set aside, now or before.
    pub set_aside: u64,
    /// Each session among the findings in which a checkpoint is damaged, by id, and from where it can go on.
    pub recovery: Vec<Recovery>,
    /// The newest checkpoint of all that were looked at that is as it was saved; one without a checksum when its state
    /// could be read.
    pub newest_good: Option<Head>,
}

/// A checkpoint that is not as it was saved, a session that cannot be read, or other damage.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// Which one, when its id can be read; the error names what can.
    pub checkpoint: Option<CheckpointId>,
    /// Its session, likewise.
    pub session: Option<SessionId>,
    /// What is wrong.
    pub error: Error,
    /// Whether it is set aside.
    pub set_aside: bool,
}

/// From where a session can go on in which something is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Which session.
    pub session: SessionId,
    /// Its newest checkpoint that is as it was saved and not set aside; none when there is no such.
    pub newest_good: Option<Head>,
    /// How many newer ones are damaged and not set aside: with 0 the head of the session is good.
    pub damaged_since: u64,
}

impl VerifyReport {
    /// Findings that are kept; the others are counted.
    pub const MOST_FINDINGS: usize = 10_000;

    fn new(checked_at: Timestamp) -> Self {
        Self {
            checked_at,
            valid: 0,
            invalid: 0,
            skipped: 0,
            findings: Vec::new(),
            left_out: 0,
            set_aside: 0,
            recovery: Vec::new(),
            newest_good: None,
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// All that were looked at: valid, invalid and skipped.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.valid + self.invalid + self.skipped
    }

    fn found(&mut self, finding: Finding) {
        if self.findings.len() < Self::MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.left_out += 1;
        }
    }
}

impl Finding {
    /// What an error names.
    fn of(error: Error) -> Self {
        let named = |what| {
            let mut context = error.context();
            context.find_map(|(name, value)| (name == what).then(|| value.to_owned()))
        };
        Self {
            checkpoint: named("checkpoint").and_then(|id| CheckpointId::new(id).ok()),
            session: named("session").and_then(|id| SessionId::new(id).ok()),
            error,
            set_aside: false,
        }
    }
}

impl Verify {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            session: None,
            newest: None,
            quarantine: false,
            meter: Meter::default(),
        }
    }

    /// Only this session.
    pub fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Only the newest so many of each session.
    pub fn newest(mut self, of_each: usize) -> Self {
        self.newest = Some(of_each);
        self
    }

    /// Sets each damaged checkpoint aside whose id and session can be told, so that it is no head and in no list, and
    /// upkeep goes on. Nothing is deleted; what is set aside can be taken back. Default: no.
    ///
    /// Where the engine's own pages are damaged, first bring what can be read elsewhere: writing may destroy more.
    pub fn quarantine(mut self, quarantine: bool) -> Self {
        self.quarantine = quarantine;
        self
    }

    /// Hears how far it is, in a unit of its own: what is done and the total say something by their ratio alone.
    pub fn progress(self, hears: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.meter(Meter::new(hears))
    }

    pub(super) fn meter(mut self, meter: Meter) -> Self {
        self.meter = meter;
        self
    }
}

impl IntoFuture for Verify {
    type Output = Result<VerifyReport>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(run::run(self))
    }
}

impl Session {
    /// The newest checkpoint that is as it was saved, description and state: from there a program goes on whose latest
    /// one is damaged. None when there is none; one without a checksum is good when its state can be read.
    ///
    /// Nothing is changed. [`Store::verify`] names what is damaged and can set it aside.
    ///
    /// # Errors
    ///
    /// Those of the storage; damage is passed over.
    pub async fn latest_good(&self) -> Result<Option<Checkpoint>> {
        Ok(self.newest_good().await?.0)
    }

    /// The newest good checkpoint, and how many newer ones are damaged.
    async fn newest_good(&self) -> Result<(Option<Checkpoint>, u64)> {
        let store = self.store();
        let mut query = Query {
            session: Some(self.id().clone()),
            order: Order::Descending,
            parts: Parts::ALL,
            limit: 1,
            ..Query::default()
        };
        let mut damaged = 0;
        loop {
            let page = match store.0.backend.scan(&query).await {
                Ok(page) => page,
                Err(error) if error.is_corrupt() => return Ok((None, damaged + 1)),
                Err(error) => return Err(store.blame(error, "latest good")),
            };
            for item in page.items {
                match run::check(store, item).await? {
                    run::Checked::Valid(checkpoint) | run::Checked::Skipped(checkpoint) => {
                        return Ok((Some(*checkpoint), damaged));
                    }
                    run::Checked::Invalid(_) => damaged += 1,
                    run::Checked::Gone => {}
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok((None, damaged)),
            }
        }
    }
}

/// What a record holds, for who reads it with the state.
type Stored = Item<crate::record::Record>;
