//! Numbers without gaps, and a feed whose positions rise.

use std::time::Duration;

use checkpoint_core::{Backend, Operation, Origin};

use crate::case::{Failure, Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_appended, all_of, apply, everything, found, save, save_as, seed};
use crate::samples::{self, append, create, delete, time, update};

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
