//! Transactions, and how a connection is set up.

use std::time::Duration;

use checkpoint_core::{Durability, Error, Limits, Result};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, params};

use super::{one, run};
use crate::error::fault;
use crate::schema::PAGE_SIZE;

const BEGIN_READ: &str = "BEGIN";
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
const DATA_VERSION: &str = "PRAGMA data_version";
const SAVEPOINT: &str = "SAVEPOINT member";
const RELEASE: &str = "RELEASE member";
const UNDO: &str = "ROLLBACK TO member";
const VACUUM: &str = "VACUUM";
const MOVE_LOG: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const CUT_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
const PAGES: &str =
    "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count";
const SMALL_CACHE: &str = "PRAGMA cache_size = 16";
const CACHE: &str = "PRAGMA cache_size = -16000";
/// Rolled back: its pages have gone to the log, which keeps its length.
const EXTEND: &str =
    "INSERT INTO record(name, version, present, digest, data) VALUES('', 0, 0, x'', zeroblob(?1))";

const COMMON: &str =
    "PRAGMA cache_size = -16000; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;";
const WRITER: &str =
    "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA wal_autocheckpoint = 0;";
const SIZE_LIMIT: &str = "journal_size_limit";
const READER: &str = "PRAGMA query_only = ON;";
const FULL: &str = "PRAGMA synchronous = FULL";
const NORMAL: &str = "PRAGMA synchronous = NORMAL";
const SYNCHRONOUS: &str = "SELECT synchronous FROM pragma_synchronous";
const JOURNAL: &str = "SELECT journal_mode FROM pragma_journal_mode";
const TAKE_JOURNAL: &str = "PRAGMA journal_mode = WAL";

/// How far the log is extended ahead, in bytes, when it is moved after so many pages: a little more than these take in
/// it, and less than the limit of its size.
pub(crate) const fn extension(log_pages: u32) -> u64 {
    log_pages as u64 * 4_300
}

/// The length to which the log is cut when it is longer, likewise.
const fn size_limit(log_pages: u32) -> u64 {
    log_pages as u64 * 6_291
}

pub(crate) fn begin_read(connection: &Connection) -> Result<()> {
    run(connection, BEGIN_READ, []).map(drop)
}

/// The engine's own error, since what it means depends on who asks.
pub(crate) fn begin_write(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(BEGIN_WRITE)?
        .execute([])
        .map(drop)
}

/// Begins to write unless somebody else does; answers whether.
pub(crate) fn begin_write_at_once(connection: &Connection, busy: Duration) -> Result<bool> {
    connection.busy_timeout(Duration::ZERO).map_err(fault)?;
    let begun = begin_write(connection);
    connection.busy_timeout(busy).map_err(fault)?;
    match begun {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
        begun => begun.map(|()| true).map_err(fault),
    }
}

/// The engine's own error, likewise.
pub(crate) fn commit(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached(COMMIT)?.execute([]).map(drop)
}

/// Ends a transaction, if there still is one.
pub(crate) fn rollback(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = run(connection, ROLLBACK, [])
    {
        tracing::warn!(%error, "a transaction could not be rolled back");
    }
}

/// Tells apart what other connections committed: it stays the same while only this one writes.
pub(crate) fn data_version(connection: &Connection) -> Result<i64> {
    let version = one(connection, DATA_VERSION, [], |row| {
        crate::row::integer(row, 0)
    })?;
    version.ok_or_else(|| Error::storage("the engine does not tell its data version"))
}

pub(crate) fn savepoint(connection: &Connection) -> Result<()> {
    run(connection, SAVEPOINT, []).map(drop)
}

pub(crate) fn release(connection: &Connection) -> Result<()> {
    run(connection, RELEASE, []).map(drop)
}

pub(crate) fn undo(connection: &Connection) -> Result<()> {
    run(connection, UNDO, [])?;
    release(connection)
}

/// Rewrites the file without its free pages.
pub(crate) fn vacuum(connection: &Connection) -> Result<()> {
    connection.execute_batch(VACUUM).map_err(fault)
}

/// What became of moving the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    /// Whether all of it is in the file, and synced.
    pub(crate) all: bool,
    /// How many pages are in the log.
    pub(crate) pages: u32,
}

/// Moves the log into the file, as far as other handles let it; to cut it to nothing afterwards, it waits for them. The
/// engine's own error.
pub(crate) fn move_log(connection: &Connection, cut: bool) -> rusqlite::Result<Moved> {
    let sql = if cut { CUT_LOG } else { MOVE_LOG };
    connection.prepare_cached(sql)?.query_row([], |row| {
        let (busy, pages, moved): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Moved {
            all: busy == 0 && pages == moved,
            pages: u32::try_from(pages).unwrap_or(0),
        })
    })
}

/// Has the engine leave the log as it is when the last connection is closed, or move it then.
pub(crate) fn leave_log(connection: &Connection, leave: bool) -> Result<()> {
    let config = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection
        .set_db_config(config, leave)
        .map(drop)
        .map_err(fault)
}

/// Pages of the file, and those of them that are free.
pub(crate) fn pages(connection: &Connection) -> Result<(u64, u64)> {
    let counts = one(connection, PAGES, [], |row| {
        Ok((crate::row::number(row, 0)?, crate::row::number(row, 1)?))
    })?;
    Ok(counts.unwrap_or_default())
}

/// Extends the log, so that the first commits need not.
pub(crate) fn extend_log(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    connection.execute_batch(SMALL_CACHE)?;
    begin_write(connection)?;
    let filled = connection.execute(EXTEND, params![bytes.cast_signed()]);
    rollback(connection);
    connection.execute_batch(CACHE)?;
    filled.map(drop)
}

/// What holds for every connection: nothing in the file can make the engine do more than read and write rows.
pub(crate) fn harden(connection: &Connection, limits: &Limits, busy: Duration) -> Result<()> {
    let configs = [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ];
    for (config, on) in configs {
        connection.set_db_config(config, on).map_err(fault)?;
    }
    connection.busy_timeout(busy).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(128);
    let largest = [limits.chunk, limits.attachment, limits.meta, limits.record]
        .into_iter()
        .max()
        .unwrap_or(0)
        .saturating_add(Limits::SEALING + (1 << 20))
        .clamp(32 << 20, 1 << 30);
    let engine = [
        (
            Limit::SQLITE_LIMIT_LENGTH,
            i32::try_from(largest).unwrap_or(1 << 30),
        ),
        (Limit::SQLITE_LIMIT_ATTACHED, 1),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 1 << 16),
        (Limit::SQLITE_LIMIT_COLUMN, 64),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 32),
    ];
    for (limit, value) in engine {
        connection.set_limit(limit, value).map_err(fault)?;
    }
    connection.execute_batch(COMMON).map_err(fault)
}

/// Sets up the connection that writes, and reads back what durability rests on.
pub(crate) fn set_up_writer(
    connection: &Connection,
    durability: Durability,
    log_pages: u32,
) -> Result<()> {
    connection.execute_batch(WRITER).map_err(fault)?;
    let limit = size_limit(log_pages).cast_signed();
    connection
        .pragma_update_and_check(None, SIZE_LIMIT, limit, |_| Ok(()))
        .map_err(fault)?;
    let (sql, expected) = if durability == Durability::Os {
        (NORMAL, 1)
    } else {
        (FULL, 2)
    };
    connection.execute_batch(sql).map_err(fault)?;
    let level = one(connection, SYNCHRONOUS, [], |row| {
        crate::row::integer(row, 0)
    })?;
    if level != Some(expected) {
        return Err(Error::unsupported(
            "the storage engine does not take the durability that was asked for",
        ));
    }
    let journal = |sql| {
        one(connection, sql, [], |row| {
            Ok(crate::row::text(row, 0)? == "wal")
        })
    };
    // Copies that the engine makes have none.
    if journal(JOURNAL)? != Some(true) && journal(TAKE_JOURNAL)? != Some(true) {
        return Err(Error::unsupported(
            "the file cannot have a write-ahead log here; keep it on a local disk",
        ));
    }
    Ok(())
}

pub(crate) fn set_up_reader(connection: &Connection) -> Result<()> {
    connection.execute_batch(READER).map_err(fault)
}

/// Bytes of pages.
pub(crate) const fn bytes(pages: u64) -> u64 {
    pages * PAGE_SIZE
}
