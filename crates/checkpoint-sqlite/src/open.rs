//! Opening a file: what it is, is known before anything touches it.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use checkpoint_core::{Error, ErrorKind, Result, StoreId};
use rusqlite::{Connection, OpenFlags};

use crate::config::SqliteOptions;
use crate::error::{file_fault, open_fault};
use crate::migrate;
use crate::query::control;
use crate::schema::{APPLICATION_ID, PAGE_SIZE, VERSION};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Versions of the engine with a bug that can damage a file with a write-ahead log.
const BROKEN: std::ops::RangeInclusive<i32> = 3_007_000..=3_051_002;

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

/// The path of a file that SQLite keeps beside the database.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether the file is there, after refusing what cannot be a store.
fn look(path: &Path) -> Result<bool> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(file_fault(error, "look at the file", path)),
    };
    if metadata.is_dir() {
        return Err(Error::invalid("the path is a directory; name a file in it")
            .with("path", path.display()));
    }
    if !metadata.is_file() {
        return Err(
            Error::invalid("the path is no regular file; name another one")
                .with("path", path.display()),
        );
    }
    let log = fs::metadata(beside(path, "-wal")).map_or(0, |metadata| metadata.len());
    let mut file = File::open(path).map_err(|error| file_fault(error, "read the file", path))?;
    let mut header = Vec::with_capacity(100);
    (&mut file)
        .take(100)
        .read_to_end(&mut header)
        .map_err(|error| file_fault(error, "read the file", path))?;
    // An empty file is an empty database: somebody made it and came no further.
    if header.is_empty() && log == 0 {
        return Ok(false);
    }
    check_header(&header, metadata.len(), log == 0)
        .map_err(|error| error.with("path", path.display()))?;
    Ok(true)
}

fn word(header: &[u8], at: usize) -> u32 {
    let bytes = header
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok());
    u32::from_be_bytes(bytes.unwrap_or_default())
}

fn check_header(header: &[u8], length: u64, no_log: bool) -> Result<()> {
    let ours = word(header, 68) == APPLICATION_ID.cast_unsigned();
    let whole = header.len() == 100;
    if !header.starts_with(MAGIC) {
        return Err(if ours && whole || MAGIC.starts_with(header) {
            Error::corrupt("the start of the file is damaged; restore a backup")
        } else {
            Error::unsupported(
                "the file is not a database; it was left as it is, give another path",
            )
        });
    }
    if !whole {
        return Err(Error::corrupt("the file is cut off; restore a backup").with("bytes", length));
    }
    if !ours {
        return Err(Error::unsupported(
            "the database belongs to another program; it was left as it is, give another path",
        )
        .with("application id", format_args!("{:#x}", word(header, 68))));
    }
    let version = word(header, 60);
    if version > VERSION {
        return Err(Error::unsupported(format!(
            "the store has format {version}, and this program knows up to {VERSION}; update the program"
        )));
    }
    let page = u64::from(header[16]) << 8 | u64::from(header[17]);
    if version == 0 || page != PAGE_SIZE {
        return Err(Error::corrupt(
            "the header of the file is damaged; restore a backup",
        ));
    }
    let pages = u64::from(word(header, 28));
    if no_log && (!length.is_multiple_of(PAGE_SIZE) || length < pages * PAGE_SIZE) {
        return Err(Error::corrupt("the file is cut off; restore a backup")
            .with("bytes", length)
            .with("expected", pages * PAGE_SIZE));
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

fn connect(options: &SqliteOptions, path: &Path, write: bool) -> Result<Connection> {
    let connection =
        Connection::open_with_flags(path, flags(write)).map_err(|error| open_fault(error, path))?;
    control::harden(&connection, &options.limits, options.busy_timeout)?;
    Ok(connection)
}

/// The connection that writes; makes the file when it is not there and may be made. Tells whether it did.
pub(crate) fn writer(options: &SqliteOptions, path: &Path) -> Result<(Connection, bool)> {
    let there = look(path)?;
    if !there {
        if !options.create {
            return Err(Error::not_found(
                "there is no store at this path; check it, or allow it to be created",
            )
            .with("path", path.display()));
        }
        create(options, path)?;
    }
    check_writable(path)?;
    let opened = open_writer(options, path);
    opened
        .map(|connection| (connection, !there))
        .map_err(|error| locked(error, path))
}

fn open_writer(options: &SqliteOptions, path: &Path) -> Result<Connection> {
    sync_log(path)?;
    let connection = connect(options, path, true)?;
    migrate::check_schema(&connection)?;
    control::set_up_writer(&connection, options.durability)?;
    Ok(connection)
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

/// A file that cannot be written is said to be so, instead of opening it for reading.
fn check_writable(path: &Path) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path)
        .map(drop)
        .map_err(|error| file_fault(error, "open the file for writing", path))
}

/// Who was killed between writing to the log and syncing it left what a retry would call durable.
fn sync_log(path: &Path) -> Result<()> {
    let log = beside(path, "-wal");
    match OpenOptions::new().write(true).open(&log) {
        Ok(file) => file
            .sync_all()
            .map_err(|error| file_fault(error, "sync the write-ahead log", &log)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file_fault(error, "open the write-ahead log", &log)),
    }
}

/// Makes the file under another name and links it to its own, so that nobody ever finds half of one.
fn create(options: &SqliteOptions, path: &Path) -> Result<()> {
    let id = options.ids.next();
    let made = beside(path, &format!(".new-{}-{id}", std::process::id()));
    let result = make(options, &made, StoreId::from_uuid(id)).and_then(|()| publish(&made, path));
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(beside(&made, suffix));
    }
    result
}

fn make(options: &SqliteOptions, made: &Path, id: StoreId) -> Result<()> {
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(made)
        .map_err(|error| file_fault(error, "create the file", made))?;
    let connection = connect(options, made, true)?;
    migrate::create(&connection, id, options.clock.now())?;
    connection
        .close()
        .map_err(|(_, error)| open_fault(error, made))?;
    File::open(made)
        .and_then(|file| file.sync_all())
        .map_err(|error| file_fault(error, "sync the file", made))
}

fn publish(made: &Path, path: &Path) -> Result<()> {
    let placed = if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) {
        fs::rename(made, path)
    } else {
        fs::hard_link(made, path)
    };
    match placed {
        Ok(()) => {}
        // Somebody else was first; their store is as good.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
            fs::rename(made, path).map_err(|error| file_fault(error, "name the file", path))?;
        }
        Err(error) => return Err(file_fault(error, "name the file", path)),
    }
    sync_directory(path)
}

fn sync_directory(path: &Path) -> Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(|error| file_fault(error, "sync the directory", directory))
}

/// A connection that only reads, of a store that is open already.
pub(crate) fn reader(options: &SqliteOptions, path: &Path) -> Result<Connection> {
    let connection = connect(options, path, false)?;
    control::set_up_reader(&connection)?;
    Ok(connection)
}

/// The first connection of a store that is opened for reading alone.
pub(crate) fn read_only(options: &SqliteOptions, path: &Path) -> Result<Connection> {
    if !look(path)? {
        return Err(Error::not_found("there is no store at this path; check it")
            .with("path", path.display()));
    }
    let opened = reader(options, path).and_then(|connection| {
        migrate::check_schema(&connection)?;
        Ok(connection)
    });
    opened.map_err(|error| locked(error, path))
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
