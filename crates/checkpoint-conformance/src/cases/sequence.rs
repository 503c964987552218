//! Numbers without gaps, and a feed whose positions rise.

use std::time::Duration;

use checkpoint_core::{
    Backend, ChangeKind, ErrorKind, Item, Operation, Origin, Position, Query, Status,
};

use crate::case::{Failure, Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, all_appended, all_of, apply, everything, found, save, save_as, seed};
use crate::samples::{self, append, attach, create, delete, record, time, update};

/// The sequences in a store, oldest first.
async fn sequences(db: &dyn Backend) -> Verdict<Vec<u64>> {
    let found = read::scan(db, everything()).await?;
    Ok(found.iter().map(|record| record.header.sequence).collect())
}

pub(crate) async fn appends_count_from_one_across_sessions(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    read::make_session(cx, "t").await?;
    for n in 1..=10 {
        let session = if n % 3 == 0 { "t" } else { "s" };
        same!(
            save(cx, session, &format!("c{n}")).await?.sequence,
            n,
            "sequence of append {n}"
        );
    }
    same!(
        sequences(&*cx.db()).await?,
        (1..=10).collect::<Vec<u64>>(),
        "sequences read back"
    );
    Ok(())
}

pub(crate) async fn appends_of_one_commit_are_numbered_in_their_order(cx: &Context) -> Verdict {
    let commit = cx
        .commit()
        .with(create("s"))
        .with(append("s", "z"))
        .with(append("s", "a"));
    let receipt = cx.db().commit(commit.with(append("s", "m"))).await?;
    let given: Vec<u64> = all_appended(&receipt)
        .iter()
        .map(|appended| appended.sequence)
        .collect();
    same!(given, [1, 2, 3], "sequences given");
    same!(
        read::names(&*cx.db(), all_of("s")).await?,
        ["z", "a", "m"],
        "ids by sequence"
    );
    Ok(())
}

pub(crate) async fn eight_tasks_at_once_leave_no_gap(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    let mut tasks = Vec::new();
    for task in 0..8_u64 {
        let db = cx.db();
        let commits: Vec<_> = (0..12_u64)
            .map(|n| {
                let commit = cx.commit().with(append("s", &format!("t{task}-{n}")));
                // Every third is refused, and must leave no hole.
                if n % 3 == 2 {
                    commit.with(update("s", "none", 1))
                } else {
                    commit
                }
            })
            .collect();
        tasks.push(tokio::spawn(async move {
            let mut given = Vec::new();
            for commit in commits {
                if let Ok(receipt) = db.commit(commit).await {
                    given.extend(
                        all_appended(&receipt)
                            .iter()
                            .map(|appended| appended.sequence),
                    );
                }
            }
            given
        }));
    }
    let mut given = Vec::new();
    for task in tasks {
        let of_task = task
            .await
            .map_err(|error| Failure::wrong(format!("a commit panicked: {error}")))?;
        holds!(of_task.is_sorted(), "one task was given {of_task:?}");
        given.extend(of_task);
    }
    given.sort_unstable();
    same!(
        given,
        (1..=64).collect::<Vec<u64>>(),
        "sequences given to eight tasks"
    );
    same!(sequences(&*cx.db()).await?, given, "sequences read back");
    Ok(())
}

pub(crate) async fn a_deleted_newest_number_is_not_given_again(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    apply(cx, delete("s", "c")).await?;
    same!(
        save(cx, "s", "d").await?.sequence,
        4,
        "sequence after the newest was deleted"
    );
    apply(cx, delete("s", "d")).await?;
    apply(cx, delete("s", "b")).await?;
    apply(cx, delete("s", "a")).await?;
    same!(
        save(cx, "s", "e").await?.sequence,
        5,
        "sequence after all were deleted"
    );
    Ok(())
}

pub(crate) async fn a_deleted_newest_number_is_not_given_again_after_a_restart(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    apply(cx, delete("s", "c")).await?;
    cx.restart().await?;
    same!(
        save(cx, "s", "d").await?.sequence,
        4,
        "sequence after the restart"
    );
    apply(cx, Operation::DeleteSession(samples::session("s"))).await?;
    cx.restart().await?;
    read::make_session(cx, "t").await?;
    same!(
        save(cx, "t", "e").await?.sequence,
        5,
        "sequence after its session was deleted"
    );
    Ok(())
}

pub(crate) async fn the_counter_outlives_what_is_trimmed(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, Operation::DeleteSession(samples::session("s"))).await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*cx.db(), read::budget()).await?;
    if cx.capabilities().persistent {
        cx.restart().await?;
    }
    read::make_session(cx, "t").await?;
    same!(
        save(cx, "t", "c").await?.sequence,
        3,
        "sequence when nothing is left of 1 and 2"
    );
    Ok(())
}

pub(crate) async fn an_origin_above_the_highest_raises_the_counter(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let committed_at = time(50);
    let copied = checkpoint_core::Append {
        origin: Some(Origin {
            sequence: 40,
            committed_at,
        }),
        ..append("s", "b")
    };
    same!(
        save_as(cx, copied).await?.sequence,
        40,
        "sequence of a copy from above"
    );
    let header = found(&*cx.db(), "b").await?.header;
    same!(
        header.as_of(),
        committed_at,
        "the time of which the copy is"
    );
    same!(save(cx, "s", "c").await?.sequence, 41, "the next sequence");
    Ok(())
}

pub(crate) async fn an_origin_below_the_highest_is_kept_beside(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    for (id, sequence, given) in [("d", 2, 4), ("e", 3, 5), ("f", 5, 6)] {
        let origin = Origin {
            sequence,
            committed_at: time(7),
        };
        let copied = checkpoint_core::Append {
            origin: Some(origin),
            ..append("s", id)
        };
        same!(
            save_as(cx, copied).await?.sequence,
            given,
            "sequence of a copy from {sequence}"
        );
        let header = found(&*cx.db(), id).await?.header;
        same!(
            header.origin,
            Some(origin),
            "origin of a copy from {sequence}"
        );
        same!(header.as_of(), time(7), "the time of which the copy is");
    }
    Ok(())
}

pub(crate) async fn a_copied_revision_is_kept(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    let mut copied = append("s", "a");
    copied.revision = 5;
    save_as(cx, copied).await?;
    same!(
        found(&*cx.db(), "a").await?.header.revision,
        5,
        "revision of a copy"
    );
    apply(cx, update("s", "a", 5)).await?;
    same!(
        found(&*cx.db(), "a").await?.header.revision,
        6,
        "revision after an update"
    );
    Ok(())
}

pub(crate) async fn commit_times_never_fall(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let first = found(&*cx.db(), "a").await?.header.committed_at;
    same!(
        first,
        checkpoint_core::Clock::now(cx.clock()),
        "commit time by the injected clock"
    );
    cx.clock()
        .set(first.saturating_sub(Duration::from_secs(3_600)));
    let receipt = apply(cx, append("s", "b")).await?;
    same!(
        read::appended(&receipt)?.committed_at,
        first,
        "commit time while the clock is behind"
    );
    same!(
        receipt.clock_behind,
        Some(Duration::from_secs(3_600)),
        "how far the clock is behind"
    );
    cx.clock()
        .set(first.saturating_add(Duration::from_secs(60)));
    let receipt = apply(cx, append("s", "c")).await?;
    same!(
        receipt.clock_behind,
        None,
        "how far the clock is behind, when it is not"
    );
    let third = found(&*cx.db(), "c").await?.header.committed_at;
    same!(
        third,
        first.saturating_add(Duration::from_secs(60)),
        "commit time when the clock is right again"
    );
    Ok(())
}

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

pub(crate) async fn the_feed_tells_every_kind_of_change(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a", "b"]).await?;
    let start = db.stats().await?.position;
    let s = samples::session("s");
    let status = |revision, status| checkpoint_core::Update {
        status,
        ..update("s", "a", revision)
    };
    let note = |checkpoint, kind| checkpoint_core::Note {
        session: samples::session("s"),
        checkpoint,
        kind,
    };
    let wanted: Vec<(Operation, ChangeKind, Option<u64>)> = vec![
        (
            status(1, Status::Active).into(),
            ChangeKind::Updated,
            Some(2),
        ),
        (
            status(2, Status::Completed).into(),
            ChangeKind::Completed,
            Some(3),
        ),
        (
            status(3, Status::Completed).into(),
            ChangeKind::Updated,
            Some(4),
        ),
        (
            status(4, Status::Failed).into(),
            ChangeKind::Failed,
            Some(5),
        ),
        (
            attach("s", "a", "k", Some("x")).into(),
            ChangeKind::Attached,
            None,
        ),
        (
            note(Some(samples::id("a")), checkpoint_core::NoteKind::Restored).into(),
            ChangeKind::Restored,
            None,
        ),
        (
            note(None, checkpoint_core::NoteKind::Compacted).into(),
            ChangeKind::SessionCompacted,
            None,
        ),
        (
            samples::quarantine("s", "b", true).into(),
            ChangeKind::Quarantined,
            None,
        ),
        (delete("s", "b").into(), ChangeKind::Deleted, None),
        (create("t").into(), ChangeKind::SessionCreated, None),
        (
            samples::patch("s", 1, "x").into(),
            ChangeKind::SessionPatched,
            Some(2),
        ),
        (
            Operation::ClaimSession(s.clone()),
            ChangeKind::SessionClaimed,
            Some(1),
        ),
        (
            record("r", Some("x")).into(),
            ChangeKind::RecordPut,
            Some(1),
        ),
        (
            Operation::DeleteSession(s),
            ChangeKind::SessionDeleted,
            None,
        ),
    ];
    let mut last = start;
    for (operation, kind, revision) in wanted {
        let receipt = apply(cx, operation).await?;
        holds!(
            receipt.first > last,
            "the position of {kind:?} does not rise: {} after {last}",
            receipt.first
        );
        let feed = db.changes(last, 10).await?;
        same!(feed.len(), 1, "changes of {kind:?}");
        same!(feed[0].kind, kind, "kind of change");
        same!(
            feed[0].commit,
            Some(receipt.commit),
            "commit id of {kind:?}"
        );
        same!(
            (feed[0].position, feed[0].first),
            (receipt.last, receipt.first),
            "position of {kind:?}"
        );
        holds!(
            revision.is_none() || feed[0].revision == revision,
            "revision of {kind:?}: {:?}",
            feed[0]
        );
        last = receipt.last;
    }
    same!(db.stats().await?.position, last, "position of the store");
    Ok(())
}

pub(crate) async fn what_changes_nothing_is_not_in_the_feed(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = cx.db().stats().await?.position;
    apply(cx, create("s")).await?;
    apply(cx, delete("s", "none")).await?;
    apply(cx, Operation::DeleteSession(samples::session("none"))).await?;
    apply(cx, attach("s", "a", "none", None)).await?;
    let after = read::changes(&*cx.db(), before, 100).await?;
    same!(
        after,
        [],
        "changes after operations that found nothing to do"
    );
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
            let page = db.changes(after, limit).await?;
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
    let ErrorKind::Truncated { oldest } = *error.kind() else {
        return Err(Failure::wrong("no oldest position"));
    };
    holds!(
        oldest <= kept,
        "changes within the window are gone: the oldest is {oldest}, kept should be {kept}"
    );
    let rest = db.changes(oldest, 10).await?;
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
    let (woken, saved) = futures::join!(waiting, saving);
    same!(
        woken?,
        Position::of(saved?.sequence),
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
        db.changes(Position::START, 10).await?,
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
