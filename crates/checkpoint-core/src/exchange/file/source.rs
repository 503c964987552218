//! A file that was surveyed, as what checkpoints come from.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::{Entry, FileHeader, Place, Reading};
use crate::chunk::Chunks;
use crate::error::{Error, Result};
use crate::exchange::beside::{AHEAD, Beside};
use crate::exchange::source::{Arrival, Arrivals, Naming, Source};
use crate::hasher::ContentHasher;
use crate::id::{ChunkId, SessionId};
use crate::query::{Cursor, CursorKind, Page};
use crate::record::{Item, SessionRecord, StoredChunk};

/// Checkpoints, sessions and chunks on a page, and bytes of checkpoints after which it ends.
const PAGE: usize = 512;
const PAGE_BYTES: u64 = 1 << 20;

/// A file, read where it is asked for.
///
/// What it keeps in memory is where sessions, chunks and every so manyth checkpoint begin: about 56 bytes a session,
/// 64 bytes a chunk.
#[derive(Debug)]
pub(crate) struct FileSource {
    label: String,
    pub(super) header: FileHeader,
    inner: Arc<Mutex<Inner>>,
    pub(super) index: Arc<Mutex<Index>>,
    hasher: ContentHasher,
    only: Option<SessionId>,
    pub(super) total: u64,
    /// The page behind the last one, with the sequence above which it begins: read while that one is taken.
    ahead: Mutex<Option<(u64, Beside<Result<Arrivals>>)>>,
}

/// Locked before the index is, where both are needed.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) reading: Box<dyn Reading>,
    index: Arc<Mutex<Index>>,
    /// The checkpoint behind which the reading stands; none when it stands elsewhere.
    behind: Option<u64>,
}

/// Where things begin.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) sessions: Vec<Place>,
    /// Where some checkpoints begin, by their sequences.
    pub(super) marks: Vec<(u64, Place)>,
    pub(super) chunks: HashMap<ChunkId, u64>,
    /// Checkpoints that were refused already, by where they begin.
    pub(super) refused: HashSet<u64>,
}

impl FileSource {
    pub(super) fn new(label: String, header: FileHeader, reading: Box<dyn Reading>) -> Self {
        let index = Arc::default();
        Self {
            label,
            header,
            inner: Arc::new(Mutex::new(Inner {
                reading,
                index: Arc::clone(&index),
                behind: None,
            })),
            index,
            hasher: ContentHasher::plain(),
            only: None,
            total: 0,
            ahead: Mutex::default(),
        }
    }

    /// Nothing but this session.
    pub(crate) fn only(mut self, session: Option<SessionId>) -> Self {
        self.only = session;
        self
    }

    /// Works on the file where blocking is allowed.
    pub(super) fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Inner) -> T + Send + 'static,
    ) -> Beside<T> {
        let inner = Arc::clone(&self.inner);
        Beside::start(move || work(&mut inner.lock()))
    }

    fn page(&self, after: u64) -> Beside<Result<Arrivals>> {
        let only = self.only.clone();
        self.blocking(move |inner| inner.page(after, only.as_ref()))
    }
}

impl Inner {
    fn page(&mut self, after: u64, only: Option<&SessionId>) -> Result<Arrivals> {
        if !self.stand_before(after)? {
            return Ok(Arrivals::default());
        }
        let (mut page, mut bytes, mut last) = (Arrivals::default(), 0, after);
        while page.items.len() < PAGE && bytes < PAGE_BYTES {
            let place = self.reading.place();
            let mut arrival = match self.reading.next() {
                Ok(Entry::Checkpoint(arrival)) => arrival,
                Ok(Entry::End(_)) => return Ok(page),
                Ok(_) => continue,
                // It was told when the file was surveyed.
                Err(fault) if fault.last && self.index.lock().refused.is_empty() => {
                    return Err(fault.into_error());
                }
                Err(fault) if fault.last => return Ok(page),
                Err(_) => continue,
            };
            let sequence = arrival.header.sequence;
            if sequence <= after || self.index.lock().refused.contains(&place.offset) {
                continue;
            }
            last = sequence;
            if only.is_none_or(|only| *only == arrival.header.session) {
                bytes += size(&arrival);
                // What fails here, the file having changed, is told by whoever takes it.
                arrival.verified = arrival.verify().ok().map(Box::new);
                page.items.push(Item::Found(*arrival));
            }
        }
        self.behind = Some(last);
        page.next = Some(last);
        Ok(page)
    }

    /// Goes to where what follows a sequence begins, or some way before; answers whether there is anything.
    fn stand_before(&mut self, after: u64) -> Result<bool> {
        if self.behind.take() == Some(after) {
            return Ok(true);
        }
        let index = self.index.lock();
        let at = index
            .marks
            .partition_point(|(sequence, _)| *sequence <= after.saturating_add(1));
        let Some((_, place)) = index.marks.get(at.saturating_sub(1)) else {
            return Ok(false);
        };
        self.reading.go(place)?;
        Ok(true)
    }

    fn session(&mut self, place: &Place) -> Result<Item<SessionRecord>> {
        self.behind = None;
        self.reading.go(place)?;
        match self.reading.next() {
            Ok(Entry::Session(session)) => Ok(Item::Found(session)),
            Ok(_) => Err(Error::corrupt("the file has changed while it was read")),
            Err(fault) => Ok(Item::Corrupt(fault.into_error())),
        }
    }

    fn stored(&mut self, ids: &[ChunkId]) -> Vec<Item<StoredChunk>> {
        let place = self.reading.place();
        let begins: Vec<_> = {
            let index = self.index.lock();
            ids.iter().map(|id| index.chunks.get(id).copied()).collect()
        };
        let read = |(id, begins): (&ChunkId, Option<u64>)| match begins {
            None => Item::Absent,
            Some(offset) => match self.reading.chunk(offset) {
                Ok(chunk) => Item::Found(chunk),
                Err(error) => Item::Corrupt(error.with("chunk", id)),
            },
        };
        let found = ids.iter().zip(begins).map(read).collect();
        debug_assert_eq!(self.reading.place(), place, "a chunk is read aside");
        found
    }
}

#[async_trait]
impl Source for FileSource {
    fn label(&self) -> &str {
        &self.label
    }

    fn naming(&self) -> Option<Naming<'_>> {
        Some(Naming {
            hasher: &self.hasher,
            gear_seed: 0,
        })
    }

    async fn newest(&self) -> Result<u64> {
        Ok(self.header.newest)
    }

    async fn total(&self) -> Result<Option<u64>> {
        Ok(self.only.is_none().then_some(self.total))
    }

    async fn sessions(&self, after: Option<Cursor>) -> Result<Page<Item<SessionRecord>>> {
        let from = after
            .map(|cursor| cursor.place(CursorKind::Sessions))
            .transpose()?;
        let from = usize::try_from(from.unwrap_or(0)).unwrap_or(usize::MAX);
        let only = self.only.clone();
        let page = self.blocking(move |inner| {
            let (places, more) = {
                let index = inner.index.lock();
                let rest = index.sessions.get(from..).unwrap_or_default();
                let places: Vec<_> = rest.iter().take(PAGE).copied().collect();
                let more = rest.len() > places.len();
                (places, more)
            };
            let end = from.saturating_add(places.len()) as u64;
            let items = places.iter().map(|place| inner.session(place));
            let mut items = items.collect::<Result<Vec<_>>>()?;
            items.retain(|item| match (item, &only) {
                (Item::Found(session), Some(only)) => session.id == *only,
                _ => true,
            });
            Ok(Page {
                items,
                next: more.then(|| Cursor::new(CursorKind::Sessions, end)),
            })
        });
        page.end().await?
    }

    async fn arrivals(&self, after: u64) -> Result<Arrivals> {
        let ahead = self.ahead.lock().take();
        let page = match ahead {
            Some((from, page)) if from == after => page,
            _ => self.page(after),
        };
        let page = page.end().await??;
        let bytes = page.items.iter().map(|item| match item {
            Item::Found(arrival) => size(arrival),
            _ => 0,
        });
        let is_large = bytes.sum::<u64>() > AHEAD;
        if let Some(next) = page.next.filter(|_| !is_large) {
            *self.ahead.lock() = Some((next, self.page(next)));
        }
        Ok(page)
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        let ids = ids.to_vec();
        self.blocking(move |inner| inner.stored(&ids)).end().await
    }
}

/// Bytes of a checkpoint, of its state and of what lies beside it.
fn size(arrival: &Arrival) -> u64 {
    let beside = arrival.attachments.iter();
    let beside = beside.map(|it| it.bytes.as_ref().map_or(0, Bytes::len));
    let rest = arrival.meta.len() + beside.sum::<usize>();
    arrival.header.length.saturating_add(rest as u64)
}

#[async_trait]
impl Chunks for FileSource {
    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        Source::chunks(self, ids).await
    }
}
