//! A store, as what checkpoints come from.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::source::{Arrival, Arrivals, ArrivingState, Naming, Source};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, ChunkId, SessionId};
use crate::query::{AttachmentQuery, Cursor, CursorKind, Order, Page, Query, SessionQuery};
use crate::record::{
    Attachment, Item, Parts, Payload, Position, Record, SessionRecord, StoredChunk,
};
use crate::stride::Stride;

/// Checkpoints on a page, at most, and bytes of description and state after which it ends.
const PAGE: usize = 512;
const BYTES: usize = 4 << 20;
/// Sessions on a page, and attachments.
const NAMES: usize = 256;

/// A store, or one session of it.
#[derive(Debug)]
pub(crate) struct StoreSource<'a> {
    backend: &'a dyn Backend,
    session: Option<SessionId>,
    stride: Mutex<Stride>,
}

impl<'a> StoreSource<'a> {
    pub(crate) fn new(backend: &'a dyn Backend, session: Option<SessionId>) -> Self {
        let stride = Stride::new(backend.info().limits.page);
        Self {
            backend,
            session,
            stride: Mutex::new(stride),
        }
    }

    /// A page of checkpoints above a sequence, and where the next one starts.
    async fn records(&self, after: u64) -> Result<(Vec<Item<Record>>, Option<u64>)> {
        let mut query = Query {
            session: self.session.clone(),
            order: Order::Ascending,
            parts: Parts::ALL,
            ..Query::default()
        };
        query.filter.quarantined = true;
        let (mut records, mut bytes, mut next) = (Vec::new(), 0, Some(after));
        while let Some(after) = next.filter(|_| records.len() < PAGE && bytes < BYTES) {
            let Some(first) = after.checked_add(1) else {
                return Ok((records, None));
            };
            query.sequences = first..=u64::MAX;
            query.limit = self.stride.lock().items().min(PAGE - records.len());
            let page = self.backend.scan(&query).await?;
            let weight = page.weight();
            self.stride.lock().had(weight);
            bytes += weight;
            records.extend(page.items);
            let last = page.next.map(|next| next.place(CursorKind::Ascending));
            next = last.transpose()?;
        }
        Ok((records, next))
    }

    /// The attachments of checkpoints, without their contents. What is damaged is answered beside them.
    async fn attachments(
        &self,
        checkpoints: Vec<CheckpointId>,
    ) -> Result<(HashMap<CheckpointId, Vec<Attachment>>, Vec<Error>)> {
        let mut query = AttachmentQuery {
            checkpoints,
            content: false,
            limit: NAMES,
            ..AttachmentQuery::default()
        };
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        let mut damaged = Vec::new();
        loop {
            let page = self.backend.attachments(&query).await?;
            for item in page.items {
                match item {
                    Item::Found(it) => found.entry(it.checkpoint.clone()).or_default().push(it),
                    Item::Corrupt(error) => damaged.push(error),
                    Item::Absent | Item::Deleted => {}
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok((found, damaged)),
            }
        }
    }
}

#[async_trait]
impl Source for StoreSource<'_> {
    fn label(&self) -> &str {
        &self.backend.info().label
    }

    fn doing(&self) -> &'static str {
        "copy"
    }

    fn naming(&self) -> Option<Naming<'_>> {
        let info = self.backend.info();
        Some(Naming {
            hasher: &info.hasher,
            gear_seed: info.gear_seed,
        })
    }

    async fn newest(&self) -> Result<u64> {
        let position = self
            .backend
            .changed(Position::START, Duration::ZERO)
            .await?;
        Ok(position.sequence)
    }

    async fn total(&self) -> Result<Option<u64>> {
        if self.session.is_some() {
            return Ok(None);
        }
        Ok(Some(self.backend.stats().await?.checkpoints))
    }

    async fn sessions(&self, after: Option<Cursor>) -> Result<Page<Item<SessionRecord>>> {
        let one = self.session.clone().map(SessionQuery::one);
        let all = SessionQuery {
            limit: NAMES,
            after,
            ..SessionQuery::default()
        };
        self.backend.sessions(&one.unwrap_or(all)).await
    }

    async fn arrivals(&self, after: u64) -> Result<Arrivals> {
        let (records, next) = self.records(after).await?;
        let ids = records.iter().filter_map(|item| match item {
            Item::Found(record) => Some(record.header.id.clone()),
            _ => None,
        });
        let (mut attachments, damaged) = self.attachments(ids.collect()).await?;
        let arrive = |item: Item<Record>| {
            item.and_then(|record| {
                let attachments = attachments.remove(&record.header.id);
                arrival(record, attachments.unwrap_or_default())
            })
        };
        let mut items: Vec<_> = records.into_iter().map(arrive).collect();
        items.extend(damaged.into_iter().map(Item::Corrupt));
        Ok(Arrivals { items, next })
    }

    async fn attachment(&self, of: &Attachment) -> Result<Option<Bytes>> {
        let query = AttachmentQuery {
            kind: Some(of.kind.clone()),
            key: Some(of.key.clone()),
            limit: 1,
            ..AttachmentQuery::of(of.checkpoint.clone())
        };
        let mut page = self.backend.attachments(&query).await?;
        let found = page.items.pop().unwrap_or(Item::Absent).into_option()?;
        Ok(found.and_then(|found| found.bytes))
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        self.backend.chunks(ids).await
    }
}

fn arrival(record: Record, attachments: Vec<Attachment>) -> Result<Arrival> {
    let Record {
        header,
        meta,
        payload,
    } = record;
    let left_out = || Error::storage("the backend left out a part of a checkpoint");
    let state = match payload.ok_or_else(left_out)? {
        Payload::Inline(bytes) => ArrivingState::Whole(bytes),
        Payload::Tree(top) => ArrivingState::Tree(top),
    };
    Ok(Arrival {
        header,
        meta: meta.ok_or_else(left_out)?,
        state,
        attachments,
        verified: None,
    })
}
