//! What is there, where the engine cannot read a page: as far as the tables and their indexes tell together.
//!
//! All of this goes through whole indexes, so it is asked for only when a page could not be read.

use std::collections::BTreeMap;

use checkpoint_core::{CheckpointId, Error, Order, Result, SessionId};
use rusqlite::{Connection, Row, params};

use super::{control, one, or_damage, statement};
use crate::error::fault;
use crate::row::{Bind, checkpoint_id, number, raw, session_id};

/// Rows that a page of the file can have at most, so that a tree that leads in circles comes to an end.
const ROWS_OF_A_PAGE: u64 = 512;

const IDS: [&str; 2] = [
    "SELECT sequence, id FROM checkpoint INDEXED BY checkpoint_id WHERE sequence BETWEEN ?1 AND ?2 ORDER BY id",
    "SELECT sequence, id FROM checkpoint INDEXED BY checkpoint_id WHERE sequence BETWEEN ?1 AND ?2 ORDER BY id DESC",
];
const SESSIONS: [&str; 2] = [
    "SELECT sequence, session FROM checkpoint INDEXED BY checkpoint_session
    WHERE sequence BETWEEN ?1 AND ?2 ORDER BY session, sequence",
    "SELECT sequence, session FROM checkpoint INDEXED BY checkpoint_session
    WHERE sequence BETWEEN ?1 AND ?2 ORDER BY session DESC, sequence DESC",
];
const ROWS: [&str; 2] = [
    "SELECT sequence FROM checkpoint NOT INDEXED WHERE sequence BETWEEN ?1 AND ?2 ORDER BY sequence",
    "SELECT sequence FROM checkpoint NOT INDEXED WHERE sequence BETWEEN ?1 AND ?2 ORDER BY sequence DESC",
];
const ROW_IDS: [&str; 2] = [
    "SELECT sequence, id FROM checkpoint NOT INDEXED ORDER BY sequence",
    "SELECT sequence, id FROM checkpoint NOT INDEXED ORDER BY sequence DESC",
];
const SESSION_IDS: [&str; 2] = [
    "SELECT key, id FROM session INDEXED BY session_id ORDER BY id, key",
    "SELECT key, id FROM session INDEXED BY session_id ORDER BY id DESC, key DESC",
];
const SESSION_ROWS: [&str; 2] = [
    "SELECT key, id FROM session NOT INDEXED ORDER BY key",
    "SELECT key, id FROM session NOT INDEXED ORDER BY key DESC",
];
const SESSION_ROW: &str = "SELECT 1 FROM session NOT INDEXED WHERE key = ?1";
const DELETED: &str = "SELECT key FROM session INDEXED BY session_deleted
    WHERE deleted IS NOT NULL AND purged = 0 AND key = ?1";
const KEY_OF: &str =
    "SELECT key FROM session INDEXED BY session_id WHERE id = ?1 ORDER BY key DESC LIMIT 1";

/// Goes through rows and, where damage ends that, through them from the other end. Answers whether all were seen.
fn both_ways(
    connection: &Connection,
    ways: [&str; 2],
    range: Option<(u64, u64)>,
    mut each: impl FnMut(&Row<'_>),
) -> Result<bool> {
    let most = control::pages(connection)?.0 * ROWS_OF_A_PAGE;
    for sql in ways {
        let walked = walk(connection, sql, range, most, &mut each);
        if let Ok(whole) = or_damage(walked)? {
            return Ok(whole);
        }
    }
    Ok(false)
}

fn walk(
    connection: &Connection,
    sql: &str,
    range: Option<(u64, u64)>,
    most: u64,
    each: &mut impl FnMut(&Row<'_>),
) -> Result<bool> {
    let mut statement = statement(connection, sql)?;
    let mut rows = match range {
        Some((low, high)) => statement.query(params![low.cast_signed(), high.cast_signed()]),
        None => statement.query([]),
    }
    .map_err(fault)?;
    for _ in 0..most {
        match rows.next().map_err(fault)? {
            Some(row) => each(row),
            None => return Ok(true),
        }
    }
    Ok(false)
}

/// A few of many keys: the first in an order.
#[derive(Debug)]
struct First<T> {
    kept: BTreeMap<u64, T>,
    order: Order,
    limit: usize,
}

impl<T: Default> First<T> {
    fn new(order: Order, limit: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            order,
            limit,
        }
    }

    fn add(&mut self, key: u64, edit: impl FnOnce(&mut T)) {
        edit(self.kept.entry(key).or_default());
        if self.kept.len() > self.limit {
            match self.order {
                Order::Ascending => self.kept.pop_last(),
                Order::Descending => self.kept.pop_first(),
            };
        }
    }

    fn sorted(self) -> Vec<(u64, T)> {
        let mut all: Vec<_> = self.kept.into_iter().collect();
        if self.order == Order::Descending {
            all.reverse();
        }
        all
    }
}

/// What indexes tell of a checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) id: Option<CheckpointId>,
    pub(crate) session: Option<u64>,
}

/// Rows of which something tells, by their numbers.
#[derive(Debug)]
pub(crate) struct Told<T> {
    /// The first in the order, at most as many as asked for.
    pub(crate) some: Vec<(u64, T)>,
    /// Whether there can be no others among them.
    pub(crate) complete: bool,
}

/// The first checkpoints in a range of sequences.
pub(crate) fn checkpoints(
    connection: &Connection,
    (low, high): (u64, u64),
    order: Order,
    limit: usize,
) -> Result<Told<Known>> {
    let mut first = First::<Known>::new(order, limit);
    let range = Some((low, high));
    let mut seen = |row: &Row<'_>, edit: &dyn Fn(&mut Known)| {
        if let Ok(sequence) = number(row, 0)
            && (low..=high).contains(&sequence)
        {
            first.add(sequence, edit);
        }
    };
    let ids = both_ways(connection, IDS, range, |row| {
        let id = checkpoint_id(row, 1).ok();
        seen(row, &|known| {
            known.id = known.id.take().or_else(|| id.clone())
        });
    })?;
    let sessions = both_ways(connection, SESSIONS, range, |row| {
        let session = number(row, 1).ok();
        seen(row, &|known| known.session = session);
    })?;
    let complete = ids || sessions || both_ways(connection, ROWS, range, |row| seen(row, &|_| {}))?;
    Ok(Told {
        some: first.sorted(),
        complete,
    })
}

/// The first sessions after a key, with their ids as far as something tells.
pub(crate) fn sessions(
    connection: &Connection,
    after: Option<u64>,
    order: Order,
    limit: usize,
) -> Result<Told<Option<SessionId>>> {
    let mut first = First::<Option<SessionId>>::new(order, limit);
    let mut seen = |row: &Row<'_>| {
        let Ok(key) = number(row, 0) else { return };
        let comes = match (after, order) {
            (None, _) => true,
            (Some(after), Order::Ascending) => key > after,
            (Some(after), Order::Descending) => key < after,
        };
        if comes {
            let id = session_id(row, 1).ok();
            first.add(key, |known| *known = known.take().or(id));
        }
    };
    let ids = both_ways(connection, SESSION_IDS, None, &mut seen)?;
    let complete = both_ways(connection, SESSION_ROWS, None, &mut seen)? || ids;
    Ok(Told {
        some: first.sorted(),
        complete,
    })
}

/// The id of a session whose row is missing or lies on a page that cannot be read, and none when it is deleted; both as
/// the indexes tell. For a row that is there and damaged, `damage`: nobody knows whether it was deleted.
pub(crate) fn session_name(
    connection: &Connection,
    key: u64,
    damage: Error,
) -> Result<Option<SessionId>> {
    let row = one(connection, SESSION_ROW, [key.cast_signed()], |_| Ok(()));
    if let Ok(Some(())) = or_damage(row)? {
        return Err(damage);
    }
    let mut named = None;
    both_ways(connection, SESSION_IDS, None, |row| {
        if number(row, 0).is_ok_and(|it| it == key) {
            named = session_id(row, 1).ok();
        }
    })?;
    let Some(id) = named else { return Err(damage) };
    let deleted = one(connection, DELETED, [key.cast_signed()], |_| Ok(()))?;
    Ok(deleted.is_none().then_some(id))
}

/// The key of the newest session under an id, whatever can be read of it.
pub(crate) fn session_key(connection: &Connection, id: &SessionId) -> Result<Option<u64>> {
    let indexed = one(connection, KEY_OF, [Bind(raw(id.raw()))], |row| {
        number(row, 0)
    });
    let damage = match or_damage(indexed)? {
        Ok(key) => return Ok(key),
        Err(damage) => damage,
    };
    let mut newest = None;
    let whole = both_ways(connection, SESSION_ROWS, None, |row| {
        if session_id(row, 1).is_ok_and(|it| it == *id) {
            newest = newest.max(number(row, 0).ok());
        }
    })?;
    if newest.is_none() && !whole {
        return Err(damage.with("session", id));
    }
    Ok(newest)
}

/// The sequence of a checkpoint, by the rows alone; and whether all of them could be seen.
pub(crate) fn sequence_by_rows(
    connection: &Connection,
    id: &CheckpointId,
) -> Result<(Option<u64>, bool)> {
    let mut found = None;
    let whole = both_ways(connection, ROW_IDS, None, |row| {
        if found.is_none() && checkpoint_id(row, 1).is_ok_and(|it| it == *id) {
            found = number(row, 0).ok();
        }
    })?;
    Ok((found, whole))
}

/// The highest sequence of a checkpoint of which something tells.
pub(crate) fn highest(connection: &Connection) -> Result<u64> {
    let all = (0, i64::MAX.cast_unsigned());
    let found = checkpoints(connection, all, Order::Descending, 1)?;
    Ok(found.some.first().map_or(0, |(sequence, _)| *sequence))
}
