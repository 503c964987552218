//! Reading a store as cases do: whole lists, single things, and everything at once to see that nothing changed.

use std::time::Duration;

use checkpoint_core::{
    Appended, Attachment, AttachmentQuery, Backend, Budget, Change, CheckpointId, Commit, Cursor,
    ErrorKind, Item, MetaRecord, Operation, Order, Outcome, Page, Parts, Position, Query, Receipt,
    Record, SessionQuery, SessionRecord, Stats,
};
use futures::future::BoxFuture;

use crate::case::{Failure, Verdict, holds};
use crate::context::Context;
use crate::samples;

/// Pages after which a list is taken to have no end.
const MOST: usize = 10_000;

/// Pages through a list to its end, from where the question says; a corrupt item is an error.
async fn all<'d, T>(
    what: &str,
    after: Option<Cursor>,
    page: impl Fn(Option<Cursor>) -> BoxFuture<'d, checkpoint_core::Result<Page<Item<T>>>>,
) -> Verdict<Vec<T>> {
    let (mut after, mut found) = (after, Vec::new());
    for _ in 0..MOST {
        let page = page(after).await?;
        for item in page.items {
            found.push(whole(item)?);
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
    let wrong = format!("{what} did not end within {MOST} pages");
    Err(Failure::wrong(wrong))
}

/// Pages through a scan to its end; a corrupt item is an error.
pub(crate) async fn scan(db: &dyn Backend, query: Query) -> Verdict<Vec<Record>> {
    all("a scan", query.after.clone(), |after| {
        let query = Query {
            after,
            ..query.clone()
        };
        Box::pin(async move { db.scan(&query).await })
    })
    .await
}

pub(crate) fn whole<T>(item: Item<T>) -> Verdict<T> {
    match item {
        Item::Found(found) => Ok(found),
        Item::Corrupt(error) => Err(Failure::wrong(format!("listed as corrupt: {error}"))),
        Item::Absent | Item::Deleted => Err(Failure::wrong(
            "a list holds an item that is absent or deleted",
        )),
    }
}

/// A query for all of a session, oldest first.
pub(crate) fn all_of(session: &str) -> Query {
    Query {
        session: Some(samples::session(session)),
        order: Order::Ascending,
        ..Query::default()
    }
}

/// A query for everything, oldest first.
pub(crate) fn everything() -> Query {
    Query {
        order: Order::Ascending,
        ..Query::default()
    }
}

/// The ids that a query finds, in order.
pub(crate) async fn names(db: &dyn Backend, query: Query) -> Verdict<Vec<String>> {
    let found = scan(db, query).await?;
    Ok(found
        .iter()
        .map(|record| record.header.id.to_string())
        .collect())
}

/// One checkpoint by id, with all its parts.
pub(crate) async fn item(db: &dyn Backend, id: &str) -> Verdict<Item<Record>> {
    one(db, &samples::id(id), Parts::ALL).await
}

/// One checkpoint by id.
pub(crate) async fn one(
    db: &dyn Backend,
    id: &CheckpointId,
    parts: Parts,
) -> Verdict<Item<Record>> {
    let mut items = db.get(std::slice::from_ref(id), parts).await?;
    holds!(
        items.len() == 1,
        "get of one id answered {} items",
        items.len()
    );
    Ok(items.remove(0))
}

/// One checkpoint that must be there, with all its parts.
pub(crate) async fn found(db: &dyn Backend, id: &str) -> Verdict<Record> {
    match item(db, id).await? {
        Item::Found(record) => Ok(record),
        other => Err(Failure::wrong(format!(
            "checkpoint {id} should be found, is {other:?}"
        ))),
    }
}

/// One session, if it is there.
pub(crate) async fn session(db: &dyn Backend, id: &str) -> Verdict<Option<SessionRecord>> {
    let page = db
        .sessions(&SessionQuery::one(samples::session(id)))
        .await?;
    holds!(
        page.items.len() <= 1,
        "a query for one session answered {}",
        page.items.len()
    );
    page.items.into_iter().next().map(whole).transpose()
}

/// One session that must be there.
pub(crate) async fn session_found(db: &dyn Backend, id: &str) -> Verdict<SessionRecord> {
    let found = session(db, id).await?;
    found.ok_or_else(|| Failure::wrong(format!("session {id} should be there")))
}

/// The id of a session's head.
pub(crate) async fn head(db: &dyn Backend, id: &str) -> Verdict<Option<String>> {
    let head = session_found(db, id).await?.head;
    Ok(head.map(|head| head.id.to_string()))
}

/// All sessions, oldest first.
pub(crate) async fn sessions(db: &dyn Backend, limit: usize) -> Verdict<Vec<SessionRecord>> {
    all("a list of sessions", None, |after| {
        let query = SessionQuery {
            limit,
            after,
            ..SessionQuery::default()
        };
        Box::pin(async move { db.sessions(&query).await })
    })
    .await
}

/// All attachments that a query finds.
pub(crate) async fn attachments(
    db: &dyn Backend,
    query: AttachmentQuery,
) -> Verdict<Vec<Attachment>> {
    all("a list of attachments", query.after.clone(), |after| {
        let query = AttachmentQuery {
            after,
            ..query.clone()
        };
        Box::pin(async move { db.attachments(&query).await })
    })
    .await
}

/// All changes after a position, asked for in pages of this size.
pub(crate) async fn changes(
    db: &dyn Backend,
    after: Position,
    limit: usize,
) -> Verdict<Vec<Change>> {
    let mut after = after;
    let mut found: Vec<Change> = Vec::new();
    for _ in 0..MOST {
        let page = db.changes(after, limit).await?;
        let end = page.items.last();
        let at_end = |item: &Item<Change>| match item {
            Item::Found(change) => change.position == page.end,
            _ => true,
        };
        holds!(
            end.map_or(page.end == after, at_end),
            "a page after {after} says that it ends at {}: {end:?}",
            page.end
        );
        if page.items.is_empty() {
            return Ok(found);
        }
        after = page.end;
        found.extend(page.whole()?);
    }
    Err(Failure::wrong(format!(
        "the feed did not end within {MOST} pages"
    )))
}

/// From where on the feed can be read.
async fn oldest(db: &dyn Backend) -> Verdict<Position> {
    match db.changes(Position::START, 1).await {
        Ok(_) => Ok(Position::START),
        Err(error) => match *error.kind() {
            ErrorKind::Truncated { oldest } => Ok(oldest),
            _ => Err(error.into()),
        },
    }
}

/// Records whose names start with a prefix.
pub(crate) async fn records(db: &dyn Backend, prefix: &str) -> Verdict<Vec<MetaRecord>> {
    let found = db.records(prefix).await?;
    found.into_iter().map(whole).collect()
}

/// The ids of the sessions on a page.
pub(crate) fn session_ids(page: &Page<Item<SessionRecord>>) -> Vec<String> {
    let name = |item: &Item<SessionRecord>| match item {
        Item::Found(session) => session.id.to_string(),
        other => format!("{other:?}"),
    };
    page.items.iter().map(name).collect()
}

/// Runs [`Backend::maintain`] until there is no more to do, and adds up what it did.
pub(crate) async fn maintain(
    db: &dyn Backend,
    budget: Budget,
) -> Verdict<checkpoint_core::MaintainStep> {
    let mut sum = checkpoint_core::MaintainStep::default();
    for _ in 0..MOST {
        let step = db.maintain(&budget).await?;
        sum.purged += step.purged;
        sum.trimmed += step.trimmed;
        sum.swept += step.swept;
        sum.swept_bytes += step.swept_bytes;
        sum.unswept |= step.unswept;
        sum.unpurged |= step.unpurged;
        if !step.more {
            return Ok(sum);
        }
    }
    Err(Failure::wrong(format!(
        "maintain had not done within {MOST} steps"
    )))
}

/// A budget under which all that can go goes: chunks after an hour, memory of the past after a week.
pub(crate) fn budget() -> Budget {
    Budget::default()
}

/// An hour and a bit: what chunks are kept for.
pub(crate) const PAST_GRACE: Duration = Duration::from_secs(2 * 60 * 60);

/// A week and a bit: what changes are kept for.
pub(crate) const PAST_WINDOW: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Does a commit of one operation.
pub(crate) async fn apply(cx: &Context, operation: impl Into<Operation>) -> Verdict<Receipt> {
    Ok(cx.db().commit(cx.commit().with(operation)).await?)
}

/// Makes a session.
pub(crate) async fn make_session(cx: &Context, id: &str) -> Verdict {
    apply(cx, samples::create(id)).await?;
    Ok(())
}

/// Makes a session and saves checkpoints in it, each in a commit of its own.
pub(crate) async fn seed(cx: &Context, session: &str, ids: &[&str]) -> Verdict {
    make_session(cx, session).await?;
    for id in ids {
        save(cx, session, id).await?;
    }
    Ok(())
}

/// Saves a checkpoint in a commit of its own.
pub(crate) async fn save(cx: &Context, session: &str, id: &str) -> Verdict<Appended> {
    save_as(cx, samples::append(session, id)).await
}

/// Does an append in a commit of its own.
pub(crate) async fn save_as(cx: &Context, append: checkpoint_core::Append) -> Verdict<Appended> {
    let receipt = apply(cx, append).await?;
    appended(&receipt)
}

/// What the only append of a commit was given.
pub(crate) fn appended(receipt: &Receipt) -> Verdict<Appended> {
    let all = all_appended(receipt);
    match <[Appended; 1]>::try_from(all) {
        Ok([appended]) => Ok(appended),
        Err(all) => Err(Failure::wrong(format!(
            "a receipt should tell of one append, tells of {}: {receipt:?}",
            all.len()
        ))),
    }
}

/// What the appends of a commit were given.
pub(crate) fn all_appended(receipt: &Receipt) -> Vec<Appended> {
    let outcomes = receipt.outcomes.iter();
    let appended = outcomes.filter_map(|outcome| match outcome {
        Outcome::Appended(appended) => Some(appended.clone()),
        _ => None,
    });
    appended.collect()
}

/// Everything that a store shows, to be compared.
#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    counts: [u64; 6],
    position: Position,
    records: Vec<Record>,
    sessions: Vec<SessionRecord>,
    attachments: Vec<Attachment>,
    named: Vec<MetaRecord>,
    changes: Vec<Change>,
}

/// Takes in everything that a store shows.
pub(crate) async fn picture(db: &dyn Backend) -> Verdict<Picture> {
    let Stats {
        sessions: live,
        checkpoints: live_checkpoints,
        tombstones,
        attachments: attached,
        chunks,
        chunk_bytes,
        position,
        ..
    } = db.stats().await?;
    let mut query = everything();
    query.parts = Parts::ALL;
    query.filter.quarantined = true;
    let checkpoints = scan(db, query).await?;
    let of = AttachmentQuery {
        checkpoints: checkpoints
            .iter()
            .map(|record| record.header.id.clone())
            .collect(),
        ..AttachmentQuery::default()
    };
    Ok(Picture {
        counts: [
            live,
            live_checkpoints,
            tombstones,
            attached,
            chunks,
            chunk_bytes,
        ],
        position,
        records: checkpoints,
        sessions: sessions(db, 100).await?,
        attachments: attachments(db, of).await?,
        named: records(db, "").await?,
        changes: changes(db, oldest(db).await?, 1_000).await?,
    })
}

/// Fails the case unless the store shows what it showed before.
pub(crate) async fn unchanged(db: &dyn Backend, before: &Picture, what: &str) -> Verdict {
    let after = picture(db).await?;
    holds!(
        after == *before,
        "{what} changed the store; before {before:?}, after {after:?}"
    );
    Ok(())
}

/// Fails the case unless a commit is refused and leaves nothing behind; answers the error.
pub(crate) async fn refused_whole(
    cx: &Context,
    commit: Commit,
    what: &str,
) -> Verdict<checkpoint_core::Error> {
    let db = cx.db();
    let before = picture(&*db).await?;
    let answer = db.commit(commit).await;
    let Err(error) = answer else {
        return Err(Failure::wrong(format!(
            "{what} should be refused, was done: {answer:?}"
        )));
    };
    unchanged(&*db, &before, what).await?;
    Ok(error)
}
