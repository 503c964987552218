//! Whether what is found by is what is there. An index that lost an entry answers as if nothing were there, which no
//! digest of a row can tell.

use checkpoint_core::engine::or_damage;
use checkpoint_core::{ChunkId, Error, Result};
use rusqlite::{Connection, params};

use super::checkpoint::columns;
use super::write::indexed;
use super::{all, one};
use crate::checkpoint::{COLUMNS, small};
use crate::error::fault;
use crate::row::{array, number, text, value};

/// Findings after which the rest is left out.
const MOST: usize = 1_000;

const ENGINE: &str = "PRAGMA integrity_check(1000)";
const ROWS: &str = concat!(
    "SELECT ",
    columns!(", c.status, c.worker FROM checkpoint AS c ORDER BY c.sequence")
);
const ROW: &str = concat!(
    "SELECT ",
    columns!(" FROM checkpoint AS c WHERE c.sequence = ?1")
);
const HAS_TAG: &str = "SELECT 1 FROM tag WHERE tag = ?1 AND sequence = ?2";
const TAGS: &str = "SELECT tag, sequence FROM tag";
const UNNAMED: &str = "SELECT c.id, c.no FROM chunk AS c WHERE NOT EXISTS(
    SELECT 1 FROM chunk_id AS i WHERE i.id = c.id AND i.no = c.no) LIMIT 1000";
const NAMELESS: &str = "SELECT i.id, i.no FROM chunk_id AS i WHERE NOT EXISTS(
    SELECT 1 FROM chunk AS c WHERE c.no = i.no AND c.id = i.id) LIMIT 1000";
/// Entries of an index over some rows that no such row has any more: the engine looks only for those that are missing.
const STALE: [(&str, &str); 3] = [
    (
        "session_deleted",
        "SELECT key FROM session INDEXED BY session_deleted WHERE deleted IS NOT NULL AND purged = 0
        EXCEPT SELECT key FROM session NOT INDEXED WHERE deleted IS NOT NULL AND purged = 0 LIMIT 1000",
    ),
    (
        "checkpoint_status",
        "SELECT sequence FROM checkpoint INDEXED BY checkpoint_status WHERE status IS NOT NULL
        EXCEPT SELECT sequence FROM checkpoint NOT INDEXED WHERE status IS NOT NULL LIMIT 1000",
    ),
    (
        "checkpoint_worker",
        "SELECT sequence FROM checkpoint INDEXED BY checkpoint_worker WHERE worker IS NOT NULL
        EXCEPT SELECT sequence FROM checkpoint NOT INDEXED WHERE worker IS NOT NULL LIMIT 1000",
    ),
];

/// Where indexes and rows disagree, and what the engine finds wrong with the file. A look that damage ends is a finding,
/// and the others go on. Must run inside a transaction.
pub(crate) fn findings(connection: &Connection) -> Result<Vec<Error>> {
    let mut found = Vec::new();
    for look in [engine, keys_of_rows, rows_of_tags, stale, chunks] {
        let looked = look(connection, &mut found);
        found.extend(or_damage(looked)?.err());
    }
    found.truncate(MOST);
    Ok(found)
}

fn engine(connection: &Connection, found: &mut Vec<Error>) -> Result<()> {
    let lines = all(connection, ENGINE, [], |row| Ok(text(row, 0)?.to_owned()))?;
    let lines = lines.into_iter().filter(|line| line != "ok");
    found.extend(
        lines.map(|line| Error::corrupt("the engine finds the file damaged").with("what", line)),
    );
    Ok(())
}

fn stale(connection: &Connection, found: &mut Vec<Error>) -> Result<()> {
    for (index, sql) in STALE {
        found.extend(all(connection, sql, [], |row| {
            let error = Error::corrupt("an index has an entry that no row has");
            Ok(error.with("index", index).with("row", number(row, 0)?))
        })?);
    }
    Ok(())
}

fn chunks(connection: &Connection, found: &mut Vec<Error>) -> Result<()> {
    let lists = [
        (UNNAMED, "a chunk is not in the index, and not found"),
        (NAMELESS, "the index names a chunk that is not there"),
    ];
    for (sql, message) in lists {
        found.extend(all(connection, sql, [], |row| {
            let error = Error::corrupt(message).with("chunk number", number(row, 1)?);
            Ok(match array(row, 0) {
                Ok(id) => error.with("chunk", ChunkId::from_bytes(id)),
                Err(_) => error,
            })
        })?);
    }
    Ok(())
}

/// Sound rows that a search by tag, status or worker does not find. Damaged rows are told by whoever reads them.
fn keys_of_rows(connection: &Connection, found: &mut Vec<Error>) -> Result<()> {
    let mut statement = connection.prepare_cached(ROWS).map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    while found.len() < MOST
        && let Some(row) = rows.next().map_err(fault)?
    {
        let Ok((small, _)) = small(row) else {
            continue;
        };
        for (n, key) in indexed(&small).into_iter().enumerate() {
            if value(row, COLUMNS + n)? != key {
                let by = ["status", "worker"][n];
                let error = Error::corrupt(format!("a checkpoint is not found by its {by}"));
                found.push(error.with("checkpoint", &small.id));
            }
        }
        for tag in &small.packed.tags {
            let params = params![tag.as_str(), small.sequence.cast_signed()];
            if one(connection, HAS_TAG, params, |_| Ok(()))?.is_none() {
                let error = Error::corrupt("a checkpoint is not found by its tag");
                found.push(error.with("checkpoint", &small.id).with("tag", tag));
            }
        }
    }
    Ok(())
}

/// Entries of tags whose checkpoint is gone or has no such tag.
fn rows_of_tags(connection: &Connection, found: &mut Vec<Error>) -> Result<()> {
    let mut statement = connection.prepare_cached(TAGS).map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    while found.len() < MOST
        && let Some(row) = rows.next().map_err(fault)?
    {
        let (tag, sequence) = (text(row, 0).unwrap_or("?"), number(row, 1)?);
        let has = one(connection, ROW, [sequence.cast_signed()], |row| {
            // Nobody knows the tags of a damaged row.
            Ok(match small(row) {
                Ok((small, _)) => small.packed.tags.iter().any(|it| it.as_str() == tag),
                Err(_) => true,
            })
        })?;
        if has != Some(true) {
            let error = Error::corrupt("a tag leads to a checkpoint that does not have it");
            found.push(error.with("tag", tag).with("sequence", sequence));
        }
    }
    Ok(())
}
