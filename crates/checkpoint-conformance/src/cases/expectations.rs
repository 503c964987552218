//! An expectation that is not met is a conflict that tells what is there.

use checkpoint_core::{Actual, CommitId, Expectation, Outcome};

use crate::case::{Failure, Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, apply, found, refused_whole, seed};
use crate::samples::{append, delete, id, name, patch, record, session, update};

/// A commit under this expectation alone is refused, tells what is there instead, and writes nothing.
async fn unmet(cx: &Context, expected: Expectation, actual: Actual) -> Verdict {
    let what = format!("a commit that expects {expected}");
    let commit = cx
        .commit()
        .with(record("written", Some("x")))
        .expecting(expected.clone());
    let error = refused_whole(cx, commit, &what).await?;
    let Some(conflict) = error.as_conflict() else {
        return Err(Failure::wrong(format!(
            "{what}: expected Conflict, got {error:?}"
        )));
    };
    same!(
        conflict.expected,
        expected,
        "{what}: what the conflict says was expected"
    );
    same!(conflict.actual, actual, "{what}: what is there instead");
    Ok(())
}

async fn met(cx: &Context, expected: Expectation) -> Verdict {
    let commit = cx
        .commit()
        .with(record("met", Some("x")))
        .expecting(expected.clone());
    match cx.db().commit(commit).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::wrong(format!(
            "{expected} holds and was refused: {error}"
        ))),
    }
}

pub(crate) async fn a_head_is_compared(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    seed(cx, "empty", &[]).await?;
    met(cx, Expectation::Head(session("s"), Some(id("b")))).await?;
    met(cx, Expectation::Head(session("empty"), None)).await?;
    let head = Actual::Head(Some(id("b")));
    unmet(
        cx,
        Expectation::Head(session("s"), Some(id("a"))),
        head.clone(),
    )
    .await?;
    unmet(
        cx,
        Expectation::Head(session("s"), Some(id("none"))),
        head.clone(),
    )
    .await?;
    unmet(cx, Expectation::Head(session("s"), None), head).await?;
    unmet(
        cx,
        Expectation::Head(session("empty"), Some(id("a"))),
        Actual::Head(None),
    )
    .await
}

pub(crate) async fn a_head_after_a_deletion_is_the_one_before(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, delete("s", "b")).await?;
    met(cx, Expectation::Head(session("s"), Some(id("a")))).await?;
    unmet(
        cx,
        Expectation::Head(session("s"), Some(id("b"))),
        Actual::Head(Some(id("a"))),
    )
    .await?;
    apply(cx, delete("s", "a")).await?;
    met(cx, Expectation::Head(session("s"), None)).await
}

pub(crate) async fn a_revision_is_compared(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    met(cx, Expectation::Revision(id("a"), 1)).await?;
    apply(cx, update("s", "a", 1)).await?;
    met(cx, Expectation::Revision(id("a"), 2)).await?;
    for wrong in [0, 1, 3, u64::MAX] {
        unmet(
            cx,
            Expectation::Revision(id("a"), wrong),
            Actual::Revision(Some(2)),
        )
        .await?;
    }
    unmet(
        cx,
        Expectation::Revision(id("none"), 1),
        Actual::Revision(None),
    )
    .await?;
    apply(cx, delete("s", "a")).await?;
    unmet(
        cx,
        Expectation::Revision(id("a"), 2),
        Actual::Revision(None),
    )
    .await
}

pub(crate) async fn a_session_revision_is_compared(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    met(cx, Expectation::SessionRevision(session("s"), 1)).await?;
    apply(cx, patch("s", 1, "x")).await?;
    met(cx, Expectation::SessionRevision(session("s"), 2)).await?;
    unmet(
        cx,
        Expectation::SessionRevision(session("s"), 1),
        Actual::Revision(Some(2)),
    )
    .await?;
    unmet(
        cx,
        Expectation::SessionRevision(session("none"), 1),
        Actual::Revision(None),
    )
    .await
}

pub(crate) async fn a_record_version_is_compared(cx: &Context) -> Verdict {
    met(cx, Expectation::Version(name("r"), None)).await?;
    apply(cx, record("r", Some("1"))).await?;
    met(cx, Expectation::Version(name("r"), Some(1))).await?;
    apply(cx, record("r", Some("2"))).await?;
    unmet(
        cx,
        Expectation::Version(name("r"), Some(1)),
        Actual::Version(Some(2)),
    )
    .await?;
    unmet(
        cx,
        Expectation::Version(name("r"), None),
        Actual::Version(Some(2)),
    )
    .await?;
    apply(cx, record("r", None)).await?;
    unmet(
        cx,
        Expectation::Version(name("r"), Some(2)),
        Actual::Version(None),
    )
    .await?;
    met(cx, Expectation::Version(name("r"), None)).await
}

pub(crate) async fn all_expectations_must_hold(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let holding = [
        Expectation::Head(session("s"), Some(id("a"))),
        Expectation::Revision(id("a"), 1),
        Expectation::SessionRevision(session("s"), 1),
        Expectation::Epoch(session("s"), 0),
        Expectation::Version(name("r"), None),
    ];
    let with = |expectations: Vec<Expectation>| {
        let mut commit = cx.commit().with(append("s", &format!("x{}", cx.number())));
        commit.expectations = expectations;
        commit
    };
    for broken in 0..holding.len() {
        let mut expectations = holding.to_vec();
        expectations[broken] = match broken {
            0 => Expectation::Head(session("s"), None),
            1 => Expectation::Revision(id("a"), 5),
            2 => Expectation::SessionRevision(session("s"), 5),
            3 => Expectation::Epoch(session("s"), 5),
            _ => Expectation::Version(name("r"), Some(5)),
        };
        let error =
            refused_whole(cx, with(expectations), "a commit with one of five unmet").await?;
        holds!(
            error.as_conflict().is_some(),
            "expected Conflict, got {error:?}"
        );
    }
    cx.db().commit(with(holding.to_vec())).await?;
    Ok(())
}

pub(crate) async fn expectations_are_judged_before_the_operations(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let commit = cx
        .commit()
        .with(update("s", "a", 1))
        .with(append("s", "b"))
        .expecting(Expectation::Head(session("s"), Some(id("a"))))
        .expecting(Expectation::Revision(id("a"), 1));
    cx.db().commit(commit).await?;
    let commit = cx
        .commit()
        .with(update("s", "a", 2))
        .expecting(Expectation::Revision(id("a"), 3));
    refused_whole(cx, commit, "a commit that expects what it would make").await?;
    Ok(())
}

pub(crate) async fn an_update_of_an_old_revision_is_a_conflict(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let receipt = apply(cx, update("s", "a", 1)).await?;
    same!(
        receipt.outcomes,
        [Outcome::Updated { revision: 2 }],
        "outcome of an update"
    );
    for wrong in [0, 1, 3] {
        let commit = cx.commit().with(update("s", "a", wrong));
        let error = refused_whole(cx, commit, "an update of a wrong revision").await?;
        let actual = error.as_conflict().map(|conflict| conflict.actual.clone());
        same!(
            actual,
            Some(Actual::Revision(Some(2))),
            "what is there instead of revision {wrong}"
        );
    }
    Ok(())
}

pub(crate) async fn of_two_updates_of_one_revision_one_wins(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let mut revision = 1;
    for _ in 0..10 {
        let commits = (0..4).map(|_| {
            let (db, commit) = (cx.db(), cx.commit().with(update("s", "a", revision)));
            tokio::spawn(async move { db.commit(commit).await })
        });
        let mut won = 0;
        for answer in futures::future::join_all(commits).await {
            let answer =
                answer.map_err(|error| Failure::wrong(format!("a commit panicked: {error}")))?;
            match answer {
                Ok(_) => won += 1,
                Err(error) => holds!(
                    error.as_conflict().is_some(),
                    "expected Conflict, got {error:?}"
                ),
            }
        }
        same!(won, 1, "updates of revision {revision} that were done");
        revision += 1;
        same!(
            found(&*cx.db(), "a").await?.header.revision,
            revision,
            "revision"
        );
    }
    Ok(())
}

pub(crate) async fn a_head_expected_by_many_is_won_by_one(cx: &Context) -> Verdict {
    seed(cx, "s", &["root"]).await?;
    let mut head = "root".to_owned();
    for round in 0..6 {
        let commits = (0..4).map(|n| {
            let commit = cx
                .commit()
                .with(append("s", &format!("r{round}-{n}")))
                .expecting(Expectation::Head(session("s"), Some(id(&head))));
            let db = cx.db();
            tokio::spawn(async move { db.commit(commit).await.map(|_| n) })
        });
        let answers = futures::future::join_all(commits).await;
        let winners: Vec<i32> = answers
            .into_iter()
            .filter_map(|answer| answer.ok()?.ok())
            .collect();
        same!(winners.len(), 1, "saves onto one head that were done");
        head = format!("r{round}-{}", winners[0]);
        same!(
            read::head(&*cx.db(), "s").await?,
            Some(head.clone()),
            "the head"
        );
    }
    Ok(())
}

pub(crate) async fn a_conflict_leaves_the_commit_id_free(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let commit = cx
        .commit()
        .with(update("s", "a", 1))
        .expecting(Expectation::Revision(id("a"), 2));
    let commit_id: CommitId = commit.id;
    refused_whole(cx, commit, "a commit with an unmet expectation").await?;
    let mut rebuilt = checkpoint_core::Commit::new(commit_id).with(update("s", "a", 1));
    rebuilt.expectations.push(Expectation::Revision(id("a"), 1));
    let receipt = cx.db().commit(rebuilt).await?;
    holds!(
        !receipt.replayed,
        "a refused commit answers as if it had been done"
    );
    same!(found(&*cx.db(), "a").await?.header.revision, 2, "revision");
    Ok(())
}
