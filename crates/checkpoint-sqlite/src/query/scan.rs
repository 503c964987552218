//! Scans: the narrowest index that the question allows, and the filter judged on each row.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use checkpoint_core::engine::row::{Digests, Small, is_rare};
use checkpoint_core::engine::{Room, or_damage, uuids_starting_with};
use checkpoint_core::{
    Error, Filter, Item, Order, Page, Parts, Query, Record, Result, SessionId, Tag,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{around, one, salvage, session};
use crate::checkpoint::{is_damaged_aside, record_if, small, small_of};
use crate::error::fault;
use crate::row::{Bind, checkpoint_id, int, integer, number};

/// Rows that one page looks at; what it has by then is answered, with where to go on.
const LOOKED_AT: usize = 50_000;

/// Rows of a tag in a range up to which its index is walked, also when one session is asked for.
const RARE: i64 = 256;
const COUNT_TAGGED: &str = "SELECT count(*) FROM (SELECT 1 FROM tag WHERE tag = ?1 AND sequence BETWEEN ?2 AND ?3 LIMIT ?4)";

/// Where checkpoints are whose ids lie between two, and how many, as far as that is counted.
const BETWEEN_IDS: &str = "SELECT min(sequence), max(sequence), count(*) FROM \
     (SELECT sequence FROM checkpoint INDEXED BY checkpoint_id WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)";

/// Items for which a page has room from the start.
const AHEAD: usize = 256;

/// A statement with what it binds.
struct Narrowed<'q> {
    sql: String,
    values: Vec<ValueRef<'q>>,
}

/// A tag that every checkpoint asked for has.
fn needed_tag(filter: &Filter) -> Option<&Tag> {
    match (&filter.all_tags[..], &filter.any_tag[..]) {
        ([tag, ..], _) | ([], [tag]) => Some(tag),
        _ => None,
    }
}

/// Whether so few checkpoints of any session have a tag that going through them beats going through a session.
fn is_tagged_rarely(connection: &Connection, tag: &Tag, low: u64, high: u64) -> Result<bool> {
    let range = params![
        tag.as_str(),
        low.cast_signed(),
        high.cast_signed(),
        RARE + 1
    ];
    let count = one(connection, COUNT_TAGGED, range, |row| integer(row, 0))?;
    Ok(count.is_some_and(|count| count <= RARE))
}

/// The sequences among which all those are whose ids start so, none: they are too many to be looked for. Ids are made in
/// the order of time, so that few that start alike stand close together.
fn starting(connection: &Connection, start: &str) -> Result<Option<RangeInclusive<u64>>> {
    // The first text after all that start so.
    let mut behind = start.as_bytes().to_vec();
    behind.extend([0xFF; 4]);
    let texts = (ValueRef::Text(start.as_bytes()), ValueRef::Text(&behind));
    let uuids = uuids_starting_with(start);
    let uuids = uuids.as_ref().map(|range| {
        let (low, high) = (&range.start()[..], &range.end()[..]);
        (ValueRef::Blob(low), ValueRef::Blob(high))
    });
    let (mut low, mut high) = (u64::MAX, 0);
    for (from, to) in uuids.into_iter().chain([texts]) {
        let bounds = params![Bind(from), Bind(to), RARE + 1];
        let found = one(connection, BETWEEN_IDS, bounds, |row| {
            let count = integer(row, 2)?;
            let ends = match count {
                0 => None,
                _ => Some((number(row, 0)?, number(row, 1)?)),
            };
            Ok((count, ends))
        })?;
        match found {
            Some((count, _)) if count > RARE => return Ok(None),
            Some((_, Some((lowest, highest)))) => {
                (low, high) = (low.min(lowest), high.max(highest));
            }
            _ => {}
        }
    }
    Ok(Some(low..=high))
}

/// The columns of a row with the parts that are asked for.
pub(super) fn select(parts: Parts, session: &str) -> String {
    let meta = if parts.meta { "c.meta" } else { "NULL" };
    let payload = if parts.payload { "c.payload" } else { "NULL" };
    let mut sql = String::with_capacity(640);
    let written = write!(
        sql,
        "SELECT c.sequence, c.id, {session}, c.packed, {meta}, {payload}"
    );
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    sql
}

/// The condition that an index answers, on top of the range of sequences in ?1 and ?2. What it leaves open is judged
/// row by row.
fn narrow<'q>(
    query: &'q Query,
    key: Option<u64>,
    tagged_rarely: bool,
    (low, high): (u64, u64),
) -> Narrowed<'q> {
    let mut values = vec![int(low), int(high)];
    let filter = &query.filter;
    let text = |text: &'q str| ValueRef::Text(text.as_bytes());
    let tag = needed_tag(filter).map(|tag| text(tag.as_str()));
    let rare = match filter.statuses[..] {
        [status] if is_rare(status) => Some(status),
        _ => None,
    };
    let source = if let (Some(key), Some(tag), true) = (key, tag, tagged_rarely) {
        values.extend([int(key), tag]);
        "tag AS t CROSS JOIN checkpoint AS c ON c.sequence = t.sequence WHERE t.tag = ?4 \
         AND t.sequence BETWEEN ?1 AND ?2 AND c.session = ?3"
    } else if let Some(key) = key {
        values.push(int(key));
        "checkpoint AS c INDEXED BY checkpoint_session WHERE c.session = ?3 AND c.sequence BETWEEN ?1 AND ?2"
    } else if let Some(tag) = tag {
        values.push(tag);
        "tag AS t CROSS JOIN checkpoint AS c ON c.sequence = t.sequence WHERE t.tag = ?3 \
         AND t.sequence BETWEEN ?1 AND ?2"
    } else if let Some(worker) = &filter.worker {
        values.push(text(worker.as_str()));
        "checkpoint AS c INDEXED BY checkpoint_worker WHERE c.worker = ?3 AND c.sequence BETWEEN ?1 AND ?2"
    } else if let Some(status) = rare {
        values.push(int(status.number().into()));
        "checkpoint AS c INDEXED BY checkpoint_status WHERE c.status = ?3 \
         AND c.sequence BETWEEN ?1 AND ?2"
    } else {
        "checkpoint AS c WHERE c.sequence BETWEEN ?1 AND ?2"
    };
    let by = if source.starts_with("tag") { "t" } else { "c" };
    let way = match query.order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    // The session of each row is known when one was asked for.
    let session = if key.is_some() { "NULL" } else { "c.session" };
    let mut sql = select(query.parts, session);
    let written = write!(sql, " FROM {source} ORDER BY {by}.sequence {way}");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    Narrowed { sql, values }
}

/// Names of sessions as they are met.
pub(super) struct Names<'c> {
    pub(super) connection: &'c Connection,
    known: HashMap<u64, Result<Option<SessionId>>>,
    /// The newest of them, since rows of one session often stand together.
    last: Option<(u64, SessionId)>,
}

impl<'c> Names<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            known: HashMap::new(),
            last: None,
        }
    }

    /// The name of a session, none when it is deleted.
    pub(super) fn of(&mut self, key: u64) -> Result<Option<SessionId>> {
        if let Some((_, name)) = self.last.as_ref().filter(|(last, _)| *last == key) {
            return Ok(Some(name.clone()));
        }
        let found = self.find(key);
        if let Ok(Some(name)) = &found {
            self.last = Some((key, name.clone()));
        }
        found
    }

    fn find(&mut self, key: u64) -> Result<Option<SessionId>> {
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = match session::name(self.connection, key) {
            Ok(Some((name, None))) => Ok(Some(name)),
            Ok(Some((_, Some(_)))) => Ok(None),
            Ok(None) => Err(Error::corrupt("the session of a checkpoint is missing")),
            Err(error) if error.is_corrupt() => salvage::session_name(self.connection, key, error),
            Err(error) => Err(error),
        };
        self.known.insert(key, found.clone());
        found
    }
}

/// A page. Must run inside a transaction.
pub(crate) fn scan(
    connection: &Connection,
    query: &Query,
    limit: usize,
) -> Result<Page<Item<Record>>> {
    let remaining = query.remaining()?;
    let most = i64::MAX.cast_unsigned();
    let (mut low, mut high) = (*remaining.start(), (*remaining.end()).min(most));
    if let Some(start) = &query.filter.id_start
        && let Some(range) = or_damage(starting(connection, start))?.unwrap_or(None)
    {
        (low, high) = (low.max(*range.start()), high.min(*range.end()));
    }
    if limit == 0 || low > high {
        return Ok(Page::empty());
    }
    let key = match &query.session {
        Some(id) => match session::live_key(connection, id)? {
            Some(key) => Some(key),
            None => return Ok(Page::empty()),
        },
        None => None,
    };
    let tagged_rarely = match (key, needed_tag(&query.filter)) {
        (Some(_), Some(tag)) => {
            let rarely = is_tagged_rarely(connection, tag, low, high);
            or_damage(rarely)?.unwrap_or(false)
        }
        _ => false,
    };
    let narrowed = narrow(query, key, tagged_rarely, (low, high));
    let mut names = Names::new(connection);
    let (page, damaged) = walk(&mut names, &narrowed, key, query, limit, (low, high))?;
    let Some(Damaged { last }) = damaged else {
        return Ok(page);
    };
    // What was read by then is an answer; what comes after it is read around the damage.
    let left = match (last, query.order) {
        (Some(_), _) if !page.items.is_empty() => return Ok(page),
        (Some(last), Order::Ascending) => (last.saturating_add(1), high),
        (Some(last), Order::Descending) => (low, last.saturating_sub(1)),
        (None, _) => (low, high),
    };
    around::page(&mut names, key, query, limit, left)
}

/// That a page of the file could not be read, and the last sequence before it.
struct Damaged {
    last: Option<u64>,
}

/// Goes through the rows of a statement until the page is full or the file damaged.
fn walk(
    names: &mut Names<'_>,
    narrowed: &Narrowed<'_>,
    key: Option<u64>,
    query: &Query,
    limit: usize,
    range: (u64, u64),
) -> Result<(Page<Item<Record>>, Option<Damaged>)> {
    let Narrowed { sql, values } = narrowed;
    let mut statement = names.connection.prepare_cached(sql).map_err(fault)?;
    let bound = params_from_iter(values.iter().map(|value| Bind(*value)));
    let mut rows = statement.query(bound).map_err(fault)?;
    let mut page = Page {
        items: Vec::with_capacity(limit.min(AHEAD)),
        next: None,
    };
    let (mut room, mut looked_at, mut last) = (Room::new(limit), 0, None);
    let mut damaged = None;
    loop {
        let row = match rows.next().map_err(fault) {
            Ok(Some(row)) => row,
            Ok(None) => return Ok((page, None)),
            Err(error) if !error.is_corrupt() => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "a page of the file cannot be read");
                damaged = Some(Damaged { last });
                break;
            }
        };
        if room.is_full() || looked_at >= LOOKED_AT {
            break;
        }
        looked_at += 1;
        let (sequence, item) = judge(names, key, query, row)?;
        if !goes_on(query.order, last, sequence, range) {
            damaged = Some(Damaged { last });
            break;
        }
        last = Some(sequence);
        page.items.extend(item.inspect(|item| room.take(item)));
    }
    page.next = last.map(|last| query.cursor(last));
    Ok((page, damaged))
}

/// Whether a sequence comes after the one before: in a tree whose pages were exchanged it may not.
fn goes_on(order: Order, last: Option<u64>, next: u64, (low, high): (u64, u64)) -> bool {
    let after = match (last, order) {
        (None, _) => true,
        (Some(last), Order::Ascending) => next > last,
        (Some(last), Order::Descending) => next < last,
    };
    after && (low..=high).contains(&next)
}

/// The sequence of a row and its item, none when it is not asked for.
pub(super) fn judge(
    names: &mut Names<'_>,
    key: Option<u64>,
    query: &Query,
    row: &Row<'_>,
) -> Result<(u64, Option<Item<Record>>)> {
    let small = match key {
        Some(key) => small_of(row, key),
        None => small(row),
    };
    let sequence = match &small {
        Ok((small, _)) => small.sequence,
        Err(_) => number(row, 0)?,
    };
    let found = small.and_then(|(small, digests)| read(names, query, row, small, &digests));
    let item = match found {
        Ok(found) => found.map(Item::Found),
        Err(_) if !query.filter.quarantined && is_damaged_aside(row) => None,
        Err(error) => {
            let error = match checkpoint_id(row, 1) {
                Ok(id) => error.with("checkpoint", id),
                Err(_) => error,
            };
            let session = key.map_or_else(|| number(row, 2), Ok);
            let error = match session.and_then(|key| names.of(key)) {
                Ok(Some(session)) => error.with("session", session),
                _ => error,
            };
            Some(Item::Corrupt(error.with("sequence", sequence)))
        }
    };
    Ok((sequence, item))
}

/// The record of a sound row, none when it is not asked for.
fn read(
    names: &mut Names<'_>,
    query: &Query,
    row: &Row<'_>,
    small: Small,
    digests: &Digests,
) -> Result<Option<Record>> {
    let Some(name) = names.of(small.session)? else {
        return Ok(None);
    };
    record_if(row, small, digests, name, query)
}

#[cfg(test)]
mod tests;
