//! Checkpoints into a file.
//!
//! - `pump`: from a source through an encoder to where it is to go, the next page read while the last is encoded.
//! - `worker`: the encoding, where blocking is allowed.
//! - `state`: states that lie in chunks, whole or as chunks.
//! - `output`: a file that is there whole or not at all.

mod output;
mod pump;
mod state;
mod worker;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncWrite;

use self::output::{NewFile, Sink};
use self::pump::Pump;
use super::archive::ArchiveEncoder;
use super::file::Encoder;
use super::lines::LinesEncoder;
use super::receive::Watcher;
use super::report::{Progress, Refused};
use super::store_source::StoreSource;
use crate::error::{Error, Result};
use crate::id::SessionId;
use crate::store::Store;

/// How checkpoints are written into a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExportFormat {
    /// An archive: compact, chained by digests, states in shared chunks. Memory is bounded whatever the states.
    #[default]
    Archive,
    /// JSON lines, for people and scripts. A line holds a whole state, and memory follows the largest.
    Lines,
}

impl ExportFormat {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Lines => "lines",
        }
    }

    fn encoder(self) -> Box<dyn Encoder> {
        match self {
            Self::Archive => Box::new(ArchiveEncoder::new()),
            Self::Lines => Box::new(LinesEncoder::new()),
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What an export wrote.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ExportReport {
    /// Sessions in the file.
    pub sessions: u64,
    /// Checkpoints in the file.
    pub checkpoints: u64,
    /// Attachments in the file, annotations among them.
    pub attachments: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The highest sequence that the store had given when the export began. What came later is not in the file.
    pub newest: u64,
    /// How much is damaged in the store, or does not fit the format, and is not in the file.
    pub left_out: u64,
    /// Which, and why; of very many only the first.
    pub damaged: Vec<Refused>,
}

/// Writes the checkpoints of a store into a file, by sequence. Say what and how, then [`to_file`](Self::to_file) or
/// [`to_writer`](Self::to_writer).
#[must_use = "nothing is exported until `to_file` or `to_writer` is awaited"]
#[derive(Clone)]
pub struct Export {
    store: Store,
    session: Result<Option<SessionId>>,
    format: ExportFormat,
    overwrite: bool,
    watcher: Option<Watcher>,
}

impl Store {
    /// Writes checkpoints into a file, from which any store can [import](Self::import) them.
    ///
    /// What a writer does meanwhile is in the file as far as it was committed before the export began; what it deletes
    /// or updates may be there as before or after. What is damaged is left out and named by the report.
    ///
    /// ```
    /// # async fn example() -> checkpoint_core::Result<()> {
    /// use std::sync::Arc;
    /// use checkpoint_core::{ExportFormat, MemoryBackend, Store};
    ///
    /// let store = Store::new(Arc::new(MemoryBackend::new()));
    /// store.session("a").await?.save(&42).message("the answer").await?;
    ///
    /// let mut lines = Vec::new();
    /// let report = store.export().format(ExportFormat::Lines).to_writer(&mut lines).await?;
    /// assert_eq!((report.checkpoints, report.left_out), (1, 0));
    /// assert!(String::from_utf8(lines).unwrap().contains(r#""message":"the answer""#));
    /// # Ok(())
    /// # }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(example()).unwrap();
    /// ```
    pub fn export(&self) -> Export {
        Export {
            store: self.clone(),
            session: Ok(None),
            format: ExportFormat::default(),
            overwrite: false,
            watcher: None,
        }
    }
}

impl Export {
    /// Only this session. Default: all.
    pub fn session<I>(mut self, session: I) -> Self
    where
        I: TryInto<SessionId>,
        I::Error: Into<Error>,
    {
        self.session = session.try_into().map(Some).map_err(Into::into);
        self
    }

    /// How it is written. Default: an archive.
    pub fn format(mut self, format: ExportFormat) -> Self {
        self.format = format;
        self
    }

    /// Whether a file that is there already may be replaced. Default: no.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Calls this after each page that was read.
    pub fn progress(mut self, watcher: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Arc::new(watcher));
        self
    }

    /// Writes a file that is there whole, synced, or not at all: under another name beside it, then renamed. Only this
    /// user can read it.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` when there is a file and it may not be replaced, `NotFound` for a session that is not there,
    /// `Storage` when the system refuses, and those of the store.
    pub async fn to_file(self, path: impl AsRef<Path>) -> Result<ExportReport> {
        let path: PathBuf = path.as_ref().to_owned();
        let id = self.store.new_id().to_string();
        let file = NewFile::create(path, &id, self.overwrite).await?;
        let handle = file.handle()?;
        let report = self.run(Sink::File(handle)).await?;
        file.finish().await?;
        Ok(report)
    }

    /// Writes to where it is told to. Nothing tells a reader of half a file that it is half but the file itself: its
    /// end is missing.
    ///
    /// # Errors
    ///
    /// `NotFound` for a session that is not there, `Storage` when the writer fails, and those of the store.
    pub async fn to_writer(
        self,
        mut writer: impl AsyncWrite + Send + Unpin,
    ) -> Result<ExportReport> {
        self.run(Sink::Writer(&mut writer)).await
    }

    async fn run(self, sink: Sink<'_>) -> Result<ExportReport> {
        let Self {
            store,
            session,
            format,
            watcher,
            ..
        } = self;
        let blame = |error: Error| store.blame(error, "export");
        let session = session.map_err(blame)?;
        if let Some(id) = &session
            && !store.has_session(id).await.map_err(blame)?
        {
            return Err(blame(
                Error::not_found("there is no such session to export").with("session", id),
            ));
        }
        let source = StoreSource::new(&**store.backend(), session.clone());
        let header = super::file::FileHeader {
            store: store.info().id,
            exported_at: store.now(),
            session,
            newest: 0,
        };
        let pump = Pump::new(&source, format, sink, watcher);
        pump.run(header).await.map_err(blame)
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("store", &self.store)
            .field("session", &self.session)
            .field("format", &self.format)
            .field("overwrite", &self.overwrite)
            .field("progress", &self.watcher.is_some())
            .finish()
    }
}
