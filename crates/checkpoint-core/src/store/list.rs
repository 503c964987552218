//! Listing checkpoints.

use std::collections::HashSet;
use std::future::IntoFuture;
use std::ops::RangeInclusive;

use futures_core::future::BoxFuture;

use super::annotate::ANNOTATION;
use super::{Checkpoint, Store};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId, Tag, WorkerId};
use crate::query::{AttachmentQuery, Cursor, Order, Query};
use crate::record::{Item, Parts};
use crate::status::{Status, Trigger};

/// A list of checkpoints, newest first. Narrow it, and await it. No state is read.
#[must_use = "a list is not read until it is awaited"]
#[derive(Clone, Debug)]
pub struct List {
    store: Store,
    query: Result<Query>,
}

/// Some of the checkpoints, and where the rest starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listing {
    /// In the order asked for.
    pub checkpoints: Vec<Checkpoint>,
    /// Those among them that cannot be read, each named.
    pub damaged: Vec<Error>,
    /// Where the next page starts; none when there is no more.
    pub next: Option<Cursor>,
}

/// A checkpoint in short.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Its id.
    pub id: CheckpointId,
    /// The session it belongs to.
    pub session: SessionId,
    /// When it was made, by the writer's clock.
    pub created_at: Timestamp,
    /// Its number in the store.
    pub sequence: u64,
    /// What its writer said.
    pub message: String,
    /// What made the program save.
    pub trigger: Trigger,
    /// Its tags, sorted.
    pub tags: Vec<Tag>,
    /// Whether it has annotations.
    pub has_notes: bool,
}

impl List {
    pub(super) fn new(store: Store, session: Option<SessionId>) -> Self {
        Self {
            store,
            query: Ok(Query {
                session,
                parts: Parts::META,
                ..Query::default()
            }),
        }
    }

    fn edit(mut self, edit: impl FnOnce(&mut Query) -> Result<()>) -> Self {
        if let Ok(query) = &mut self.query
            && let Err(error) = edit(query)
        {
            self.query = Err(error);
        }
        self
    }

    /// Lowest sequence first.
    pub fn oldest_first(self) -> Self {
        self.edit(|query| {
            query.order = Order::Ascending;
            Ok(())
        })
    }

    /// At most so many. Default: 100.
    pub fn limit(self, limit: usize) -> Self {
        self.edit(|query| {
            query.limit = limit;
            Ok(())
        })
    }

    /// After where a page ended.
    pub fn after(self, cursor: Option<Cursor>) -> Self {
        self.edit(|query| {
            query.after = cursor;
            Ok(())
        })
    }

    /// With sequences in this range, both ends included.
    pub fn sequences(self, range: RangeInclusive<u64>) -> Self {
        self.edit(|query| {
            query.sequences = range;
            Ok(())
        })
    }

    /// With this tag, or another that is asked for in this way.
    pub fn any_tag<T>(self, tag: T) -> Self
    where
        T: TryInto<Tag>,
        T::Error: Into<Error>,
    {
        self.edit(|query| {
            tag.try_into()
                .map(|tag| query.filter.any_tag.push(tag))
                .map_err(Into::into)
        })
    }

    /// With this tag, and every other that is asked for in this way.
    pub fn tag<T>(self, tag: T) -> Self
    where
        T: TryInto<Tag>,
        T::Error: Into<Error>,
    {
        self.edit(|query| {
            tag.try_into()
                .map(|tag| query.filter.all_tags.push(tag))
                .map_err(Into::into)
        })
    }

    /// With this status, or another that is asked for.
    pub fn status(self, status: Status) -> Self {
        self.edit(|query| {
            query.filter.statuses.push(status);
            Ok(())
        })
    }

    /// Made for this reason, or another that is asked for.
    pub fn trigger(self, trigger: Trigger) -> Self {
        self.edit(|query| {
            query.filter.triggers.push(trigger);
            Ok(())
        })
    }

    /// Saved by this worker.
    pub fn worker<W>(self, worker: W) -> Self
    where
        W: TryInto<WorkerId>,
        W::Error: Into<Error>,
    {
        self.edit(|query| {
            worker
                .try_into()
                .map(|it| query.filter.worker = Some(it))
                .map_err(Into::into)
        })
    }

    /// Made from this checkpoint.
    pub fn children_of(self, parent: CheckpointId) -> Self {
        self.edit(|query| {
            query.filter.parent = Some(parent);
            Ok(())
        })
    }

    /// Committed at this time or later.
    pub fn since(self, time: Timestamp) -> Self {
        self.edit(|query| {
            query.filter.committed_from = Some(time);
            Ok(())
        })
    }

    /// Committed at this time or earlier.
    pub fn until(self, time: Timestamp) -> Self {
        self.edit(|query| {
            query.filter.committed_until = Some(time);
            Ok(())
        })
    }

    /// With an id that starts so, as ids are written.
    pub fn id_start(self, start: impl Into<String>) -> Self {
        self.edit(|query| {
            query.filter.id_start = Some(start.into());
            Ok(())
        })
    }

    /// Pinned, or not.
    pub fn pinned(self, pinned: bool) -> Self {
        self.edit(|query| {
            query.filter.pinned = Some(pinned);
            Ok(())
        })
    }

    /// Those too that were set aside as damaged.
    pub fn with_quarantined(self) -> Self {
        self.edit(|query| {
            query.filter.quarantined = true;
            Ok(())
        })
    }

    async fn read(self) -> Result<Listing> {
        let Self { store, query } = self;
        let page = store
            .0
            .backend
            .scan(&query?)
            .await
            .map_err(|error| store.blame(error, "list"))?;
        let mut listing = Listing {
            checkpoints: Vec::with_capacity(page.items.len()),
            damaged: Vec::new(),
            next: page.next,
        };
        for item in page.items {
            match item.and_then(|record| Checkpoint::from_record(&store, record)) {
                Item::Found(checkpoint) => listing.checkpoints.push(checkpoint),
                Item::Corrupt(error) => listing.damaged.push(error),
                Item::Absent | Item::Deleted => {}
            }
        }
        Ok(listing)
    }

    /// The same list in short, with whether each has annotations; as many as the limit, if there are.
    ///
    /// # Errors
    ///
    /// As awaiting the list.
    pub async fn summary(self) -> Result<Vec<Summary>> {
        let (store, mut query) = (self.store, self.query?);
        let mut summaries = Vec::new();
        while query.limit > 0 {
            let page = Self {
                store: store.clone(),
                query: Ok(query.clone()),
            };
            let page = page.read().await?;
            query.limit -= page.checkpoints.len().min(query.limit);
            summaries.extend(Self::short(&store, page.checkpoints).await?);
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        Ok(summaries)
    }

    async fn short(store: &Store, checkpoints: Vec<Checkpoint>) -> Result<Vec<Summary>> {
        let annotated = annotated(store, &checkpoints).await?;
        let summaries = checkpoints.into_iter().map(|checkpoint| {
            let (header, description, _) = checkpoint.into_parts();
            Summary {
                has_notes: annotated.contains(&header.id),
                id: header.id,
                session: header.session,
                created_at: header.created_at,
                sequence: header.sequence,
                message: description.message,
                trigger: header.trigger,
                tags: header.tags,
            }
        });
        Ok(summaries.collect())
    }
}

/// Which of these checkpoints have annotations.
async fn annotated(store: &Store, checkpoints: &[Checkpoint]) -> Result<HashSet<CheckpointId>> {
    let mut found = HashSet::new();
    let mut query = AttachmentQuery {
        checkpoints: checkpoints
            .iter()
            .map(|checkpoint| checkpoint.id().clone())
            .collect(),
        kind: Some(ANNOTATION.to_owned()),
        content: false,
        ..AttachmentQuery::default()
    };
    loop {
        let page = store
            .0
            .backend
            .attachments(&query)
            .await
            .map_err(|error| store.blame(error, "summary"))?;
        for item in page.items {
            if let Item::Found(attachment) = item {
                found.insert(attachment.checkpoint);
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(found),
        }
    }
}

impl IntoFuture for List {
    type Output = Result<Listing>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
