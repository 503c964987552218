//! Faults of reads and of upkeep.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use checkpoint_core::{
    Backend, Budget, CheckpointId, ChunkId, Error, ErrorKind, Feed, Item, MaintainStep, MetaRecord,
    Page, Parts, Payload, Position, Query, Record, Result, StoredChunk,
};
use parking_lot::Mutex;

use super::wrapper::Fault;
use crate::harness::Damage;

#[derive(Debug, Default)]
pub(super) struct CutsStates;

#[async_trait]
impl Fault for CutsStates {
    async fn get(
        &self,
        inner: &dyn Backend,
        ids: &[CheckpointId],
        parts: Parts,
    ) -> Result<Vec<Item<Record>>> {
        let mut items = inner.get(ids, parts).await?;
        for item in &mut items {
            if let Item::Found(Record {
                payload: Some(Payload::Inline(bytes)),
                ..
            }) = item
            {
                bytes.truncate(64);
            }
        }
        Ok(items)
    }
}

/// Pretends that descriptions were damaged, and answers for a page that holds one with an error.
#[derive(Debug, Default)]
pub(super) struct HidesAPage(Mutex<BTreeSet<CheckpointId>>);

impl HidesAPage {
    fn judge(&self, item: Item<Record>) -> Item<Record> {
        item.and_then(|record| {
            if self.0.lock().contains(&record.header.id) {
                return Err(
                    Error::corrupt("a damaged description").with("checkpoint", &record.header.id)
                );
            }
            Ok(record)
        })
    }
}

#[async_trait]
impl Fault for HidesAPage {
    async fn get(
        &self,
        inner: &dyn Backend,
        ids: &[CheckpointId],
        parts: Parts,
    ) -> Result<Vec<Item<Record>>> {
        let items = inner.get(ids, parts).await?;
        Ok(items.into_iter().map(|item| self.judge(item)).collect())
    }

    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let page = inner.scan(query).await?;
        let judged = page.items.into_iter().map(|item| self.judge(item));
        let items: Result<Vec<Item<Record>>> = judged
            .map(|item| match item {
                Item::Corrupt(error) => Err(error),
                item => Ok(item),
            })
            .collect();
        Ok(Page {
            items: items?,
            next: page.next,
        })
    }

    fn damage(&self, what: &Damage) -> bool {
        match what {
            Damage::Meta(id) => self.0.lock().insert(id.clone()),
            _ => false,
        }
    }
}

/// Says that what should be damaged is, and reads it as before.
#[derive(Debug, Default)]
pub(super) struct SeesNoDamage;

impl Fault for SeesNoDamage {
    fn damage(&self, _: &Damage) -> bool {
        true
    }
}

#[derive(Debug, Default)]
pub(super) struct SweepsChildren(Mutex<BTreeSet<ChunkId>>);

#[async_trait]
impl Fault for SweepsChildren {
    async fn chunks(&self, inner: &dyn Backend, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        let items = inner.chunks(ids).await?;
        let swept = self.0.lock();
        let gone = |(item, id)| {
            if swept.contains(id) {
                Item::Absent
            } else {
                item
            }
        };
        Ok(items.into_iter().zip(ids).map(gone).collect())
    }

    async fn present(&self, inner: &dyn Backend, ids: &[ChunkId]) -> Result<Vec<bool>> {
        let present = inner.present(ids).await?;
        let swept = self.0.lock();
        Ok(present
            .into_iter()
            .zip(ids)
            .map(|(there, id)| there && !swept.contains(id))
            .collect())
    }

    async fn maintain(&self, inner: &dyn Backend, budget: &Budget) -> Result<MaintainStep> {
        for item in inner.scan_chunks(None, 10_000).await? {
            if let Item::Found(info) = item {
                self.0.lock().extend(info.children.iter());
            }
        }
        inner.maintain(budget).await
    }
}

#[derive(Debug, Default)]
pub(super) struct SweepsAtOnce;

#[async_trait]
impl Fault for SweepsAtOnce {
    async fn maintain(&self, inner: &dyn Backend, budget: &Budget) -> Result<MaintainStep> {
        inner.maintain(&budget.with_grace(Duration::ZERO)).await
    }
}

#[derive(Debug, Default)]
pub(super) struct SplitsCommits;

#[async_trait]
impl Fault for SplitsCommits {
    async fn changes(&self, inner: &dyn Backend, after: Position, limit: usize) -> Result<Feed> {
        let mut all = inner.changes(Position::START, 10_000).await?.whole()?;
        all.retain(|change| change.position > after);
        all.truncate(limit);
        let end = all.last().map_or(after, |change| change.position);
        let items = all.into_iter().map(Item::Found).collect();
        Ok(Feed { items, end })
    }
}

#[derive(Debug, Default)]
pub(super) struct TrimsSilently;

#[async_trait]
impl Fault for TrimsSilently {
    async fn changes(&self, inner: &dyn Backend, after: Position, limit: usize) -> Result<Feed> {
        match inner.changes(after, limit).await {
            Err(error) => match *error.kind() {
                ErrorKind::Truncated { oldest } => inner.changes(oldest, limit).await,
                _ => Err(error),
            },
            answer => answer,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct ZeroIsAll;

#[async_trait]
impl Fault for ZeroIsAll {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let limit = if query.limit == 0 {
            10_000
        } else {
            query.limit
        };
        inner
            .scan(&Query {
                limit,
                ..query.clone()
            })
            .await
    }
}

#[derive(Debug, Default)]
pub(super) struct PrefixIsPattern;

#[async_trait]
impl Fault for PrefixIsPattern {
    async fn records(&self, inner: &dyn Backend, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        let mut all = inner.records("").await?;
        all.retain(|item| {
            let Item::Found(record) = item else {
                return true;
            };
            let mut letters = record.name.as_str().chars();
            prefix
                .chars()
                .take_while(|c| *c != '%')
                .all(|c| letters.next().is_some_and(|l| c == '_' || c == l))
        });
        Ok(all)
    }
}

#[derive(Debug, Default)]
pub(super) struct SleepsOn;

#[async_trait]
impl Fault for SleepsOn {
    async fn changed(
        &self,
        _: &dyn Backend,
        after: Position,
        at_most: Duration,
    ) -> Result<Position> {
        tokio::time::sleep(at_most.min(Duration::from_millis(100))).await;
        Ok(after)
    }
}

#[derive(Debug, Default)]
pub(super) struct CutsPages;

#[async_trait]
impl Fault for CutsPages {
    async fn changes(&self, inner: &dyn Backend, after: Position, limit: usize) -> Result<Feed> {
        let most = usize::try_from(inner.info().limits.page).unwrap_or(usize::MAX);
        inner.changes(after, limit.min(most)).await
    }
}

/// Sleeps through the close of its handle.
#[derive(Debug, Default)]
pub(super) struct WaitsOn;

#[async_trait]
impl Fault for WaitsOn {
    async fn changed(
        &self,
        inner: &dyn Backend,
        after: Position,
        at_most: Duration,
    ) -> Result<Position> {
        let begun = std::time::Instant::now();
        loop {
            let left = at_most.saturating_sub(begun.elapsed());
            let position = inner.changed(after, Duration::ZERO).await?;
            if position > after || left.is_zero() {
                return Ok(position);
            }
            tokio::time::sleep(left.min(Duration::from_millis(400))).await;
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct StaysOpen;

#[async_trait]
impl Fault for StaysOpen {
    async fn close(&self, _: &dyn Backend) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Panics;

#[async_trait]
impl Fault for Panics {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        assert!(query.limit > 0, "nobody asks for nothing");
        inner.scan(query).await
    }
}
