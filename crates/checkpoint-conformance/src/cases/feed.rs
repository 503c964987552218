//! A feed whose positions rise, that tells every change once.

use std::time::Duration;

use checkpoint_core::{
    Backend, ChangeKind, ErrorKind, Item, Note, NoteKind, Operation, Outcome, Position, Query,
    Status,
};

use crate::case::{Failure, Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, apply, save, seed};
use crate::samples::{self, append, attach, create, delete, record, update};

pub(crate) async fn an_append_stands_in_the_feed_at_its_sequence(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let feed = read::changes(&*cx.db(), Position::START, 100).await?;
    let appends: Vec<_> = feed
        .iter()
        .filter(|change| change.kind == ChangeKind::Created)
        .collect();
    same!(appends.len(), 2, "appends in the feed");
    for (n, change) in appends.iter().enumerate() {
        same!(
            change.position,
            Position::of(n as u64 + 1),
            "position of append {n}"
        );
        same!(change.commit, None, "commit id of an append in the feed");
        same!(
            change.status,
            Some(Status::Created),
            "status of an append in the feed"
        );
        same!(
            change.revision,
            Some(1),
            "revision of an append in the feed"
        );
        same!(
            change.session,
            Some(samples::session("s")),
            "session of an append in the feed"
        );
    }
    same!(
        appends[1].checkpoint,
        Some(samples::id("b")),
        "checkpoint of the second append"
    );
    Ok(())
}

/// An operation, how the feed tells it, and with which revision.
type Told = (Operation, ChangeKind, Option<u64>);

/// Does each operation and looks at the one change that it makes.
async fn told(cx: &Context, wanted: Vec<Told>) -> Verdict {
    let db = cx.db();
    let mut last = db.stats().await?.position;
    for (operation, kind, revision) in wanted {
        let receipt = apply(cx, operation).await?;
        let first = receipt.first;
        holds!(
            first > last,
            "the position of {kind:?} does not rise: {first} after {last}"
        );
        let feed = read::changes(&*db, last, 10).await?;
        same!(feed.len(), 1, "changes of {kind:?}");
        let change = &feed[0];
        same!(change.kind, kind, "kind of change");
        same!(change.commit, Some(receipt.commit), "commit id of {kind:?}");
        same!(
            (change.position, change.first),
            (receipt.last, first),
            "position of {kind:?}"
        );
        let right = revision.is_none() || change.revision == revision;
        holds!(
            right,
            "revision of {kind:?} should be {revision:?}: {change:?}"
        );
        last = receipt.last;
    }
    same!(db.stats().await?.position, last, "position of the store");
    Ok(())
}

pub(crate) async fn the_feed_tells_every_change_of_a_checkpoint(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let status = |revision, status| {
        let update = update("s", "a", revision);
        Operation::from(checkpoint_core::Update { status, ..update })
    };
    let restored = Note {
        session: samples::session("s"),
        checkpoint: Some(samples::id("a")),
        kind: NoteKind::Restored,
    };
    let attached = attach("s", "a", "k", Some("x"));
    let aside = samples::quarantine("s", "b", true);
    let wanted = vec![
        (status(1, Status::Active), ChangeKind::Updated, Some(2)),
        (status(2, Status::Completed), ChangeKind::Completed, Some(3)),
        (status(3, Status::Completed), ChangeKind::Updated, Some(4)),
        (status(4, Status::Failed), ChangeKind::Failed, Some(5)),
        (attached.into(), ChangeKind::Attached, None),
        (restored.into(), ChangeKind::Restored, None),
        (aside.into(), ChangeKind::Quarantined, None),
        (delete("s", "b").into(), ChangeKind::Deleted, None),
    ];
    told(cx, wanted).await
}

pub(crate) async fn the_feed_tells_every_change_of_a_session(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let s = samples::session("s");
    let compacted = Note {
        session: s.clone(),
        checkpoint: None,
        kind: NoteKind::Compacted,
    };
    let patched = samples::patch("s", 1, "x");
    let claimed = Operation::ClaimSession(s.clone());
    let put = record("r", Some("x"));
    let wanted = vec![
        (create("t").into(), ChangeKind::SessionCreated, None),
        (patched.into(), ChangeKind::SessionPatched, Some(2)),
        (claimed, ChangeKind::SessionClaimed, Some(1)),
        (compacted.into(), ChangeKind::SessionCompacted, None),
        (put.into(), ChangeKind::RecordPut, Some(1)),
        (
            Operation::DeleteSession(s),
            ChangeKind::SessionDeleted,
            None,
        ),
    ];
    told(cx, wanted).await
}

pub(crate) async fn what_changes_nothing_is_not_in_the_feed(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = cx.db().stats().await?.position;
    apply(cx, create("s")).await?;
    apply(cx, delete("s", "none")).await?;
    apply(cx, Operation::DeleteSession(samples::session("none"))).await?;
    apply(cx, attach("s", "a", "none", None)).await?;
    apply(cx, record("none", None)).await?;
    let after = read::changes(&*cx.db(), before, 100).await?;
    same!(
        after,
        [],
        "changes after operations that found nothing to do"
    );
    Ok(())
}

pub(crate) async fn a_silent_record_is_kept_and_not_told(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = cx.db().stats().await?.position;
    let version = |receipt: checkpoint_core::Receipt| receipt.outcomes;
    let put = |version| [Outcome::RecordPut { version }];
    let said = apply(cx, record(".r", Some("1"))).await?;
    same!(version(said), put(1), "version when first put");
    let said = apply(cx, record(".r", Some("2"))).await?;
    same!(version(said), put(2), "version when put again");
    let at = cx.db().changed(before, std::time::Duration::ZERO).await?;
    same!(at, before, "position of the store");
    let beside = cx.commit().with(record(".r", Some("3")));
    cx.db().commit(beside.with(create("t"))).await?;
    let told = read::changes(&*cx.db(), before, 100).await?;
    let told: Vec<_> = told.iter().map(|change| change.kind).collect();
    same!(told, [ChangeKind::SessionCreated], "changes of all of it");
    let records = read::records(&*cx.db(), ".r").await?;
    let records: Vec<_> = records
        .iter()
        .map(|it| (it.version, &it.bytes[..]))
        .collect();
    same!(records, [(3, &b"3"[..])], "the record");
    Ok(())
}

pub(crate) async fn the_feed_never_splits_a_commit(cx: &Context) -> Verdict {
    let db = cx.db();
    read::make_session(cx, "s").await?;
    for round in 0..4 {
        let mut commit = cx.commit();
        for n in 0..3 {
            commit = commit.with(append("s", &format!("r{round}-{n}")));
        }
        for n in 0..2 {
            commit = commit.with(update("s", &format!("r{round}-{n}"), 1));
        }
        db.commit(commit).await?;
    }
    let whole = read::changes(&*db, Position::START, 1_000).await?;
    same!(whole.len(), 21, "changes in all");
    holds!(
        whole.is_sorted_by(|a, b| a.position < b.position),
        "positions do not rise: {whole:?}"
    );
    for limit in 1..=8 {
        let mut after = Position::START;
        let mut seen = Vec::new();
        for _ in 0..100 {
            let page = db.changes(after, limit).await?.whole()?;
            let (Some(first), Some(last)) = (page.first(), page.last()) else {
                break;
            };
            let begun = first.position == first.first;
            holds!(
                begun,
                "a page of limit {limit} starts amid a commit: {first:?}"
            );
            let behind = whole.iter().find(|change| change.position > last.position);
            let ended = behind.is_none_or(|next| next.first != last.first);
            holds!(
                ended,
                "a page of limit {limit} ends amid a commit: {last:?}"
            );
            after = last.position;
            seen.extend(page);
        }
        same!(seen, whole, "changes in pages of {limit}");
    }
    Ok(())
}

pub(crate) async fn the_feed_keeps_status_and_revision_of_the_moment(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = read::changes(&*cx.db(), Position::START, 100).await?;
    apply(
        cx,
        checkpoint_core::Update {
            status: Status::Failed,
            ..update("s", "a", 1)
        },
    )
    .await?;
    apply(cx, delete("s", "a")).await?;
    let after = read::changes(&*cx.db(), Position::START, 100).await?;
    same!(
        after[..before.len()],
        before[..],
        "what the feed told before the update and the deletion"
    );
    same!(after.len(), before.len() + 2, "changes in all");
    Ok(())
}

pub(crate) async fn a_trimmed_feed_says_how_far_back_it_reaches(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, update("s", "a", 1)).await?;
    cx.clock().advance(read::PAST_WINDOW);
    let kept = db.stats().await?.position;
    save(cx, "s", "c").await?;
    let step = read::maintain(&*db, read::budget()).await?;
    holds!(step.trimmed > 0, "maintain trimmed nothing");
    let error = refused!(
        db.changes(Position::START, 10).await,
        ErrorKind::Truncated { .. },
        "the feed from its start after trimming"
    );
    let nothing = db.changes(Position::START, 0).await?;
    holds!(
        nothing.items.is_empty(),
        "limit 0 answers {nothing:?} of a trimmed feed"
    );
    let ErrorKind::Truncated { oldest } = *error.kind() else {
        return Err(Failure::wrong("no oldest position"));
    };
    holds!(
        oldest <= kept,
        "changes within the window are gone: the oldest is {oldest}, kept should be {kept}"
    );
    let rest = db.changes(oldest, 10).await?.whole()?;
    holds!(
        rest.last()
            .is_some_and(|change| change.position == Position::of(3)),
        "from the oldest position on the feed should tell of append 3: {rest:?}"
    );
    Ok(())
}

pub(crate) async fn a_waiting_reader_is_woken_by_a_change(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a"]).await?;
    let now = db.changed(Position::START, Duration::ZERO).await?;
    same!(
        now,
        db.stats().await?.position,
        "position told without waiting"
    );
    let already = db.changed(Position::START, Duration::from_secs(30)).await?;
    same!(already, now, "position when there is a change already");
    let waiting = db.changed(now, Duration::from_secs(30));
    let saving = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        save(cx, "s", "b").await
    };
    let waiting = async { Ok::<_, Failure>(waiting.await?) };
    let (woken, saved) = futures::try_join!(waiting, saving)?;
    same!(
        woken,
        Position::of(saved.sequence),
        "position to which a waiting reader woke"
    );
    Ok(())
}

pub(crate) async fn a_waiting_reader_gives_up_in_time(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a"]).await?;
    let now = db.stats().await?.position;
    let started = std::time::Instant::now();
    same!(
        db.changed(now, Duration::from_millis(50)).await?,
        now,
        "position when nothing changed"
    );
    let waited = started.elapsed();
    holds!(
        waited >= Duration::from_millis(45),
        "gave up after {waited:?}, should wait 50 ms"
    );
    holds!(
        waited < Duration::from_secs(10),
        "waited {waited:?}, should wait 50 ms"
    );
    Ok(())
}

pub(crate) async fn the_position_of_a_fresh_store_is_the_start(cx: &Context) -> Verdict {
    let db = cx.db();
    same!(
        db.stats().await?.position,
        Position::START,
        "position of an empty store"
    );
    same!(
        db.changes(Position::START, 10).await?.whole()?,
        [],
        "changes of an empty store"
    );
    let found = db.scan(&Query::default()).await?.items;
    holds!(found.is_empty(), "an empty store lists {found:?}");
    let item = read::item(&*db, "a").await?;
    holds!(
        matches!(item, Item::Absent),
        "a checkpoint of an empty store is {item:?}"
    );
    Ok(())
}
