//! Checking that what is stored is what was saved.

use std::future::IntoFuture;

use futures_core::future::BoxFuture;

use super::{Checkpoint, Store};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId};
use crate::query::{Order, Query, SessionQuery};
use crate::record::{Item, Parts};

/// Checkpoints read in one step.
const PAGE: usize = 64;

/// A check of checkpoints: description against checksum, state against digest, chunks against ids. Await it.
#[must_use = "nothing is checked until it is awaited"]
#[derive(Clone, Debug)]
pub struct Verify {
    store: Store,
    session: Option<SessionId>,
    newest: Option<usize>,
}

/// What a check found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifyReport {
    /// When it began, by the store's clock.
    pub checked_at: Timestamp,
    /// Checkpoints that are as they were saved.
    pub valid: u64,
    /// Those that are not, or cannot be read; a session that cannot be read counts as one.
    pub invalid: u64,
    /// Those without a checksum, whose state could be read.
    pub skipped: u64,
    /// One for each that is invalid; of a whole store also what [`Backend::check`](crate::Backend::check) found.
    pub findings: Vec<Finding>,
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
}

impl VerifyReport {
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

    fn found(
        &mut self,
        checkpoint: Option<CheckpointId>,
        session: Option<SessionId>,
        error: Error,
    ) {
        self.invalid += 1;
        self.findings.push(Finding {
            checkpoint,
            session,
            error,
        });
    }
}

impl Verify {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            session: None,
            newest: None,
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

    async fn run(self) -> Result<VerifyReport> {
        let Self {
            store,
            session,
            newest,
        } = self;
        let checked_at = store.0.clock.now();
        let mut report = VerifyReport {
            checked_at,
            valid: 0,
            invalid: 0,
            skipped: 0,
            findings: Vec::new(),
        };
        if newest.is_none() && session.is_none() {
            let found = store.0.backend.check().await;
            let found = found.map_err(|error| store.blame(error, "verify"))?;
            report
                .findings
                .extend(found.into_iter().map(|error| Finding {
                    checkpoint: None,
                    session: None,
                    error,
                }));
        }
        match (newest, session) {
            (None, session) => check(&store, session, usize::MAX, &mut report).await?,
            (Some(limit), Some(session)) => {
                check(&store, Some(session), limit, &mut report).await?
            }
            (Some(limit), None) => {
                let mut query = SessionQuery::default();
                loop {
                    let page = store.0.backend.sessions(&query).await;
                    let page = page.map_err(|error| store.blame(error, "verify"))?;
                    for session in page.items {
                        match session {
                            Item::Found(session) => {
                                check(&store, Some(session.id), limit, &mut report).await?;
                            }
                            Item::Corrupt(error) => report.found(None, None, error),
                            Item::Absent | Item::Deleted => {}
                        }
                    }
                    match page.next {
                        Some(next) => query.after = Some(next),
                        None => break,
                    }
                }
            }
        }
        Ok(report)
    }
}

async fn check(
    store: &Store,
    session: Option<SessionId>,
    limit: usize,
    report: &mut VerifyReport,
) -> Result<()> {
    let mut query = Query {
        session,
        order: Order::Descending,
        parts: Parts::ALL,
        ..Query::default()
    };
    query.filter.quarantined = true;
    let mut left = limit;
    while left > 0 {
        query.limit = PAGE.min(left);
        let page = store
            .0
            .backend
            .scan(&query)
            .await
            .map_err(|error| store.blame(error, "verify"))?;
        left -= page.items.len().min(left);
        for item in page.items {
            judge(store, item, report).await?;
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    Ok(())
}

async fn judge(
    store: &Store,
    item: Item<crate::record::Record>,
    report: &mut VerifyReport,
) -> Result<()> {
    let record = match item {
        Item::Found(record) => record,
        Item::Corrupt(error) => {
            report.found(None, None, error);
            return Ok(());
        }
        Item::Absent | Item::Deleted => return Ok(()),
    };
    let (id, session) = (record.header.id.clone(), record.header.session.clone());
    let checked = match Checkpoint::from_record(store, record) {
        Ok(checkpoint) => checkpoint
            .bytes()
            .await
            .map(|_| checkpoint.checksum().is_some()),
        Err(error) => Err(error),
    };
    match checked {
        Ok(true) => report.valid += 1,
        Ok(false) => report.skipped += 1,
        // Deleted while it was checked.
        Err(error) if error.is_not_found() => {}
        Err(error) if error.is_retryable() => return Err(error),
        Err(error) => report.found(Some(id), Some(session), error),
    }
    Ok(())
}

impl IntoFuture for Verify {
    type Output = Result<VerifyReport>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
