//! Two workers never both believe that they own a session.

use checkpoint_core::{Actual, CreateSession, ErrorKind, Expectation, Operation, Outcome};

use crate::case::{Failure, Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, apply, refused_whole, seed, session_found};
use crate::samples::{append, create, session, update};

/// Claims a session and answers its epoch.
async fn claim(cx: &Context, id: &str) -> Verdict<u64> {
    let receipt = apply(cx, Operation::ClaimSession(session(id))).await?;
    match receipt.outcomes[..] {
        [Outcome::Claimed { epoch }] => Ok(epoch),
        _ => Err(Failure::wrong(format!(
            "a claim answers {:?}",
            receipt.outcomes
        ))),
    }
}

pub(crate) async fn each_claim_raises_the_epoch(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    seed(cx, "t", &[]).await?;
    same!(
        session_found(&*cx.db(), "s").await?.epoch,
        0,
        "epoch of a new session"
    );
    for epoch in 1..=3 {
        same!(claim(cx, "s").await?, epoch, "epoch after claim {epoch}");
        same!(
            session_found(&*cx.db(), "s").await?.epoch,
            epoch,
            "epoch as read"
        );
    }
    same!(
        session_found(&*cx.db(), "t").await?.epoch,
        0,
        "epoch of another session"
    );
    Ok(())
}

pub(crate) async fn an_older_epoch_is_refused_and_writes_nothing(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let old = claim(cx, "s").await?;
    let new = claim(cx, "s").await?;
    let stale = cx
        .commit()
        .with(append("s", "b"))
        .expecting(Expectation::Epoch(session("s"), old));
    let error = refused_whole(cx, stale, "a save under an older epoch").await?;
    let actual = error.as_conflict().map(|conflict| conflict.actual.clone());
    same!(
        actual,
        Some(Actual::Epoch(Some(new))),
        "what is there instead of the older epoch"
    );
    let owner = cx
        .commit()
        .with(append("s", "b"))
        .expecting(Expectation::Epoch(session("s"), new));
    cx.db().commit(owner).await?;
    Ok(())
}

pub(crate) async fn an_epoch_of_no_session_is_a_conflict(cx: &Context) -> Verdict {
    let commit = cx
        .commit()
        .with(create("t"))
        .expecting(Expectation::Epoch(session("none"), 0));
    let error = refused_whole(cx, commit, "an epoch of no session").await?;
    let actual = error.as_conflict().map(|conflict| conflict.actual.clone());
    same!(actual, Some(Actual::Epoch(None)), "what is there instead");
    Ok(())
}

pub(crate) async fn a_session_made_again_has_a_higher_epoch(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let mut before = claim(cx, "s").await?;
    for round in 0..3 {
        apply(cx, Operation::DeleteSession(session("s"))).await?;
        read::make_session(cx, "s").await?;
        let after = session_found(&*cx.db(), "s").await?.epoch;
        holds!(
            after > before,
            "epoch {after} of a session made again is not above {before} (round {round})"
        );
        let stale = cx
            .commit()
            .with(append("s", "x"))
            .expecting(Expectation::Epoch(session("s"), before));
        refused_whole(cx, stale, "a save by the owner of a deleted session").await?;
        before = after;
    }
    Ok(())
}

pub(crate) async fn an_owner_of_a_deleted_session_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let epoch = claim(cx, "s").await?;
    apply(cx, Operation::DeleteSession(session("s"))).await?;
    let stale = cx
        .commit()
        .with(append("s", "b"))
        .expecting(Expectation::Epoch(session("s"), epoch));
    let error = refused_whole(cx, stale, "a save into a deleted session").await?;
    let refused = matches!(error.kind(), ErrorKind::Conflict(_) | ErrorKind::NotFound);
    holds!(refused, "expected Conflict or NotFound, got {error:?}");
    Ok(())
}

pub(crate) async fn the_epoch_of_a_deleted_session_outlives_trimming(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    claim(cx, "s").await?;
    let before = claim(cx, "s").await?;
    apply(cx, Operation::DeleteSession(session("s"))).await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*cx.db(), read::budget()).await?;
    read::make_session(cx, "s").await?;
    let after = session_found(&*cx.db(), "s").await?.epoch;
    holds!(
        after > before,
        "epoch {after} after trimming is not above {before}"
    );
    Ok(())
}

pub(crate) async fn a_copied_session_keeps_at_least_its_epoch(cx: &Context) -> Verdict {
    let copied = CreateSession {
        epoch: 7,
        ..create("s")
    };
    let receipt = apply(cx, copied.clone()).await?;
    let created = Outcome::Session {
        created: true,
        revision: 1,
        epoch: 7,
    };
    same!(receipt.outcomes, [created], "outcome of copying a session");
    same!(claim(cx, "s").await?, 8, "epoch after a claim");
    apply(cx, Operation::DeleteSession(session("s"))).await?;
    apply(cx, copied).await?;
    let epoch = session_found(&*cx.db(), "s").await?.epoch;
    holds!(
        epoch > 8,
        "epoch {epoch} of the session copied again is not above 8"
    );
    Ok(())
}

pub(crate) async fn of_many_claims_each_gets_an_epoch_of_its_own(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let claims = (0..8).map(|_| {
        let (db, commit) = (
            cx.db(),
            cx.commit().with(Operation::ClaimSession(session("s"))),
        );
        tokio::spawn(async move { db.commit(commit).await })
    });
    let mut epochs = Vec::new();
    for answer in futures::future::join_all(claims).await {
        let receipt =
            answer.map_err(|error| Failure::wrong(format!("a claim panicked: {error}")))??;
        if let [Outcome::Claimed { epoch }] = receipt.outcomes[..] {
            epochs.push(epoch);
        }
    }
    epochs.sort_unstable();
    same!(
        epochs,
        (1..=8).collect::<Vec<u64>>(),
        "epochs of eight claims"
    );
    Ok(())
}

pub(crate) async fn a_retried_claim_does_not_take_the_session_twice(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let commit = cx.commit().with(Operation::ClaimSession(session("s")));
    let first = cx.db().commit(commit.clone()).await?;
    let again = cx.db().commit(commit.clone()).await?;
    same!(again.outcomes, first.outcomes, "epoch of the retry");
    claim(cx, "s").await?;
    let late = cx.db().commit(commit).await?;
    same!(
        late.outcomes,
        first.outcomes,
        "epoch of a retry after another claim"
    );
    same!(session_found(&*cx.db(), "s").await?.epoch, 2, "epoch");
    Ok(())
}

pub(crate) async fn a_claim_of_no_session_is_refused(cx: &Context) -> Verdict {
    let answer = cx
        .db()
        .commit(cx.commit().with(Operation::ClaimSession(session("none"))))
        .await;
    refused!(answer, ErrorKind::NotFound, "a claim of no session");
    Ok(())
}

pub(crate) async fn a_claim_changes_nothing_but_the_epoch(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = session_found(&*cx.db(), "s").await?;
    claim(cx, "s").await?;
    let after = session_found(&*cx.db(), "s").await?;
    same!(
        (after.revision, &after.body, &after.head),
        (before.revision, &before.body, &before.head),
        "the session"
    );
    apply(cx, update("s", "a", 1)).await?;
    Ok(())
}
