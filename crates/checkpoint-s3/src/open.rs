//! Opening a store, and making one.

use std::sync::Arc;

use checkpoint_core::engine::StoreRow;
use checkpoint_core::{Error, Result, StoreId};
use checkpoint_rows::{Staged, put_store};

use crate::cache::BlockCache;
use crate::config::ObjectOptions;
use crate::draft;
use crate::error::gone;
use crate::fetch::Fetcher;
use crate::layout::Name;
use crate::log::{Appended, Draft, Log};
use crate::migrate::{Header, VERSION};
use crate::objects::Objects;
use crate::probe;
use crate::state::State;

/// What the store is; makes it when it is not there and may be made. Answers whether it was made just now.
async fn header(options: &ObjectOptions, objects: &Objects) -> Result<(Header, bool)> {
    if let Some(bytes) = objects.get(Name::Store).await? {
        return Ok((read(&bytes)?, false));
    }
    if !options.create || options.read_only {
        return Err(Error::not_found(
            "there is no store here; check bucket and prefix, or allow it to be created",
        ));
    }
    let id = crate::id::Id(*options.ids.next().as_bytes());
    probe::conditional_puts(objects, id, &*options.clock).await?;
    let header = Header::new(StoreId::from_uuid(options.ids.next()), options.clock.now());
    // Somebody else may make it at the same time.
    objects.create_own(Name::Store, header.encode()?).await?;
    let bytes = objects.get(Name::Store).await?;
    let found = read(&bytes.ok_or_else(|| gone(Name::Store))?)?;
    let created = found.id == header.id;
    Ok((found, created))
}

fn read(bytes: &[u8]) -> Result<Header> {
    Header::decode(bytes).map_err(|error| error.with("object", Name::Store))
}

/// The log of the store, read to its end.
pub(crate) async fn log(options: ObjectOptions, fetcher: Fetcher) -> Result<Arc<Log>> {
    let (header, created) = header(&options, fetcher.objects()).await?;
    let log = Arc::new(Log::new(
        fetcher,
        Arc::new(BlockCache::new(options.index_cache)),
        Arc::clone(&options.clock),
        Arc::clone(&options.ids),
        options.flaws,
    ));
    first(&options, &header, &log).await?;
    if created {
        tracing::info!(store = %options.label, "a store was created");
    }
    Ok(log)
}

/// The first state: that of the log, or of a store whose maker came no further than its header.
async fn first(options: &ObjectOptions, header: &Header, log: &Arc<Log>) -> Result<Arc<State>> {
    let mut state = log.open().await?;
    while state.position == 0 {
        if options.read_only {
            return Err(Error::not_found(
                "the store was never finished; open it once for writing",
            ));
        }
        let mut staged = Staged::default();
        put_store(
            &mut staged,
            &StoreRow::new(header.id, header.created, VERSION),
        );
        let rows = draft::rows(&staged)?;
        let draft = Draft {
            rows,
            first_sequence: 1,
            snapshot: None,
        };
        state = match log.append(&state, draft).await? {
            Appended::Won(state) => state,
            Appended::Lost(_) => log.catch_up().await?,
        };
    }
    Ok(state)
}
