//! What a receipt claims holds.

use checkpoint_core::{Durability, Parts, Payload, Position};

use crate::case::{Failure, Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, found, names, save, seed};
use crate::samples::{append, append_tree, attach, create, id, leaf, node, record, state, update};

pub(crate) async fn every_save_is_there_after_a_restart(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    let before = read::picture(&*cx.db()).await?;
    let db = cx.restart().await?;
    read::unchanged(&*db, &before, "a restart").await
}

pub(crate) async fn the_last_commit_is_there_after_each_of_many_restarts(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    for n in 1..=5_u64 {
        let id = format!("c{n}");
        same!(
            save(cx, "s", &id).await?.sequence,
            n,
            "sequence before restart {n}"
        );
        let db = cx.restart().await?;
        same!(
            found(&*db, &id).await?.header.sequence,
            n,
            "sequence after restart {n}"
        );
    }
    Ok(())
}

pub(crate) async fn what_was_acknowledged_survives_handles_that_were_not_closed(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let db = cx.drop_and_open().await?;
    same!(names(&*db, all_of("s")).await?, ["a", "b"], "checkpoints");
    Ok(())
}

pub(crate) async fn states_and_chunks_are_the_same_after_a_restart(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    let (one, two) = (leaf("one"), leaf("two"));
    let top = node("of both", &[one.id, two.id]);
    let mut commit = cx
        .commit()
        .with(append_tree("s", "tree", top.id))
        .with(append("s", "inline"));
    commit.chunks = vec![one.clone(), two.clone(), top.clone()];
    cx.db().commit(commit).await?;
    let db = cx.restart().await?;
    same!(
        found(&*db, "tree").await?.payload,
        Some(Payload::Tree(top.id)),
        "payload of tree"
    );
    same!(
        found(&*db, "inline").await?.payload,
        Some(Payload::Inline(state("inline"))),
        "payload of inline"
    );
    let chunks = db.chunks(&[top.id, one.id, two.id]).await?;
    for (sent, stored) in [top, one, two].into_iter().zip(chunks) {
        let stored = stored
            .into_option()?
            .ok_or_else(|| Failure::wrong("a chunk is gone"))?;
        same!(stored.bytes, sent.bytes, "bytes of a chunk");
        same!(stored.children, sent.children, "children of a chunk");
    }
    Ok(())
}

pub(crate) async fn everything_beside_checkpoints_survives_a_restart(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    apply(cx, attach("s", "a", "k", Some("note"))).await?;
    apply(cx, record("r", Some("1"))).await?;
    apply(cx, record("r", Some("2"))).await?;
    apply(
        cx,
        checkpoint_core::Operation::ClaimSession(crate::samples::session("s")),
    )
    .await?;
    apply(cx, crate::samples::patch("s", 1, "patched")).await?;
    apply(cx, update("s", "a", 1)).await?;
    let before = read::picture(&*cx.db()).await?;
    let db = cx.restart().await?;
    read::unchanged(&*db, &before, "a restart").await
}

pub(crate) async fn a_receipt_claims_what_the_store_says(cx: &Context) -> Verdict {
    let db = cx.db();
    let receipt = db.commit(cx.commit().with(create("s"))).await?;
    same!(
        receipt.durability,
        db.info().durability,
        "durability of a receipt"
    );
    if cx.capabilities().persistent {
        holds!(
            receipt.durability >= Durability::Disk,
            "the default of a persistent store is Disk or Remote, not {}",
            receipt.durability
        );
    }
    Ok(())
}

pub(crate) async fn a_flush_answers_the_newest_position_and_what_holds(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a", "b"]).await?;
    let receipt = db.flush().await?;
    same!(receipt.last, Position::of(2), "position after a flush");
    holds!(
        receipt.durability >= db.info().durability,
        "a flush claims {}, a commit {}",
        receipt.durability,
        db.info().durability
    );
    Ok(())
}

pub(crate) async fn a_closed_handle_says_stopped(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a"]).await?;
    db.close().await?;
    db.close().await?;
    let after = [
        (
            "commit",
            db.commit(cx.commit().with(append("s", "b"))).await.err(),
        ),
        ("get", db.get(&[id("a")], Parts::ALL).await.err()),
        ("scan", db.scan(&read::everything()).await.err()),
        (
            "sessions",
            db.sessions(&checkpoint_core::SessionQuery::default())
                .await
                .err(),
        ),
        (
            "attachments",
            db.attachments(&checkpoint_core::AttachmentQuery::of(id("a")))
                .await
                .err(),
        ),
        ("chunks", db.chunks(&[leaf("x").id]).await.err()),
        ("present", db.present(&[leaf("x").id]).await.err()),
        ("scan_chunks", db.scan_chunks(None, 10).await.err()),
        ("records", db.records("").await.err()),
        ("changes", db.changes(Position::START, 10).await.err()),
        (
            "changed",
            db.changed(Position::START, std::time::Duration::ZERO)
                .await
                .err(),
        ),
        ("stats", db.stats().await.err()),
        ("maintain", db.maintain(&read::budget()).await.err()),
        ("flush", db.flush().await.err()),
    ];
    for (call, error) in after {
        let kind = error.map(|error| error.kind().clone());
        same!(
            kind,
            Some(checkpoint_core::ErrorKind::Stopped),
            "{call} on a closed handle"
        );
    }
    Ok(())
}

pub(crate) async fn a_close_finishes_what_was_under_way(cx: &Context) -> Verdict {
    let db = cx.db();
    read::make_session(cx, "s").await?;
    let commits = (0..20).map(|n| db.commit(cx.commit().with(append("s", &format!("c{n}")))));
    let (answers, closed) = futures::join!(futures::future::join_all(commits), db.close());
    closed?;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    for error in answers.into_iter().filter_map(Result::err) {
        same!(
            *error.kind(),
            checkpoint_core::ErrorKind::Stopped,
            "a commit that came after the close"
        );
    }
    let db = cx.restart().await?;
    same!(
        names(&*db, all_of("s")).await?.len(),
        done,
        "checkpoints, one for each commit acknowledged"
    );
    Ok(())
}
