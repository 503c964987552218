//! Opening a file: what it is, is known before anything touches it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_core::files::{Files, beside, file_fault, sync_directory};
use checkpoint_core::{Error, ErrorKind, Result, StoreId};
use rusqlite::{Connection, OpenFlags};

use crate::config::SqliteOptions;
use crate::create;
use crate::error::{fault, open_fault};
use crate::header::look;
use crate::migrate;
use crate::place::Hold;
use crate::query::control;
use crate::reader::Readers;
use crate::still::Still;

/// Versions of the engine with a bug that can damage a file with a write-ahead log.
const BROKEN: std::ops::RangeInclusive<i32> = 3_007_000..=3_051_002;

/// How long to wait for another opener before the next try.
const PAUSE: Duration = Duration::from_millis(2);

/// Refuses an engine that is known to damage files.
pub(crate) fn check_engine() -> Result<()> {
    if BROKEN.contains(&rusqlite::version_number()) {
        return Err(Error::unsupported(
            "this version of SQLite can damage a write-ahead log; build with the bundled one",
        )
        .with("version", rusqlite::version()));
    }
    Ok(())
}

fn flags(write: bool) -> OpenFlags {
    let access = if write {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE
}

pub(crate) fn connect(options: &SqliteOptions, path: &Path, write: bool) -> Result<Connection> {
    let connection =
        Connection::open_with_flags(path, flags(write)).map_err(|error| open_fault(error, path))?;
    control::harden(&connection, &options.limits, options.busy_timeout)?;
    Ok(connection)
}

/// What opening a store for writing gave.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) hold: Arc<Hold>,
    /// Whether the file was made just now.
    pub(crate) created: bool,
}

/// The connection that writes; makes the file when it is not there and may be made.
pub(crate) fn writer(options: &SqliteOptions, path: &Path) -> Result<Opened> {
    let files = options.files.as_ref();
    let mut found = look(files, path)?;
    let mut created = false;
    if found.is_none() {
        if !options.create {
            return Err(Error::not_found(
                "there is no store at this path; check it, or allow it to be created",
            )
            .with("path", path.display()));
        }
        created = create::create(options, path)?;
        found = look(files, path)?;
    }
    create::sweep(options, path);
    let hold = found.ok_or_else(|| {
        Error::not_found("the store was removed while it was opened").with("path", path.display())
    })?;
    let connection = open_in_time(options, path).map_err(|error| locked(error, path))?;
    Ok(Opened {
        connection,
        hold,
        created,
    })
}

/// The engine waits for others in most that it does, but not to give a file its log.
fn open_in_time(options: &SqliteOptions, path: &Path) -> Result<Connection> {
    let begun = Instant::now();
    loop {
        match open_writer(options, path) {
            Err(error) if error.is_retryable() && begun.elapsed() < options.busy_timeout => {
                std::thread::park_timeout(PAUSE);
            }
            result => return result,
        }
    }
}

fn open_writer(options: &SqliteOptions, path: &Path) -> Result<Connection> {
    let connection = connect(options, path, true)?;
    check_writable(&connection)?;
    migrate::check(&connection, true)?;
    control::set_up_writer(&connection, options.durability, options.log_pages)?;
    settle_log(options, &connection, path)?;
    Ok(connection)
}

/// Makes certain what the log that was found holds, before a retry is told that it is durable. Who was killed between
/// writing to it and syncing it left it in the system's memory alone; and where that sync failed, no other one writes
/// it. So it is written once more, in a transaction, so that nobody adds to it meanwhile. Where another program is
/// writing just now, it has done this itself.
fn settle_log(options: &SqliteOptions, connection: &Connection, path: &Path) -> Result<()> {
    let (files, log) = (options.files.as_ref(), beside(path, "-wal"));
    if files.metadata(&log).map_or(0, |found| found.len()) == 0 {
        return Ok(());
    }
    if control::begin_write_at_once(connection, options.busy_timeout)? {
        renew_log(files, connection, path)
    } else {
        sync_log(files, path)
    }
}

/// Writes the log once more, in the transaction that was begun, which ends with that. A log for which that fails is not
/// moved into the file: a cut in the midst of that would leave a file that only the log can make whole.
pub(crate) fn renew_log(files: &dyn Files, connection: &Connection, path: &Path) -> Result<()> {
    let log = beside(path, "-wal");
    let renewed = files
        .renew(&log)
        .map_err(|error| file_fault(error, "sync the write-ahead log", &log));
    control::rollback(connection);
    let renewed = renewed.and_then(|()| sync_directory(files, path));
    control::leave_log(connection, renewed.is_err())?;
    renewed
}

/// Makes certain what is in the log after a sync of it has failed: see [`settle_log`].
pub(crate) fn make_up(options: &SqliteOptions, path: &Path) -> Result<()> {
    let connection = connect(options, path, true)?;
    control::begin_write(&connection).map_err(fault)?;
    renew_log(options.files.as_ref(), &connection, path)
}

/// While opening, an engine that is busy is a store that is locked.
fn locked(error: Error, path: &Path) -> Error {
    match error.kind() {
        ErrorKind::Unavailable { .. } => Error::new(
            ErrorKind::Locked,
            "another program has the store locked; end it, or raise the busy timeout",
        )
        .because(error),
        _ => error,
    }
    .with("path", path.display())
}

/// A file that cannot be written is said to be so; the engine would open it for reading.
fn check_writable(connection: &Connection) -> Result<()> {
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(fault)? {
        return Err(Error::new(
            ErrorKind::Denied,
            "the file cannot be written; check its permissions, or open it for reading only",
        ));
    }
    Ok(())
}

/// Syncs the log, if there is one.
pub(crate) fn sync_log(files: &dyn Files, path: &Path) -> Result<()> {
    let log = beside(path, "-wal");
    match files.open(&log) {
        Ok(file) => files
            .sync(&file, &log)
            .map_err(|error| file_fault(error, "sync the write-ahead log", &log))
            .and_then(|()| sync_directory(files, path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file_fault(error, "open the write-ahead log", &log)),
    }
}

/// A connection that only reads, of a store that is open already.
pub(crate) fn reader(options: &SqliteOptions, path: &Path) -> Result<Connection> {
    let connection = connect(options, path, false)?;
    control::set_up_reader(&connection)?;
    Ok(connection)
}

/// A connection that takes no locks, of a store to which nobody writes.
pub(crate) fn still(options: &SqliteOptions, path: &Path) -> Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = flags(false) | OpenFlags::SQLITE_OPEN_URI;
    let connection =
        Connection::open_with_flags(uri, flags).map_err(|error| open_fault(error, path))?;
    control::harden(&connection, &options.limits, options.busy_timeout)?;
    control::set_up_reader(&connection)?;
    migrate::check(&connection, false)?;
    Ok(connection)
}

/// The readers of a store that is opened for reading alone, and what must outlive them.
pub(crate) fn read_only(options: &SqliteOptions, path: &Path) -> Result<Readers> {
    let Some(hold) = look(options.files.as_ref(), path)? else {
        return Err(Error::not_found("there is no store at this path; check it")
            .with("path", path.display()));
    };
    let opened = reader(options, path).and_then(|connection| {
        migrate::check(&connection, false)?;
        Ok(connection)
    });
    match opened {
        Ok(first) => Ok(Readers::file(options, path.to_owned(), Some(first), hold)),
        Err(error) if *error.kind() == ErrorKind::Denied => {
            let still = Still::new(options, path.to_owned(), hold);
            match still.with(|_| Ok(())) {
                Ok(()) => Ok(Readers::Still(still)),
                Err(_) => Err(Error::new(
                    ErrorKind::Denied,
                    "the store has a log, which can be read only where files can be made beside it; open it once for \
                     writing, copy it with its log, or get rights on its directory",
                )
                .because(error)
                .with("path", path.display())),
            }
        }
        Err(error) => Err(locked(error, path)),
    }
}

/// A store in memory.
pub(crate) fn memory(options: &SqliteOptions) -> Result<Connection> {
    let connection = Connection::open_in_memory().map_err(crate::error::fault)?;
    migrate::create(
        &connection,
        StoreId::from_uuid(options.ids.next()),
        options.clock.now(),
    )?;
    control::harden(&connection, &options.limits, options.busy_timeout)?;
    Ok(connection)
}
