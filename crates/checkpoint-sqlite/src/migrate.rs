//! Numbered formats: making the newest, and bringing older ones up to it.

use checkpoint_core::engine::StoreRow;
use checkpoint_core::{Error, Result, StoreId, Timestamp};
use rusqlite::Connection;

use crate::error::fault;
use crate::query::control;
use crate::query::store::{put_store, schema, store};
use crate::schema::{APPLICATION_ID, FORMAT_1, PAGE_SIZE, VERSION};

/// Makes the tables of the newest format, in one transaction, unless another process was first.
///
/// The mark of the file is written with its tables, so that no file is marked and empty. The write-ahead log comes
/// last: what was made before then stands in the file itself.
pub(crate) fn create(connection: &Connection, id: StoreId, now: Timestamp) -> Result<()> {
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_SIZE}; PRAGMA synchronous = EXTRA"
        ))
        .map_err(fault)?;
    control::begin_write(connection).map_err(fault)?;
    let made =
        tables(connection, id, now).and_then(|()| control::commit(connection).map_err(fault));
    if made.is_err() {
        control::rollback(connection);
    }
    made?;
    connection
        .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
        .map_err(fault)
}

fn tables(connection: &Connection, id: StoreId, now: Timestamp) -> Result<()> {
    if !schema(connection)?.is_empty() {
        return Ok(());
    }
    for statement in FORMAT_1 {
        connection.execute_batch(statement).map_err(fault)?;
    }
    put_store(connection, &StoreRow::new(id, now, VERSION))?;
    connection
        .execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}"
        ))
        .map_err(fault)
}

/// Checks that this program knows the store well enough to read it, or to write to it.
pub(crate) fn check(connection: &Connection, write: bool) -> Result<()> {
    check_schema(connection)?;
    store(connection)?.check(VERSION, write)
}

/// Checks that the file has the tables and indexes of its format and nothing else, so that no trigger, view or
/// expression of somebody else's is ever evaluated.
fn check_schema(connection: &Connection) -> Result<()> {
    let mut expected: Vec<(&str, &str)> = FORMAT_1.iter().map(|sql| (name_of(sql), *sql)).collect();
    expected.sort_unstable();
    let found = schema(connection)?;
    let same = found.len() == expected.len()
        && found
            .iter()
            .zip(&expected)
            .all(|((name, sql), (expected_name, expected))| {
                name == expected_name && sql == expected
            });
    if same {
        Ok(())
    } else {
        Err(Error::corrupt(
            "the tables are not those of this format; restore a backup, or give another path",
        ))
    }
}

/// The name in a CREATE statement.
fn name_of(sql: &str) -> &str {
    let mut words = sql.split([' ', '(']).skip(1);
    let kind = words.next();
    let name = words.next().unwrap_or_default();
    if kind == Some("UNIQUE") {
        words.next().unwrap_or_default()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use checkpoint_core::ErrorKind;

    use super::*;
    use crate::config::SqliteOptions;
    use crate::shared::Shared;

    fn opened(path: &Path, read_only: bool) -> Result<()> {
        let options = SqliteOptions::at(path).with_read_only(read_only);
        Shared::open(options).map(drop)
    }

    #[test]
    fn a_store_of_a_newer_program_is_read_and_written_as_far_as_it_allows() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("store.db");
        for (min_reader, min_writer, reads, writes) in [
            (1, 1, true, true),
            (1, 2, true, false),
            (2, 2, false, false),
        ] {
            let options = SqliteOptions::at(&path);
            let store_row = |min_reader, min_writer, connection: &Connection| {
                let row = store(connection)?;
                put_store(
                    connection,
                    &StoreRow {
                        min_reader,
                        min_writer,
                        ..row
                    },
                )
            };
            let made = crate::open::writer(&options, &path).expect("a store");
            store_row(min_reader, min_writer, &made.connection).expect("written");
            for (read_only, may) in [(true, reads), (false, writes)] {
                let answer = opened(&path, read_only);
                assert_eq!(answer.is_ok(), may, "{min_reader} {min_writer} {answer:?}");
                if let Err(error) = answer {
                    assert_eq!(*error.kind(), ErrorKind::Unsupported);
                    let text = error.to_string();
                    assert!(
                        text.contains("format 2") && text.contains("up to 1"),
                        "{text}"
                    );
                }
            }
            store_row(1, 1, &made.connection).expect("written");
        }
    }
}
