//! What the clones of a handle share: the store's file, its readers and its writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::engine::StoreRow;
use checkpoint_core::files::{Named, beside};
use checkpoint_core::{
    Capabilities, ContentHasher, Durability, Format, Position, Result, StoreInfo,
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::config::SqliteOptions;
use crate::log::{Doubt, Log};
use crate::open;
use crate::place;
use crate::query::{or_damage, store};
use crate::reader::Readers;
use crate::schema::VERSION;
use crate::worker::{self, Setup, Writer};

pub(crate) struct Shared {
    pub(crate) info: StoreInfo,
    pub(crate) path: Option<PathBuf>,
    pub(crate) options: SqliteOptions,
    pub(crate) readers: Readers,
    pub(crate) writer: Option<Writer>,
    doubt: Doubt,
    /// The newest position that this handle knows of; who waits is woken through it.
    pub(crate) position: watch::Sender<Position>,
}

impl Shared {
    pub(crate) fn open(options: SqliteOptions) -> Result<Self> {
        open::check_engine()?;
        let label: Arc<str> = match &options.path {
            Some(path) => format!("sqlite://{}", path.display()).into(),
            None => "sqlite::memory:".into(),
        };
        Self::connect(options, &label).map_err(|error| error.during("open").on(&label))
    }

    fn connect(mut options: SqliteOptions, label: &Arc<str>) -> Result<Self> {
        options.path = options.path.as_deref().map(place::resolve).transpose()?;
        let mut hold = None;
        let (connection, readers) = match &options.path {
            None => {
                let connection = Arc::new(Mutex::new(open::memory(&options)?));
                let readers = Readers::memory(Arc::clone(&connection));
                (Some(connection), readers)
            }
            Some(path) if options.read_only => (None, open::read_only(&options, path)?),
            Some(path) => {
                let opened = open::writer(&options, path)?;
                if opened.created {
                    tracing::info!(path = %path.display(), "a store was created");
                }
                let held = opened.hold;
                let readers = Readers::file(&options, path.clone(), None, Arc::clone(&held));
                hold = Some(held);
                (Some(Arc::new(Mutex::new(opened.connection))), readers)
            }
        };
        let (row, reached) = readers.snapshot(|connection| {
            // How far it has come wakes who waits, and no more: a damaged store opens without it.
            let reached = or_damage(store::reached(connection))?;
            Ok((store::store(connection)?, reached.unwrap_or_default()))
        })?;
        let info = info(&options, label, &row);
        let position = watch::Sender::new(reached);
        let doubt = Doubt::default();
        let named = |path: &PathBuf| Named::now(Arc::clone(&options.files), path);
        let log = |path: &PathBuf| Log::new(&options, path.clone(), Arc::clone(&doubt));
        let writer = connection.map(|connection| {
            worker::start(Setup {
                connection,
                clock: Arc::clone(&options.clock),
                durability: info.durability,
                position: position.clone(),
                log: options.path.as_ref().map(log),
                named: options.path.as_ref().and_then(named),
                _hold: hold,
            })
        });
        Ok(Self {
            info,
            path: options.path.clone(),
            options,
            readers,
            doubt,
            writer: writer.transpose()?,
            position,
        })
    }

    /// Syncs the log, where that was not done at each commit. The engine syncs the file itself whenever it moves the
    /// log there; nobody else may open it.
    pub(crate) fn sync(&self) -> Result<()> {
        match &self.path {
            Some(path) if self.writer.is_some() && self.info.durability == Durability::Os => {
                self.sync_log(path)
            }
            _ => Ok(()),
        }
    }

    /// A sync does not make up for one that failed; writing it once more does.
    fn sync_log(&self, path: &Path) -> Result<()> {
        let mut doubt = self.doubt.lock();
        let synced = if *doubt {
            open::make_up(&self.options, path)
        } else {
            open::sync_log(self.options.files.as_ref(), path)
        };
        *doubt = synced.is_err();
        synced
    }

    pub(crate) fn log_bytes(&self) -> u64 {
        let log = self.path.as_ref().map(|path| beside(path, "-wal"));
        log.and_then(|log| self.options.files.metadata(&log).ok())
            .map_or(0, |metadata| metadata.len())
    }
}

fn info(options: &SqliteOptions, label: &Arc<str>, row: &StoreRow) -> StoreInfo {
    let file = options.path.is_some();
    StoreInfo {
        label: Arc::clone(label),
        id: row.id,
        format: Format {
            version: VERSION,
            min_reader: row.min_reader,
            min_writer: row.min_writer,
        },
        limits: options.limits,
        capabilities: Capabilities::default()
            .with_persistent(file)
            .with_shared(file)
            .with_backup(true),
        hasher: ContentHasher::plain(),
        gear_seed: 0,
        durability: if file {
            options.durability
        } else {
            Durability::Memory
        },
        read_only: options.read_only && file,
    }
}
