//! The engine's index of the log: memory that all connections to a file share, in this process and in others. It says
//! how long the log is and how much of it was moved into the file, and its locks say who moves it and who reads it.
//!
//! Its layout is part of the engine's file format: <https://sqlite.org/walformat.html#the_wal_index_file_format>. No
//! statement tells all of it, and none takes back what it says of the moving, so it is reached through the methods of the
//! file, by which the engine itself reaches it.

#![allow(
    unsafe_code,
    reason = "the methods of the engine's file are an interface of C, and the index is memory shared with others"
)]

use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, MAIN_DB, ffi};

/// The layout that is known here, the only one so far.
const VERSION: u32 = 3_007_000;
/// Bytes of the index that are mapped at a time.
const REGION: c_int = 1 << 15;
/// Locks of readers; who has the first reads the file alone.
const READERS: usize = 5;

/// 32-bit words at the start of the index, by their place.
mod word {
    pub(super) const VERSION: usize = 0;
    pub(super) const FRAMES: usize = 4;
    pub(super) const SALT: usize = 8;
    pub(super) const MOVED: usize = 24;
    pub(super) const MARKS: usize = 25;
    /// How many there are before the hash tables.
    pub(super) const COUNT: usize = 34;
}

/// What the index says. Who holds no lock may find that it was so a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Pages in the log, as committed.
    pub(crate) frames: u32,
    /// Another one as soon as the log is begun anew.
    pub(crate) salt: [u32; 2],
    /// Pages of the log that the next move leaves out, since an earlier one wrote them to the file.
    pub(crate) moved: u32,
    /// Of each lock of readers: how much of the log who has it may have to find in the file as it was.
    marks: [u32; READERS],
}

/// What the index says, if the file has one whose layout is known. The connection must have read the file before.
pub(crate) fn look(connection: &Connection) -> Option<Head> {
    let words = File::of(connection)?.words()?;
    let load = |at: usize| words[at].load(Ordering::Acquire);
    Some(Head {
        frames: load(word::FRAMES),
        salt: [load(word::SALT), load(word::SALT + 1)],
        moved: load(word::MOVED),
        marks: std::array::from_fn(|n| load(word::MARKS + n)),
    })
}

/// Whether somebody reads who keeps a move from being whole: from the file alone, or what the log held earlier.
pub(crate) fn is_read(connection: &Connection, head: &Head) -> bool {
    let mut keepers = (0..READERS).filter(|n| *n == 0 || head.marks[*n] < head.frames);
    keepers.any(|n| Lock::Reader(n).take(connection).is_none())
}

/// A lock of the index, had by one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Of who moves the log, and alone may say how much was moved.
    Moving,
    /// Of who makes the index anew.
    Recovery,
    /// Of readers.
    Reader(usize),
}

impl Lock {
    fn slot(self) -> c_int {
        match self {
            Self::Moving => 1,
            Self::Recovery => 2,
            Self::Reader(n) => 3 + n.min(READERS - 1) as c_int,
        }
    }

    /// Takes the lock if nobody has it, without waiting.
    pub(crate) fn take(self, connection: &Connection) -> Option<Held<'_>> {
        let held = Held {
            file: File::of(connection)?,
            lock: self,
        };
        match held.file.lock(self.slot(), ffi::SQLITE_SHM_LOCK) {
            ffi::SQLITE_OK => Some(held),
            _ => {
                // What was not taken is not given back.
                std::mem::forget(held);
                None
            }
        }
    }
}

/// A lock, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held<'c> {
    file: File<'c>,
    lock: Lock,
}

impl Held<'_> {
    /// Who may move the log says that nothing of it was moved. Who reads meanwhile is not misled: what the file has of the
    /// log is in the log too. Answers whether that was said.
    pub(crate) fn forget_moved(&self) -> bool {
        let words = self.file.words().filter(|_| self.lock == Lock::Moving);
        words.is_some_and(|words| {
            words[word::MOVED].store(0, Ordering::Release);
            true
        })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.file.lock(self.lock.slot(), ffi::SQLITE_SHM_UNLOCK);
    }
}

/// The store's file, as the engine has it open for as long as the connection lives.
#[derive(Clone, Copy, Debug)]
struct File<'c> {
    file: *mut ffi::sqlite3_file,
    methods: &'c ffi::sqlite3_io_methods,
    _connection: PhantomData<&'c Connection>,
}

impl<'c> File<'c> {
    /// None for a store in memory.
    fn of(connection: &'c Connection) -> Option<Self> {
        let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
        let to = (&raw mut file).cast::<c_void>();
        let what = ffi::SQLITE_FCNTL_FILE_POINTER;
        // SAFETY: a connection that is borrowed is open. This question is answered with one pointer, for which there is
        // room.
        let code =
            unsafe { ffi::sqlite3_file_control(connection.handle(), MAIN_DB.as_ptr(), what, to) };
        if code != ffi::SQLITE_OK || file.is_null() {
            return None;
        }
        // SAFETY: the engine keeps this file, and does not move it, until the connection is closed. The methods of one that
        // is open are not null, and live as long as the layer that opened it.
        let methods = unsafe { (*file).pMethods.as_ref() }?;
        // Shared memory came with the second version of the methods.
        (methods.iVersion >= 2).then_some(Self {
            file,
            methods,
            _connection: PhantomData,
        })
    }

    /// Locks or unlocks for one alone.
    fn lock(self, slot: c_int, what: c_int) -> c_int {
        let Some(method) = self.methods.xShmLock else {
            return ffi::SQLITE_IOERR_SHMLOCK;
        };
        // SAFETY: the file is open, the slot is one of the index, and only what was locked is unlocked. Of a connection that
        // has no index this is an error.
        unsafe { method(self.file, slot, 1, what | ffi::SQLITE_SHM_EXCLUSIVE) }
    }

    /// The start of the index, which is not made longer, or null.
    fn map(self) -> *mut c_void {
        let mut region: *mut c_void = ptr::null_mut();
        let Some(method) = self.methods.xShmMap else {
            return region;
        };
        // SAFETY: the file is open; the size is that with which the engine maps; there is room for the answer.
        match unsafe { method(self.file, 0, REGION, 0, &raw mut region) } {
            ffi::SQLITE_OK => region,
            // One that can only be read is mapped too, and must not be written to.
            _ => ptr::null_mut(),
        }
    }

    /// The words at the start of the index, if they are as known here. They may be used until the next statement, which
    /// may take the index away.
    fn words(self) -> Option<&'c [AtomicU32; word::COUNT]> {
        let words = self.map().cast::<[AtomicU32; word::COUNT]>();
        // SAFETY: what is mapped begins a page of memory, is longer than these words, and stays until the log is closed.
        // Others write to it at any time; here it is atomic.
        let words = unsafe { words.as_ref() }?;
        (words[word::VERSION].load(Ordering::Acquire) == VERSION).then_some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: &str = "CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(30000))";

    fn two(directory: &tempfile::TempDir) -> (Connection, Connection) {
        let open = || {
            let connection = Connection::open(directory.path().join("file")).expect("a file");
            connection
                .execute_batch("PRAGMA wal_autocheckpoint = 0")
                .expect("a setting");
            connection
        };
        let (one, other) = (open(), open());
        one.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
            .expect("a log");
        one.execute_batch(PLACES).expect("written");
        (one, other)
    }

    /// What the engine says: how long the log is, and how much was moved.
    fn told(connection: &Connection, mode: &str) -> (u32, u32) {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
        connection.query_row(&sql, [], read).expect("an answer")
    }

    #[test]
    fn it_says_what_the_engine_says() {
        let directory = tempfile::tempdir().expect("a directory");
        let (one, other) = two(&directory);
        let head = look(&one).expect("an index");
        assert!(head.frames > 8, "{head:?}");
        assert_eq!((head.frames, head.moved), told(&one, "NOOP"));
        assert_eq!((head.frames, head.frames), told(&one, "PASSIVE"));
        let moved = look(&one).expect("an index");
        assert_eq!((moved.frames, moved.moved), (head.frames, head.frames));
        assert_eq!(moved.salt, head.salt);
        other
            .execute_batch("INSERT INTO t VALUES(1)")
            .expect("written");
        let anew = look(&one).expect("an index");
        assert_eq!((anew.frames, anew.moved), told(&other, "NOOP"));
        assert_ne!(anew.salt, head.salt);
    }

    #[test]
    fn what_was_moved_in_part_is_forgotten_and_moved_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let (one, other) = two(&directory);
        other
            .execute_batch("BEGIN; SELECT * FROM t")
            .expect("a reader");
        let early = look(&one).expect("an index").frames;
        one.execute_batch("INSERT INTO t VALUES(zeroblob(9000))")
            .expect("written");
        let (frames, moved) = told(&one, "PASSIVE");
        assert!(early == moved && moved < frames, "{early} {moved} {frames}");
        assert!(is_read(&one, &look(&one).expect("an index")));

        let held = Lock::Moving.take(&one).expect("nobody moves");
        assert!(Lock::Moving.take(&other).is_none());
        assert!(held.forget_moved());
        drop(held);
        assert_eq!(told(&one, "NOOP"), (frames, 0));
        other.execute_batch("COMMIT").expect("read");
        assert!(!is_read(&one, &look(&one).expect("an index")));
        assert_eq!(told(&other, "PASSIVE"), (frames, frames));
        other
            .query_row("SELECT count(*), sum(length(x)) FROM t", [], |row| {
                assert_eq!((row.get(0), row.get(1)), (Ok(2), Ok(39_000)));
                Ok(())
            })
            .expect("rows");
    }

    #[test]
    fn who_reads_the_file_alone_is_seen() {
        let directory = tempfile::tempdir().expect("a directory");
        let (one, other) = two(&directory);
        told(&one, "PASSIVE");
        other
            .execute_batch("BEGIN; SELECT * FROM t")
            .expect("a reader");
        one.execute_batch("INSERT INTO t VALUES(1)")
            .expect("written");
        assert!(is_read(&one, &look(&one).expect("an index")));
        other.execute_batch("COMMIT").expect("read");
        assert!(!is_read(&one, &look(&one).expect("an index")));
    }

    #[test]
    fn a_store_without_a_log_has_none() {
        let memory = Connection::open_in_memory().expect("a store");
        memory.execute_batch(PLACES).expect("written");
        assert_eq!(look(&memory), None);
        assert!(Lock::Moving.take(&memory).is_none());
    }
}
