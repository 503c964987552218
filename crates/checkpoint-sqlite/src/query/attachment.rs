//! Attachments.

use bytes::Bytes;
use checkpoint_core::{Attachment, CheckpointId, Item, Result};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{all, one, or_damage, run};
use crate::row::{binds, blob, check, check_large, int, number, seal, text};

const FIND: &str = "SELECT no FROM attachment WHERE sequence = ?1 AND kind = ?2 AND key = ?3";
const LAST: &str = "SELECT no FROM attachment ORDER BY no DESC LIMIT 1";
const PUT: &str = "INSERT OR REPLACE INTO attachment(no, sequence, kind, key, digest, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
const REMOVE: &str = "DELETE FROM attachment WHERE no = ?1";
const REMOVE_OF: &str = "DELETE FROM attachment WHERE sequence = ?1";
const NUMBERS: &str = "SELECT no FROM attachment WHERE sequence = ?1 AND (?2 IS NULL OR kind = ?2)
    AND (?3 IS NULL OR key = ?3) ORDER BY no";
const NUMBERS_BY_ROWS: &str = "SELECT no FROM attachment NOT INDEXED WHERE sequence = ?1
    AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR key = ?3) ORDER BY no";
const WHOLE: &str = "SELECT no, sequence, kind, key, digest, data FROM attachment WHERE no = ?1";
const SMALL: &str = "SELECT no, sequence, kind, key, digest, NULL FROM attachment WHERE no = ?1";
const COUNT: &str = "SELECT count(*) FROM attachment JOIN checkpoint USING(sequence)
    JOIN session ON session.key = checkpoint.session WHERE session.deleted IS NULL";

fn find(connection: &Connection, sequence: u64, kind: &str, key: &str) -> Result<Option<u64>> {
    one(
        connection,
        FIND,
        params![sequence.cast_signed(), kind, key],
        |row| number(row, 0),
    )
}

/// Puts, replaces or removes; answers whether there was one.
pub(crate) fn attach(
    connection: &Connection,
    sequence: u64,
    kind: &str,
    key: &str,
    bytes: Option<&Bytes>,
) -> Result<bool> {
    let there = find(connection, sequence, kind, key)?;
    match (there, bytes) {
        (Some(no), None) => drop(run(connection, REMOVE, [no.cast_signed()])?),
        (None, None) => {}
        (there, Some(bytes)) => {
            let no = match there {
                Some(no) => no,
                None => one(connection, LAST, [], |row| number(row, 0))?.unwrap_or(0) + 1,
            };
            let mut values = vec![
                int(no),
                int(sequence),
                ValueRef::Text(kind.as_bytes()),
                ValueRef::Text(key.as_bytes()),
            ];
            let digest = seal(&values, [bytes]);
            values.extend([ValueRef::Blob(&digest), ValueRef::Blob(bytes)]);
            run(connection, PUT, params_from_iter(binds(&values)))?;
        }
    }
    Ok(there.is_some())
}

/// Removes all of a checkpoint; answers how many.
pub(crate) fn remove_of(connection: &Connection, sequence: u64) -> Result<usize> {
    run(connection, REMOVE_OF, [sequence.cast_signed()])
}

/// The stored bytes of one.
pub(crate) fn content(
    connection: &Connection,
    sequence: u64,
    kind: &str,
    key: &str,
) -> Result<Option<Bytes>> {
    let Some(no) = find(connection, sequence, kind, key)? else {
        return Ok(None);
    };
    one(connection, WHOLE, [no.cast_signed()], |row| {
        let digests = check(row, 0, 4)?;
        let data = blob(row, 5)?;
        check_large(digests, 0, data, "data")?;
        Ok(Bytes::copy_from_slice(data))
    })
}

/// Numbers of those of a checkpoint that match, in the order in which they were first put.
pub(crate) fn numbers(
    connection: &Connection,
    sequence: u64,
    kind: Option<&str>,
    key: Option<&str>,
) -> Result<Vec<u64>> {
    let of = params![sequence.cast_signed(), kind, key];
    let found = all(connection, NUMBERS, of, |row| number(row, 0));
    match or_damage(found)? {
        Ok(numbers) => Ok(numbers),
        // Without the index, as far as the rows can be read themselves.
        Err(_) => all(connection, NUMBERS_BY_ROWS, of, |row| number(row, 0)),
    }
}

/// The attachment with this number.
pub(crate) fn read(
    connection: &Connection,
    no: u64,
    checkpoint: &CheckpointId,
    sequence: u64,
    content: bool,
) -> Result<Item<Attachment>> {
    let sql = if content { WHOLE } else { SMALL };
    let found = one(connection, sql, [no.cast_signed()], |row| {
        decode(row, checkpoint, sequence, content)
    });
    Ok(match or_damage(found)? {
        Ok(None) => Item::Absent,
        Ok(Some(attachment)) => Item::Found(attachment),
        Err(error) => Item::Corrupt(
            error
                .with("attachment of", checkpoint)
                .with("attachment number", no),
        ),
    })
}

fn decode(
    row: &Row<'_>,
    checkpoint: &CheckpointId,
    sequence: u64,
    content: bool,
) -> Result<Attachment> {
    let digests = check(row, 0, 4)?;
    if number(row, 1)? != sequence {
        return Err(checkpoint_core::Error::corrupt(
            "an index names an attachment of another checkpoint",
        ));
    }
    let bytes = if content {
        let data = blob(row, 5)?;
        check_large(digests, 0, data, "data")?;
        Some(Bytes::copy_from_slice(data))
    } else {
        None
    };
    Ok(Attachment {
        checkpoint: checkpoint.clone(),
        kind: text(row, 2)?.to_owned(),
        key: text(row, 3)?.to_owned(),
        bytes,
    })
}

pub(crate) fn count(connection: &Connection) -> Result<u64> {
    Ok(one(connection, COUNT, [], |row| number(row, 0))?.unwrap_or(0))
}
