//! Reads, each with a view that it is given.

use checkpoint_core::engine::{
    Listed, ListedSessions, attachment_page, feed_page, or_damage, reaches_back, session_page,
};
use checkpoint_core::{
    Attachment, AttachmentQuery, CheckpointId, Error, Feed, Item, Order, Page, Position, Result,
    SessionId, SessionQuery, SessionRecord, Stats,
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
    let mut page = session_page(&mut Rows(view), query, limit)?;
    let lost = view.lost(&[Table::Session]);
    let unknown = query.id.is_none() && lost.is_some_and(|lost| !lost.knows_sessions());
    if unknown && page.next.is_none() && page.items.len() < limit {
        page.items.push(left_out("sessions"));
    }
    Ok(page)
}

struct Rows<'v>(&'v View);

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

/// That a list may lack some, since pages of it cannot be read.
fn left_out<T>(what: &'static str) -> Item<T> {
    Item::Corrupt(Error::corrupt("not all can be read; some may be left out").with("what", what))
}

/// A page of attachments.
pub(crate) fn attachments(
    view: &View,
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
