//! Two handles on one store: all of the above still holds.

use std::time::Duration;

use checkpoint_core::{ErrorKind, Expectation, Operation, Position};

use crate::case::{Failure, Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_appended, all_of, found, names, seed};
use crate::samples::{append, append_tree, delete, id, leaf, session, update};

pub(crate) async fn what_one_handle_writes_another_reads(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let one = cx.db();
    let two = cx.another().await?;
    same!(
        names(&*two, all_of("s")).await?,
        ["a"],
        "checkpoints written before it was opened"
    );
    one.commit(cx.commit().with(append("s", "b"))).await?;
    same!(
        names(&*two, all_of("s")).await?,
        ["a", "b"],
        "checkpoints written since"
    );
    two.commit(cx.commit().with(update("s", "a", 1))).await?;
    same!(
        found(&*one, "a").await?.header.revision,
        2,
        "revision written by the other"
    );
    two.commit(cx.commit().with(delete("s", "b"))).await?;
    same!(
        read::head(&*one, "s").await?,
        Some("a".into()),
        "head since the other deleted"
    );
    same!(one.info().id, two.info().id, "the store's id");
    same!(
        read::picture(&*one).await?,
        read::picture(&*two).await?,
        "what both show"
    );
    Ok(())
}

pub(crate) async fn two_handles_share_one_sequence(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let handles = [cx.db(), cx.another().await?];
    let mut tasks = Vec::new();
    for task in 0..8_usize {
        let db = handles[task % 2].clone();
        let commits: Vec<_> = (0..10)
            .map(|n| cx.commit().with(append("s", &format!("t{task}-{n}"))))
            .collect();
        tasks.push(tokio::spawn(async move {
            let mut given = Vec::new();
            for commit in commits {
                let receipt = db.commit(commit).await?;
                given.extend(
                    all_appended(&receipt)
                        .iter()
                        .map(|appended| appended.sequence),
                );
            }
            Ok::<_, checkpoint_core::Error>(given)
        }));
    }
    let mut given = Vec::new();
    for task in tasks {
        given.extend(
            task.await
                .map_err(|error| Failure::wrong(format!("a commit panicked: {error}")))??,
        );
    }
    given.sort_unstable();
    same!(
        given,
        (1..=80).collect::<Vec<u64>>(),
        "sequences given by two handles"
    );
    Ok(())
}

pub(crate) async fn a_retry_through_another_handle_is_known(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let commit = cx.commit().with(append("s", "b")).with(update("s", "a", 1));
    let first = cx.db().commit(commit.clone()).await?;
    let two = cx.another().await?;
    let again = two.commit(commit).await?;
    holds!(
        again.replayed,
        "a retry through another handle is not a replay"
    );
    same!(again.outcomes, first.outcomes, "outcomes");
    same!(names(&*two, all_of("s")).await?, ["a", "b"], "checkpoints");
    Ok(())
}

pub(crate) async fn an_expectation_sees_what_another_handle_wrote(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let one = cx.db();
    let two = cx.another().await?;
    one.commit(cx.commit().with(append("s", "b"))).await?;
    let stale = cx
        .commit()
        .with(append("s", "c"))
        .expecting(Expectation::Head(session("s"), Some(id("a"))));
    let error = two.commit(stale).await.err();
    let conflict = error.as_ref().and_then(checkpoint_core::Error::as_conflict);
    holds!(conflict.is_some(), "expected Conflict, got {error:?}");
    Ok(())
}

pub(crate) async fn a_claim_fences_the_owner_on_another_handle(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let one = cx.db();
    let two = cx.another().await?;
    let claim = Operation::ClaimSession(session("s"));
    one.commit(cx.commit().with(claim.clone())).await?;
    let owned = |commit: checkpoint_core::Commit, epoch| {
        commit.expecting(Expectation::Epoch(session("s"), epoch))
    };
    one.commit(owned(cx.commit().with(append("s", "b")), 1))
        .await?;
    two.commit(cx.commit().with(claim)).await?;
    let error = one
        .commit(owned(cx.commit().with(append("s", "c")), 1))
        .await
        .err();
    let conflict = error.as_ref().and_then(checkpoint_core::Error::as_conflict);
    holds!(
        conflict.is_some(),
        "the former owner: expected Conflict, got {error:?}"
    );
    two.commit(owned(cx.commit().with(append("s", "d")), 2))
        .await?;
    same!(
        names(&*one, all_of("s")).await?,
        ["a", "b", "d"],
        "checkpoints"
    );
    Ok(())
}

pub(crate) async fn closing_one_handle_leaves_the_other_open(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let one = cx.db();
    let two = cx.another().await?;
    one.close().await?;
    let error = one.stats().await.err().map(|error| error.kind().clone());
    same!(
        error,
        Some(ErrorKind::Stopped),
        "the handle that was closed"
    );
    two.commit(cx.commit().with(append("s", "b"))).await?;
    same!(
        names(&*two, all_of("s")).await?,
        ["a", "b"],
        "checkpoints through the other"
    );
    Ok(())
}

pub(crate) async fn a_waiting_reader_is_woken_by_another_handle(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let one = cx.db();
    let two = cx.another().await?;
    let now = one.stats().await?.position;
    let waiting = one.changed(now, Duration::from_secs(30));
    let saving = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        two.commit(cx.commit().with(append("s", "b"))).await
    };
    let (woken, _) = futures::try_join!(waiting, saving)?;
    same!(woken, Position::of(2), "position to which the reader woke");
    Ok(())
}

pub(crate) async fn a_sweep_by_one_handle_spares_what_the_other_saves(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let one = cx.db();
    let two = cx.another().await?;
    let mut tops = Vec::new();
    for n in 0..20 {
        let top = leaf(&format!("leaf {}", n % 5));
        let mut commit = cx.commit().with(append_tree("s", &format!("c{n}"), top.id));
        commit.chunks = vec![top.clone()];
        cx.clock().advance(read::PAST_GRACE);
        let budget = checkpoint_core::Budget::default().with_rows(2);
        let (saved, swept) = futures::join!(one.commit(commit), two.maintain(&budget));
        saved?;
        swept?;
        tops.push(top.id);
        if n % 4 == 3 {
            one.commit(cx.commit().with(delete("s", &format!("c{}", n - 1))))
                .await?;
        }
    }
    read::maintain(&*two, read::budget()).await?;
    same!(
        one.present(&tops).await?,
        vec![true; tops.len()],
        "chunks of live states"
    );
    Ok(())
}

pub(crate) async fn the_feed_is_one_for_all_handles(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let handles = [cx.db(), cx.another().await?];
    for n in 0..10 {
        let commit = cx
            .commit()
            .with(append("s", &format!("c{n}")))
            .with(update("s", "a", n + 1));
        handles[usize::try_from(n % 2).unwrap_or(0)]
            .commit(commit)
            .await?;
    }
    let one = read::changes(&*handles[0], Position::START, 3).await?;
    let two = read::changes(&*handles[1], Position::START, 100).await?;
    same!(one, two, "the feed as both handles tell it");
    holds!(
        one.is_sorted_by(|a, b| a.position < b.position),
        "positions do not rise: {one:?}"
    );
    Ok(())
}

pub(crate) async fn a_second_open_is_locked_where_the_store_is_not_shared(cx: &Context) -> Verdict {
    if cx.capabilities().shared {
        return Err(Failure::Skipped(
            "the backend takes several handles at once (shared)".into(),
        ));
    }
    seed(cx, "s", &["a"]).await?;
    let started = std::time::Instant::now();
    let Err(error) = cx.open().await else {
        return Err(Failure::wrong("a second handle was opened"));
    };
    same!(*error.kind(), ErrorKind::Locked, "a second open");
    holds!(
        started.elapsed() < Duration::from_secs(5),
        "a second open waited {:?}",
        started.elapsed()
    );
    holds!(!error.to_string().is_empty(), "the error says nothing");
    found(&*cx.db(), "a").await?;
    cx.close_all().await?;
    found(&*cx.open().await?, "a").await?;
    Ok(())
}
