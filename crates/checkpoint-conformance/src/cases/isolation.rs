//! A session's reads show that session alone, and paging is not disturbed by others.

use checkpoint_core::{Attach, AttachmentQuery, ErrorKind, Note, NoteKind, Order, Outcome, Query};

use crate::case::{Failure, Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, everything, found, head, names, refused_whole, save, seed};
use crate::samples::{self, append, attach, delete, id, quarantine, session, update};

pub(crate) async fn a_scan_of_a_session_shows_that_session_alone(cx: &Context) -> Verdict {
    seed(cx, "s", &["s1"]).await?;
    seed(cx, "t", &["t1"]).await?;
    save(cx, "s", "s2").await?;
    save(cx, "t", "t2").await?;
    let db = cx.db();
    same!(
        names(&*db, all_of("s")).await?,
        ["s1", "s2"],
        "checkpoints of s"
    );
    same!(
        names(&*db, all_of("t")).await?,
        ["t1", "t2"],
        "checkpoints of t"
    );
    same!(
        names(&*db, everything()).await?,
        ["s1", "t1", "s2", "t2"],
        "checkpoints of all"
    );
    same!(
        names(&*db, all_of("none")).await?,
        [""; 0],
        "checkpoints of a session that is not there"
    );
    same!(head(&*db, "s").await?, Some("s2".into()), "head of s");
    same!(head(&*db, "t").await?, Some("t2".into()), "head of t");
    Ok(())
}

pub(crate) async fn a_parent_taken_as_head_is_of_the_same_session(cx: &Context) -> Verdict {
    seed(cx, "s", &["s1"]).await?;
    seed(cx, "t", &["t1"]).await?;
    save(cx, "s", "s2").await?;
    same!(
        found(&*cx.db(), "s2").await?.header.parent,
        Some(id("s1")),
        "parent of s2"
    );
    same!(
        found(&*cx.db(), "t1").await?.header.parent,
        None,
        "parent of the first of t"
    );
    Ok(())
}

pub(crate) async fn an_update_through_another_session_finds_nothing(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    seed(cx, "t", &["b"]).await?;
    let commit = cx.commit().with(update("t", "a", 1));
    let error = refused_whole(cx, commit, "an update through another session").await?;
    same!(
        *error.kind(),
        ErrorKind::NotFound,
        "an update through another session"
    );
    Ok(())
}

pub(crate) async fn a_deletion_through_another_session_deletes_nothing(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    seed(cx, "t", &["b"]).await?;
    let receipt = apply(cx, delete("t", "a")).await?;
    same!(
        receipt.outcomes,
        [Outcome::Deleted { existed: false }],
        "a deletion through another session"
    );
    found(&*cx.db(), "a").await?;
    Ok(())
}

pub(crate) async fn an_attachment_through_another_session_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    seed(cx, "t", &["b"]).await?;
    let commit = cx.commit().with(attach("t", "a", "k", Some("x")));
    let error = refused_whole(cx, commit, "an attachment through another session").await?;
    same!(
        *error.kind(),
        ErrorKind::NotFound,
        "an attachment through another session"
    );
    let commit = cx.commit().with(Note {
        session: session("t"),
        checkpoint: Some(id("a")),
        kind: NoteKind::Restored,
    });
    let error = refused_whole(cx, commit, "a note through another session").await?;
    same!(
        *error.kind(),
        ErrorKind::NotFound,
        "a note through another session"
    );
    let receipt = cx
        .db()
        .commit(cx.commit().with(quarantine("t", "a", true)))
        .await?;
    same!(
        receipt.outcomes,
        [Outcome::Quarantined { existed: false }],
        "quarantine through another session"
    );
    holds!(
        !found(&*cx.db(), "a").await?.header.quarantined,
        "set aside through another session"
    );
    Ok(())
}

pub(crate) async fn attachments_are_of_their_checkpoint_alone(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, attach("s", "a", "k", Some("of a"))).await?;
    apply(cx, attach("s", "b", "k", Some("of b"))).await?;
    let other = Attach {
        kind: "other".into(),
        ..attach("s", "a", "k", Some("other of a"))
    };
    apply(cx, other).await?;
    let of_a = read::attachments(&*cx.db(), AttachmentQuery::of(id("a"))).await?;
    let keys: Vec<(&str, &str)> = of_a
        .iter()
        .map(|found| (&found.kind[..], &found.key[..]))
        .collect();
    same!(keys, [("note", "k"), ("other", "k")], "attachments of a");
    let of_kind = AttachmentQuery {
        kind: Some("note".into()),
        ..AttachmentQuery::of(id("a"))
    };
    let of_kind = read::attachments(&*cx.db(), of_kind).await?;
    same!(of_kind.len(), 1, "attachments of a and of one kind");
    same!(of_kind[0].bytes.as_deref(), Some(&b"of a"[..]), "content");
    Ok(())
}

pub(crate) async fn paging_is_not_disturbed_by_appends(cx: &Context) -> Verdict {
    seed(cx, "s", &["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]).await?;
    for order in [Order::Ascending, Order::Descending] {
        let start = names(&*cx.db(), all_of("s")).await?;
        let mut query = Query {
            order,
            limit: 3,
            ..all_of("s")
        };
        let mut seen = Vec::new();
        for _ in 0..100 {
            let page = cx.db().scan(&query).await?;
            for item in page.items {
                seen.extend(
                    item.into_option()?
                        .map(|record| record.header.id.to_string()),
                );
            }
            let Some(next) = page.next else { break };
            query.after = Some(next);
            if seen.len() < 12 {
                save(cx, "s", &format!("new-{}", cx.number())).await?;
            }
        }
        complete(&start, &seen, order)?;
    }
    Ok(())
}

/// Nothing twice, and all that was there at the start.
fn complete(start: &[String], seen: &[String], order: Order) -> Verdict {
    let mut once = seen.to_vec();
    once.sort();
    once.dedup();
    holds!(
        once.len() == seen.len(),
        "{order:?}: paging showed something twice: {seen:?}"
    );
    for id in start {
        holds!(seen.contains(id), "{order:?}: paging missed {id}: {seen:?}");
    }
    Ok(())
}

pub(crate) async fn paging_is_not_disturbed_by_deletions_and_updates(cx: &Context) -> Verdict {
    let all: Vec<String> = (0..12).map(|n| format!("c{n:02}")).collect();
    let ids: Vec<&str> = all.iter().map(String::as_str).collect();
    seed(cx, "s", &ids).await?;
    let mut query = Query {
        order: Order::Descending,
        limit: 4,
        ..all_of("s")
    };
    let first = cx.db().scan(&query).await?;
    same!(first.items.len(), 4, "items of the first page");
    // The page's last is deleted, and so is one that was shown and one that is to come.
    for id in ["c08", "c10", "c03"] {
        apply(cx, delete("s", id)).await?;
    }
    apply(cx, update("s", "c05", 1)).await?;
    query.after = first.next;
    let rest = names(&*cx.db(), query).await?;
    same!(
        rest,
        ["c07", "c06", "c05", "c04", "c02", "c01", "c00"],
        "the pages after"
    );
    Ok(())
}

pub(crate) async fn a_scan_sees_a_commit_whole(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let writer = {
        let db = cx.db();
        let commits: Vec<_> = (0..40)
            .map(|n| {
                let pair = [append("s", &format!("a{n}")), append("s", &format!("b{n}"))];
                let [one, two] = pair;
                cx.commit().with(one).with(two)
            })
            .collect();
        tokio::spawn(async move {
            for commit in commits {
                db.commit(commit).await?;
            }
            Ok::<(), checkpoint_core::Error>(())
        })
    };
    let mut last = 0;
    while last < 80 {
        let page = cx
            .db()
            .scan(&Query {
                limit: 1_000,
                ..all_of("s")
            })
            .await?;
        holds!(
            page.items.len().is_multiple_of(2),
            "a scan shows half a commit: {} checkpoints",
            page.items.len()
        );
        holds!(
            page.items.len() >= last,
            "a scan shows less than one before it"
        );
        last = page.items.len();
        if writer.is_finished() && last < 80 {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer
        .await
        .map_err(|error| Failure::wrong(format!("a commit panicked: {error}")))??;
    same!(
        names(&*cx.db(), all_of("s")).await?.len(),
        80,
        "checkpoints in the end"
    );
    Ok(())
}

pub(crate) async fn an_append_is_read_by_who_made_it(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    for n in 0..20 {
        let id = format!("c{n}");
        save(cx, "s", &id).await?;
        found(&*cx.db(), &id).await?;
        same!(head(&*cx.db(), "s").await?, Some(id), "head after save {n}");
    }
    Ok(())
}

pub(crate) async fn a_checkpoint_of_any_session_may_enclose_or_be_the_parent(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    read::make_session(cx, "fork").await?;
    let mut forked = append("fork", "f");
    forked.parent = checkpoint_core::Parent::Id(id("a"));
    forked.enclosing = Some(id("b"));
    read::save_as(cx, forked).await?;
    let header = found(&*cx.db(), "f").await?.header;
    same!(
        (header.parent, header.enclosing),
        (Some(id("a")), Some(id("b"))),
        "parent and enclosing"
    );
    same!(
        names(&*cx.db(), all_of("fork")).await?,
        ["f"],
        "checkpoints of the fork"
    );
    same!(
        names(&*cx.db(), all_of("s")).await?,
        ["a", "b"],
        "checkpoints of the session"
    );
    Ok(())
}

pub(crate) async fn a_header_is_what_the_writer_gave(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let given = checkpoint_core::Append {
        status: checkpoint_core::Status::Active,
        trigger: checkpoint_core::Trigger::ToolCall,
        worker: Some(samples::worker("w")),
        tags: samples::tags(&["x", "y"]),
        step: Some(u64::from(u32::MAX)),
        pinned: true,
        length: 4_321,
        ..append("s", "a")
    };
    read::save_as(cx, given.clone()).await?;
    let got = found(&*cx.db(), "a").await?;
    let header = &got.header;
    same!(
        (header.status, header.trigger),
        (given.status, given.trigger),
        "status and trigger"
    );
    same!(
        (&header.worker, &header.tags),
        (&given.worker, &given.tags),
        "worker and tags"
    );
    same!(
        (header.step, header.pinned, header.length),
        (given.step, true, 4_321),
        "step, pinned, length"
    );
    same!(
        (header.created_at, header.updated_at),
        (given.created_at, given.updated_at),
        "times"
    );
    same!(
        (header.revision, header.quarantined, header.origin),
        (1, false, None),
        "revision and the rest"
    );
    same!(
        (got.meta, got.payload),
        (Some(given.meta), Some(given.payload)),
        "description and state"
    );
    let parts = read::one(&*cx.db(), &id("a"), checkpoint_core::Parts::HEADER)
        .await?
        .into_option()?;
    let parts = parts.ok_or_else(|| Failure::wrong("a is gone"))?;
    same!(
        (parts.meta, parts.payload),
        (None, None),
        "parts that were not asked for"
    );
    Ok(())
}

pub(crate) async fn an_append_to_a_session_that_is_not_there_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let answer = cx.db().commit(cx.commit().with(append("none", "x"))).await;
    refused!(
        answer,
        ErrorKind::NotFound,
        "an append to a session that is not there"
    );
    holds!(
        read::session(&*cx.db(), "none").await?.is_none(),
        "the session was made"
    );
    Ok(())
}
