//! Faults of what is damaged beside checkpoints. Damage is pretended.

use std::collections::BTreeSet;

use async_trait::async_trait;
use checkpoint_core::{
    Backend, Error, Feed, Item, MetaRecord, Page, Position, RecordName, Result, SessionId,
    SessionQuery, SessionRecord,
};
use parking_lot::Mutex;

use super::wrapper::Fault;
use crate::harness::Damage;

/// Ends the list of sessions before a damaged one, as if there were no more.
#[derive(Debug, Default)]
pub(super) struct EndsAtDamage(Mutex<BTreeSet<SessionId>>);

#[async_trait]
impl Fault for EndsAtDamage {
    async fn sessions(
        &self,
        inner: &dyn Backend,
        query: &SessionQuery,
    ) -> Result<Page<Item<SessionRecord>>> {
        let mut page = inner.sessions(query).await?;
        let hurt = |item: &Item<SessionRecord>| match item {
            Item::Found(session) => self.0.lock().contains(&session.id),
            _ => false,
        };
        if let Some(at) = page.items.iter().position(hurt) {
            page.items.truncate(at);
            page.next = None;
        }
        Ok(page)
    }

    fn damage(&self, what: &Damage) -> bool {
        match what {
            Damage::Session(id) => self.0.lock().insert(id.clone()),
            _ => false,
        }
    }
}

/// Answers with an error for all records when one is damaged.
#[derive(Debug, Default)]
pub(super) struct HidesRecords(Mutex<BTreeSet<RecordName>>);

#[async_trait]
impl Fault for HidesRecords {
    async fn records(&self, inner: &dyn Backend, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        let found = inner.records(prefix).await?;
        for item in &found {
            if let Item::Found(record) = item
                && self.0.lock().contains(&record.name)
            {
                return Err(Error::corrupt("a damaged record").with("record", &record.name));
            }
        }
        Ok(found)
    }

    fn damage(&self, what: &Damage) -> bool {
        match what {
            Damage::Record(name) => self.0.lock().insert(name.clone()),
            _ => false,
        }
    }
}

/// Leaves a damaged change out of the feed.
#[derive(Debug, Default)]
pub(super) struct LosesChanges(Mutex<BTreeSet<Position>>);

#[async_trait]
impl Fault for LosesChanges {
    async fn changes(&self, inner: &dyn Backend, after: Position, limit: usize) -> Result<Feed> {
        let mut feed = inner.changes(after, limit).await?;
        feed.items.retain(|item| match item {
            Item::Found(change) => !self.0.lock().contains(&change.position),
            _ => true,
        });
        Ok(feed)
    }

    fn damage(&self, what: &Damage) -> bool {
        match what {
            Damage::Change(position) => self.0.lock().insert(*position),
            _ => false,
        }
    }
}
