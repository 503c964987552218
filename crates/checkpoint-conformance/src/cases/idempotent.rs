//! A retry after an unknown outcome is always safe.

use bytes::Bytes;
use checkpoint_core::{ErrorKind, Expectation, Item, Operation, Origin, Outcome, Payload};

use crate::case::{Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, all_of, appended, apply, found, item, names, save, save_as, seed};
use crate::samples::{
    self, append, attach, create, delete, fingerprint, id, patch, record, update,
};

pub(crate) async fn a_retried_save_answers_as_the_first_time(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let commit = cx.commit().with(append("s", "b"));
    let first = cx.db().commit(commit.clone()).await?;
    let before = read::picture(&*cx.db()).await?;
    let second = cx.db().commit(commit).await?;
    holds!(
        second.replayed && !first.replayed,
        "replayed: {} and {}",
        first.replayed,
        second.replayed
    );
    same!(second.outcomes, first.outcomes, "outcomes of the retry");
    same!(
        (second.first, second.last),
        (first.first, first.last),
        "positions of the retry"
    );
    read::unchanged(&*cx.db(), &before, "a retry").await
}

pub(crate) async fn a_save_rebuilt_under_another_commit_id_answers_as_the_first_time(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let first = apply(cx, append("s", "b")).await?;
    save(cx, "s", "c").await?;
    let before = read::picture(&*cx.db()).await?;
    let second = apply(cx, append("s", "b")).await?;
    same!(second.outcomes, first.outcomes, "outcomes of the retry");
    read::unchanged(&*cx.db(), &before, "a retry").await
}

pub(crate) async fn a_retry_may_differ_in_clock_and_sealed_bytes(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let mut retry = append("s", "a");
    retry.created_at = samples::time(900);
    retry.updated_at = samples::time(900);
    retry.meta = Bytes::from_static(b"sealed anew");
    retry.payload = Payload::Inline(Bytes::from_static(b"sealed anew, too"));
    let before = read::picture(&*cx.db()).await?;
    same!(
        save_as(cx, retry).await?.sequence,
        1,
        "sequence answered to the retry"
    );
    read::unchanged(&*cx.db(), &before, "a retry with other bytes").await
}

pub(crate) async fn the_same_id_with_another_fingerprint_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    read::make_session(cx, "t").await?;
    for session in ["s", "t"] {
        let mut other = append(session, "a");
        other.fingerprint = fingerprint("something else");
        other.meta = Bytes::from_static(b"something else");
        let commit = cx.commit().with(other);
        let error = read::refused_whole(cx, commit, "another checkpoint under a taken id").await?;
        same!(
            *error.kind(),
            ErrorKind::AlreadyExists,
            "another checkpoint under a taken id"
        );
    }
    same!(
        found(&*cx.db(), "a").await?.meta,
        Some(samples::meta("a")),
        "description of a"
    );
    Ok(())
}

pub(crate) async fn a_retry_after_an_update_answers_as_the_first_time(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    let commit = cx.commit().with(append("s", "a"));
    let first = cx.db().commit(commit.clone()).await?;
    apply(cx, update("s", "a", 1)).await?;
    apply(cx, update("s", "a", 2)).await?;
    let before = read::picture(&*cx.db()).await?;
    same!(
        cx.db().commit(commit).await?.outcomes,
        first.outcomes,
        "outcomes under the same commit id"
    );
    same!(
        apply(cx, append("s", "a")).await?.outcomes,
        first.outcomes,
        "outcomes under another commit id"
    );
    read::unchanged(&*cx.db(), &before, "a retry after updates").await
}

pub(crate) async fn a_retry_after_a_deletion_says_deleted_and_makes_nothing(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let first = appended(&apply(cx, append("s", "c")).await?)?;
    apply(cx, delete("s", "c")).await?;
    let before = read::picture(&*cx.db()).await?;
    let again = save(cx, "s", "c").await?;
    holds!(
        again.deleted,
        "the retry of a deleted append does not say so: {again:?}"
    );
    same!(
        (again.sequence, again.committed_at, &again.parent),
        (first.sequence, first.committed_at, &first.parent),
        "what the append was given"
    );
    read::unchanged(&*cx.db(), &before, "the retry of a deleted append").await?;
    holds!(
        matches!(item(&*cx.db(), "c").await?, Item::Deleted),
        "the retry raised c from the dead"
    );
    Ok(())
}

pub(crate) async fn a_commit_sent_again_by_id_after_a_deletion_makes_nothing(
    cx: &Context,
) -> Verdict {
    read::make_session(cx, "s").await?;
    let commit = cx.commit().with(append("s", "a"));
    cx.db().commit(commit.clone()).await?;
    apply(cx, delete("s", "a")).await?;
    let again = cx.db().commit(commit).await?;
    holds!(
        again.replayed,
        "a commit sent again is not a replay: {again:?}"
    );
    holds!(
        matches!(item(&*cx.db(), "a").await?, Item::Deleted),
        "the retry raised a from the dead"
    );
    Ok(())
}

pub(crate) async fn a_retry_whose_session_is_gone_makes_nothing(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    apply(cx, Operation::DeleteSession(samples::session("s"))).await?;
    let again = save(cx, "s", "a").await?;
    holds!(
        again.deleted,
        "the retry of an append whose session is gone: {again:?}"
    );
    read::make_session(cx, "s").await?;
    same!(
        read::head(&*cx.db(), "s").await?,
        None,
        "head of the session made again"
    );
    Ok(())
}

pub(crate) async fn a_revived_append_is_made_anew(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, delete("s", "a")).await?;
    let mut revived = append("s", "a");
    revived.revive = true;
    let commit = cx.commit().with(revived.clone());
    let given = appended(&cx.db().commit(commit.clone()).await?)?;
    same!(
        (given.sequence, given.deleted),
        (3, false),
        "sequence and deletion of what is revived"
    );
    same!(
        names(&*cx.db(), all_of("s")).await?,
        ["b", "a"],
        "checkpoints"
    );
    same!(
        found(&*cx.db(), "a").await?.header.parent,
        Some(id("b")),
        "parent of what is revived"
    );
    let again = appended(&cx.db().commit(commit).await?)?;
    same!(again, given, "the revival sent again");
    same!(
        save_as(cx, revived).await?.sequence,
        3,
        "the revival sent under another commit id"
    );
    Ok(())
}

pub(crate) async fn another_state_under_a_deleted_id_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    apply(cx, delete("s", "a")).await?;
    let mut other = append("s", "a");
    other.fingerprint = fingerprint("something else");
    let answer = cx.db().commit(cx.commit().with(other)).await;
    refused!(
        answer,
        ErrorKind::AlreadyExists,
        "another checkpoint under a deleted id"
    );
    Ok(())
}

pub(crate) async fn a_retried_save_does_not_conflict_with_itself(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let expected = Expectation::Head(samples::session("s"), Some(id("a")));
    let commit = cx
        .commit()
        .with(append("s", "b"))
        .expecting(expected.clone());
    let first = cx.db().commit(commit.clone()).await?;
    let again = cx.db().commit(commit).await?;
    same!(
        again.outcomes,
        first.outcomes,
        "outcomes under the same commit id"
    );
    let rebuilt = cx.commit().with(append("s", "b")).expecting(expected);
    same!(
        cx.db().commit(rebuilt).await?.outcomes,
        first.outcomes,
        "outcomes under another commit id"
    );
    Ok(())
}

pub(crate) async fn every_kind_of_commit_sent_again_answers_as_the_first_time(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let all: Vec<Operation> = vec![
        update("s", "a", 1).into(),
        delete("s", "b").into(),
        attach("s", "a", "k", Some("x")).into(),
        create("t").into(),
        patch("s", 1, "x").into(),
        Operation::ClaimSession(samples::session("s")),
        record("r", Some("x")).into(),
        samples::quarantine("s", "a", true).into(),
        Operation::DeleteSession(samples::session("s")),
    ];
    let mut sent = Vec::new();
    for operation in all {
        let commit = cx.commit().with(operation);
        let first = cx.db().commit(commit.clone()).await?;
        sent.push((commit, first));
    }
    let before = read::picture(&*cx.db()).await?;
    for (commit, first) in sent {
        let what = format!("{:?}", commit.operations);
        let again = cx.db().commit(commit).await?;
        holds!(again.replayed, "not a replay: {what}");
        same!(again.outcomes, first.outcomes, "outcomes of {what}");
        same!(
            (again.first, again.last),
            (first.first, first.last),
            "positions of {what}"
        );
    }
    read::unchanged(&*cx.db(), &before, "commits sent again").await
}

pub(crate) async fn a_mixed_commit_is_known_by_its_id(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let commit = cx
        .commit()
        .with(append("s", "b"))
        .with(update("s", "a", 1))
        .with(attach("s", "b", "k", Some("x")))
        .with(delete("s", "a"))
        .expecting(Expectation::Revision(id("a"), 1));
    let first = cx.db().commit(commit.clone()).await?;
    apply(cx, update("s", "b", 1)).await?;
    let before = read::picture(&*cx.db()).await?;
    let again = cx.db().commit(commit).await?;
    holds!(again.replayed, "a mixed commit sent again is not a replay");
    same!(again.outcomes, first.outcomes, "outcomes");
    read::unchanged(&*cx.db(), &before, "a mixed commit sent again").await
}

pub(crate) async fn a_commit_is_known_after_a_restart(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let commit = cx.commit().with(update("s", "a", 1)).with(append("s", "b"));
    let first = cx.db().commit(commit.clone()).await?;
    let save = cx.commit().with(append("s", "c"));
    let saved = cx.db().commit(save.clone()).await?;
    let db = cx.restart().await?;
    same!(
        db.commit(commit).await?.outcomes,
        first.outcomes,
        "outcomes of a mixed commit"
    );
    same!(
        db.commit(save).await?.outcomes,
        saved.outcomes,
        "outcomes of a save"
    );
    same!(
        names(&*db, all_of("s")).await?,
        ["a", "b", "c"],
        "checkpoints"
    );
    Ok(())
}

pub(crate) async fn a_retry_is_told_what_the_first_time_created(cx: &Context) -> Verdict {
    let commit = cx.commit().with(create("s")).with(append("s", "a"));
    let first = cx.db().commit(commit.clone()).await?;
    let again = cx.db().commit(commit).await?;
    same!(again.outcomes, first.outcomes, "outcomes");
    let created = Outcome::Session {
        created: true,
        revision: 1,
        epoch: 0,
    };
    same!(
        again.outcomes[0],
        created,
        "what the retry says of the session"
    );
    Ok(())
}

pub(crate) async fn many_appends_sent_again_under_another_id_are_all_known(
    cx: &Context,
) -> Verdict {
    read::make_session(cx, "s").await?;
    let build = || {
        cx.commit()
            .with(append("s", "a"))
            .with(append("s", "b"))
            .with(append("s", "c"))
    };
    let first = cx.db().commit(build()).await?;
    let before = read::picture(&*cx.db()).await?;
    same!(
        cx.db().commit(build()).await?.outcomes,
        first.outcomes,
        "outcomes"
    );
    read::unchanged(&*cx.db(), &before, "appends sent again").await
}

pub(crate) async fn a_copied_checkpoint_sent_again_is_known(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let mut copied = append("s", "b");
    copied.origin = Some(Origin {
        sequence: 30,
        committed_at: samples::time(3),
    });
    same!(
        save_as(cx, copied.clone()).await?.sequence,
        30,
        "sequence of the copy"
    );
    same!(
        save_as(cx, copied).await?.sequence,
        30,
        "sequence of the copy sent again"
    );
    same!(save(cx, "s", "c").await?.sequence, 31, "the next sequence");
    Ok(())
}

pub(crate) async fn a_forgotten_commit_id_still_knows_its_appends(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*cx.db(), read::budget()).await?;
    same!(
        save(cx, "s", "a").await?.sequence,
        1,
        "sequence of an append sent again after the window"
    );
    let mut other = append("s", "a");
    other.fingerprint = fingerprint("something else");
    let answer = cx.db().commit(cx.commit().with(other)).await;
    refused!(
        answer,
        ErrorKind::AlreadyExists,
        "another checkpoint under a taken id after the window"
    );
    Ok(())
}
