//! What the clones of a handle share: the log, its caches and its writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use checkpoint_core::engine::{StoreRow, aside};
use checkpoint_core::{Capabilities, ContentHasher, Format, Position, Result, StoreId, StoreInfo};
use checkpoint_rows::View;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::base::Base;
use crate::cache::BlockCache;
use crate::config::ObjectOptions;
use crate::disk::DiskCache;
use crate::draft::Tools;
use crate::error::{is_gone, missing, stopped};
use crate::fetch::{Fetcher, at_hand};
use crate::log::Log;
use crate::migrate::VERSION;
use crate::objects::Objects;
use crate::open;
use crate::runtime;
use crate::state::State;
use crate::worker::{self, Writer};

/// How often one reads again what was taken away while it was read.
pub(crate) const AGAIN: usize = 4;

/// How old a state may be in which one looks for chunks. They never change under their ids, but for the key that seals
/// them; one that is not there is looked for again in the newest state.
const RECENT: Duration = Duration::from_secs(2);

/// What is read, as often as it takes.
pub(crate) type Read<T> = dyn Fn(&View<Base>) -> Result<T> + Send + Sync;

pub(crate) struct Shared {
    pub(crate) info: StoreInfo,
    pub(crate) options: ObjectOptions,
    pub(crate) log: Arc<Log>,
    pub(crate) chunks: Arc<BlockCache>,
    pub(crate) disk: Option<Arc<DiskCache>>,
    pub(crate) writer: Option<Writer>,
    /// The newest position that this handle knows of; who waits is woken through it.
    pub(crate) position: watch::Sender<Position>,
    closed: AtomicBool,
    closing: Arc<AtomicBool>,
    /// When the end of the log was looked at, for reads that may be a little behind.
    seen: Mutex<Option<Instant>>,
}

impl Shared {
    pub(crate) async fn open(options: ObjectOptions) -> Result<Self> {
        let label = Arc::clone(&options.label);
        let runtime = runtime::handle()?;
        let objects = Objects::new(Arc::clone(&options.objects), options.prefix.clone());
        let fetcher = Fetcher::new(Arc::new(objects), runtime, options.blocks);
        Self::connect(options, fetcher)
            .await
            .map_err(|error| error.during("open").on(&label))
    }

    async fn connect(options: ObjectOptions, fetcher: Fetcher) -> Result<Self> {
        let finds = open::log(options.clone(), fetcher.clone());
        let log = if fetcher.blocks() {
            runtime::aside(move || fetcher.wait(finds)).await
        } else {
            finds.await
        };
        let log = log?;
        let closed = Arc::new(AtomicBool::new(false));
        let tools = Tools {
            log: Arc::clone(&log),
            clock: Arc::clone(&options.clock),
            snapshot_after: options.snapshot_after.max(1),
            inline: options.inline,
            closing: Arc::clone(&closed),
            durability: options.durability,
        };
        let chunks = Arc::new(BlockCache::new(options.chunk_cache));
        let row = read(&log, log.state(), false, Arc::new(View::store)).await?;
        row.check(VERSION, !options.read_only)?;
        let disk = disk(&options, row.id).await?;
        // To tell how far the store has come would read more: who asks for it does.
        let position = watch::Sender::new(Position::START);
        let writer = (!options.read_only).then(|| worker::start(tools, position.clone()));
        Ok(Self {
            info: info(&options, &row),
            log,
            chunks,
            disk,
            writer: writer.transpose()?,
            position,
            closing: closed,
            closed: AtomicBool::new(false),
            seen: Mutex::new(None),
            options,
        })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Lets the writer know that its end is waited for.
    pub(crate) fn begin_to_close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// The state that a read sees.
    pub(crate) async fn fresh(&self) -> Result<Arc<State>> {
        if self.is_closed() {
            return Err(stopped());
        }
        let allowed = self.options.staleness;
        let seen = *self.seen.lock();
        if !allowed.is_zero() && seen.is_some_and(|seen| seen.elapsed() <= allowed) {
            return Ok(self.log.state());
        }
        let begun = Instant::now();
        let state = self.log.catch_up().await?;
        *self.seen.lock() = Some(begun);
        Ok(state)
    }

    /// A state that is not much older, for what hardly ever changes.
    pub(crate) async fn recent(&self) -> Result<Arc<State>> {
        let seen = *self.seen.lock();
        if !self.is_closed() && seen.is_some_and(|seen| seen.elapsed() <= RECENT) {
            return Ok(self.log.state());
        }
        self.fresh().await
    }

    /// Reads the newest state. What is large leaves the calling task at once, all else when it has to wait.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        large: bool,
        work: impl Fn(&View<Base>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let found = async {
            let state = self.fresh().await?;
            read(&self.log, state, large, Arc::new(work)).await
        };
        found.await.map_err(|error| error.on(&self.info.label))
    }
}

async fn read<T: Send + 'static>(
    log: &Arc<Log>,
    state: Arc<State>,
    large: bool,
    work: Arc<Read<T>>,
) -> Result<T> {
    let mut state = state;
    for _ in 0..AGAIN {
        let base = Base::new(state, log.fetcher.clone());
        match read_once(base, large, &work).await {
            Err(error) if is_gone(&error) => state = log.reload().await?,
            found => return found,
        }
    }
    Err(missing())
}

/// Reads one state, on the calling task unless it has to wait.
pub(crate) async fn read_once<T: Send + 'static>(
    base: Base,
    large: bool,
    work: &Arc<Read<T>>,
) -> Result<T> {
    let view = View::new(base);
    if !large && let Some(found) = at_hand(|| work(&view)) {
        return found;
    }
    let work = Arc::clone(work);
    aside(move || work(&view)).await
}

/// The cache in a directory, if one is asked for and can be had.
async fn disk(options: &ObjectOptions, store: StoreId) -> Result<Option<Arc<DiskCache>>> {
    if options.cache_directory.is_none() {
        return Ok(None);
    }
    let options = options.clone();
    aside(move || Ok(DiskCache::open(&options, store).map(Arc::new))).await
}

fn info(options: &ObjectOptions, row: &StoreRow) -> StoreInfo {
    StoreInfo {
        label: Arc::clone(&options.label),
        id: row.id,
        format: Format {
            version: VERSION,
            min_reader: row.min_reader,
            min_writer: row.min_writer,
        },
        limits: options.limits,
        capabilities: Capabilities::default()
            .with_persistent(true)
            .with_shared(true),
        hasher: ContentHasher::plain(),
        gear_seed: 0,
        durability: options.durability,
        read_only: options.read_only,
    }
}
