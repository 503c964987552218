//! Sessions.

use bytes::Bytes;
use checkpoint_core::engine::row::{corrupt, put_id, put_time, take_array, take_id, take_time};
use checkpoint_core::engine::{Listed, SessionRow, or_damage, put_varint, take_varint};
use checkpoint_core::{Error, Order, Result, SessionId, Timestamp};

use super::salvage;
use super::store::{put_optional, take_optional};
use crate::key::{self, By};
use crate::row::{self, Joined, end};
use crate::staged::Staged;
use crate::table::Table;
use crate::view::{Snapshot, View};

/// A session, and what is wrong with its body if that is damaged; it is empty then.
type Read = (SessionRow, Option<Error>);

/// A session without its body, and where the body is.
fn open(key: u64, value: &[u8]) -> Result<(SessionRow, Joined<'_>)> {
    let joined = Joined::open(Table::Session, &key::number(key), value)?;
    let mut rest = joined.fields;
    let rest = &mut rest;
    let row = SessionRow {
        key,
        id: take_id(rest, SessionId::from_raw)?,
        created_at: take_time(rest)?,
        revision: take_varint(rest)?,
        epoch: take_varint(rest)?,
        deleted: take_optional(rest, take_time)?,
        body: Bytes::new(),
    };
    let [_purged] = take_array(rest)?;
    end(rest)?;
    Ok((row, joined))
}

/// Reads and, when that fails, names the session by what is known.
fn named(key: u64, id: Option<&SessionId>, value: &[u8]) -> Result<Read> {
    let name = |error: Error| match id {
        Some(id) => error.with("session", id),
        None => match guess_id(value) {
            Some(id) => error.with("session", id),
            None => error.with("session number", key),
        },
    };
    let (mut row, joined) = open(key, value).map_err(name)?;
    let damage = match or_damage(joined.large("body"))? {
        Ok(body) => {
            row.body = Bytes::copy_from_slice(body);
            None
        }
        Err(error) => Some(name(error)),
    };
    Ok((row, damage))
}

/// The id in a row that does not match its digest: it may still be legible.
fn guess_id(value: &[u8]) -> Option<SessionId> {
    let (sealed, _) = row::parts(value)?;
    let mut fields = sealed.get(16..)?;
    take_id(&mut fields, SessionId::from_raw).ok()
}

/// The key of the newest session under an id.
fn key_of(view: &View<impl Snapshot>, id: &SessionId) -> Result<Option<u64>> {
    let found = view.read(Table::SessionId, &key::id(id.raw()), key::last_number);
    match found.map_err(|error| error.with("session", id))? {
        None => salvage::session_key(view, id),
        found => Ok(found),
    }
}

/// The newest session under an id, and what is wrong with its body if that is damaged; it is empty then.
pub(crate) fn newest(view: &View<impl Snapshot>, id: &SessionId) -> Result<Option<Read>> {
    let Some(key) = key_of(view, id)? else {
        return Ok(None);
    };
    let read = |value: &[u8]| named(key, Some(id), value);
    match view.read(Table::Session, &key::number(key), read)? {
        Some(found) if found.0.id == *id => Ok(Some(found)),
        _ => Err(another(id)),
    }
}

/// As [`newest`], whole or not at all.
pub(crate) fn newest_whole(
    view: &View<impl Snapshot>,
    id: &SessionId,
) -> Result<Option<SessionRow>> {
    match newest(view, id)? {
        Some((_, Some(damage))) => Err(damage),
        found => Ok(found.map(|(row, _)| row)),
    }
}

/// A session by its key, without its body when that is damaged.
pub(crate) fn by_key(view: &View<impl Snapshot>, key: u64) -> Result<Option<SessionRow>> {
    let read = |value: &[u8]| named(key, None, value).map(|(row, _)| row);
    view.read(Table::Session, &key::number(key), read)
}

/// Id and deletion of a session.
pub(crate) fn name(
    view: &View<impl Snapshot>,
    key: u64,
) -> Result<Option<(SessionId, Option<Timestamp>)>> {
    view.read(Table::Session, &key::number(key), |value| {
        open(key, value).map(|(row, _)| (row.id, row.deleted))
    })
}

/// Id and deletion of the session of a checkpoint.
pub(crate) fn name_of(
    view: &View<impl Snapshot>,
    key: u64,
) -> Result<(SessionId, Option<Timestamp>)> {
    let name = match name(view, key)? {
        None => salvage::session_name(view, key)?,
        name => name,
    };
    name.ok_or_else(|| Error::corrupt("the session of a checkpoint is missing"))
}

/// The key of the newest session under an id, none when it is deleted. Of a damaged row the key alone is believed: who
/// reads its checkpoints is told. A row of another session is not: no digest is over the index.
pub(crate) fn live_key(view: &View<impl Snapshot>, id: &SessionId) -> Result<Option<u64>> {
    let Some(key) = key_of(view, id)? else {
        return Ok(None);
    };
    let name = match or_damage(name(view, key))? {
        Ok(None) => salvage::session_name(view, key)?,
        Ok(name) => name,
        Err(_) => return Ok(Some(key)),
    };
    match name {
        Some((named, _)) if named != *id => Err(another(id)),
        Some((_, None)) => Ok(Some(key)),
        Some((_, Some(_))) | None => Ok(None),
    }
}

fn another(id: &SessionId) -> Error {
    Error::corrupt("an index names another session; rebuild it from a backup").with("session", id)
}

fn missing(key: u64, id: Option<&SessionId>) -> Listed {
    let error = Error::corrupt("a session lies on a page that cannot be read");
    let error = match id {
        Some(id) => error.with("session", id),
        None => error.with("session number", key),
    };
    (key, Some(Err(error)))
}

fn listed(key: u64, id: Option<&SessionId>, value: &[u8]) -> Result<Listed> {
    let session = match or_damage(named(key, id, value))? {
        Ok((row, _)) if id.is_some_and(|id| *id != row.id) => Some(Err(another(&row.id))),
        Ok((row, _)) if row.deleted.is_some() => None,
        Ok((row, None)) => Some(Ok(row)),
        Ok((_, Some(error))) | Err(error) => Some(Err(error)),
    };
    Ok((key, session))
}

/// The newest session under an id.
pub(crate) fn listed_by_id(view: &View<impl Snapshot>, id: &SessionId) -> Result<Option<Listed>> {
    let Some(key) = key_of(view, id)? else {
        return Ok(None);
    };
    let read = |value: &[u8]| listed(key, Some(id), value);
    let found = view.read(Table::Session, &key::number(key), read)?;
    let lost = view.lost(&[Table::Session]);
    let is_lost = found.is_none() && lost.is_some_and(|lost| lost.sessions.contains_key(&key));
    Ok(if is_lost {
        Some(missing(key, Some(id)))
    } else {
        found
    })
}

/// Sessions after a key, also deleted ones, at most as many.
pub(crate) fn after(
    view: &View<impl Snapshot>,
    key: Option<u64>,
    order: Order,
    limit: usize,
) -> Result<Vec<Listed>> {
    let (low, high) = match (key, order) {
        (None, _) => (0, u64::MAX),
        (Some(key), Order::Ascending) => match key.checked_add(1) {
            Some(next) => (next, u64::MAX),
            None => return Ok(Vec::new()),
        },
        (Some(key), Order::Descending) => match key.checked_sub(1) {
            Some(next) => (0, next),
            None => return Ok(Vec::new()),
        },
    };
    let keys = (key::number(low), key::number(high));
    let rows = view.rows(Table::Session, &keys.0, Some(&keys.1), order)?;
    let found = rows.take(limit).map(|row| {
        let (key, value) = row?;
        listed(key::last_number(&key)?, None, &value)
    });
    let mut found = found.collect::<Result<Vec<_>>>()?;
    if let Some(lost) = view.lost(&[Table::Session]) {
        let missed = lost.sessions.range(low..=high);
        found.extend(missed.map(|(key, id)| missing(*key, id.as_ref())));
        found.sort_by_key(|(key, _)| *key);
        if order == Order::Descending {
            found.reverse();
        }
        found.truncate(limit);
    }
    Ok(found)
}

/// Writes a session. The key is that of the newest under its id, unless that is another's.
pub(crate) fn put(staged: &mut Staged, row: &SessionRow, purged: bool) {
    let key = key::number(row.key);
    let mut fields = Vec::with_capacity(64);
    put_id(&mut fields, row.id.raw());
    put_time(&mut fields, row.created_at);
    put_varint(&mut fields, row.revision);
    put_varint(&mut fields, row.epoch);
    put_optional(&mut fields, row.deleted, put_time);
    fields.push(purged.into());
    let value = row::join(Table::Session, &key, &fields, &row.body);
    staged.put(Table::Session, &key, value);
    let entry = By::Deleted.entry(row.key);
    if row.deleted.is_some() && !purged {
        staged.put(Table::Index, &entry, Bytes::new());
    } else if purged {
        staged.remove(Table::Index, &entry);
    }
}

/// Adds a session, the newest under its id; answers its key, which is above all others.
pub(crate) fn insert(view: &mut View<impl Snapshot>, row: &SessionRow) -> Result<SessionRow> {
    let last = view.last(Table::Session)?;
    let last = last.map(|(key, _)| key::last_number(&key)).transpose()?;
    let row = SessionRow {
        key: last.unwrap_or(0) + 1,
        ..row.clone()
    };
    put(&mut view.staged, &row, false);
    let number = key::number(row.key).to_vec();
    view.staged
        .put(Table::SessionId, &key::id(row.id.raw()), number);
    Ok(row)
}

/// The first session after a key of those that are deleted and whose checkpoints are not all gone.
pub(crate) fn to_purge(view: &View<impl Snapshot>, after: u64) -> Result<Option<u64>> {
    let Some(from) = after.checked_add(1) else {
        return Ok(None);
    };
    let (low, high) = (By::Deleted.entry(from), By::Deleted.entry(u64::MAX));
    let row = view
        .rows(Table::Index, &low, Some(&high), Order::Ascending)?
        .next();
    row.map(|row| key::last_number(&row?.0)).transpose()
}

/// Marks a session as purged, or drops its row when its id was used again.
pub(crate) fn purged(view: &mut View<impl Snapshot>, row: &SessionRow) -> Result<()> {
    put(&mut view.staged, row, true);
    if key_of(view, &row.id)? != Some(row.key) {
        view.staged.remove(Table::Session, &key::number(row.key));
    }
    Ok(())
}

pub(crate) fn count(view: &View<impl Snapshot>) -> Result<u64> {
    let mut count = 0;
    for row in view.all(Table::Session, Order::Ascending)? {
        let (key, value) = row?;
        let read = corrupt(open(key::last_number(&key)?, &value));
        // What is damaged is not known to be deleted.
        count += u64::from(read.map_or(true, |(row, _)| row.deleted.is_none()));
    }
    Ok(count)
}
