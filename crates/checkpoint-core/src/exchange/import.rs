//! Bringing a file into a store.
//!
//! `recognise` tells what a file is, `foreign` brings files of other systems, `spool` keeps what comes from where nobody can go back.

mod foreign;
mod recognise;
mod spool;

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::FixedOffset;
use futures_core::future::BoxFuture;
use tokio::io::AsyncRead;

use self::foreign::Stop;
use self::recognise::Opened;
use self::spool::Spool;
use super::file::{Fault, Survey};
use super::foreign::{ForeignOptions, Remark, Remarked};
use super::receive::{Receive, Watcher, receive};
use super::report::{Progress, Received};
use crate::error::{Error, Result};
use crate::id::SessionId;
use crate::store::Store;

/// What kind of file checkpoints are brought in from. It is told by what the file holds, not by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImportFormat {
    /// An archive, as an export makes it.
    Archive,
    /// JSON lines, as an export makes them.
    Lines,
    /// An export of temporal checkpoints of a reasoning agent.
    Temporal,
    /// Checkpoint files of a resumable parallel dispatcher.
    Dispatcher,
    /// Checkpoints of orchestrated tasks: one, an array of them, or their directory.
    Orchestrator,
}

impl ImportFormat {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Lines => "lines",
            Self::Temporal => "temporal",
            Self::Dispatcher => "dispatcher",
            Self::Orchestrator => "orchestrator",
        }
    }
}

impl fmt::Display for ImportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What an import found, and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportReport {
    /// What the file is.
    pub format: ImportFormat,
    /// Checkpoints in the file that are as they must be.
    pub found: u64,
    /// What of a file of another system was changed, assumed or left behind.
    pub remarks: BTreeMap<Remark, Remarked>,
    /// How much was damaged in the store from which the file was made, and is not in it.
    pub left_out: u64,
    /// What was wrong with the file, each with its line and column, or the byte where it begins; of very many only the
    /// first.
    pub faults: Vec<Error>,
    /// How many there are.
    pub wrong: u64,
    /// What became of the checkpoints; nothing when the file was only looked at.
    pub received: Received,
}

impl ImportReport {
    /// Whether nothing was wrong with the file, and nothing in it was refused.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.wrong == 0 && self.received.is_whole()
    }
}

/// Brings what a file holds into a store. Await it, or say first what of it and how.
#[must_use = "nothing is imported until it is awaited"]
pub struct Import {
    store: Store,
    from: From,
    format: Option<ImportFormat>,
    session: Result<Option<SessionId>>,
    only_check: bool,
    only_whole: bool,
    foreign: ForeignOptions,
    how: Receive,
}

enum From {
    Path(PathBuf),
    Reader(Box<dyn AsyncRead + Send + Unpin>, PathBuf),
}

impl Store {
    /// Brings the checkpoints of a file into this store.
    ///
    /// The whole file is looked at before anything is written: when something in it is not as it must be, nothing is
    /// imported, and the error names the line and column, or the byte. Then it is brought in batches. What is there
    /// already is skipped, so an import that was interrupted is done again and goes on where it was.
    ///
    /// Files and directories of three older systems are taken as well (see [`ImportFormat`]); the report then says what
    /// of them was changed or assumed.
    ///
    /// Sequences are kept when they lie above the highest of this store, else new ones are given in the same order and
    /// the old ones kept as origins. The counter rises to that of the store from which the file was made.
    ///
    /// ```
    /// # async fn example() -> checkpoint_core::Result<()> {
    /// use std::sync::Arc;
    /// use checkpoint_core::{ImportFormat, MemoryBackend, Store};
    ///
    /// let old = Store::new(Arc::new(MemoryBackend::new()));
    /// old.session("a").await?.save(&42).message("the answer").await?;
    /// # let directory = std::env::temp_dir().join(format!("import-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory).unwrap();
    /// let file = directory.join("all.archive");
    /// old.export().to_file(&file).await?;
    ///
    /// let new = Store::new(Arc::new(MemoryBackend::new()));
    /// let report = new.import(&file).await?;
    /// assert_eq!((report.format, report.received.checkpoints), (ImportFormat::Archive, 1));
    /// assert_eq!(new.session("a").await?.latest_as::<u32>().await?, Some(42));
    ///
    /// // Once more, nothing is left to do.
    /// assert_eq!(new.import(&file).await?.received.skipped, 1);
    /// # std::fs::remove_dir_all(&directory).unwrap();
    /// # Ok(())
    /// # }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(example()).unwrap();
    /// ```
    pub fn import(&self, path: impl AsRef<Path>) -> Import {
        Import::new(self, From::Path(path.as_ref().to_owned()))
    }

    /// Brings in what a reader gives, such as standard input. The file has to be gone through twice, so all of it is
    /// first written into a nameless file in `directory`, which takes as much of the disk as there is to read.
    pub fn import_reader(
        &self,
        reader: impl AsyncRead + Send + Unpin + 'static,
        directory: impl AsRef<Path>,
    ) -> Import {
        Import::new(
            self,
            From::Reader(Box::new(reader), directory.as_ref().to_owned()),
        )
    }
}

impl Import {
    fn new(store: &Store, from: From) -> Self {
        Self {
            store: store.clone(),
            from,
            format: None,
            session: Ok(None),
            only_check: false,
            only_whole: true,
            foreign: ForeignOptions::default(),
            how: Receive::default(),
        }
    }

    /// What the file is. Default: told by what it holds.
    pub fn format(mut self, format: ImportFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Only this session; the whole file is looked at all the same. Default: all.
    pub fn session<I>(mut self, session: I) -> Self
    where
        I: TryInto<SessionId>,
        I::Error: Into<Error>,
    {
        self.session = session.try_into().map(Some).map_err(Into::into);
        self
    }

    /// Looks at the file and writes nothing. The report names all that is wrong.
    pub fn check_only(mut self) -> Self {
        self.only_check = true;
        self
    }

    /// Brings what is as it must be, also when something else in the file is not; the report names that. Of an archive
    /// that is damaged, what stands before the damage.
    pub fn despite_faults(mut self) -> Self {
        self.only_whole = false;
        self
    }

    /// Makes anew what was deleted in the store, if its deletion is still remembered. Default: it stays deleted.
    pub fn revive(mut self, revive: bool) -> Self {
        self.how.revive = revive;
        self
    }

    /// Keeps the environment variables in a file of another system. They may be secrets. Default: their values are
    /// masked.
    pub fn keep_environment(mut self, keep: bool) -> Self {
        self.foreign.keep_environment = keep;
        self
    }

    /// Where times in a file of another system are from that have no zone. Default: UTC.
    pub fn zone(mut self, zone: FixedOffset) -> Self {
        self.foreign.zone = zone;
        self
    }

    /// Calls this now and then: while the file is looked at, with no total, and after each commit.
    pub fn progress(mut self, watcher: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.how.progress = Some(Arc::new(watcher));
        self
    }

    async fn run(self) -> Result<ImportReport> {
        let store = self.store.clone();
        let path = match &self.from {
            From::Path(path) => Some(path.clone()),
            From::Reader(..) => None,
        };
        // Only what has a path may be of another system: it is gone through several times.
        let foreign = match path.clone() {
            Some(path) => recognise::foreign(path, self.format).await,
            None => Ok(None),
        };
        let done = match (foreign, path) {
            (Ok(Some(format)), Some(path)) => self.bring_foreign(path, format).await,
            (Ok(_), _) => self.bring().await,
            (Err(error), _) => Err(error),
        };
        done.map_err(|error| store.blame(error, "import"))
    }

    async fn bring_foreign(self, path: PathBuf, format: ImportFormat) -> Result<ImportReport> {
        let stop = Stop {
            only_check: self.only_check,
            only_whole: self.only_whole,
        };
        let how = Receive {
            session: self.session?,
            ..self.how
        };
        foreign::bring(path, format, self.foreign, &self.store, &how, stop).await
    }

    async fn bring(self) -> Result<ImportReport> {
        let Self {
            store,
            from,
            format,
            session,
            only_check,
            only_whole,
            how,
            ..
        } = self;
        let session = session?;
        let path;
        let (file, label) = match from {
            From::Path(at) => {
                path = at;
                (None, path.display().to_string())
            }
            From::Reader(reader, directory) => {
                let spool = Spool::fill(reader, directory, &store.new_id().to_string()).await?;
                path = PathBuf::new();
                (Some(spool.into_file()), "the reader".to_owned())
            }
        };
        let limits = store.info().limits;
        let opened = recognise::open(path, file, format, limits).await?;
        let Opened {
            format,
            header,
            reading,
        } = opened;
        let told = looked_at(how.progress.clone());
        let all = only_check || !only_whole;
        let survey = Survey::of(label, header, reading, limits, all, told).await?;
        let mut report = ImportReport {
            format,
            found: survey.totals.checkpoints,
            remarks: BTreeMap::new(),
            left_out: survey.totals.left_out,
            faults: Vec::new(),
            wrong: survey.wrong,
            received: Received::default(),
        };
        report.faults = survey.faults.into_iter().map(Fault::into_error).collect();
        if !only_check
            && only_whole
            && let Some(first) = report.faults.pop()
        {
            // Without `all` the survey ends with the first.
            return Err(first.with("imported", "nothing"));
        }
        if !only_check {
            let source = survey.source.only(session.clone());
            let how = Receive { session, ..how };
            report.received = receive(&source, &store, &how).await?;
        }
        Ok(report)
    }
}

/// Tells how many checkpoints were looked at.
fn looked_at(watcher: Option<Watcher>) -> impl FnMut(u64) + Send {
    move |done| {
        if let Some(watcher) = &watcher {
            watcher(&Progress {
                done,
                ..Progress::default()
            });
        }
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match &self.from {
            From::Path(path) => path,
            From::Reader(_, directory) => directory,
        };
        f.debug_struct("Import")
            .field("store", &self.store)
            .field("from", from)
            .field("format", &self.format)
            .field("session", &self.session)
            .field("how", &self.how)
            .finish_non_exhaustive()
    }
}

impl IntoFuture for Import {
    type Output = Result<ImportReport>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
