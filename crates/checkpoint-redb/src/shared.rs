//! What the clones of a handle share: the store's file and its writer.

use std::sync::Arc;

use checkpoint_core::engine::StoreRow;
use checkpoint_core::files::resolve;
use checkpoint_core::{
    Capabilities, ContentHasher, Durability, Format, Position, Result, StoreInfo,
};
use tokio::sync::watch;

use crate::base::View;
use crate::config::RedbOptions;
use crate::held::Held;
use crate::migrate::VERSION;
use crate::open;
use crate::worker::{self, Writer};

/// The longest path that systems take, in bytes, less what is put behind it.
pub(crate) const LONGEST_PATH: usize = 4_095 - 80;

pub(crate) struct Shared {
    pub(crate) info: StoreInfo,
    pub(crate) options: RedbOptions,
    pub(crate) held: Arc<Held>,
    pub(crate) writer: Option<Writer>,
    /// The newest position; who waits is woken through it.
    pub(crate) position: watch::Sender<Position>,
}

impl Shared {
    pub(crate) fn open(options: RedbOptions) -> Result<Self> {
        let label: Arc<str> = format!("redb://{}", options.path.display()).into();
        Self::connect(options, &label).map_err(|error| error.during("open").on(&label))
    }

    fn connect(mut options: RedbOptions, label: &Arc<str>) -> Result<Self> {
        options.path = resolve(&options.path, LONGEST_PATH)?;
        let opened = open::open(&options, &options.path)?;
        if opened.created {
            tracing::info!(path = %options.path.display(), "a store was created");
        }
        let info = info(&options, label, &opened.row);
        let held = Arc::new(Held::new(options.clone(), opened));
        let counters = held.around(View::counters)?;
        let position = watch::Sender::new(counters.position);
        let writer = (!options.read_only).then(|| {
            worker::start(
                Arc::clone(&held),
                Arc::clone(&options.clock),
                position.clone(),
            )
        });
        Ok(Self {
            info,
            options,
            held,
            writer: writer.transpose()?,
            position,
        })
    }
}

fn info(options: &RedbOptions, label: &Arc<str>, row: &StoreRow) -> StoreInfo {
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
            .with_persistent(true)
            .with_backup(true),
        hasher: ContentHasher::plain(),
        gear_seed: 0,
        durability: Durability::Disk,
        read_only: options.read_only,
    }
}
