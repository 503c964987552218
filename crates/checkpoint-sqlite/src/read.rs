//! Reads, each with a connection that it is given.

use checkpoint_core::engine::{
    Listed, ListedSessions, attachment_page, feed_page, reaches_back, session_page,
};
use checkpoint_core::{
    Attachment, AttachmentQuery, CheckpointId, Feed, Item, Order, Page, Parts, Position, Record,
    Result, SessionId, SessionQuery, SessionRecord, Stats,
};
use rusqlite::Connection;

use crate::query::{
    around, attachment, checkpoint, chunk, control, feed, or_damage, session, store, tombstone,
};

/// One checkpoint.
pub(crate) fn get(
    connection: &Connection,
    id: &CheckpointId,
    parts: Parts,
) -> Result<Item<Record>> {
    let item = match checkpoint::get(connection, id, parts)? {
        Item::Corrupt(error) => around::get(connection, id, parts, error)?,
        item => item,
    };
    match item {
        Item::Absent if tombstone::newest(connection, id)?.is_some() => Ok(Item::Deleted),
        item => Ok(item),
    }
}

/// A page of live sessions, each with its head.
pub(crate) fn sessions(
    connection: &Connection,
    query: &SessionQuery,
    limit: usize,
) -> Result<Page<Item<SessionRecord>>> {
    session_page(&mut Rows(connection), query, limit)
}

struct Rows<'c>(&'c Connection);

impl ListedSessions for Rows<'_> {
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

/// A page of attachments.
pub(crate) fn attachments(
    connection: &Connection,
    query: &AttachmentQuery,
    limit: usize,
) -> Result<Page<Item<Attachment>>> {
    let (kind, key) = (query.kind.as_deref(), query.key.as_deref());
    attachment_page(
        query,
        limit,
        |id| attached(connection, id, kind, key),
        |id, found| match found {
            Ok((sequence, no)) => attachment::read(connection, no, id, sequence, query.content),
            Err(error) => Ok(Item::Corrupt(error)),
        },
    )
}

/// The attachments of a checkpoint, by its sequence and their numbers, or one damage that stands for them all. A damaged
/// checkpoint may still have sound attachments.
fn attached(
    connection: &Connection,
    id: &CheckpointId,
    kind: Option<&str>,
    key: Option<&str>,
) -> Result<Vec<Result<(u64, u64)>>> {
    let found = live(connection, id).and_then(|sequence| match sequence {
        Some(sequence) => {
            let numbers = attachment::numbers(connection, sequence, kind, key)?;
            Ok(numbers.into_iter().map(|no| Ok((sequence, no))).collect())
        }
        None => Ok(Vec::new()),
    });
    Ok(match or_damage(found)? {
        Ok(found) => found,
        Err(error) => vec![Err(error.with("attachments of", id))],
    })
}

fn live(connection: &Connection, id: &CheckpointId) -> Result<Option<u64>> {
    match checkpoint::get(connection, id, Parts::HEADER)? {
        Item::Found(record) => Ok(Some(record.header.sequence)),
        Item::Corrupt(_) => checkpoint::sequence_of(connection, id),
        Item::Absent | Item::Deleted => Ok(None),
    }
}

/// A page of the feed.
pub(crate) fn changes(connection: &Connection, after: Position, limit: usize) -> Result<Feed> {
    reaches_back(store::store(connection)?.floor, after, limit)?;
    feed_page(
        after,
        limit,
        |after, at_most| feed::appends(connection, after, at_most),
        |after, at_most| feed::others(connection, after, at_most),
    )
}

/// Counts.
pub(crate) fn stats(connection: &Connection, log_bytes: u64) -> Result<Stats> {
    let mut stats = Stats::default();
    (stats.checkpoints, stats.state_bytes) = checkpoint::counts(connection)?;
    (stats.chunks, stats.chunk_bytes) = chunk::counts(connection)?;
    let (pages, free) = control::pages(connection)?;
    stats.sessions = session::count(connection)?;
    stats.tombstones = tombstone::count(connection)?;
    stats.attachments = attachment::count(connection)?;
    stats.stored_bytes = control::bytes(pages) + log_bytes;
    stats.free_bytes = control::bytes(free);
    stats.position = store::counters(connection)?.position;
    Ok(stats)
}
