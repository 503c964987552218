//! What is easily left unsaid, and holds all the same.

use std::time::{Duration, Instant};

use bytes::Bytes;
use checkpoint_core::{
    Actual, Budget, ChangeKind, ErrorKind, Expectation, Item, Operation, Outcome, Parent, Parts,
    Position, Reseal, Sealed,
};

use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, apply, found, names, refused_whole, save, seed, session_found};
use crate::samples::{
    self, append, attach, create, delete, id, leaf, name, patch, quarantine, record, session,
    update,
};

/// Longer than any case may take.
const FOR_EVER: Duration = Duration::from_secs(3_600);

/// A budget under which nothing of the past is kept.
fn at_once() -> Budget {
    read::budget()
        .with_window(Duration::ZERO)
        .with_grace(Duration::ZERO)
}

pub(crate) async fn a_wait_ends_when_its_handle_is_closed(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let mut quickest = FOR_EVER;
    // The quickest of some, since the machine may be busy.
    for _ in 0..4 {
        let db = cx.own().await?;
        let now = db.changed(Position::START, Duration::ZERO).await?;
        let waiting = tokio::spawn({
            let db = std::sync::Arc::clone(&db);
            async move { (db.changed(now, FOR_EVER).await, Instant::now()) }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        holds!(
            !waiting.is_finished(),
            "nothing changed, and the wait ended"
        );
        db.close().await?;
        let closed = Instant::now();
        let Ok((answer, answered)) = waiting.await else {
            return Err(crate::Failure::wrong("who waited panicked"));
        };
        same!(
            answer.err().map(|error| error.kind().clone()),
            Some(ErrorKind::Stopped),
            "the answer to who waits while the handle is closed"
        );
        quickest = quickest.min(answered.saturating_duration_since(closed));
    }
    holds!(
        quickest < Duration::from_millis(100),
        "who waits is told {quickest:?} after the close, should be told at once"
    );
    Ok(())
}

pub(crate) async fn what_finds_nothing_to_do_is_not_in_the_feed(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, quarantine("s", "a", true)).await?;
    apply(cx, delete("s", "b")).await?;
    apply(cx, record("gone", Some("x"))).await?;
    apply(cx, record("gone", None)).await?;
    save(cx, "s", "c").await?;
    let before = cx.db().stats().await?.position;
    let reseal = Reseal {
        target: Sealed::Meta(id("c")),
        replaces: *blake3::hash(&samples::meta("c")).as_bytes(),
        bytes: Bytes::from_static(b"sealed anew"),
    };
    let nothing: [Operation; 11] = [
        create("s").into(),
        delete("s", "none").into(),
        delete("s", "b").into(),
        Operation::DeleteSession(session("none")),
        attach("s", "a", "none", None).into(),
        quarantine("s", "a", true).into(),
        quarantine("s", "c", false).into(),
        quarantine("s", "none", true).into(),
        record("none", None).into(),
        record("gone", None).into(),
        reseal.into(),
    ];
    for operation in nothing {
        let what = format!("{operation:?}");
        let receipt = apply(cx, operation).await?;
        same!(
            (receipt.first, receipt.last),
            (before, before),
            "positions of {what}"
        );
        let told = read::changes(&*cx.db(), before, 10).await?;
        same!(told, [], "changes of {what}");
    }
    Ok(())
}

pub(crate) async fn what_does_something_is_in_the_feed_though_it_looks_the_same(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    apply(cx, attach("s", "a", "k", Some("x"))).await?;
    apply(cx, record("r", Some("x"))).await?;
    apply(cx, update("s", "a", 1)).await?;
    let mut after = cx.db().stats().await?.position;
    let same_again = checkpoint_core::Update {
        revision: 2,
        ..update("s", "a", 1)
    };
    let body = String::from_utf8_lossy(&create("s").body).into_owned();
    let again: [(Operation, ChangeKind); 7] = [
        (same_again.into(), ChangeKind::Updated),
        (patch("s", 1, &body).into(), ChangeKind::SessionPatched),
        (
            attach("s", "a", "k", Some("x")).into(),
            ChangeKind::Attached,
        ),
        (record("r", Some("x")).into(), ChangeKind::RecordPut),
        (
            Operation::ClaimSession(session("s")),
            ChangeKind::SessionClaimed,
        ),
        (quarantine("s", "a", true).into(), ChangeKind::Quarantined),
        (quarantine("s", "a", false).into(), ChangeKind::Quarantined),
    ];
    for (operation, kind) in again {
        let last = apply(cx, operation).await?.last;
        let told = read::changes(&*cx.db(), after, 10).await?;
        let kinds: Vec<ChangeKind> = told.iter().map(|change| change.kind).collect();
        same!(kinds, [kind], "changes");
        after = last;
    }
    Ok(())
}

pub(crate) async fn a_removed_record_is_not_there_and_keeps_its_version_for_good(
    cx: &Context,
) -> Verdict {
    for content in ["one", "two"] {
        apply(cx, record("r", Some(content))).await?;
    }
    apply(cx, record("r", None)).await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*cx.db(), at_once()).await?;
    same!(read::records(&*cx.db(), "").await?, [], "records");
    let stale = cx
        .commit()
        .with(record("r", Some("stale")))
        .expecting(Expectation::Version(name("r"), Some(2)));
    let error = refused_whole(cx, stale, "a put that expects the removed version").await?;
    let actual = error.as_conflict().map(|conflict| conflict.actual.clone());
    same!(actual, Some(Actual::Version(None)), "what is there instead");
    let commit = cx
        .commit()
        .with(record("r", Some("three")))
        .expecting(Expectation::Version(name("r"), None));
    same!(
        cx.db().commit(commit).await?.outcomes,
        [Outcome::RecordPut { version: 3 }],
        "version of a record put after it was removed and forgotten otherwise"
    );
    Ok(())
}

pub(crate) async fn a_former_owner_stays_refused_when_all_is_forgotten(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    apply(cx, Operation::ClaimSession(session("s"))).await?;
    let epoch = session_found(&*cx.db(), "s").await?.epoch;
    apply(cx, Operation::DeleteSession(session("s"))).await?;
    cx.clock().advance(Duration::from_secs(1));
    read::maintain(&*cx.db(), at_once()).await?;
    same!(
        cx.db().stats().await?.tombstones,
        0,
        "deletions remembered after a window of zero"
    );
    let stale = |new: &str| {
        cx.commit()
            .with(create("s"))
            .with(append("s", new))
            .expecting(Expectation::Epoch(session("s"), epoch))
    };
    let error = refused_whole(cx, stale("x"), "a former owner, its session gone").await?;
    let actual = error.as_conflict().map(|conflict| conflict.actual.clone());
    same!(actual, Some(Actual::Epoch(None)), "what is there instead");
    read::make_session(cx, "s").await?;
    let again = session_found(&*cx.db(), "s").await?.epoch;
    holds!(
        again > epoch,
        "epoch {again} of the session made again is not above {epoch}"
    );
    let error = refused_whole(cx, stale("y"), "a former owner, its session made again").await?;
    let actual = error.as_conflict().map(|conflict| conflict.actual.clone());
    same!(
        actual,
        Some(Actual::Epoch(Some(again))),
        "what is there instead"
    );
    Ok(())
}

pub(crate) async fn a_parent_or_enclosing_that_never_was_is_kept_as_given(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let mut orphan = append("s", "b");
    orphan.parent = Parent::Id(id("never was"));
    orphan.enclosing = Some(id("never was either"));
    same!(
        read::save_as(cx, orphan).await?.parent,
        Some(id("never was")),
        "parent as answered"
    );
    let header = found(&*cx.db(), "b").await?.header;
    same!(
        (header.parent.clone(), header.enclosing.clone()),
        (Some(id("never was")), Some(id("never was either"))),
        "parent and enclosing as read"
    );
    let parent = read::item(&*cx.db(), "never was").await?;
    holds!(
        matches!(parent, Item::Absent),
        "the parent that never was is {parent:?}"
    );
    same!(
        save(cx, "s", "c").await?.parent,
        Some(id("b")),
        "parent of the next save"
    );
    Ok(())
}

pub(crate) async fn a_child_may_come_before_its_parent(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    let mut child = append("s", "child");
    child.parent = Parent::Id(id("parent"));
    let mut parent = append("s", "parent");
    parent.parent = Parent::None;
    read::save_as(cx, child).await?;
    read::save_as(cx, parent).await?;
    let mut children = read::everything();
    children.filter.parent = Some(id("parent"));
    same!(names(&*cx.db(), children).await?, ["child"], "children");
    Ok(())
}

pub(crate) async fn as_many_ids_as_the_caller_has_are_answered(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let top = leaf("top");
    let mut commit = cx.commit();
    commit.chunks = vec![top.clone()];
    cx.db().commit(commit).await?;
    let db = cx.db();
    let many = usize::try_from(db.info().limits.page).unwrap_or(usize::MAX) + 1;
    let ids = vec![id("a"); many];
    let found = db.get(&ids, Parts::HEADER).await?;
    let there = |item: &&Item<_>| matches!(item, Item::Found(_));
    same!(found.iter().filter(there).count(), many, "checkpoints");
    let ids = vec![top.id; many];
    same!(db.present(&ids).await?, vec![true; many], "chunks present");
    let found = db.chunks(&ids).await?;
    let whole = |item: &&Item<_>| matches!(item, Item::Found(_));
    same!(found.iter().filter(whole).count(), many, "chunks");
    Ok(())
}

pub(crate) async fn a_reseal_is_held_to_the_limit_of_its_object(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    apply(cx, attach("s", "a", "k", Some("x"))).await?;
    apply(cx, record("r", Some("x"))).await?;
    let top = leaf("top");
    let mut commit = cx.commit();
    commit.chunks = vec![top.clone()];
    cx.db().commit(commit).await?;
    let limits = cx.db().info().limits;
    let all = [
        (Sealed::Meta(id("a")), samples::meta("a"), limits.meta),
        (Sealed::Inline(id("a")), samples::state("a"), limits.chunk),
        (Sealed::Chunk(top.id), top.bytes, limits.chunk),
        (
            Sealed::Attachment(id("a"), "note".into(), "k".into()),
            Bytes::from_static(b"x"),
            limits.attachment,
        ),
        (Sealed::Session(session("s")), create("s").body, limits.meta),
        (
            Sealed::Record(record("r", None).name),
            Bytes::from_static(b"x"),
            limits.record,
        ),
    ];
    for (target, before, limit) in all {
        cx.tried();
        let sealed = |size: u64| Reseal {
            target: target.clone(),
            replaces: *blake3::hash(&before).as_bytes(),
            bytes: Bytes::from(vec![7; usize::try_from(size).unwrap_or(0)]),
        };
        let over = cx.commit().with(sealed(limit + 1));
        let what = format!("{target:?} sealed over its limit");
        let error = refused_whole(cx, over, &what).await?;
        let size = limit + 1;
        same!(*error.kind(), ErrorKind::TooLarge { limit, size }, "{what}");
        same!(
            apply(cx, sealed(limit)).await?.outcomes,
            [Outcome::Resealed { existed: true }],
            "{target:?} sealed up to its limit"
        );
    }
    Ok(())
}
