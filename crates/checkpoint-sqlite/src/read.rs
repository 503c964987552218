//! Reads, each with a connection that it is given.

use checkpoint_core::engine::{SessionRow, feed_page, reaches_back};
use checkpoint_core::{
    Attachment, AttachmentQuery, CheckpointId, Feed, Head, Item, Order, Page, Parts, Position,
    Record, Result, SessionQuery, SessionRecord, Stats,
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
    let mut page = Page::empty();
    let mut after = query.after_place()?;
    if limit == 0 {
        return Ok(page);
    }
    if let Some(id) = &query.id {
        let comes = |key| match (after, query.order) {
            (None, _) => true,
            (Some(after), Order::Ascending) => key > after,
            (Some(after), Order::Descending) => key < after,
        };
        if let Some((key, Some(row))) = session::listed_by_id(connection, id)?
            && comes(key)
        {
            page.items.push(with_head(connection, row)?);
        }
        return Ok(page);
    }
    loop {
        let rows = session::after(connection, after, query.order, limit + 1)?;
        let last_batch = rows.is_empty();
        for (key, row) in rows {
            if let Some(row) = row {
                if page.items.len() == limit {
                    page.next = after.map(|after| query.cursor(after));
                    return Ok(page);
                }
                page.items.push(with_head(connection, row)?);
            }
            after = Some(key);
        }
        if last_batch {
            return Ok(page);
        }
    }
}

fn with_head(connection: &Connection, row: Result<SessionRow>) -> Result<Item<SessionRecord>> {
    let row = match row {
        Ok(row) => row,
        Err(error) => return Ok(Item::Corrupt(error)),
    };
    let head = match or_damage(checkpoint::head(connection, row.key))? {
        Ok(head) => head,
        Err(error) => return Ok(Item::Corrupt(error.with("head of session", &row.id))),
    };
    let head = head.map(|(sequence, id)| Head { id, sequence });
    Ok(Item::Found(row.record(head)))
}

/// A page of attachments. The cursor counts what matched.
pub(crate) fn attachments(
    connection: &Connection,
    query: &AttachmentQuery,
    limit: usize,
) -> Result<Page<Item<Attachment>>> {
    let mut page = Page::empty();
    let mut skip = query.after_place()?;
    let mut place = skip;
    if limit == 0 {
        return Ok(page);
    }
    let (kind, key) = (query.kind.as_deref(), query.key.as_deref());
    for id in &query.checkpoints {
        for found in attached(connection, id, kind, key)? {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if page.items.len() == limit {
                page.next = Some(query.cursor(place));
                return Ok(page);
            }
            place += 1;
            page.items.push(match found {
                Ok((sequence, no)) => {
                    attachment::read(connection, no, id, sequence, query.content)?
                }
                Err(error) => Item::Corrupt(error),
            });
        }
    }
    Ok(page)
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
