//! The open database, which may have to be closed and opened anew while handles have it.
//!
//! After an error of the file the engine does nothing more. Then the database is closed, opened again and looked at, by
//! whoever comes next. Reads hold a lock that they share, and what needs the database alone takes it alone.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use checkpoint_core::files::Named;
use checkpoint_core::{Applied, Error, Result, StoreId};
use checkpoint_rows::{Lost, Staged, Table};
use parking_lot::{Mutex, MutexGuard, RwLock};
use redb::{Database, Durability, WriteTransaction};

use crate::base::{self, Base, View, definition};
use crate::config::RedbOptions;
use crate::error::{
    Guarded, begin_fault, commit_fault, compaction_fault, fault, guarded, has_given_up, is_fatal,
    not_applied, stopped, table_fault,
};
use crate::media::Medium;
use crate::open::{self, Opened};
use crate::snapshot::Snapshot;

/// How long compaction waits for reads that are under way.
const PATIENCE: Duration = Duration::from_millis(100);

/// What there is of the database.
enum State {
    Open(Box<Database>, Arc<dyn Medium>),
    /// It was closed after an error and could not be opened again yet.
    Lost,
    Closed,
}

/// What is left of a damaged store.
pub(crate) struct Left {
    database: Option<Database>,
    lost: Arc<Lost>,
}

impl Left {
    fn open(medium: &Arc<dyn Medium>, path: &Path) -> Result<Self> {
        let (database, proof) = open::salvage(medium, path)?;
        let lost = Lost::find(&base::begin(&database)?, || proof.damaged())?;
        Ok(Self {
            database: Some(database),
            lost: Arc::new(lost),
        })
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        drop_whole(self.database.take());
    }
}

/// The database that a handle has.
pub(crate) struct Held {
    options: RedbOptions,
    path: PathBuf,
    /// None where the system does not tell.
    named: Option<Named>,
    id: StoreId,
    state: RwLock<State>,
    closed: AtomicBool,
    /// The engine has given up: before anything else it must be opened anew.
    broken: AtomicBool,
    /// Who writes, and who wants that nobody does; with it what was left of a damaged store, until somebody writes.
    pen: Mutex<Option<Left>>,
    /// Of the database that is open now.
    snapshot: Snapshot,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Held {
    pub(crate) fn new(options: RedbOptions, opened: Opened) -> Self {
        Self {
            path: options.path.clone(),
            named: Named::now(options.media.files(), &options.path),
            options,
            id: opened.row.id,
            state: RwLock::new(State::Open(Box::new(opened.database), opened.medium)),
            closed: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            pen: Mutex::new(None),
            snapshot: Snapshot::default(),
        }
    }

    /// Whether what is written is there for who opens the store by its name.
    pub(crate) fn is_named(&self) -> Result<()> {
        self.named.as_ref().map_or(Ok(()), Named::check)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether somebody has the database alone just now, so that a read would wait.
    pub(crate) fn is_busy(&self) -> bool {
        self.state.is_locked_exclusive()
    }

    /// Reads one state of the store.
    ///
    /// What another call brought upon the engine, this one does not have to bear: it reads once more.
    pub(crate) fn view<T>(&self, read: impl Fn(&View) -> Result<T>) -> Result<T> {
        let view = || {
            self.with(|database| {
                let view = self.snapshot.view(|| base::begin(database))?;
                read(&view)
            })
        };
        view().or_else(|error| match has_given_up(&error) {
            true => view(),
            false => Err(error),
        })
    }

    /// As [`view`](Self::view), for who stages writes on it.
    pub(crate) fn based<T>(&self, read: impl FnOnce(Base) -> Result<T>) -> Result<T> {
        self.with(|database| read(Base::begin(database)?))
    }

    /// As [`with`](Self::with), for what writes.
    pub(crate) fn alter<T>(&self, call: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        // Within: whoever opens the database anew finds nobody who still lets go of a snapshot of the old one.
        self.with(|database| {
            self.snapshot.forget();
            let altered = call(database);
            self.snapshot.forget();
            altered
        })
    }

    /// Calls the engine, after opening it anew if it has given up.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        if self.broken.load(Ordering::Acquire) {
            self.revive()?;
        }
        let state = self.state.read();
        let State::Open(database, _) = &*state else {
            return Err(match *state {
                State::Closed => stopped(),
                _ => lost(),
            });
        };
        let called = guarded(|| call(database));
        self.watch(&called);
        called.result()
    }

    fn watch<T>(&self, called: &Guarded<T>) {
        let broken = match called {
            Guarded::Returned(Err(error)) => is_fatal(error),
            Guarded::Returned(Ok(_)) => false,
            Guarded::Panicked(_) => true,
        };
        if broken {
            self.broken.store(true, Ordering::Release);
        }
    }

    /// Closes the database and opens it anew, unless somebody else just did.
    pub(crate) fn revive(&self) -> Result<()> {
        let mut state = self.state.write();
        if matches!(*state, State::Closed) {
            return Err(stopped());
        }
        if !self.broken.load(Ordering::Acquire) {
            return Ok(());
        }
        // Closed first: its lock must be free again.
        self.snapshot.forget();
        drop_whole(std::mem::replace(&mut *state, State::Lost));
        let options = self.options.clone().with_create(false);
        let opened = open::open(&options, &self.path).map_err(|error| lost().because(error))?;
        if opened.row.id != self.id {
            return Err(lost().because(Error::corrupt("another store has taken the place")));
        }
        tracing::warn!(path = %self.path.display(), "the database was opened anew after an error");
        *state = State::Open(Box::new(opened.database), opened.medium);
        self.broken.store(false, Ordering::Release);
        Ok(())
    }

    /// Writes what is staged and returns when it is on disk.
    ///
    /// Which error it was, and whether anybody knows that nothing was written.
    pub(crate) fn write(&self, staged: &Staged) -> Result<(), (Error, Applied)> {
        let mut applied = Applied::No;
        let written = self.alter(|database| {
            // A panic says nothing of how far it came.
            applied = Applied::Unknown;
            write(database, staged, &[]).map_err(|(error, known)| {
                applied = known;
                error
            })
        });
        written.map_err(|error| {
            // Whatever it was: the engine's transaction is not to be trusted to have left nothing.
            self.broken.store(true, Ordering::Release);
            (error, applied)
        })
    }

    /// Keeps everybody else from writing.
    pub(crate) fn pen(&self) -> MutexGuard<'_, Option<Left>> {
        let mut pen = self.pen.lock();
        // What lies below it is going to change.
        *pen = None;
        pen
    }

    /// As [`view`](Self::view), and where a page cannot be read, a view of what is left without it.
    pub(crate) fn around<T>(&self, read: impl Fn(&View) -> Result<T>) -> Result<T> {
        let found = self.view(|view| read(view).map(|found| (found, view.base.is_hurt())));
        if !matches!(found, Ok((_, false))) {
            // The next reader may ask for what is whole.
            let _state = self.state.read();
            self.snapshot.forget();
        }
        match found {
            Ok((found, false)) => Ok(found),
            Ok((found, true)) => self.left(read).or(Ok(found)),
            Err(error) if error.is_corrupt() => self.left(read).map_err(|_| error),
            Err(error) => Err(error),
        }
    }

    /// Reads what is left. Nobody writes meanwhile.
    fn left<T>(&self, read: impl Fn(&View) -> Result<T>) -> Result<T> {
        let mut pen = self.pen.lock();
        let medium = self.medium()?;
        let called = guarded(|| {
            let left = match &mut *pen {
                Some(left) => left,
                none => none.insert(Left::open(&medium, &self.path)?),
            };
            let database = left.database.as_ref().ok_or_else(lost)?;
            read(&Base::salvaged(database, Arc::clone(&left.lost))?)
        });
        if let Guarded::Panicked(_) = &called {
            *pen = None;
        }
        called.result()
    }

    /// Gives free space back to the system; answers whether it could: not while somebody reads for long.
    pub(crate) fn compact(&self) -> Result<bool> {
        let Some(mut state) = self.state.try_write_for(PATIENCE) else {
            return Ok(false);
        };
        let State::Open(database, _) = &mut *state else {
            return Ok(false);
        };
        self.snapshot.forget();
        let called = guarded(|| {
            database.compact().map_err(compaction_fault)?;
            // Its own commits do not say how pages are used, and after a crash all would have to be read.
            write(database, &Staged::default(), &[]).map_err(|(error, _)| error)
        });
        self.watch(&called);
        called.result().map(|()| true)
    }

    /// What the engine finds wrong with the file. Nobody may write meanwhile.
    pub(crate) fn integrity(&self) -> Result<bool> {
        let medium = self.medium()?;
        let check = || {
            let mut shadow = open::bare(&medium, &self.path)?;
            shadow
                .check_integrity()
                .map_err(|error| crate::error::open_fault(error, &self.path))
        };
        guarded(check).result()
    }

    fn medium(&self) -> Result<Arc<dyn Medium>> {
        match &*self.state.read() {
            State::Open(_, medium) => Ok(Arc::clone(medium)),
            State::Lost => Err(lost()),
            State::Closed => Err(stopped()),
        }
    }

    /// The length of the file.
    pub(crate) fn length(&self) -> u64 {
        let length = self.medium().map(|medium| medium.length());
        length.ok().and_then(|length| length.ok()).unwrap_or(0)
    }

    /// Lets go of the file. Reads under way are waited for.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let mut state = self.state.write();
        self.snapshot.forget();
        drop_whole(std::mem::replace(&mut *state, State::Closed));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.close();
    }
}

/// Closing writes, and what it finds may be damaged.
fn drop_whole<T>(whole: T) {
    let closed = guarded(|| {
        drop(whole);
        Ok(())
    });
    if let Err(error) = closed.result() {
        tracing::warn!(%error, "the database was not closed in order; it is repaired when it is opened next");
    }
}

fn lost() -> Error {
    Error::new(
        not_applied(),
        "the database could not be opened again after an error; check the disk, then try again or open the store anew",
    )
}

/// Writes what is staged in one transaction, and opens these tables so that they are there.
pub(crate) fn write(
    database: &Database,
    staged: &Staged,
    tables: &[Table],
) -> Result<(), (Error, Applied)> {
    let fill = || {
        let mut transaction = database.begin_write().map_err(begin_fault)?;
        transaction
            .set_durability(Durability::Immediate)
            .map_err(|error| Error::storage("the durability was not set").because(error))?;
        // So that a crash costs no reading of the whole file; commits have two phases then.
        transaction.set_quick_repair(true);
        for table in tables {
            transaction
                .open_table(definition(*table))
                .map_err(table_fault)?;
        }
        apply(&transaction, staged)?;
        Ok(transaction)
    };
    let transaction: WriteTransaction = fill().map_err(|error| (error, Applied::No))?;
    transaction
        .commit()
        .map_err(|error| (commit_fault(error), Applied::Unknown))
}

/// Table by table, each in the order of its keys.
fn apply(transaction: &WriteTransaction, staged: &Staged) -> Result<()> {
    for table in Table::ALL {
        let writes = staged.of(table);
        if writes.is_empty() {
            continue;
        }
        let mut open = transaction
            .open_table(definition(table))
            .map_err(table_fault)?;
        for (key, value) in writes {
            let key = key.as_slice();
            match value {
                Some(value) => drop(open.insert(key, &value[..]).map_err(fault)?),
                None => drop(open.remove(key).map_err(fault)?),
            }
        }
    }
    Ok(())
}
