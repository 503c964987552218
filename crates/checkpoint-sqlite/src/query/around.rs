//! Reads where the engine cannot read a page of its own: row by row, as the indexes name them, or without an index.

use std::fmt::Write as _;

use checkpoint_core::engine::Room;
use checkpoint_core::{CheckpointId, Error, Item, Page, Parts, Query, Record, Result};
use rusqlite::Connection;

use super::salvage::{self, Known};
use super::scan::{Names, judge, select};
use super::{checkpoint, one, or_damage};

/// Rows that one page looks at.
const LOOKED_AT: usize = 4_096;

/// The rest of a page, from the sequences that are left. Must run inside a transaction.
pub(super) fn page(
    names: &mut Names<'_>,
    key: Option<u64>,
    query: &Query,
    limit: usize,
    left: (u64, u64),
) -> Result<Page<Item<Record>>> {
    let connection = names.connection;
    let found = salvage::checkpoints(connection, left, query.order, LOOKED_AT)?;
    // That some may be left out is an item too, and each page through the damage says so that has room for two.
    let mut room = Room::new(limit.saturating_sub(usize::from(!found.complete)).max(1));
    let mut more = found.some.len() == LOOKED_AT;
    let mut page = Page::empty();
    let mut last = None;
    for (sequence, known) in found.some {
        if room.is_full() {
            more = true;
            break;
        }
        last = Some(sequence);
        let item = match or_damage(row(connection, names, query, sequence))? {
            Ok(item) => item,
            Err(error) => Some(Item::Corrupt(lost(names, error, sequence, &known))),
        };
        let asked_for = match (&item, &query.session) {
            (Some(Item::Found(record)), Some(session)) => record.header.session == *session,
            (Some(Item::Corrupt(_)), _) => may_be_of(names, known.session, key),
            _ => true,
        };
        let item = item.filter(|_| asked_for);
        page.items.extend(item.inspect(|item| room.take(item)));
    }
    if more {
        page.next = last.map(|last| query.cursor(last));
    }
    if !found.complete && page.items.len() < limit {
        let error = "neither the checkpoints nor what they are found by can be read in full; some may be left out";
        page.items.push(Item::Corrupt(Error::corrupt(error)));
    }
    Ok(page)
}

/// A checkpoint that could not be read by its id, which `damage` tells: by its sequence, and where the index does not
/// tell that either, by the rows.
pub(crate) fn get(
    connection: &Connection,
    id: &CheckpointId,
    parts: Parts,
    damage: Error,
) -> Result<Item<Record>> {
    let indexed = or_damage(checkpoint::sequence_of(connection, id))?;
    let sequence = match indexed {
        Ok(sequence) => sequence,
        Err(_) => match salvage::sequence_by_rows(connection, id)? {
            (None, true) => return Ok(Item::Absent),
            (sequence, _) => sequence,
        },
    };
    let Some(sequence) = sequence else {
        return Ok(Item::Corrupt(damage));
    };
    let mut query = Query {
        parts,
        ..Query::default()
    };
    query.filter.quarantined = true;
    let mut names = Names::new(connection);
    match or_damage(row(connection, &mut names, &query, sequence))? {
        Ok(Some(Item::Found(record))) if record.header.id == *id => Ok(Item::Found(record)),
        Ok(None) => Ok(Item::Deleted),
        _ => Ok(Item::Corrupt(damage)),
    }
}

/// One row, as a scan would answer it; none when it is not asked for.
fn row(
    connection: &Connection,
    names: &mut Names<'_>,
    query: &Query,
    sequence: u64,
) -> Result<Option<Item<Record>>> {
    let mut sql = select(query.parts, "c.session");
    let written = write!(
        sql,
        " FROM checkpoint AS c NOT INDEXED WHERE c.sequence = ?1"
    );
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    let found = one(connection, &sql, [sequence.cast_signed()], |row| {
        Ok(judge(names, None, query, row)?.1)
    })?;
    found.ok_or_else(|| Error::corrupt("an index names a checkpoint that is not there"))
}

/// Whether a row that cannot be read may be of the session asked for, and of one that is not deleted.
fn may_be_of(names: &mut Names<'_>, session: Option<u64>, key: Option<u64>) -> bool {
    let Some(session) = session else { return true };
    let deleted = matches!(names.of(session), Ok(None));
    !deleted && key.is_none_or(|key| key == session)
}

fn lost(names: &mut Names<'_>, error: Error, sequence: u64, known: &Known) -> Error {
    let mut error = error;
    if let Some(id) = &known.id {
        error = error.with("checkpoint", id);
    }
    if let Some(Ok(Some(session))) = known.session.map(|key| names.of(key)) {
        error = error.with("session", session);
    }
    error.with("sequence", sequence)
}
