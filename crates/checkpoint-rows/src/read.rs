//! Reads, each with a view that it is given.

use checkpoint_core::engine::{
    Counters, Listed, ListedSessions, StoreRow, attachment_page, feed_page, or_damage,
    reaches_back, session_page,
};
use checkpoint_core::{
    Attachment, AttachmentQuery, CheckpointId, ChunkId, ChunkInfo, Error, Feed, Item, MetaRecord,
    Order, Page, Parts, Position, Query, Record, Result, SessionId, SessionQuery, SessionRecord,
    Stats, StoredChunk,
};

use crate::key;
use crate::lying::Lying;
use crate::query::checkpoint;
use crate::query::{attachment, chunk, feed, scan, session, store};
use crate::table::Table;
use crate::view::{Snapshot, View};

/// A page of live sessions, each with its head.
pub(crate) fn sessions(
    view: &View<impl Snapshot>,
    query: &SessionQuery,
    limit: usize,
) -> Result<Page<Item<SessionRecord>>> {
    let mut page = session_page(&mut Rows(view), query, limit)?;
    let lost = view.lost(&[Table::Session]);
    let unknown = query.id.is_none() && lost.is_some_and(|lost| !lost.knows_sessions());
    if unknown && page.next.is_none() && page.items.len() < limit {
        page.items.push(left_out("sessions"));
    }
    Ok(page)
}

struct Rows<'v, S>(&'v View<S>);

impl<S: Snapshot> ListedSessions for Rows<'_, S> {
    fn by_id(&mut self, id: &SessionId) -> Result<Option<Listed>> {
        session::listed_by_id(self.0, id)
    }

    fn after(&mut self, key: Option<u64>, order: Order, limit: usize) -> Result<Vec<Listed>> {
        session::after(self.0, key, order, limit)
    }

    fn head(&mut self, session: u64) -> Result<Option<(u64, CheckpointId)>> {
        checkpoint::head(self.0, session)
    }
}

/// That a list may lack some, since pages of it cannot be read.
fn left_out<T>(what: &'static str) -> Item<T> {
    Item::Corrupt(Error::corrupt("not all can be read; some may be left out").with("what", what))
}

/// A page of attachments.
pub(crate) fn attachments(
    view: &View<impl Snapshot>,
    query: &AttachmentQuery,
    limit: usize,
) -> Result<Page<Item<Attachment>>> {
    let (kind, key) = (query.kind.as_deref(), query.key.as_deref());
    let list = |id: &CheckpointId| {
        let Some(sequence) = live(view, id)? else {
            return Ok(Vec::new());
        };
        let listed = attachment::list(view, sequence, kind, key)?.into_iter();
        Ok(listed.map(|it| (sequence, it)).collect())
    };
    let mut page = attachment_page(query, limit, list, |id, (sequence, listed)| {
        attachment::read(view, &listed, id, sequence, query.content)
    })?;
    let lost = view.lost(&[Table::AttachmentKey]).is_some();
    if lost && page.next.is_none() && page.items.len() < limit {
        page.items.push(left_out("attachments"));
    }
    Ok(page)
}

/// The sequence of a checkpoint that was not deleted. A damaged one may still have sound attachments.
fn live(view: &View<impl Snapshot>, id: &CheckpointId) -> Result<Option<u64>> {
    let Some(sequence) = checkpoint::sequence_of(view, id)? else {
        return Ok(None);
    };
    let deleted = checkpoint::at(view, sequence, |row| {
        session::name_of(view, row.session).map(|(_, deleted)| deleted.is_some())
    });
    Ok(match or_damage(deleted)? {
        Ok(Some(true)) => None,
        _ => Some(sequence),
    })
}

/// A page of the feed.
pub(crate) fn changes(view: &View<impl Snapshot>, after: Position, limit: usize) -> Result<Feed> {
    reaches_back(store::store(view)?.floor, after, limit)?;
    feed_page(
        after,
        limit,
        |after, at_most| feed::appends(view, after, at_most),
        |after, at_most| feed::others(view, after, at_most),
    )
}

/// What rows tell: not how much room they take.
pub(crate) fn stats(view: &View<impl Snapshot>) -> Result<Stats> {
    let mut stats = Stats::default();
    let mut attachments = attachment::counts(view)?.into_iter().peekable();
    let mut deleted = std::collections::HashMap::new();
    stats.tombstones = view.base.count(Table::Tombstone)?;
    for row in view.all(Table::Checkpoint, Order::Ascending)? {
        let (key, value) = row?;
        let sequence = key::last_number(&key)?;
        let row = Lying::new(sequence, &value).ok();
        // What is damaged counts as live: nobody knows that it is not.
        let gone = row.is_some_and(|row| {
            *deleted.entry(row.session).or_insert_with(|| {
                let name = session::name(view, row.session);
                name.is_ok_and(|name| name.is_some_and(|(_, deleted)| deleted.is_some()))
            })
        });
        while attachments.next_if(|(of, _)| *of < sequence).is_some() {}
        let own = attachments.next_if(|(of, _)| *of == sequence);
        if gone {
            stats.tombstones += 1;
            continue;
        }
        stats.attachments += own.map_or(0, |(_, count)| count);
        stats.checkpoints += 1;
        let length = row.and_then(|row| checkpoint_core::engine::row::length(row.packed).ok());
        stats.state_bytes = stats.state_bytes.saturating_add(length.unwrap_or(0));
    }
    (stats.chunks, stats.chunk_bytes) = chunk::counts(view)?;
    stats.sessions = session::count(view)?;
    stats.position = store::counters(view)?.position;
    Ok(stats)
}

/// What a backend is asked for.
impl<S: Snapshot> View<S> {
    /// The row of the store itself.
    ///
    /// # Errors
    ///
    /// This and all others: those of the state below; `Corrupt` for what no page can leave out.
    pub fn store(&self) -> Result<StoreRow> {
        store::store(self)
    }

    /// How far the store has come.
    pub fn counters(&self) -> Result<Counters> {
        store::counters(self)
    }

    /// One checkpoint.
    pub fn checkpoint(&self, id: &CheckpointId, parts: Parts) -> Result<Item<Record>> {
        checkpoint::get(self, id, parts)
    }

    /// A page of checkpoints.
    pub fn scan(&self, query: &Query, limit: usize) -> Result<Page<Item<Record>>> {
        scan::scan(self, query, limit)
    }

    /// A page of live sessions, each with its head.
    pub fn sessions(
        &self,
        query: &SessionQuery,
        limit: usize,
    ) -> Result<Page<Item<SessionRecord>>> {
        sessions(self, query, limit)
    }

    /// A page of attachments.
    pub fn attachments(
        &self,
        query: &AttachmentQuery,
        limit: usize,
    ) -> Result<Page<Item<Attachment>>> {
        attachments(self, query, limit)
    }

    /// Chunks by their ids.
    pub fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        chunk::get(self, ids)
    }

    /// The number of a chunk, under which its rows are kept as eight bytes, the highest first; none when it is not there.
    pub fn chunk_number(&self, id: &ChunkId) -> Result<Option<u64>> {
        chunk::number_of(self, id)
    }

    /// Whether chunks are there.
    pub fn present(&self, ids: &[ChunkId]) -> Result<Vec<bool>> {
        let there = ids.iter().map(|id| self.chunk_number(id));
        there.map(|no| Ok(no?.is_some())).collect()
    }

    /// Chunks above an id, in the order of their ids.
    pub fn scan_chunks(
        &self,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<Item<ChunkInfo>>> {
        chunk::scan(self, after, limit)
    }

    /// Named records whose names start so, by name.
    pub fn records(&self, prefix: &str) -> Result<Vec<Item<MetaRecord>>> {
        store::records(self, prefix)
    }

    /// A page of the feed.
    pub fn changes(&self, after: Position, limit: usize) -> Result<Feed> {
        changes(self, after, limit)
    }

    /// What rows tell: not how much room they take.
    pub fn stats(&self) -> Result<Stats> {
        stats(self)
    }
}
