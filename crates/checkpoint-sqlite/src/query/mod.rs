//! Every statement that reads or writes rows.

pub(crate) mod agreement;
pub(crate) mod around;
pub(crate) mod attachment;
pub(crate) mod checkpoint;
pub(crate) mod chunk;
pub(crate) mod control;
pub(crate) mod feed;
pub(crate) mod salvage;
pub(crate) mod scan;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod tombstone;
pub(crate) mod write;

use checkpoint_core::Result;
pub(crate) use checkpoint_core::engine::or_damage;
use rusqlite::{CachedStatement, Connection, Params, Row, Statement};

use crate::error::fault;

/// At most one row.
pub(crate) fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = statement(connection, sql)?;
    one_of(&mut statement, params, read)
}

/// At most one row of a statement that is used many times in a row: finding it costs as much as a small row.
pub(crate) fn one_of<T>(
    statement: &mut Statement<'_>,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut rows = statement.query(params).map_err(fault)?;
    match rows.next().map_err(fault)? {
        Some(row) => read(row).map(Some),
        None => Ok(None),
    }
}

/// A statement, prepared if it is not yet.
pub(crate) fn statement<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>> {
    connection.prepare_cached(sql).map_err(fault)
}

/// Every row.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = statement(connection, sql)?;
    let mut rows = statement.query(params).map_err(fault)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A write; answers how many rows it changed.
pub(crate) fn run(connection: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    statement(connection, sql)?.execute(params).map_err(fault)
}

/// A number of rows as a statement takes it.
pub(crate) fn at_most(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
