//! Pages of sessions and of attachments, for backends that keep rows.

use super::{SessionRow, or_damage};
use crate::backend::StoreInfo;
use crate::error::{Error, Result};
use crate::id::{CheckpointId, SessionId};
use crate::query::{AttachmentQuery, Order, Page, SessionQuery};
use crate::record::{Attachment, Head, Item, Record, SessionRecord};

/// A session in its place of the list: its key, and its row or what is wrong with that; none when it was deleted.
pub type Listed = (u64, Option<Result<SessionRow>>);

/// The sessions of a store, as one page of them needs them.
///
/// # Errors
///
/// Those of the storage, and damage of what the page cannot do without.
pub trait ListedSessions {
    /// The newest session under an id.
    fn by_id(&mut self, id: &SessionId) -> Result<Option<Listed>>;

    /// Sessions that come after a key in an order, deleted ones too, at most as many; none when there are no more.
    fn after(&mut self, key: Option<u64>, order: Order, limit: usize) -> Result<Vec<Listed>>;

    /// The newest checkpoint of a session that is not set aside, and its sequence.
    fn head(&mut self, session: u64) -> Result<Option<(u64, CheckpointId)>>;
}

/// A page of live sessions, each with its head. One that cannot be read stands in its place and says why.
///
/// # Errors
///
/// Those of the [`ListedSessions`], and `Invalid` for a cursor of another query.
pub fn session_page(
    sessions: &mut impl ListedSessions,
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
        if let Some((key, Some(row))) = sessions.by_id(id)?
            && comes(key)
        {
            page.items.push(with_head(sessions, row)?);
        }
        return Ok(page);
    }
    loop {
        let rows = sessions.after(after, query.order, limit + 1)?;
        let last_batch = rows.is_empty();
        for (key, row) in rows {
            if let Some(row) = row {
                if page.items.len() == limit {
                    page.next = after.map(|after| query.cursor(after));
                    return Ok(page);
                }
                page.items.push(with_head(sessions, row)?);
            }
            after = Some(key);
        }
        if last_batch {
            return Ok(page);
        }
    }
}

fn with_head(
    sessions: &mut impl ListedSessions,
    row: Result<SessionRow>,
) -> Result<Item<SessionRecord>> {
    let row = match row {
        Ok(row) => row,
        Err(error) => return Ok(Item::Corrupt(error)),
    };
    let head = match or_damage(sessions.head(row.key))? {
        Ok(head) => head,
        Err(error) => return Ok(Item::Corrupt(error.with("head of session", &row.id))),
    };
    let head = head.map(|(sequence, id)| Head { id, sequence });
    Ok(Item::Found(row.record(head)))
}

/// A page of attachments; its cursor counts what matched. `list` tells those of a checkpoint, in the order in which they
/// were first put, and `read` reads one that is on the page.
///
/// # Errors
///
/// Those of `list` and `read`, and `Invalid` for a cursor of another query.
pub fn attachment_page<L>(
    query: &AttachmentQuery,
    limit: usize,
    mut list: impl FnMut(&CheckpointId) -> Result<Vec<L>>,
    mut read: impl FnMut(&CheckpointId, L) -> Result<Item<Attachment>>,
) -> Result<Page<Item<Attachment>>> {
    let mut page = Page::empty();
    let mut skip = query.after_place()?;
    let mut place = skip;
    if limit == 0 {
        return Ok(page);
    }
    for id in &query.checkpoints {
        for listed in list(id)? {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if page.items.len() == limit {
                page.next = Some(query.cursor(place));
                return Ok(page);
            }
            place += 1;
            page.items.push(read(id, listed)?);
        }
    }
    Ok(page)
}

/// Bytes of descriptions and inline states after which a page of checkpoints ends.
const HEAVY: usize = 4 << 20;

/// What a page of checkpoints still takes. It ends at its limit, and sooner when what it holds is heavy, so that who asks
/// for many of which nobody knows the size needs no more memory for them than a backend and a page may take.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    items: usize,
    bytes: usize,
}

impl Room {
    /// A page of at most so many items.
    pub const fn new(limit: usize) -> Self {
        Self {
            items: limit,
            bytes: HEAVY,
        }
    }

    /// Whether there is no room for one more.
    pub const fn is_full(&self) -> bool {
        self.items == 0 || self.bytes == 0
    }

    /// Takes the room of an item; the one that fills the page is on it.
    pub fn take(&mut self, item: &Item<Record>) {
        self.items = self.items.saturating_sub(1);
        if let Item::Found(record) = item {
            self.bytes = self.bytes.saturating_sub(record.weight());
        }
    }
}

/// The limit of a page, if it is one that a store of this description takes.
///
/// # Errors
///
/// `TooLarge`.
pub fn page_limit(info: &StoreInfo, limit: usize) -> Result<usize> {
    let most = info.limits.page;
    if limit as u64 <= most {
        return Ok(limit);
    }
    Err(Error::too_large("the limit of a page", limit as u64, most).on(&info.label))
}
