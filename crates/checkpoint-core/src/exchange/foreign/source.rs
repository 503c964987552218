//! A foreign file as a source: entries are read again as they are asked for.

use std::fs::File;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::gather::{Entry, Foundation, Parsed};
use super::imported;
use super::piece::Piece;
use super::report::{ForeignReport, Notes};
use crate::checksum::checksum;
use crate::clock::Timestamp;
use crate::description::StateDigest;
use crate::error::{Error, Result};
use crate::exchange::source::{Arrival, Arrivals, ArrivingState, Naming, Source};
use crate::id::{ChunkId, SessionId};
use crate::query::{Cursor, CursorKind, Page};
use crate::record::{Header, Item, SessionRecord, StoredChunk};
use crate::store::{Body, offload};

/// Checkpoints of a page.
const PAGE: usize = 256;
/// Bytes of entries, beyond which a page ends.
const PAGE_BYTES: usize = 4 << 20;

/// A session as it will be.
#[derive(Clone, Debug)]
pub(super) struct Seed {
    pub(super) id: SessionId,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
}

/// Checkpoints of another system.
#[derive(Clone, Debug)]
pub(crate) struct Foreign(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    base: Foundation,
    /// The file that was read last.
    open: Mutex<Option<(u32, File)>>,
}

impl Foreign {
    pub(super) fn new(base: Foundation) -> Self {
        let open = Mutex::new(None);
        Self(Arc::new(Inner { base, open }))
    }

    /// What was found.
    pub(crate) fn report(&self) -> &ForeignReport {
        &self.0.base.report
    }
}

impl Inner {
    fn page(&self, after: u64) -> Arrivals {
        let entries = &self.base.entries;
        let start = entries.partition_point(|entry| entry.sequence <= after);
        let (mut items, mut bytes, mut next) = (Vec::new(), 0, None);
        let mut open = self.open.lock();
        for entry in &entries[start..] {
            if items.len() >= PAGE || bytes >= PAGE_BYTES {
                break;
            }
            items.push(match self.arrival(entry, &mut open, &mut bytes) {
                Ok(arrival) => Item::Found(arrival),
                Err(error) => Item::Corrupt(error),
            });
            next = Some(entry.sequence);
        }
        if start + items.len() == entries.len() {
            next = None;
        }
        Arrivals { items, next }
    }

    fn arrival(
        &self,
        entry: &Entry,
        open: &mut Option<(u32, File)>,
        bytes: &mut usize,
    ) -> Result<Arrival> {
        let read = entry.load(&self.base.files, open)?;
        *bytes += read.len();
        let piece = Piece::new(&read, entry.place());
        let base = &self.base;
        let parsed = base
            .reader
            .read(piece, &base.settings, &mut Notes::default())?;
        self.complete(entry, parsed)
    }

    fn complete(&self, entry: &Entry, parsed: Parsed) -> Result<Arrival> {
        let Parsed {
            id,
            session,
            number,
            revision,
            created_at,
            updated_at,
            status,
            trigger,
            worker,
            tags,
            step,
            enclosing,
            mut description,
            state,
        } = parsed;
        let parent = entry.parent.and_then(|n| self.base.entries.get(n as usize));
        let header = Header {
            id,
            session,
            parent: parent.map(|entry| entry.id.clone()),
            enclosing,
            sequence: entry.sequence,
            revision,
            created_at,
            committed_at: created_at,
            updated_at,
            status,
            trigger,
            worker,
            tags,
            step,
            pinned: false,
            quarantined: false,
            length: state.len() as u64,
            origin: None,
        };
        if self.base.reader.is_numbered() && number != entry.sequence {
            imported::add(&mut description.metadata, "sequence_number", number);
        }
        description.digest = Some(StateDigest::of(&state));
        description.checksum = Some(checksum(&header, &description)?);
        Ok(Arrival {
            header: Box::new(header),
            meta: description.encode()?,
            state: ArrivingState::Whole(state),
            attachments: Vec::new(),
            verified: None,
        })
    }

    fn session(seed: &Seed) -> Result<SessionRecord> {
        let body = Body {
            name: seed.name.clone(),
            ..Body::default()
        };
        Ok(SessionRecord {
            id: seed.id.clone(),
            created_at: seed.created_at,
            revision: 1,
            epoch: 0,
            body: body.encode()?,
            head: None,
        })
    }
}

#[async_trait]
impl Source for Foreign {
    fn label(&self) -> &str {
        &self.0.base.label
    }

    fn naming(&self) -> Option<Naming<'_>> {
        None
    }

    async fn newest(&self) -> Result<u64> {
        Ok(self.0.base.newest)
    }

    async fn total(&self) -> Result<Option<u64>> {
        Ok(Some(self.0.base.entries.len() as u64))
    }

    async fn sessions(&self, after: Option<Cursor>) -> Result<Page<Item<SessionRecord>>> {
        let seeds = &self.0.base.sessions;
        let start = match &after {
            Some(cursor) => cursor.place(CursorKind::Sessions)?,
            None => 0,
        };
        let start = usize::try_from(start)
            .unwrap_or(usize::MAX)
            .min(seeds.len());
        let end = seeds.len().min(start + PAGE);
        let records = seeds[start..end].iter().map(Inner::session);
        let items = records.map(|it| it.map_or_else(Item::Corrupt, Item::Found));
        let next = (end < seeds.len()).then(|| Cursor::new(CursorKind::Sessions, end as u64));
        Ok(Page {
            items: items.collect(),
            next,
        })
    }

    async fn arrivals(&self, after: u64) -> Result<Arrivals> {
        let inner = Arc::clone(&self.0);
        offload(move || inner.page(after)).await
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        match ids.first() {
            None => Ok(Vec::new()),
            Some(id) => {
                Err(Error::unsupported("files of other systems have no chunks").with("chunk", id))
            }
        }
    }
}
