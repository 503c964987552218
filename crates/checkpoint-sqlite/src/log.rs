//! The log: extended ahead, and moved into the file when it is long.
//!
//! The engine would move it by itself after a commit. It does not say then that a sync failed, and goes on where an earlier
//! move stopped: one that somebody's reading cut short, or beside which somebody committed, writes a part and does not sync
//! the file. When the sync of the next one fails, the system may give up what both wrote. The one after that writes again
//! what the second wrote, and syncs, which says that all is well; the log is begun anew, and what the first wrote is nowhere.
//!
//! So a move begins with the first page of the log, but for a part that this handle itself moved and synced; and while
//! somebody's reading would cut it short, it is not begun.

use std::path::PathBuf;
use std::sync::Arc;

use checkpoint_core::Result;
use checkpoint_core::files::{Files, beside};
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};

use crate::config::SqliteOptions;
use crate::error::fault;
use crate::open;
use crate::query::control::{self, Moved};
use crate::wal_index::{Head, Lock, is_read, look};

/// Whether a sync failed that was to make the log durable, and it was not written anew since. Whoever syncs the log has it
/// meanwhile: of a sync that failed, the one beside it is not told.
pub(crate) type Doubt = Arc<Mutex<bool>>;

/// The log of a store that is a file.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    files: Arc<dyn Files>,
    /// Pages after which it is moved.
    pages: u32,
    doubt: Doubt,
    /// How much of which log this handle has moved and synced.
    synced: Option<Part>,
}

/// The first pages of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    salt: [u32; 2],
    pages: u32,
}

impl Log {
    pub(crate) fn new(options: &SqliteOptions, path: PathBuf, doubt: Doubt) -> Self {
        Self {
            path,
            files: Arc::clone(&options.files),
            pages: options.log_pages.max(1),
            doubt,
            synced: None,
        }
    }

    /// Extends it to the length that it comes to anyway: growing it doubles the cost of each of the first hundreds of
    /// commits.
    pub(crate) fn extend(&mut self, connection: &Connection) {
        let log = self.files.metadata(&beside(&self.path, "-wal"));
        let (length, extension) = (log.map_or(0, |it| it.len()), control::extension(self.pages));
        if length < extension
            && let Err(error) = control::extend_log(connection, extension)
        {
            control::rollback(connection);
            // What it did take may be the last room on the disk.
            let given_back = matches!(self.empty(connection), Ok(true));
            tracing::debug!(%error, given_back, "the log was not extended");
        }
    }

    /// Moves it into the file when it is long and nobody's reading stands in the way.
    pub(crate) fn tend(&mut self, connection: &Connection) {
        let long = |head: &Head| head.frames >= self.pages && head.moved != head.frames;
        if look(connection).is_some_and(|head| long(&head))
            && let Err(error) = self.advance(connection, false)
        {
            tracing::warn!(%error, "the log was not moved into the file; it is whole, and moved again later");
        }
    }

    /// Moves it into the file, waiting for who reads, and cuts it to nothing. Answers whether that could be done.
    pub(crate) fn empty(&mut self, connection: &Connection) -> Result<bool> {
        self.advance(connection, true)
    }

    fn advance(&mut self, connection: &Connection, cut: bool) -> Result<bool> {
        let doubt = Arc::clone(&self.doubt);
        let mut doubt = doubt.lock();
        if *doubt {
            control::begin_write(connection).map_err(fault)?;
            open::renew_log(self.files.as_ref(), connection, &self.path)?;
            *doubt = false;
        }
        // Of all handles that do as this one, one at a time: what is said before a move must hold until its end. The engine
        // itself needs this lock only to make the index anew.
        let Some(_alone) = Lock::Recovery.take(connection) else {
            return Ok(false);
        };
        let Some(head) = self.begin(connection, cut) else {
            return Ok(false);
        };
        match control::move_log(connection, cut) {
            Ok(moved) => {
                self.synced = synced(&head, moved, look(connection));
                Ok(moved.all)
            }
            Err(error) => {
                if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                    // It may be the sync of the log that failed.
                    *doubt = true;
                    control::leave_log(connection, true)?;
                }
                Err(fault(error))
            }
        }
    }

    /// Says from where a move begins; none when it would not be whole, or another is under way.
    fn begin(&self, connection: &Connection, cut: bool) -> Option<Head> {
        let moving = Lock::Moving.take(connection)?;
        let head = look(connection)?;
        let moved = Part {
            salt: head.salt,
            pages: head.moved,
        };
        let known = head.moved == head.frames || self.synced == Some(moved);
        let begun = known || moving.forget_moved();
        (begun && (cut || !is_read(connection, &head))).then_some(head)
    }
}

/// What a move has synced. The engine leaves the sync out when somebody commits meanwhile, and does not say so.
fn synced(before: &Head, moved: Moved, after: Option<Head>) -> Option<Part> {
    let is_all = |now: &Head| moved.all && now.frames == moved.pages && now.salt == before.salt;
    after.filter(is_all).map(|now| Part {
        salt: now.salt,
        pages: now.frames,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store that is written to, one who reads it, and the log of the first, which is long at once.
    fn two(directory: &tempfile::TempDir) -> (Connection, Connection, Log) {
        let path = directory.path().join("store.db");
        let options = SqliteOptions::at(&path).with_log_pages(1);
        let opened = open::writer(&options, &path).expect("a store");
        let other = open::reader(&options, &path).expect("a reader");
        let log = Log::new(&options, path, Doubt::default());
        (opened.connection, other, log)
    }

    fn run(connection: &Connection, sql: &str) {
        connection.execute_batch(sql).expect("done");
    }

    fn write(connection: &Connection) {
        let sql = "REPLACE INTO record(name, version, present, digest, data)
            VALUES('', 0, 0, x'', zeroblob(9000))";
        run(connection, sql);
    }

    /// From here on it reads what is there now.
    fn begin_to_read(connection: &Connection) {
        run(connection, "BEGIN; SELECT * FROM sqlite_schema");
    }

    /// Pages in the log, and those of them that count as moved.
    fn pages(connection: &Connection) -> (u32, u32) {
        let head = look(connection).expect("an index");
        (head.frames, head.moved)
    }

    #[test]
    fn a_long_log_is_moved_once_nobody_reads_what_it_held_earlier() {
        let directory = tempfile::tempdir().expect("a directory");
        let (connection, other, mut log) = two(&directory);
        write(&connection);
        begin_to_read(&other);
        write(&connection);
        log.tend(&connection);
        let (frames, moved) = pages(&connection);
        assert!(frames > 0 && moved == 0, "{moved} of {frames}");
        control::rollback(&other);
        log.tend(&connection);
        assert_eq!(pages(&connection), (frames, frames));
    }

    #[test]
    fn what_this_handle_moved_and_synced_is_not_moved_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let (connection, other, mut log) = two(&directory);
        write(&connection);
        // Who reads this keeps the log from being begun anew, but not from being moved.
        begin_to_read(&other);
        log.tend(&connection);
        let (synced, _) = pages(&connection);
        write(&connection);
        log.tend(&connection);
        let (frames, moved) = pages(&connection);
        assert!(moved == synced && synced < frames, "{moved} of {frames}");
        // Another handle knows nothing of that sync.
        let options = SqliteOptions::memory().with_log_pages(1);
        let mut another = Log::new(&options, log.path.clone(), Doubt::default());
        another.tend(&connection);
        assert_eq!(pages(&connection), (frames, 0));
        control::rollback(&other);
        log.tend(&connection);
        assert_eq!(pages(&connection), (frames, frames));
    }

    #[test]
    fn a_move_beside_which_somebody_commits_is_not_taken_for_synced() {
        let directory = tempfile::tempdir().expect("a directory");
        let (connection, _other, _) = two(&directory);
        write(&connection);
        let before = look(&connection).expect("an index");
        let moved = control::move_log(&connection, false).expect("moved");
        assert_eq!((moved.all, moved.pages), (true, before.frames));
        let after = look(&connection);
        let pages = before.frames;
        let part = synced(&before, moved, after).expect("synced");
        assert_eq!((part.salt, part.pages), (before.salt, pages));
        let mut longer = after.expect("an index");
        longer.frames += 1;
        assert_eq!(synced(&before, moved, Some(longer)), None);
        write(&connection);
        let anew = look(&connection);
        assert_eq!(synced(&before, moved, anew), None);
        let cut_short = Moved {
            all: false,
            ..moved
        };
        assert_eq!(synced(&before, cut_short, after), None);
        assert_eq!(synced(&before, moved, None), None);
    }

    #[test]
    fn of_two_handles_one_moves() {
        let directory = tempfile::tempdir().expect("a directory");
        let (connection, other, mut log) = two(&directory);
        write(&connection);
        run(&other, "SELECT * FROM sqlite_schema");
        let moving = Lock::Recovery.take(&other).expect("nobody moves");
        log.tend(&connection);
        assert_eq!(pages(&connection).1, 0);
        assert!(!log.empty(&connection).expect("left to the other"));
        drop(moving);
        assert!(log.empty(&connection).expect("emptied"));
        assert_eq!(pages(&connection), (0, 0));
    }
}
