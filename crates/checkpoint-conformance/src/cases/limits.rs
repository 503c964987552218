//! What is over a limit is refused before anything is written, with the limit and the size.

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{
    Append, Attach, AttachmentQuery, ChunkId, Commit, ErrorKind, MAX_ID_BYTES, NewChunk, NewState,
    Operation, Payload, Query, SessionQuery, Tag,
};

use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_of, found, refused_whole, seed};
use crate::samples::{append, attach, create, leaf, patch, record, tag, update};

fn zeros(size: u64) -> Bytes {
    Bytes::from(vec![0; usize::try_from(size).unwrap_or(0)])
}

/// A commit is refused as too large, with this limit and size, and leaves nothing behind.
async fn too_large(cx: &Context, commit: Commit, limit: u64, size: u64, what: &str) -> Verdict {
    cx.tried();
    let error = refused_whole(cx, commit, what).await?;
    same!(*error.kind(), ErrorKind::TooLarge { limit, size }, "{what}");
    let text = error.to_string();
    let told = text.contains(&limit.to_string()) && text.contains(&size.to_string());
    holds!(
        told,
        "{what}: the message does not tell limit and size: {text}"
    );
    Ok(())
}

pub(crate) async fn a_state_over_its_limit_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let limit = cx.db().info().limits.state;
    for size in [limit + 1, limit * 2, u64::MAX] {
        let large = Append {
            length: size,
            ..append("s", "b")
        };
        too_large(
            cx,
            cx.commit().with(large),
            limit,
            size,
            "a state over its limit",
        )
        .await?;
        let mut changed = update("s", "a", 1);
        let payload = Payload::Inline(Bytes::from_static(b"x"));
        changed.state = Some(NewState {
            length: size,
            payload,
        });
        too_large(
            cx,
            cx.commit().with(changed),
            limit,
            size,
            "a new state over its limit",
        )
        .await?;
    }
    let exact = Append {
        length: limit,
        ..append("s", "c")
    };
    read::save_as(cx, exact).await?;
    Ok(())
}

pub(crate) async fn a_description_over_its_limit_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let limit = cx.db().info().limits.meta;
    let large = zeros(limit + 1);
    let commit = cx.commit().with(Append {
        meta: large.clone(),
        ..append("s", "b")
    });
    too_large(cx, commit, limit, limit + 1, "a description over its limit").await?;
    let mut changed = update("s", "a", 1);
    changed.meta = large.clone();
    too_large(
        cx,
        cx.commit().with(changed),
        limit,
        limit + 1,
        "an update over the limit",
    )
    .await?;
    let mut session = create("t");
    session.body = large.clone();
    too_large(
        cx,
        cx.commit().with(session),
        limit,
        limit + 1,
        "a session over its limit",
    )
    .await?;
    let mut patched = patch("s", 1, "");
    patched.body = large;
    too_large(
        cx,
        cx.commit().with(patched),
        limit,
        limit + 1,
        "a patch over the limit",
    )
    .await?;
    read::save_as(
        cx,
        Append {
            meta: zeros(limit),
            ..append("s", "c")
        },
    )
    .await?;
    same!(
        found(&*cx.db(), "c")
            .await?
            .meta
            .map(|meta| meta.len() as u64),
        Some(limit),
        "bytes at the limit"
    );
    Ok(())
}

pub(crate) async fn an_attachment_over_its_limit_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let limit = cx.db().info().limits.attachment;
    let large = Attach {
        bytes: Some(zeros(limit + 1)),
        ..attach("s", "a", "k", None)
    };
    too_large(
        cx,
        cx.commit().with(large),
        limit,
        limit + 1,
        "an attachment over its limit",
    )
    .await
}

pub(crate) async fn a_record_over_its_limit_is_refused(cx: &Context) -> Verdict {
    let limit = cx.db().info().limits.record;
    let mut large = record("r", None);
    large.bytes = Some(zeros(limit + 1));
    too_large(
        cx,
        cx.commit().with(large),
        limit,
        limit + 1,
        "a record over its limit",
    )
    .await
}

pub(crate) async fn a_chunk_over_its_limits_is_refused(cx: &Context) -> Verdict {
    let limits = cx.db().info().limits;
    let (bytes, children) = (limits.chunk, limits.children);
    let mut commit = cx.commit();
    commit.chunks = vec![NewChunk {
        bytes: zeros(bytes + 1),
        ..leaf("large")
    }];
    too_large(cx, commit, bytes, bytes + 1, "a chunk over its limit").await?;
    let number = |n: u64| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        ChunkId::from_bytes(bytes)
    };
    let many: Arc<[ChunkId]> = (0..=children).map(number).collect();
    let mut commit = cx.commit();
    commit.chunks = vec![NewChunk {
        children: many,
        ..leaf("broad")
    }];
    too_large(
        cx,
        commit,
        children,
        children + 1,
        "a chunk with children over the limit",
    )
    .await
}

pub(crate) async fn too_many_tags_are_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let limit = cx.db().info().limits.tags;
    let many: Vec<Tag> = (0..=limit).map(|n| tag(&format!("tag {n:05}"))).collect();
    let commit = cx.commit().with(Append {
        tags: many.clone(),
        ..append("s", "b")
    });
    too_large(
        cx,
        commit,
        limit,
        limit + 1,
        "a checkpoint with too many tags",
    )
    .await?;
    let mut changed = update("s", "a", 1);
    changed.tags = many.clone();
    too_large(
        cx,
        cx.commit().with(changed),
        limit,
        limit + 1,
        "an update with too many tags",
    )
    .await?;
    let exact = Append {
        tags: many[1..].to_vec(),
        ..append("s", "c")
    };
    read::save_as(cx, exact).await?;
    same!(
        found(&*cx.db(), "c").await?.header.tags,
        many[1..],
        "tags at the limit"
    );
    Ok(())
}

pub(crate) async fn too_many_operations_are_refused(cx: &Context) -> Verdict {
    let limit = cx.db().info().limits.operations;
    let mut commit = cx.commit();
    let one: Operation = create("s").into();
    commit.operations = (0..=limit).map(|_| one.clone()).collect();
    too_large(
        cx,
        commit,
        limit,
        limit + 1,
        "a commit with too many operations",
    )
    .await?;
    let mut commit = cx.commit();
    let one = leaf("one");
    commit.chunks = (0..=limit).map(|_| one.clone()).collect();
    too_large(
        cx,
        commit,
        limit,
        limit + 1,
        "a commit with too many chunks",
    )
    .await
}

pub(crate) async fn a_long_kind_or_key_of_an_attachment_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let limit = MAX_ID_BYTES as u64;
    for size in [limit + 1, limit * 4] {
        let long = "k".repeat(usize::try_from(size).unwrap_or(0));
        let by_key = Attach {
            key: long.clone(),
            ..attach("s", "a", "", Some("x"))
        };
        too_large(
            cx,
            cx.commit().with(by_key),
            limit,
            size,
            "an attachment with a long key",
        )
        .await?;
        let by_kind = Attach {
            kind: long,
            ..attach("s", "a", "", Some("x"))
        };
        too_large(
            cx,
            cx.commit().with(by_kind),
            limit,
            size,
            "an attachment with a long kind",
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn an_oversize_part_undoes_a_whole_commit(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let limit = cx.db().info().limits.record;
    let mut large = record("r", None);
    large.bytes = Some(zeros(limit + 1));
    let commit = cx
        .commit()
        .with(append("s", "b"))
        .with(update("s", "a", 1))
        .with(large);
    too_large(
        cx,
        commit,
        limit,
        limit + 1,
        "a commit with one oversize part",
    )
    .await
}

pub(crate) async fn a_page_over_its_limit_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let db = cx.db();
    let limit = db.info().limits.page;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = db
        .scan(&Query {
            limit: most,
            ..all_of("s")
        })
        .await?;
    same!(page.items.len(), 2, "items of a scan at the limit");
    let feed = db.changes(checkpoint_core::Position::START, most).await?;
    same!(feed.items.len(), 3, "changes at the limit");
    db.scan_chunks(None, most).await?;
    for size in [limit + 1, 1 << 40, u64::MAX] {
        cx.tried();
        let asked = usize::try_from(size).unwrap_or(usize::MAX);
        let over = ErrorKind::TooLarge { limit, size };
        let kind = |error: Option<checkpoint_core::Error>| error.map(|error| error.kind().clone());
        let scan = db
            .scan(&Query {
                limit: asked,
                ..all_of("s")
            })
            .await
            .err();
        same!(kind(scan), Some(over.clone()), "a scan with limit {size}");
        let query = SessionQuery {
            limit: asked,
            ..SessionQuery::default()
        };
        same!(
            kind(db.sessions(&query).await.err()),
            Some(over.clone()),
            "sessions with limit {size}"
        );
        let query = AttachmentQuery {
            limit: asked,
            ..AttachmentQuery::of(crate::samples::id("a"))
        };
        same!(
            kind(db.attachments(&query).await.err()),
            Some(over.clone()),
            "attachments with limit {size}"
        );
        let feed = db.changes(checkpoint_core::Position::START, asked).await;
        same!(
            kind(feed.err()),
            Some(over.clone()),
            "changes with limit {size}"
        );
        same!(
            kind(db.scan_chunks(None, asked).await.err()),
            Some(over),
            "chunks listed with limit {size}"
        );
    }
    Ok(())
}
