//! Answers to questions.

use std::ops::{Bound, RangeBounds, RangeInclusive};

use super::state::{Checkpoint, State, whole};
use crate::backend::Stats;
use crate::engine::{FeedRow, Lookup, Room, SessionRow, feed_page, reaches_back};
use crate::error::Result;
use crate::feed::{Change, Feed};
use crate::id::{CheckpointId, ChunkId};
use crate::query::{AttachmentQuery, Order, Page, Query, SessionQuery};
use crate::record::{
    Attachment, ChunkInfo, Item, MetaRecord, Parts, Position, Record, SessionRecord, StoredChunk,
};

/// Any rows, one way or the other.
type Rows<'a, T> = Box<dyn Iterator<Item = T> + 'a>;

fn directed<'a, T: 'a>(rows: impl DoubleEndedIterator<Item = T> + 'a, order: Order) -> Rows<'a, T> {
    match order {
        Order::Ascending => Box::new(rows),
        Order::Descending => Box::new(rows.rev()),
    }
}

impl Checkpoint {
    fn record(&self, parts: Parts) -> Record {
        Record {
            header: Box::new(self.header.clone()),
            meta: parts.meta.then(|| self.meta.clone()),
            payload: parts.payload.then(|| self.payload.clone()),
        }
    }
}

fn rows(changes: impl IntoIterator<Item = Change>) -> Vec<FeedRow> {
    changes.into_iter().map(FeedRow::from).collect()
}

impl State {
    pub(super) fn get(&self, id: &CheckpointId, parts: Parts) -> Item<Record> {
        match self.live_checkpoint(id) {
            Some(row) => Item::Found(row.record(parts)),
            None if self.lookup(id) == Lookup::Absent => Item::Absent,
            None => Item::Deleted,
        }
    }

    pub(super) fn scan(&self, query: &Query) -> Result<Page<Item<Record>>> {
        let range = query.remaining()?;
        if range.is_empty() || query.limit == 0 {
            return Ok(Page::empty());
        }
        let rows = match &query.session {
            None => self.all_rows(range, query.order),
            Some(id) => match self.live_session(id) {
                None => return Ok(Page::empty()),
                Some(session) => self.session_rows(session.key, range, query.order),
            },
        };
        let matching = rows.filter(|row| query.filter.matches(&row.header));
        let (mut page, mut room, mut last) = (Page::empty(), Room::new(query.limit), 0);
        for row in matching {
            if room.is_full() {
                page.next = Some(query.cursor(last));
                break;
            }
            let item = Item::Found(row.record(query.parts));
            room.take(&item);
            page.items.push(item);
            last = row.header.sequence;
        }
        Ok(page)
    }

    fn all_rows(&self, range: RangeInclusive<u64>, order: Order) -> Rows<'_, &Checkpoint> {
        let rows = self.checkpoints.range(range).map(|(_, row)| row);
        Box::new(directed(rows, order).filter(|row| self.is_live(row)))
    }

    fn session_rows(
        &self,
        session: u64,
        range: RangeInclusive<u64>,
        order: Order,
    ) -> Rows<'_, &Checkpoint> {
        let keys = (session, *range.start())..=(session, *range.end());
        let rows = self.by_session.range(keys);
        directed(
            rows.filter_map(|((_, sequence), ())| self.checkpoints.get(sequence)),
            order,
        )
    }

    pub(super) fn list_sessions(&self, query: &SessionQuery) -> Result<Page<Item<SessionRecord>>> {
        let after = query.after_place()?;
        if query.limit == 0 {
            return Ok(Page::empty());
        }
        let (from, to) = match (query.order, after) {
            (Order::Ascending, Some(after)) => (Bound::Excluded(after), Bound::Unbounded),
            (Order::Descending, Some(after)) => (Bound::Unbounded, Bound::Excluded(after)),
            (_, None) => (Bound::Unbounded, Bound::Unbounded),
        };
        let rows: Rows<'_, &SessionRow> = match &query.id {
            Some(id) => Box::new(
                self.live_session(id)
                    .into_iter()
                    .filter(move |row| (from, to).contains(&row.key)),
            ),
            None => directed(
                self.sessions.range((from, to)).map(|(_, row)| row),
                query.order,
            ),
        };
        let mut matching = rows.filter(|row| row.deleted.is_none());
        let page: Vec<_> = matching.by_ref().take(query.limit).collect();
        let more = matching.next().is_some();
        let last = page.last().filter(|_| more);
        Ok(Page {
            next: last.map(|row| query.cursor(row.key)),
            items: page
                .into_iter()
                .map(|row| Item::Found(self.session_record(row)))
                .collect(),
        })
    }

    fn session_record(&self, row: &SessionRow) -> SessionRecord {
        SessionRecord {
            id: row.id.clone(),
            created_at: row.created_at,
            revision: row.revision,
            epoch: row.epoch,
            body: row.body.clone(),
            head: self.head(row.key),
        }
    }

    pub(super) fn list_attachments(
        &self,
        query: &AttachmentQuery,
    ) -> Result<Page<Item<Attachment>>> {
        let gone_through = query.after_place()?;
        if query.limit == 0 {
            return Ok(Page::empty());
        }
        let checkpoints = query.checkpoints.iter();
        let rows = checkpoints
            .filter_map(|id| self.live_checkpoint(id))
            .flat_map(|row| {
                let all = self.attachments.range(whole(row.header.sequence));
                all.map(move |(_, attachment)| (&row.header.id, attachment))
            });
        let wanted = |asked: &Option<String>, is: &String| asked.as_ref().is_none_or(|it| it == is);
        let skip = usize::try_from(gone_through).unwrap_or(usize::MAX);
        let mut matching = rows
            .filter(|(_, row)| wanted(&query.kind, &row.kind) && wanted(&query.key, &row.key))
            .map(|(checkpoint, row)| Attachment {
                checkpoint: checkpoint.clone(),
                kind: row.kind.clone(),
                key: row.key.clone(),
                bytes: query.content.then(|| row.bytes.clone()),
            })
            .skip(skip);
        let items: Vec<_> = matching
            .by_ref()
            .take(query.limit)
            .map(Item::Found)
            .collect();
        let place = gone_through.saturating_add(items.len() as u64);
        let more = matching.next().is_some();
        Ok(Page {
            next: more.then(|| query.cursor(place)),
            items,
        })
    }

    pub(super) fn chunk(&self, id: &ChunkId) -> Item<StoredChunk> {
        self.chunks.get(id).map_or(Item::Absent, |row| {
            Item::Found(StoredChunk {
                children: row.children.clone(),
                bytes: row.bytes.clone(),
            })
        })
    }

    pub(super) fn list_chunks(&self, after: Option<ChunkId>, limit: usize) -> Vec<Item<ChunkInfo>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.chunks.range((from, Bound::Unbounded)).take(limit);
        rows.map(|(id, row)| {
            Item::Found(ChunkInfo {
                id: *id,
                children: row.children.clone(),
                size: row.bytes.len() as u64,
            })
        })
        .collect()
    }

    pub(super) fn list_records(&self, prefix: &str) -> Vec<Item<MetaRecord>> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let rows = self.records.range::<str, _>(from);
        rows.take_while(|(name, _)| name.starts_with(prefix))
            .filter_map(|(_, row)| {
                Some(Item::Found(MetaRecord {
                    name: row.name.clone(),
                    version: row.version,
                    bytes: row.bytes.clone()?,
                }))
            })
            .collect()
    }

    pub(super) fn feed(&self, after: Position, limit: usize) -> Result<Feed> {
        reaches_back(self.floor, after, limit)?;
        feed_page(
            after,
            limit,
            |after, at_most| Ok(rows(self.appends(after, at_most))),
            |after, at_most| {
                let from = (Bound::Excluded(after), Bound::Unbounded);
                let others = self.changes.range(from).take(at_most);
                Ok(rows(others.map(|(_, change)| change.clone())))
            },
        )
    }

    fn appends(&self, after: Position, at_most: usize) -> Vec<Change> {
        let from = (Bound::Excluded(after.sequence), Bound::Unbounded);
        let rows = self.checkpoints.range(from).take(at_most);
        let there = rows.map(|(sequence, row)| {
            let header = &row.header;
            let (id, session) = (&header.id, &header.session);
            Self::created(*sequence, id, session, header.committed_at, &row.born)
        });
        let rows = self.graves.range(from).take(at_most);
        let gone = rows.map(|(sequence, it)| {
            Self::created(*sequence, &it.id, &it.session, it.committed_at, &it.born)
        });
        let mut all: Vec<_> = there.chain(gone).collect();
        all.sort_unstable_by_key(|change| change.position);
        all.truncate(at_most);
        all
    }

    pub(super) fn count(&self) -> Stats {
        let mut stats = Stats {
            tombstones: self.graves.len() as u64,
            chunks: self.chunks.len() as u64,
            position: self.counters.position,
            ..Stats::default()
        };
        for row in self.sessions.values() {
            stats.sessions += u64::from(row.deleted.is_none());
            stats.stored_bytes += row.body.len() as u64;
        }
        for (sequence, row) in &self.checkpoints {
            let inline = row.payload.inline().map_or(0, |bytes| bytes.len());
            stats.stored_bytes += (row.meta.len() + inline) as u64;
            if self.is_live(row) {
                stats.checkpoints += 1;
                stats.state_bytes += row.header.length;
                stats.attachments += self.attachments.range(whole(*sequence)).count() as u64;
            } else {
                stats.tombstones += 1;
            }
        }
        let chunks = self.chunks.values();
        stats.chunk_bytes = chunks.map(|row| row.bytes.len() as u64).sum();
        let attachments = self.attachments.values();
        stats.stored_bytes += attachments.map(|row| row.bytes.len() as u64).sum::<u64>();
        let records = self.records.values().filter_map(|row| row.bytes.as_ref());
        stats.stored_bytes += records.map(|bytes| bytes.len() as u64).sum::<u64>();
        stats.stored_bytes += stats.chunk_bytes;
        stats
    }
}
