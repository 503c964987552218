//! Scans: the narrowest index that the question allows, and the filter judged on each row.

use std::collections::HashMap;
use std::iter::Peekable;

use checkpoint_core::engine::row::{Digests, Small, is_rare};
use checkpoint_core::engine::{Room, or_damage, uuids_starting_with};
use checkpoint_core::{
    CheckpointId, Error, Filter, Item, Order, Page, Query, RawId, Record, Result, SessionId, Tag,
};

use super::checkpoint::{Place, to_place};
use super::salvage::Lost;
use super::session;
use crate::key::{self, By};
use crate::lying::Lying;
use crate::table::Table;
use crate::view::{Piece, Rows, Snapshot, View};

/// Rows that one page looks at; what it has by then is answered, with where to go on.
const LOOKED_AT: usize = 50_000;
/// Rows of a tag in a range up to which its index is walked, also when one session is asked for.
const RARE: usize = 256;
/// Items for which a page has room from the start.
const AHEAD: usize = 256;

/// A tag that every checkpoint asked for has.
fn needed_tag(filter: &Filter) -> Option<&Tag> {
    match (&filter.all_tags[..], &filter.any_tag[..]) {
        ([tag, ..], _) | ([], [tag]) => Some(tag),
        _ => None,
    }
}

/// Sequences from the one to the other.
type Range = (u64, u64);

fn entries<'v, S: Snapshot>(
    view: &'v View<S>,
    by: By<'_>,
    range: Range,
    order: Order,
) -> Result<Rows<'v, S>> {
    let (low, high) = (by.entry(range.0), by.entry(range.1));
    view.rows(Table::Index, &low, Some(&high), order)
}

/// The sequences among which all those are whose ids start so, none: they are too many to be looked for. Ids are made in
/// the order of time, so that few that start alike stand close together.
fn starting(view: &View<impl Snapshot>, start: &str) -> Result<Option<Range>> {
    if view.lost(&[Table::CheckpointId]).is_some() {
        return Ok(None);
    }
    let text = key::id(RawId::Text(start));
    let mut behind = text.clone();
    behind.extend([0xFF; 4]);
    let uuids = uuids_starting_with(start).map(|range| {
        let key = |bytes| key::id(RawId::Uuid(bytes));
        (key(range.start()), key(range.end()))
    });
    let (mut low, mut high, mut count) = (u64::MAX, 0, 0);
    for (from, to) in uuids.into_iter().chain([(text, behind)]) {
        for row in view.rows(Table::CheckpointId, &from, Some(&to), Order::Ascending)? {
            let (_, place) = row?;
            count += 1;
            if count > RARE {
                return Ok(None);
            }
            if let Place::Live(sequence) = to_place(&place)? {
                (low, high) = (low.min(sequence), high.max(sequence));
            }
        }
    }
    Ok(Some((low, high)))
}

/// The sequences among which all those are that a query asks for.
fn wanted(view: &View<impl Snapshot>, query: &Query) -> Result<Range> {
    let remaining = query.remaining()?;
    let range = (*remaining.start(), *remaining.end());
    let Some(start) = &query.filter.id_start else {
        return Ok(range);
    };
    let narrowed = or_damage(starting(view, start))?.unwrap_or(None);
    Ok(narrowed.map_or(range, |(low, high)| (range.0.max(low), range.1.min(high))))
}

/// The index that leads to the fewest rows, none: all rows are gone through. What it leaves open is judged row by row.
fn narrowest<'q>(
    view: &View<impl Snapshot>,
    query: &'q Query,
    key: Option<u64>,
    range: Range,
) -> Result<Option<By<'q>>> {
    let filter = &query.filter;
    let tag = needed_tag(filter).map(|tag| By::Tag(tag.as_str()));
    if let Some(key) = key {
        // So few checkpoints of any session have the tag that going through them beats going through the session.
        if let Some(tag) = tag
            && entries(view, tag, range, query.order)?
                .take(RARE + 1)
                .count()
                <= RARE
        {
            return Ok(Some(tag));
        }
        return Ok(Some(By::Session(key)));
    }
    let worker = filter.worker.as_ref().map(|it| By::Worker(it.as_str()));
    let status = match filter.statuses[..] {
        [status] if is_rare(status) => Some(By::Status(status.number())),
        _ => None,
    };
    Ok(tag.or(worker).or(status))
}

/// Rows to look at, in order.
enum Walk<'v, S: Snapshot> {
    All(Rows<'v, S>),
    Found(&'v View<S>, Rows<'v, S>),
    Left(Box<Left<'v, S>>),
}

/// What is left of the rows, and between them those that are missing.
/// A sequence and its row, if there is one.
type Met<'v, S> = (u64, Option<Piece<'v, <S as Snapshot>::Bytes>>);

struct Left<'v, S: Snapshot> {
    rows: Peekable<Rows<'v, S>>,
    missing: Peekable<std::vec::IntoIter<u64>>,
    order: Order,
}

impl<'v, S: Snapshot> Left<'v, S> {
    fn new(view: &'v View<S>, lost: &Lost, range: Range, order: Order) -> Result<Self> {
        let mut missing: Vec<u64> = lost
            .checkpoints
            .range(range.0..=range.1)
            .map(|(sequence, _)| *sequence)
            .collect();
        if order == Order::Descending {
            missing.reverse();
        }
        Ok(Self {
            rows: all(view, range, order)?.peekable(),
            missing: missing.into_iter().peekable(),
            order,
        })
    }

    fn next(&mut self) -> Result<Option<Met<'v, S>>> {
        let row = match self.rows.peek() {
            Some(Ok((key, _))) => Some(key::last_number(key)?),
            _ => None,
        };
        let comes = |missing: u64| match (row, self.order) {
            (None, _) => true,
            (Some(row), Order::Ascending) => missing < row,
            (Some(row), Order::Descending) => missing > row,
        };
        if let Some(missing) = self.missing.next_if(|missing| comes(*missing)) {
            return Ok(Some((missing, None)));
        }
        let Some((key, value)) = self.rows.next().transpose()? else {
            return Ok(None);
        };
        Ok(Some((key::last_number(&key)?, Some(value))))
    }
}

fn all<S: Snapshot>(view: &View<S>, range: Range, order: Order) -> Result<Rows<'_, S>> {
    let (low, high) = (key::number(range.0), key::number(range.1));
    view.rows(Table::Checkpoint, &low, Some(&high), order)
}

impl<'v, S: Snapshot> Walk<'v, S> {
    /// Rows that a query may ask for, and whether all are the session's.
    fn begin(
        view: &'v View<S>,
        query: &Query,
        key: Option<u64>,
        range: Range,
    ) -> Result<(Self, bool)> {
        if let Some(lost) = view.lost(&[Table::Checkpoint, Table::Index]) {
            let left = Left::new(view, lost, range, query.order)?;
            return Ok((Self::Left(Box::new(left)), false));
        }
        let by = narrowest(view, query, key, range)?;
        let walk = match by {
            Some(by) => Self::Found(view, entries(view, by, range, query.order)?),
            None => Self::All(all(view, range, query.order)?),
        };
        Ok((walk, matches!(by, Some(By::Session(_)))))
    }

    /// The next sequence and its row; none where an index leads nowhere.
    fn next(&mut self) -> Result<Option<Met<'v, S>>> {
        match self {
            Self::Left(left) => left.next(),
            Self::All(rows) => match rows.next().transpose()? {
                Some((key, value)) => Ok(Some((key::last_number(&key)?, Some(value)))),
                None => Ok(None),
            },
            Self::Found(view, entries) => match entries.next().transpose()? {
                Some((entry, _)) => {
                    let sequence = key::last_number(&entry)?;
                    let value = view.get(Table::Checkpoint, &key::number(sequence))?;
                    Ok(Some((sequence, value)))
                }
                None => Ok(None),
            },
        }
    }
}

/// Names of sessions as they are met.
struct Names<'v, S> {
    view: &'v View<S>,
    known: HashMap<u64, Result<Option<SessionId>>>,
}

impl<S: Snapshot> Names<'_, S> {
    /// The name of a session, none when it is deleted.
    fn of(&mut self, key: u64) -> Result<Option<SessionId>> {
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = session::name_of(self.view, key)
            .map(|(name, deleted)| deleted.is_none().then_some(name));
        self.known.insert(key, found.clone());
        found
    }
}

/// A page.
pub(crate) fn scan(
    view: &View<impl Snapshot>,
    query: &Query,
    limit: usize,
) -> Result<Page<Item<Record>>> {
    let range = wanted(view, query)?;
    if limit == 0 || range.0 > range.1 {
        return Ok(Page::empty());
    }
    let key = match &query.session {
        Some(id) => match session::live_key(view, id)? {
            Some(key) => Some(key),
            None => return Ok(Page::empty()),
        },
        None => None,
    };
    let lost = view.lost(&[Table::Checkpoint, Table::Index]);
    let (mut walk, by_session) = Walk::begin(view, query, key, range)?;
    // That some may be left out is an item too, and each page through the damage has room for it.
    let incomplete = lost.is_some_and(|lost| !lost.knows_checkpoints());
    let mut room = Room::new(limit.saturating_sub(usize::from(incomplete)).max(1));
    let mut names = Names {
        view,
        known: HashMap::new(),
    };
    let mut page = Page {
        items: Vec::with_capacity(limit.min(AHEAD)),
        next: None,
    };
    let (mut looked_at, mut last) = (0, 0);
    while let Some((sequence, value)) = walk.next()? {
        if room.is_full() || looked_at >= LOOKED_AT {
            page.next = Some(query.cursor(last));
            break;
        }
        (looked_at, last) = (looked_at + 1, sequence);
        let item = if let Some(value) = value {
            let row = Lying::new(sequence, &value);
            // What is found by its tag may be another session's, also when it is damaged.
            let skip = |row: &Lying<'_>| !by_session && key.is_some_and(|key| key != row.session);
            match row.as_ref().is_ok_and(skip) {
                true => None,
                false => judge(&mut names, query, key, row)?,
            }
        } else {
            lost.and_then(|lost| missing(&mut names, lost, key, sequence))
        };
        page.items.extend(item.inspect(|item| room.take(item)));
    }
    if incomplete && page.items.len() < limit {
        page.items.push(Item::Corrupt(Error::corrupt(
            "neither the checkpoints nor what they are found by can be read in full; some may be left out",
        )));
    }
    Ok(page)
}

/// A checkpoint whose row is missing, unless it is of another session, or of one that is deleted.
fn missing(
    names: &mut Names<'_, impl Snapshot>,
    lost: &Lost,
    key: Option<u64>,
    sequence: u64,
) -> Option<Item<Record>> {
    let known = lost.checkpoints.get(&sequence)?;
    let error = known.name(sequence);
    let Some(session) = known.session else {
        return Some(Item::Corrupt(error));
    };
    if key.is_some_and(|key| key != session) {
        return None;
    }
    match names.of(session) {
        Ok(None) => None,
        Ok(Some(name)) => Some(Item::Corrupt(error.with("session", name))),
        Err(_) => Some(Item::Corrupt(error)),
    }
}

/// What a page says of a row, none when it is not asked for.
fn judge(
    names: &mut Names<'_, impl Snapshot>,
    query: &Query,
    key: Option<u64>,
    row: Result<Lying<'_>>,
) -> Result<Option<Item<Record>>> {
    let row = match row {
        Ok(row) => row,
        Err(error) => return Ok(Some(Item::Corrupt(error))),
    };
    let found = row.small().and_then(|(small, digests)| {
        // An entry that its row left.
        if key.is_some_and(|key| key != small.session) {
            return Ok(None);
        }
        read(names, query, &row, small, &digests)
    });
    Ok(match or_damage(found)? {
        Ok(record) => record.map(Item::Found),
        Err(_) if row.is_damaged_aside() && !query.filter.quarantined => None,
        Err(error) => {
            let error = match CheckpointId::from_raw(row.id) {
                Ok(id) => error.with("checkpoint", id),
                Err(_) => error,
            };
            let error = match names.of(row.session) {
                Ok(Some(session)) => error.with("session", session),
                _ => error,
            };
            Some(Item::Corrupt(error.with("sequence", row.sequence)))
        }
    })
}

/// The record of a sound row, none when it is not asked for.
fn read(
    names: &mut Names<'_, impl Snapshot>,
    query: &Query,
    row: &Lying<'_>,
    small: Small,
    digests: &Digests,
) -> Result<Option<Record>> {
    let Some(name) = names.of(small.session)? else {
        return Ok(None);
    };
    row.record(small, digests, name, query.parts, |header| {
        query.filter.matches(header)
    })
}
