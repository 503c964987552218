//! Faults of scans: what is listed, in which order, and how far.

use async_trait::async_trait;
use checkpoint_core::{Backend, Cursor, CursorKind, Item, Order, Page, Query, Record, Result};

use super::wrapper::Fault;

#[derive(Debug, Default)]
pub(super) struct LeaksSessions;

#[async_trait]
impl Fault for LeaksSessions {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        inner
            .scan(&Query {
                session: None,
                ..query.clone()
            })
            .await
    }
}

#[derive(Debug, Default)]
pub(super) struct IgnoresStarts;

#[async_trait]
impl Fault for IgnoresStarts {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let mut query = query.clone();
        query.filter.id_start = None;
        inner.scan(&query).await
    }
}

/// Believes that an index of ids that it stopped looking through was all of it.
#[derive(Debug, Default)]
pub(super) struct StopsAtStarts;

#[async_trait]
impl Fault for StopsAtStarts {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let mut query = query.clone();
        if query.filter.id_start.is_some() {
            let looked_at = Query {
                order: Order::Ascending,
                after: None,
                limit: 2,
                ..query.clone()
            };
            let last = match inner.scan(&looked_at).await?.items.pop() {
                Some(Item::Found(record)) => record.header.sequence,
                _ => u64::MAX,
            };
            let (start, end) = (*query.sequences.start(), *query.sequences.end());
            query.sequences = start..=end.min(last);
        }
        inner.scan(&query).await
    }
}

#[derive(Debug, Default)]
pub(super) struct StopsWhenHeavy;

#[async_trait]
impl Fault for StopsWhenHeavy {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let mut page = inner.scan(query).await?;
        if page.weight() > 2 << 20 {
            page.next = None;
        }
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(super) struct WrongOrder;

#[async_trait]
impl Fault for WrongOrder {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let mut page = inner.scan(query).await?;
        let key = |item: &Item<Record>| match item {
            Item::Found(record) => record.header.id.to_string(),
            _ => String::new(),
        };
        page.items.sort_by_key(key);
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(super) struct CountsInCursors;

#[async_trait]
impl Fault for CountsInCursors {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let kind = match query.order {
            Order::Ascending => CursorKind::Ascending,
            Order::Descending => CursorKind::Descending,
        };
        let seen = query
            .after
            .as_ref()
            .map_or(Ok(0), |cursor| cursor.place(kind))?;
        let all = Query {
            after: None,
            limit: 10_000,
            ..query.clone()
        };
        let mut items = inner.scan(&all).await?.items;
        let start = items.len().min(usize::try_from(seen).unwrap_or(usize::MAX));
        items.drain(..start);
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = more.then(|| Cursor::new(kind, seen + items.len() as u64));
        Ok(Page { items, next })
    }
}
