//! Questions as stores are asked them, and answers as text that can be compared and digested.
//!
//! Left out is what the contract leaves open: labels, ids of stores, what a store takes where it lies, the texts of
//! cursors, how long a page is below its limit, the words of errors.

use std::fmt::Debug;
use std::time::Duration;

use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, Budget, CheckpointId, ChunkId, Error, ErrorKind, Item,
    MaintainStep, MetaRecord, Page, Parts, Payload, Position, Query, Receipt, Record, Result,
    SessionQuery, SessionRecord, Stats, StoredChunk,
};

/// How many pages, or steps of giving space back, one question may take.
const MOST_PAGES: usize = 20_000;

/// A question, or a command other than a commit.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Get(Vec<CheckpointId>, Parts),
    Scan(Box<Query>),
    Sessions(SessionQuery),
    Attachments(AttachmentQuery),
    Chunks(Vec<ChunkId>),
    Present(Vec<ChunkId>),
    ChunkList(Option<ChunkId>, usize),
    Records(String),
    Feed(Position, usize),
    Position,
    Stats,
    Maintain(Budget),
    Purge(Budget),
    Flush,
}

/// What a store said: one line for each thing, or an error.
pub(super) type Answer = Result<Vec<String>, String>;

/// Asks a store, which adds so many bytes to each chunk.
pub(super) async fn ask(store: &dyn Backend, overhead: u64, question: &Question) -> Answer {
    asked(store, overhead, question)
        .await
        .map_err(|error| refused(&error))
}

async fn asked(store: &dyn Backend, overhead: u64, question: &Question) -> Result<Vec<String>> {
    Ok(match question {
        Question::Get(ids, parts) => items(store.get(ids, *parts).await?, record),
        Question::Scan(query) => scan(store, query).await?,
        Question::Sessions(query) => sessions(store, query).await?,
        Question::Attachments(query) => attachments(store, query).await?,
        Question::Chunks(ids) => {
            // A chunk is the same in each of its stored forms: a handle that has not looked since it was swept, and sent
            // again in another, may still answer the one that it had.
            store.changed(Position::START, Duration::ZERO).await?;
            items(store.chunks(ids).await?, stored)
        }
        Question::Present(ids) => vec![format!("{:?}", store.present(ids).await?)],
        Question::ChunkList(after, limit) => chunk_list(store, overhead, *after, *limit).await?,
        Question::Records(prefix) => items(store.records(prefix).await?, named),
        Question::Feed(after, limit) => feed(store, *after, *limit).await?,
        Question::Position => {
            let newest = store.changed(Position::START, Duration::ZERO).await?;
            vec![newest.to_string()]
        }
        Question::Stats => vec![counted(&store.stats().await?, overhead)],
        Question::Maintain(budget) => vec![maintain(store, overhead, budget).await?],
        Question::Purge(budget) => {
            store.maintain(budget).await?;
            Vec::new()
        }
        Question::Flush => {
            let receipt = store.flush().await?;
            vec![format!("{} {}", receipt.first, receipt.last)]
        }
    })
}

/// The kind of an error with what it holds.
pub(super) fn refused(error: &Error) -> String {
    match error.kind() {
        // Which are missing is said, not in which order.
        ErrorKind::MissingChunks(ids) => {
            let mut ids = ids.clone();
            ids.sort();
            format!("MissingChunks({ids:?})")
        }
        // No store of ours is stopped or out of order here: what it says then is worth reading.
        ErrorKind::Storage | ErrorKind::Unavailable { .. } | ErrorKind::Corrupt => {
            format!("{:?}: {error}", error.kind())
        }
        kind => format!("{kind:?}"),
    }
}

/// Bytes as text, shortened to what tells them apart.
pub(super) fn bytes(bytes: &[u8]) -> String {
    if bytes.len() <= 48 {
        return format!("\"{}\"", bytes.escape_ascii());
    }
    let digest = blake3::hash(bytes).to_hex();
    format!("{} bytes {}", bytes.len(), &digest[..16])
}

fn items<T>(items: Vec<Item<T>>, tell: impl Fn(&T) -> String) -> Vec<String> {
    items.iter().map(|item| told(item, &tell)).collect()
}

fn told<T>(item: &Item<T>, tell: impl Fn(&T) -> String) -> String {
    match item {
        Item::Found(found) => tell(found),
        Item::Absent => "absent".to_owned(),
        Item::Deleted => "deleted".to_owned(),
        Item::Corrupt(error) => format!("corrupt: {error}"),
    }
}

/// All but how durable it is, which is the store's own.
pub(super) fn receipt(receipt: &Receipt) -> String {
    let Receipt {
        commit,
        first,
        last,
        durability: _,
        outcomes,
        replayed,
        clock_behind,
    } = receipt;
    let replayed = if *replayed { " replayed" } else { "" };
    let behind = clock_behind.map_or(String::new(), |by| format!(" clock behind by {by:?}"));
    format!("{commit} at {first} to {last}{replayed}{behind}: {outcomes:?}")
}

fn record(record: &Record) -> String {
    let meta = record.meta.as_ref().map(|meta| bytes(meta));
    let payload = record.payload.as_ref().map(|payload| match payload {
        Payload::Inline(state) => bytes(state),
        Payload::Tree(top) => format!("{top:?}"),
    });
    format!("{:?} meta {meta:?} payload {payload:?}", record.header)
}

fn session(session: &SessionRecord) -> String {
    format!("{session:?} {}", bytes(&session.body))
}

fn attachment(attachment: &Attachment) -> String {
    let Attachment {
        checkpoint,
        kind,
        key,
        bytes: content,
    } = attachment;
    let content = content.as_ref().map(|content| bytes(content));
    format!("{checkpoint} {kind:?} {key:?} {content:?}")
}

fn stored(chunk: &StoredChunk) -> String {
    format!("over {:?} {}", chunk.children, bytes(&chunk.bytes))
}

fn named(record: &MetaRecord) -> String {
    let MetaRecord {
        name,
        version,
        bytes: content,
    } = record;
    format!("{name} version {version} {}", bytes(content))
}

fn counted(stats: &Stats, overhead: u64) -> String {
    let Stats {
        sessions,
        checkpoints,
        tombstones,
        attachments,
        chunks,
        chunk_bytes,
        state_bytes,
        position,
        ..
    } = stats;
    let chunk_bytes = chunk_bytes.saturating_sub(chunks * overhead);
    format!(
        "{sessions} sessions, {checkpoints} checkpoints, {tombstones} tombstones, {attachments} attachments, \
         {chunks} chunks of {chunk_bytes} bytes, states of {state_bytes} bytes, at {position}"
    )
}

/// Adds a page to what was listed, and says whether it was longer than its limit.
fn listed<T>(
    all: &mut Vec<String>,
    page: &Page<Item<T>>,
    limit: usize,
    tell: impl Fn(&T) -> String,
) {
    all.extend(page.items.iter().map(|item| told(item, &tell)));
    if page.items.len() > limit {
        all.push(format!(
            "a page of {} at a limit of {limit}",
            page.items.len()
        ));
    }
}

fn endless(what: impl Debug) -> Error {
    Error::storage(format!("no end after {MOST_PAGES} pages of {what:?}"))
}

macro_rules! paged {
    ($name:ident $query:ident $tell:ident) => {
        async fn $name(store: &dyn Backend, query: &$query) -> Result<Vec<String>> {
            let (mut query, mut all) = (query.clone(), Vec::new());
            for _ in 0..MOST_PAGES {
                let page = store.$name(&query).await?;
                listed(&mut all, &page, query.limit, $tell);
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => return Ok(all),
                }
            }
            Err(endless(query))
        }
    };
}

paged!(scan Query record);
paged!(sessions SessionQuery session);
paged!(attachments AttachmentQuery attachment);

async fn chunk_list(
    store: &dyn Backend,
    overhead: u64,
    after: Option<ChunkId>,
    limit: usize,
) -> Result<Vec<String>> {
    let (mut after, mut all) = (after, Vec::new());
    for _ in 0..MOST_PAGES {
        let page = store.scan_chunks(after, limit).await?;
        let end = page.len() < limit || limit == 0;
        for mut item in page {
            if let Item::Found(info) = &mut item {
                after = Some(info.id);
                info.size = info.size.saturating_sub(overhead);
            }
            all.push(told(&item, |info| format!("{info:?}")));
        }
        if end {
            return Ok(all);
        }
    }
    Err(endless("chunks"))
}

async fn feed(store: &dyn Backend, after: Position, limit: usize) -> Result<Vec<String>> {
    let (mut after, mut all) = (after, Vec::new());
    for _ in 0..MOST_PAGES {
        let page = store.changes(after, limit).await?;
        if page.items.is_empty() {
            return Ok(all);
        }
        all.extend(
            page.items
                .iter()
                .map(|item| told(item, |change| format!("{change:?}"))),
        );
        after = page.end;
    }
    Err(endless("changes"))
}

/// What went in all, but for rows, which each engine counts as it keeps them.
///
/// A sweep that an earlier step began may look at the store as it was then, and what is free since goes with the next
/// one: so this runs to the end twice.
async fn maintain(store: &dyn Backend, overhead: u64, budget: &Budget) -> Result<String> {
    let (mut rounds, mut sum) = (0, MaintainStep::default());
    for _ in 0..MOST_PAGES {
        let step = store.maintain(budget).await?;
        sum.swept += step.swept;
        sum.swept_bytes += step.swept_bytes;
        sum.unswept |= step.unswept;
        rounds += usize::from(!step.more);
        if rounds == 2 {
            let MaintainStep {
                swept,
                swept_bytes,
                unswept,
                ..
            } = sum;
            let swept_bytes = swept_bytes.saturating_sub(swept * overhead);
            return Ok(format!(
                "swept {swept} chunks of {swept_bytes} bytes, gave up: {unswept}"
            ));
        }
    }
    Err(endless(budget))
}
