//! Reads, each with a view that it is given.

use checkpoint_core::engine::{SessionRow, feed_page, or_damage, reaches_back};
use checkpoint_core::{
    Attachment, AttachmentQuery, CheckpointId, Error, Feed, Head, Item, Order, Page, Position,
    Result, SessionQuery, SessionRecord, Stats,
};

use crate::checkpoint::Lying;
use crate::key;
use crate::query::checkpoint;
use crate::query::{attachment, chunk, feed, session, store};
use crate::schema::Table;
use crate::view::View;

/// A page of live sessions, each with its head.
pub(crate) fn sessions(
    view: &View,
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
        if let Some((key, Some(row))) = session::listed_by_id(view, id)?
            && comes(key)
        {
            page.items.push(with_head(view, row)?);
        }
        return Ok(page);
    }
    loop {
        let rows = session::after(view, after, query.order, limit + 1)?;
        let last_batch = rows.is_empty();
        for (key, row) in rows {
            if let Some(row) = row {
                if page.items.len() == limit {
                    page.next = after.map(|after| query.cursor(after));
                    return Ok(page);
                }
                page.items.push(with_head(view, row)?);
            }
            after = Some(key);
        }
        if last_batch {
            if view
                .lost(&[Table::Session])
                .is_some_and(|lost| !lost.knows_sessions() && page.items.len() < limit)
            {
                page.items.push(left_out("sessions"));
            }
            return Ok(page);
        }
    }
}

/// That a list may lack some, since pages of it cannot be read.
fn left_out<T>(what: &'static str) -> Item<T> {
    Item::Corrupt(Error::corrupt("not all can be read; some may be left out").with("what", what))
}

fn with_head(view: &View, row: Result<SessionRow>) -> Result<Item<SessionRecord>> {
    let row = match row {
        Ok(row) => row,
        Err(error) => return Ok(Item::Corrupt(error)),
    };
    let head = match or_damage(checkpoint::head(view, row.key))? {
        Ok(head) => head,
        Err(error) => return Ok(Item::Corrupt(error.with("head of session", &row.id))),
    };
    let head = head.map(|(sequence, id)| Head { id, sequence });
    Ok(Item::Found(row.record(head)))
}

/// A page of attachments. The cursor counts what matched.
pub(crate) fn attachments(
    view: &View,
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
        let Some(sequence) = live(view, id)? else {
            continue;
        };
        for listed in attachment::list(view, sequence, kind, key)? {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if page.items.len() == limit {
                page.next = Some(query.cursor(place));
                return Ok(page);
            }
            place += 1;
            let item = attachment::read(view, &listed, id, sequence, query.content)?;
            page.items.push(item);
        }
    }
    if view.lost(&[Table::AttachmentKey]).is_some() && page.items.len() < limit {
        page.items.push(left_out("attachments"));
    }
    Ok(page)
}

/// The sequence of a checkpoint that was not deleted. A damaged one may still have sound attachments.
fn live(view: &View, id: &CheckpointId) -> Result<Option<u64>> {
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
pub(crate) fn changes(view: &View, after: Position, limit: usize) -> Result<Feed> {
    reaches_back(store::store(view)?.floor, after, limit)?;
    feed_page(
        after,
        limit,
        |after, at_most| feed::appends(view, after, at_most),
        |after, at_most| feed::others(view, after, at_most),
    )
}

/// Counts.
pub(crate) fn stats(view: &View, length: u64) -> Result<Stats> {
    let mut stats = Stats::default();
    let mut attachments = attachment::counts(view)?.into_iter().peekable();
    let mut deleted = std::collections::HashMap::new();
    stats.tombstones = view.count(Table::Tombstone)?;
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
    let used = Table::ALL.iter().map(|table| view.bytes(*table));
    let used = used.sum::<Result<u64>>()?;
    stats.stored_bytes = length;
    stats.free_bytes = length.saturating_sub(used);
    stats.position = store::counters(view)?.position;
    Ok(stats)
}
