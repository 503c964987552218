//! What a sound store answers, and whether a damaged one answers anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, Change, CheckpointId, ChunkId, Error, Feed, Item,
    MetaRecord, Order, Parts, Position, Query, Record, Result, SessionId, SessionQuery,
    SessionRecord, Store, StoredChunk, Tag,
};

use crate::store::{ok, shown, wait};

/// The session to which a damaged store is asked to save.
pub(super) const SAVED_TO: &str = "one";

/// All that a sound store answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    records: BTreeMap<CheckpointId, Record>,
    states: BTreeMap<CheckpointId, Bytes>,
    attachments: Vec<Attachment>,
    sessions: BTreeMap<SessionId, SessionRecord>,
    chunks: Vec<(ChunkId, StoredChunk)>,
    named: Vec<MetaRecord>,
    changes: Vec<Change>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Checkpoints whose states can be read.
    pub(super) whole: BTreeSet<CheckpointId>,
    /// Checkpoints that are answered as not there.
    pub(super) missing: BTreeSet<CheckpointId>,
}

impl Expected {
    pub(super) fn of(backend: &Arc<dyn Backend>, store: &Store) -> Self {
        let mut expected = Self::default();
        for item in ok(records(backend, Query::default()), "scanning") {
            let record = found(item);
            let id = record.header.id.clone();
            let checkpoint = ok(wait(store.get(&id)), "reading");
            let checkpoint = ok(checkpoint.ok_or("it is not there"), "reading");
            let state = ok(wait(checkpoint.bytes()), "reading a state");
            expected.states.insert(id.clone(), state);
            expected.records.insert(id, record);
        }
        let all: Vec<_> = expected.records.keys().cloned().collect();
        expected.attachments = ok(attachments(backend, all), "reading attachments");
        for session in ok(sessions(backend), "listing sessions") {
            let session = found(session);
            expected.sessions.insert(session.id.clone(), session);
        }
        let infos = ok(wait(backend.scan_chunks(None, 1_000)), "listing chunks");
        let ids: Vec<_> = infos.into_iter().map(|info| found(info).id).collect();
        let chunks = ok(wait(backend.chunks(&ids)), "reading chunks");
        expected.chunks = ids.into_iter().zip(chunks.into_iter().map(found)).collect();
        let named = ok(wait(backend.records("")), "reading records");
        expected.named = named.into_iter().map(found).collect();
        let feed = ok(
            wait(backend.changes(Position::START, 1_000)),
            "reading the feed",
        );
        expected.changes = feed.items.into_iter().map(found).collect();
        assert!(expected.records.len() > 10 && expected.chunks.len() > 4);
        expected
    }

    /// Makes one of the states another.
    pub(crate) fn spoil(&mut self) {
        if let Some(state) = self.states.values_mut().next() {
            *state = Bytes::from_static(b"another");
        }
    }

    /// How many checkpoints there are.
    pub(super) fn count(&self) -> usize {
        self.records.len()
    }

    pub(super) fn sequence(&self, id: &CheckpointId) -> Option<u64> {
        self.records.get(id).map(|record| record.header.sequence)
    }

    /// A checkpoint of which nothing but this is to be another.
    pub(super) fn set_aside(&mut self, id: Option<&CheckpointId>) {
        if let Some(record) = id.and_then(|id| self.records.get_mut(id)) {
            record.header.quarantined = true;
        }
    }

    pub(super) fn is_state(&self, id: &CheckpointId, state: &Bytes) -> bool {
        self.states.get(id) == Some(state)
    }

    /// Reads everything there is a way to read. What is answered as found must be what is expected.
    pub(super) fn compare(&self, backend: &Arc<dyn Backend>, store: &Store) -> Seen {
        let mut seen = Seen::default();
        self.by_id(backend, store, &mut seen);
        self.in_lists(backend);
        self.beside(backend);
        self.in_feed(backend);
        seen
    }

    fn by_id(&self, backend: &Arc<dyn Backend>, store: &Store, seen: &mut Seen) {
        for (id, expected) in &self.records {
            let answer = wait(backend.get(std::slice::from_ref(id), Parts::ALL));
            match told(answer).and_then(|mut items| items.pop()) {
                Some(Item::Found(record)) => assert_eq!(record, *expected),
                Some(Item::Absent | Item::Deleted) => drop(seen.missing.insert(id.clone())),
                Some(Item::Corrupt(error)) => corrupt(&error),
                None => {}
            }
            let Some(Some(checkpoint)) = told(wait(store.get(id))) else {
                continue;
            };
            if let Some(state) = told(wait(checkpoint.bytes())) {
                assert!(
                    self.states.get(id) == Some(&state),
                    "{id} has another state"
                );
                seen.whole.insert(id.clone());
            }
        }
    }

    fn in_lists(&self, backend: &Arc<dyn Backend>) {
        let plan = told(Tag::new("plan"));
        for (order, tags) in [
            (Order::Ascending, Vec::new()),
            (Order::Descending, Vec::new()),
            (Order::Ascending, plan.into_iter().collect()),
        ] {
            let mut query = Query {
                order,
                ..Query::default()
            };
            query.filter.any_tag = tags;
            self.listed(backend, query);
        }
        for session in self.sessions.keys() {
            let query = Query {
                session: Some(session.clone()),
                ..Query::default()
            };
            self.listed(backend, query);
        }
        for item in told(sessions(backend)).unwrap_or_default() {
            match item {
                Item::Found(session) => self.session(session),
                Item::Corrupt(error) => corrupt(&error),
                Item::Absent | Item::Deleted => {}
            }
        }
    }

    fn listed(&self, backend: &Arc<dyn Backend>, query: Query) {
        let mut last = None;
        for item in told(records(backend, query.clone())).unwrap_or_default() {
            match item {
                Item::Found(record) if is_new(&record) => {}
                Item::Found(record) => {
                    let header = &record.header;
                    assert_eq!(self.records.get(&header.id), Some(&record));
                    let asked = query
                        .session
                        .as_ref()
                        .is_none_or(|it| *it == header.session);
                    assert!(asked, "{} is of another session", header.id);
                    let tags = &query.filter.any_tag;
                    assert!(
                        tags.iter().all(|tag| header.tags.contains(tag)),
                        "not tagged"
                    );
                    let rises = last.is_none_or(|last| {
                        (header.sequence > last) == (query.order == Order::Ascending)
                    });
                    assert!(
                        rises && last != Some(header.sequence),
                        "{} out of order",
                        header.id
                    );
                    last = Some(header.sequence);
                }
                Item::Corrupt(error) => corrupt(&error),
                Item::Absent | Item::Deleted => {}
            }
        }
    }

    /// Its head is looked up, and may be one that can still be found.
    fn session(&self, mut session: SessionRecord) {
        let head = session.head.take();
        let expected = self.sessions.get(&session.id).cloned();
        let expected = expected.map(|expected| SessionRecord {
            head: None,
            ..expected
        });
        if let Some(head) = head.filter(|head| !head.id.to_string().starts_with("new-")) {
            // Of a damaged checkpoint, which is refused when it is read, the place is taken as it stands there.
            let record = self.records.get(&head.id);
            let right = record.is_none_or(|it| it.header.session == session.id);
            assert!(right, "{head:?} is no head of {}", session.id);
        }
        // One that the index lost is not there for who opens it, and is made again, with no name.
        let again = session.body.is_empty() && (session.revision, session.epoch) == (1, 0);
        if !(again && session.id.to_string() == SAVED_TO) {
            assert_eq!(Some(session), expected);
        }
    }

    fn beside(&self, backend: &Arc<dyn Backend>) {
        let all: Vec<_> = self.records.keys().cloned().collect();
        for attachment in told(attachments(backend, all)).unwrap_or_default() {
            assert!(self.attachments.contains(&attachment), "{attachment:?}");
        }
        let ids: Vec<_> = self.chunks.iter().map(|(id, _)| *id).collect();
        let chunks = told(wait(backend.chunks(&ids))).unwrap_or_default();
        for (item, (id, expected)) in chunks.into_iter().zip(&self.chunks) {
            match item {
                Item::Found(chunk) => assert_eq!(chunk, *expected, "{id}"),
                Item::Corrupt(error) => corrupt(&error),
                Item::Absent | Item::Deleted => {}
            }
        }
        for item in told(wait(backend.records(""))).unwrap_or_default() {
            match item {
                Item::Found(record) => assert!(self.named.contains(&record), "{record:?}"),
                Item::Corrupt(error) => corrupt(&error),
                Item::Absent | Item::Deleted => {}
            }
        }
    }

    fn in_feed(&self, backend: &Arc<dyn Backend>) {
        let feed = told(wait(backend.changes(Position::START, 1_000)));
        let last = self.changes.last().map(|change| change.position);
        for item in feed.map_or_else(Vec::new, |feed: Feed| feed.items) {
            match item {
                Item::Found(change) if Some(change.position) <= last => {
                    assert!(self.changes.contains(&change), "{change:?}");
                }
                Item::Corrupt(error) => corrupt(&error),
                _ => {}
            }
        }
    }
}

fn is_new(record: &Record) -> bool {
    record.header.id.to_string().starts_with("new-")
}

/// What was answered; an error is looked at.
fn told<T>(answer: Result<T>) -> Option<T> {
    answer.map_err(|error| shown(&error)).ok()
}

fn corrupt(error: &Error) {
    assert!(error.is_corrupt(), "{}", shown(error));
}

fn found<T: std::fmt::Debug>(item: Item<T>) -> T {
    match item {
        Item::Found(found) => found,
        other => panic!("a sound store answers {other:?}"),
    }
}

fn records(backend: &Arc<dyn Backend>, query: Query) -> Result<Vec<Item<Record>>> {
    let mut query = Query {
        parts: Parts::ALL,
        ..query
    };
    query.filter.quarantined = true;
    let mut all = Vec::new();
    for _ in 0..100 {
        let page = wait(backend.scan(&query))?;
        all.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(all),
        }
    }
    panic!("a list does not come to an end");
}

fn sessions(backend: &Arc<dyn Backend>) -> Result<Vec<Item<SessionRecord>>> {
    wait(backend.sessions(&SessionQuery::default())).map(|page| page.items)
}

fn attachments(backend: &Arc<dyn Backend>, of: Vec<CheckpointId>) -> Result<Vec<Attachment>> {
    let query = AttachmentQuery {
        checkpoints: of,
        ..AttachmentQuery::default()
    };
    let page = wait(backend.attachments(&query))?;
    let items = page.items.into_iter();
    Ok(items
        .filter_map(|item| told(item.into_option()).flatten())
        .collect())
}
