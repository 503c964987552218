//! A commit is there whole or not at all.

use std::pin::pin;

use checkpoint_core::{ErrorKind, Expectation, Item, Operation, Outcome, Parent, Position};

use crate::case::{Failure, Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, found, item, names, refused_whole, seed};
use crate::samples::{self, append, attach, create, delete, id, leaf, node, record, update};

pub(crate) async fn a_commit_of_many_operations_is_there_whole(cx: &Context) -> Verdict {
    let db = cx.db();
    let bottom = leaf("bottom");
    let mut commit = cx.commit().with(create("s"));
    commit.chunks = vec![bottom.clone()];
    let commit = commit
        .with(append("s", "a"))
        .with(samples::append_tree("s", "b", bottom.id))
        .with(attach("s", "a", "k", Some("note")))
        .with(update("s", "a", 1))
        .with(record("r", Some("1")));
    let receipt = db.commit(commit).await?;
    same!(
        receipt.outcomes.len(),
        6,
        "outcomes, one for each operation"
    );
    same!(names(&*db, all_of("s")).await?, ["a", "b"], "checkpoints");
    same!(found(&*db, "a").await?.header.revision, 2, "revision of a");
    same!(
        db.present(&[bottom.id]).await?,
        [true],
        "the chunk is there"
    );
    same!(read::records(&*db, "r").await?.len(), 1, "records");
    let attached = checkpoint_core::AttachmentQuery::of(id("a"));
    same!(
        read::attachments(&*db, attached).await?.len(),
        1,
        "attachments"
    );
    Ok(())
}

/// Each of these is fine but for one operation in the midst of others.
async fn refuse_among_others(
    cx: &Context,
    bad: impl Into<Operation>,
    what: &str,
) -> Verdict<ErrorKind> {
    let commit = cx
        .commit()
        .with(append("s", "new-1"))
        .with(create("another"))
        .with(update("s", "a", 1))
        .with(bad)
        .with(delete("s", "b"))
        .with(append("s", "new-2"));
    let error = refused_whole(cx, commit, what).await?;
    same!(
        item(&*cx.db(), "new-1").await?.into_option()?,
        None,
        "what stood before {what}"
    );
    Ok(error.kind().clone())
}

pub(crate) async fn a_bad_operation_in_the_midst_undoes_those_before_it(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let kind = refuse_among_others(cx, update("s", "b", 7), "an update of an old revision").await?;
    holds!(
        matches!(kind, ErrorKind::Conflict(_)),
        "expected Conflict, got {kind:?}"
    );
    let kind = refuse_among_others(cx, update("s", "none", 1), "an update of nothing").await?;
    same!(kind, ErrorKind::NotFound, "an update of nothing");
    let kind = refuse_among_others(cx, append("none", "x"), "an append to no session").await?;
    same!(kind, ErrorKind::NotFound, "an append to no session");
    let kind = refuse_among_others(
        cx,
        attach("s", "none", "k", Some("x")),
        "an attachment to nothing",
    )
    .await?;
    same!(kind, ErrorKind::NotFound, "an attachment to nothing");
    let kind = refuse_among_others(
        cx,
        samples::patch("s", 9, "x"),
        "a patch of an old revision",
    )
    .await?;
    holds!(
        matches!(kind, ErrorKind::Conflict(_)),
        "expected Conflict, got {kind:?}"
    );
    Ok(())
}

pub(crate) async fn a_failed_commit_gives_no_sequence_away(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    for n in 0..5 {
        let commit = cx
            .commit()
            .with(append("s", &format!("x{n}")))
            .with(update("s", "none", 1));
        refused!(
            cx.db().commit(commit).await,
            ErrorKind::NotFound,
            "a commit with a bad update"
        );
    }
    same!(
        read::save(cx, "s", "b").await?.sequence,
        2,
        "the next sequence"
    );
    Ok(())
}

pub(crate) async fn a_failed_commit_brings_no_chunks(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a"]).await?;
    let bottom = leaf("brought by a failure");
    let mut commit = cx.commit().with(update("s", "none", 1));
    commit.chunks = vec![bottom.clone(), node("above", &[bottom.id])];
    refused_whole(cx, commit, "a commit with chunks and a bad update").await?;
    same!(
        db.present(&[bottom.id]).await?,
        [false],
        "a chunk of a failed commit is there"
    );
    Ok(())
}

/// A commit that does much before it fails, alone or among others that are sent with it; then what later commits take
/// for granted.
async fn fail_and_go_on(cx: &Context, others: usize) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a"]).await?;
    let epoch = read::session_found(&*db, "s").await?.epoch;
    let mut commits: Vec<_> = (0..others)
        .map(|n| cx.commit().with(create(&format!("other-{n}"))))
        .collect();
    let failing = cx
        .commit()
        .with(append("s", "x"))
        .with(Operation::ClaimSession(samples::session("s")))
        .with(create("t"))
        .with(update("s", "none", 1));
    commits.insert(others / 2, failing);
    let fates = futures::future::join_all(commits.into_iter().map(|it| db.commit(it))).await;
    let failed = fates.iter().filter(|fate| fate.is_err()).count();
    same!(failed, 1, "commits that failed");

    let saved = read::save(cx, "s", "b").await?;
    same!(saved.parent, Some(id("a")), "the parent of what came after");
    let claim = Operation::ClaimSession(samples::session("s"));
    let receipt = apply(cx, claim).await?;
    let claimed = Outcome::Claimed { epoch: epoch + 1 };
    same!(receipt.outcomes, [claimed], "the first claim that was done");
    let receipt = apply(cx, create("t")).await?;
    holds!(
        matches!(
            receipt.outcomes[..],
            [Outcome::Session { created: true, .. }]
        ),
        "the session was not made by the commit that failed"
    );
    Ok(())
}

pub(crate) async fn a_failed_commit_is_forgotten_by_later_ones(cx: &Context) -> Verdict {
    fail_and_go_on(cx, 0).await
}

pub(crate) async fn a_failed_commit_is_forgotten_by_those_beside_it(cx: &Context) -> Verdict {
    fail_and_go_on(cx, 40).await
}

pub(crate) async fn an_unmet_expectation_undoes_everything(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let commit = cx
        .commit()
        .with(append("s", "c"))
        .with(delete("s", "a"))
        .with(record("r", Some("x")))
        .expecting(Expectation::Head(samples::session("s"), Some(id("b"))))
        .expecting(Expectation::Revision(id("a"), 2));
    refused_whole(
        cx,
        commit,
        "a commit of which one of two expectations holds",
    )
    .await?;
    Ok(())
}

pub(crate) async fn a_refused_commit_can_be_sent_again_mended(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let bad = cx.commit().with(append("s", "b")).with(update("s", "a", 9));
    let mut mended = bad.clone();
    refused_whole(cx, bad, "a commit with an old revision").await?;
    mended.operations.pop();
    let receipt = cx.db().commit(mended.with(update("s", "a", 1))).await?;
    holds!(
        !receipt.replayed,
        "a commit that failed before answers as a replay"
    );
    same!(
        names(&*cx.db(), all_of("s")).await?,
        ["a", "b"],
        "checkpoints"
    );
    Ok(())
}

pub(crate) async fn operations_see_those_before_them(cx: &Context) -> Verdict {
    let db = cx.db();
    let mut third = append("s", "c");
    third.parent = Parent::Id(id("a"));
    let commit = cx
        .commit()
        .with(create("s"))
        .with(append("s", "a"))
        .with(append("s", "b"))
        .with(third)
        .with(update("s", "b", 1))
        .with(update("s", "b", 2))
        .with(delete("s", "c"))
        .with(delete("s", "c"));
    let receipt = db.commit(commit).await?;
    let outcomes = &receipt.outcomes;
    same!(
        found(&*db, "b").await?.header.revision,
        3,
        "revision after two updates in the commit"
    );
    same!(
        found(&*db, "b").await?.header.parent,
        Some(id("a")),
        "the head within the commit"
    );
    use checkpoint_core::Outcome::Deleted;
    same!(outcomes[6], Deleted { existed: true }, "the first delete");
    same!(outcomes[7], Deleted { existed: false }, "the second delete");
    holds!(
        matches!(item(&*db, "c").await?, Item::Deleted),
        "c was deleted by its own commit"
    );
    Ok(())
}

pub(crate) async fn a_dropped_commit_is_done_or_not_never_half(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a"]).await?;
    for polls in 0..8 {
        let (one, two) = (format!("x{polls}"), format!("y{polls}"));
        let commit = cx.commit().with(append("s", &one)).with(append("s", &two));
        {
            let mut future = pin!(db.commit(commit));
            for _ in 0..polls {
                if futures::poll!(future.as_mut()).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Whatever was under way is done before a flush answers.
        db.flush().await?;
        let there = names(&*db, all_of("s")).await?;
        let both = (there.contains(&one), there.contains(&two));
        holds!(
            both.0 == both.1,
            "after {polls} polls one of two appends is there: {both:?}"
        );
    }
    let sequences = read::scan(&*db, all_of("s")).await?;
    let sequences: Vec<u64> = sequences
        .iter()
        .map(|record| record.header.sequence)
        .collect();
    let expected: Vec<u64> = (1..=sequences.len() as u64).collect();
    same!(sequences, expected, "sequences after dropped commits");
    Ok(())
}

pub(crate) async fn an_empty_commit_changes_nothing(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a"]).await?;
    let before = read::picture(&*db).await?;
    let receipt = db.commit(cx.commit()).await?;
    same!(receipt.outcomes.len(), 0, "outcomes of an empty commit");
    let position = db.stats().await?.position;
    same!(
        (receipt.first, receipt.last),
        (position, position),
        "positions of a commit without changes"
    );
    read::unchanged(&*db, &before, "an empty commit").await
}

pub(crate) async fn a_receipt_names_the_first_and_last_position(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    let commit = cx.commit().with(append("s", "a")).with(append("s", "b"));
    let receipt = cx.db().commit(commit).await?;
    same!(
        (receipt.first, receipt.last),
        (Position::of(1), Position::of(2)),
        "positions of two appends"
    );
    let receipt = apply(cx, update("s", "a", 1)).await?;
    let one_more = Position { sequence: 2, n: 1 };
    same!(
        (receipt.first, receipt.last),
        (one_more, one_more),
        "positions of an update"
    );
    let commit = cx.commit().with(update("s", "a", 2)).with(append("s", "c"));
    let receipt = cx.db().commit(commit).await?;
    let last = Position { sequence: 3, n: 1 };
    same!(
        (receipt.first, receipt.last),
        (Position::of(3), last),
        "the append stands before the update"
    );
    let Some(newest) = read::changes(&*cx.db(), Position::START, 100).await?.pop() else {
        return Err(Failure::wrong("the feed is empty"));
    };
    same!(newest.position, last, "position of the newest change");
    Ok(())
}
