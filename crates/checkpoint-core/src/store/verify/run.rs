//! Going through a store.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Checkpoint, Finding, Recovery, Store, Stored, Verify, VerifyReport};
use crate::backup::Meter;
use crate::commit::Quarantine;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CheckpointId, SessionId};
use crate::query::{Order, Query, SessionQuery};
use crate::record::{Head, Item, Parts, Position};
use crate::stride::Stride;

/// States above this many bytes are read piece by piece.
const LARGE: u64 = 4 << 20;

/// What became of a checkpoint.
pub(super) enum Checked {
    Valid(Box<Checkpoint>),
    /// It has no checksum.
    Skipped(Box<Checkpoint>),
    Invalid(Finding),
    /// Deleted while it was checked.
    Gone,
}

/// Reads all of a checkpoint.
pub(super) async fn check(store: &Store, item: Stored) -> Result<Checked> {
    let record = match item {
        Item::Found(record) => record,
        Item::Corrupt(error) => return Ok(Checked::Invalid(Finding::of(error))),
        Item::Absent | Item::Deleted => return Ok(Checked::Gone),
    };
    let header = &record.header;
    let (id, session, aside) = (
        header.id.clone(),
        header.session.clone(),
        header.quarantined,
    );
    match read(store, record).await {
        Ok(checkpoint) if checkpoint.checksum().is_some() => {
            Ok(Checked::Valid(Box::new(checkpoint)))
        }
        Ok(checkpoint) => Ok(Checked::Skipped(Box::new(checkpoint))),
        Err(error) if error.is_not_found() => Ok(Checked::Gone),
        Err(error) if error.is_retryable() || *error.kind() == ErrorKind::Stopped => Err(error),
        Err(error) => Ok(Checked::Invalid(Finding {
            checkpoint: Some(id),
            session: Some(session),
            error,
            set_aside: aside,
        })),
    }
}

async fn read(store: &Store, record: crate::record::Record) -> Result<Checkpoint> {
    let checkpoint = Checkpoint::from_record(store, record)?;
    if checkpoint.header().length <= LARGE {
        checkpoint.bytes().await?;
        return Ok(checkpoint);
    }
    let mut reader = checkpoint.reader().await?;
    while reader.next().await?.is_some() {}
    Ok(checkpoint)
}

pub(super) async fn run(verify: Verify) -> Result<VerifyReport> {
    let Verify {
        store,
        session,
        newest,
        quarantine,
        meter,
    } = verify;
    if quarantine && store.info().read_only {
        let error = Error::new(
            ErrorKind::Denied,
            "the store is open for reading alone; open it for writing to set aside what is damaged",
        );
        return Err(store.blame(error, "verify"));
    }
    let report = VerifyReport::new(store.0.clock.now());
    let mut run = Run {
        // States that are read only to be checked are not kept for the next save.
        reads: store.on(store.backend().clone()),
        store: &store,
        quarantine,
        meter,
        damaged: BTreeSet::new(),
        report,
    };
    match (newest, session) {
        (None, None) => run.whole().await?,
        (limit, Some(session)) => {
            let limit = limit.unwrap_or(usize::MAX);
            run.checkpoints(Some(session), limit).await?;
        }
        (Some(limit), None) => run.of_each(limit).await?,
    }
    run.recover().await?;
    Ok(run.report)
}

fn place_of(checkpoint: &Checkpoint) -> Head {
    Head {
        id: checkpoint.id().clone(),
        sequence: checkpoint.sequence(),
    }
}

/// A check under way.
pub(super) struct Run<'a> {
    pub(super) store: &'a Store,
    pub(super) reads: Store,
    quarantine: bool,
    meter: Meter,
    /// Sessions with a damaged checkpoint among the findings.
    damaged: BTreeSet<SessionId>,
    report: VerifyReport,
}

impl Run<'_> {
    async fn whole(&mut self) -> Result<()> {
        match self.reads.backend().check().await {
            Ok(found) => {
                for error in found {
                    self.report.found(Finding::of(error));
                }
            }
            Err(error) => self.damage(error)?,
        }
        match self.reads.backend().records("").await {
            Ok(records) => records.into_iter().for_each(|item| self.beside(item)),
            Err(error) => self.damage(error)?,
        }
        let mut query = SessionQuery::default();
        while let Some(page) = self.sessions(&mut query).await? {
            page.into_iter().for_each(|item| self.beside(item));
        }
        self.checkpoints(None, usize::MAX).await
    }

    async fn of_each(&mut self, limit: usize) -> Result<()> {
        let stats = self.reads.backend().stats().await;
        let total = stats.map_or(0, |stats| stats.sessions);
        let meter = std::mem::take(&mut self.meter);
        let mut done = 0;
        let mut query = SessionQuery::default();
        while let Some(page) = self.sessions(&mut query).await? {
            for item in page {
                match item {
                    Item::Found(session) => self.checkpoints(Some(session.id), limit).await?,
                    item => self.beside(item),
                }
                done += 1;
                meter.tell(done, total.max(done));
            }
        }
        Ok(())
    }

    /// The next page of sessions; none when there is no more.
    async fn sessions(
        &mut self,
        query: &mut SessionQuery,
    ) -> Result<Option<Vec<Item<crate::record::SessionRecord>>>> {
        if query.limit == 0 {
            return Ok(None);
        }
        match self.reads.backend().sessions(query).await {
            Ok(page) => {
                // Nothing is asked for after the last page.
                query.limit = if page.next.is_some() { query.limit } else { 0 };
                query.after = page.next;
                Ok(Some(page.items))
            }
            Err(error) => self.damage(error).map(|()| None),
        }
    }

    /// What is beside checkpoints, and damaged.
    pub(super) fn beside<T>(&mut self, item: Item<T>) {
        if let Item::Corrupt(error) = item {
            self.report.invalid += 1;
            self.report.found(Finding::of(error));
        }
    }

    /// An answer that damage took away is a finding; any other error ends the check.
    pub(super) fn damage(&mut self, error: Error) -> Result<()> {
        if !error.is_corrupt() {
            return Err(self.store.blame(error, "verify"));
        }
        self.report.invalid += 1;
        self.report.found(Finding::of(error));
        Ok(())
    }

    async fn checkpoints(&mut self, session: Option<SessionId>, limit: usize) -> Result<()> {
        let whole = session.is_none();
        let position = self
            .reads
            .backend()
            .changed(Position::START, Duration::ZERO)
            .await;
        let newest = position.map_or(u64::MAX, |position| position.sequence);
        let total = newest.max(1);
        let mut query = Query {
            session: session.clone(),
            order: Order::Descending,
            // What is saved meanwhile moves nothing from one page to the next.
            sequences: 0..=newest,
            parts: Parts::ALL,
            ..Query::default()
        };
        query.filter.quarantined = true;
        let mut stride = Stride::new(self.reads.backend().info().limits.page);
        let mut left = limit;
        while left > 0 {
            query.limit = stride.items().min(left);
            let page = match self.reads.backend().scan(&query).await {
                Ok(page) => page,
                Err(error) => return self.damage(error),
            };
            stride.had(page.weight());
            left -= page.items.len().min(left);
            let (mut ids, mut lowest) = (Vec::new(), None);
            let in_use = match page
                .items
                .iter()
                .any(|item| matches!(item, Item::Corrupt(_)))
            {
                true => self.in_use(&query).await?,
                false => BTreeSet::new(),
            };
            for item in page.items {
                if let Item::Found(record) = &item {
                    ids.push(record.header.id.clone());
                    lowest = Some(record.header.sequence);
                }
                self.judge(item, session.as_ref(), &in_use).await?;
            }
            if whole {
                self.attached(ids).await?;
            }
            if let Some(lowest) = lowest {
                self.meter.tell(total.saturating_sub(lowest), total);
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        self.meter.tell(total, total);
        Ok(())
    }

    /// The damaged checkpoints of a page that are not set aside. The rows of damaged ones do not say whether they are; a
    /// list does that leaves such out.
    async fn in_use(&self, query: &Query) -> Result<BTreeSet<CheckpointId>> {
        let mut query = query.clone();
        query.filter.quarantined = false;
        let items = match self.reads.backend().scan(&query).await {
            Ok(page) => page.items,
            Err(error) if error.is_corrupt() => Vec::new(),
            Err(error) => return Err(self.store.blame(error, "verify")),
        };
        let damaged = items.into_iter().filter_map(|item| match item {
            Item::Corrupt(error) => Finding::of(error).checkpoint,
            _ => None,
        });
        Ok(damaged.collect())
    }

    async fn judge(
        &mut self,
        item: Stored,
        session: Option<&SessionId>,
        in_use: &BTreeSet<CheckpointId>,
    ) -> Result<()> {
        let is_listed = matches!(item, Item::Corrupt(_));
        match check(&self.reads, item).await? {
            Checked::Valid(checkpoint) => {
                self.report.valid += 1;
                self.good(&checkpoint);
            }
            Checked::Skipped(checkpoint) => {
                self.report.skipped += 1;
                self.good(&checkpoint);
            }
            Checked::Gone => {}
            Checked::Invalid(mut finding) => {
                finding.session = finding.session.or_else(|| session.cloned());
                if is_listed && let Some(id) = &finding.checkpoint {
                    finding.set_aside = !in_use.contains(id);
                }
                self.invalid(finding).await?;
            }
        }
        Ok(())
    }

    fn good(&mut self, checkpoint: &Checkpoint) {
        let newest = &mut self.report.newest_good;
        if newest
            .as_ref()
            .is_none_or(|newest| newest.sequence < checkpoint.sequence())
        {
            *newest = Some(place_of(checkpoint));
        }
    }

    async fn invalid(&mut self, mut finding: Finding) -> Result<()> {
        if self.quarantine
            && !finding.set_aside
            && let (Some(id), Some(session)) = (&finding.checkpoint, &finding.session)
        {
            finding.set_aside = self.set_aside(session, id).await?;
        }
        self.report.invalid += 1;
        self.report.set_aside += u64::from(finding.set_aside);
        if self.report.left_out == 0 {
            self.damaged.extend(finding.session.clone());
        }
        self.report.found(finding);
        Ok(())
    }

    /// Sets a damaged checkpoint aside; answers whether that could be done.
    async fn set_aside(&self, session: &SessionId, id: &CheckpointId) -> Result<bool> {
        let commit = self.store.commit_of().with(Quarantine {
            session: session.clone(),
            id: id.clone(),
            aside: true,
        });
        match self.store.send(commit, "verify").await {
            Ok(receipt) => Ok(matches!(
                receipt.outcomes.first(),
                Some(crate::receipt::Outcome::Quarantined { existed: true })
            )),
            Err(error) if error.is_corrupt() || error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Looks for the newest good checkpoint of each session in which one is damaged.
    async fn recover(&mut self) -> Result<()> {
        for session in std::mem::take(&mut self.damaged) {
            let handle = super::Session::of(&self.reads, &session);
            let (good, damaged_since) = handle.newest_good().await?;
            self.report.recovery.push(Recovery {
                session,
                newest_good: good.as_ref().map(place_of),
                damaged_since,
            });
        }
        Ok(())
    }
}
