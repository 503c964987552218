//! The line between a backend and its files, at which calls are heard, and made to fail.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::fault::{Fault, Faults, Op, Plan};
use super::journal::{Event, FileId, Journal, Recorder};

/// Hears every call to the files below a directory. Clones are the same tap.
#[derive(Clone, Debug)]
pub struct Tap {
    root: Arc<Path>,
    line: Arc<Mutex<Line>>,
}

#[derive(Debug)]
struct Line {
    recorder: Recorder,
    faults: Faults,
    first_struck: Option<usize>,
}

impl Tap {
    /// A tap on a directory; what lies in it counts as being on disk. Nobody may have a file in it open.
    ///
    /// # Errors
    ///
    /// Those of reading the directory.
    pub fn on(root: &Path) -> io::Result<Self> {
        Self::with(root, Recorder::new(root)?)
    }

    /// A tap on a directory into which the [end](Journal::end) of a journal was put: as if whoever had the files open
    /// was killed, and another one goes on. What was not certain to be on disk still is not.
    ///
    /// # Errors
    ///
    /// When there is no such directory.
    pub fn resume(root: &Path, journal: &Journal) -> io::Result<Self> {
        Self::with(root, Recorder::resume(journal))
    }

    fn with(root: &Path, recorder: Recorder) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let line = Line {
            recorder,
            faults: Faults::default(),
            first_struck: None,
        };
        Ok(Self {
            root: root.into(),
            line: Arc::new(Mutex::new(line)),
        })
    }

    /// The directory, without links.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the line for one call, so that calls are heard in the order in which they take place.
    #[must_use]
    pub fn turn(&self) -> Turn<'_> {
        Turn {
            root: &self.root,
            line: self.line.lock(),
        }
    }

    /// Marks this place, and answers how many marks there are now. A mark made after a call returned stands behind all
    /// that the call did.
    pub fn mark(&self) -> usize {
        let mut line = self.line.lock();
        line.recorder.push(Event::Mark);
        line.recorder.journal.marks()
    }

    /// Lets calls fail as planned, counting from now; or none.
    pub fn plan(&self, plan: Option<Plan>) {
        self.line.lock().faults = Faults {
            plan,
            ..Faults::default()
        };
    }

    /// How many calls of a kind were made since the last plan.
    #[must_use]
    pub fn calls(&self, op: Op) -> u64 {
        let line = self.line.lock();
        line.faults.calls.get(&op).copied().unwrap_or(0)
    }

    /// How many calls failed by the last plan.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.line.lock().faults.struck
    }

    /// How many calls and marks had been heard when a call failed first, by any plan.
    #[must_use]
    pub fn first_struck(&self) -> Option<usize> {
        self.line.lock().first_struck
    }

    /// What was heard so far.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.line.lock().recorder.journal.clone()
    }
}

/// One call. The order is: [`fault`](Self::fault), the call itself, what it did. It is held until all that is told.
#[derive(Debug)]
pub struct Turn<'t> {
    root: &'t Path,
    line: MutexGuard<'t, Line>,
}

impl Turn<'_> {
    /// What shall be wrong with this call, if anything.
    pub fn fault(&mut self, op: Op) -> Option<Fault> {
        let heard = self.line.recorder.journal.len();
        let fault = self.line.faults.call(op);
        if fault.is_some() {
            self.line.first_struck.get_or_insert(heard);
        }
        fault
    }

    /// As [`fault`](Self::fault), as the system's error.
    ///
    /// # Errors
    ///
    /// The planned one.
    pub fn check(&mut self, op: Op) -> io::Result<()> {
        self.fault(op).map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn below(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.root).unwrap_or(path).to_owned()
    }

    /// A file was opened, and made by that or not. None for a file that nobody was heard making.
    pub fn opened(&mut self, path: &Path, made: bool) -> Option<FileId> {
        let path = self.below(path);
        if made {
            Some(self.line.recorder.make(&path, false))
        } else {
            self.line.recorder.find(&path)
        }
    }

    /// Bytes were written at an offset.
    pub fn wrote(&mut self, file: FileId, at: u64, bytes: &[u8]) {
        let bytes = bytes.into();
        self.line.recorder.push(Event::Write { file, at, bytes });
    }

    /// A file got a length.
    pub fn truncated(&mut self, file: FileId, length: u64) {
        self.line.recorder.push(Event::Truncate { file, length });
    }

    /// A file was synced, or that failed.
    pub fn synced(&mut self, file: FileId, done: bool) {
        self.line.recorder.push(if done {
            Event::Sync(file)
        } else {
            Event::FailedSync(file)
        });
    }

    /// As [`synced`](Self::synced), for a file by its name.
    pub fn synced_at(&mut self, path: &Path, done: bool) {
        if let Some(file) = self.line.recorder.find(&self.below(path)) {
            self.synced(file, done);
        }
    }

    /// The names in a directory were synced.
    pub fn synced_directory(&mut self, path: &Path) {
        if let Some(directory) = self.line.recorder.find(&self.below(path)) {
            self.line.recorder.push(Event::SyncDirectory(directory));
        }
    }

    /// A directory was made.
    pub fn made_directory(&mut self, path: &Path) {
        let path = self.below(path);
        self.line.recorder.make(&path, true);
    }

    /// A file or an empty directory was removed.
    pub fn removed(&mut self, path: &Path) {
        let path = self.below(path);
        self.line.recorder.remove(&path);
    }

    /// A file got a second name.
    pub fn linked(&mut self, from: &Path, to: &Path) {
        let (from, to) = (self.below(from), self.below(to));
        self.line.recorder.link(&from, &to, false);
    }

    /// A file got another name.
    pub fn renamed(&mut self, from: &Path, to: &Path) {
        let (from, to) = (self.below(from), self.below(to));
        self.line.recorder.link(&from, &to, true);
    }
}
