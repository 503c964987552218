//! What a copy from elsewhere asks for: numbers that are kept, and a counter that rises with nothing to show for it.

use checkpoint_core::{
    Append, Backend, ChangeKind, CreateSession, ErrorKind, Expectation, Operation, Origin, Outcome,
    Position, Update,
};

use crate::case::{Verdict, refused, same};
use crate::context::Context;
use crate::read::{self, apply, found, save, save_as, seed, session_found};
use crate::samples::{append, create, session, time, update};

pub(crate) async fn a_counter_that_was_advanced_goes_on_from_there(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = cx.db().stats().await?.position;
    let receipt = apply(cx, Operation::Advance(50)).await?;
    let advanced = Outcome::Advanced { sequence: 50 };
    same!(receipt.outcomes, [advanced], "outcome of advancing");
    let feed = read::changes(&*cx.db(), before, 10).await?;
    let told: Vec<_> = feed.iter().map(|it| (it.kind, it.position)).collect();
    let position = Position { sequence: 50, n: 1 };
    same!(
        told,
        [(ChangeKind::Advanced, position)],
        "feed of advancing"
    );
    same!(receipt.last, position, "last position of the commit");
    if cx.capabilities().persistent {
        cx.restart().await?;
    }
    let receipt = apply(cx, Operation::Advance(49)).await?;
    let stands = Outcome::Advanced { sequence: 50 };
    same!(receipt.outcomes, [stands], "outcome of advancing to less");
    same!(
        cx.db().stats().await?.position,
        position,
        "position after advancing to less"
    );
    same!(save(cx, "s", "b").await?.sequence, 51, "the next sequence");
    Ok(())
}

pub(crate) async fn an_advanced_counter_outlives_what_is_trimmed(cx: &Context) -> Verdict {
    apply(cx, Operation::Advance(7)).await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*cx.db(), read::budget()).await?;
    if cx.capabilities().persistent {
        cx.restart().await?;
    }
    read::make_session(cx, "s").await?;
    same!(save(cx, "s", "a").await?.sequence, 8, "the next sequence");
    Ok(())
}

pub(crate) async fn an_advance_and_an_append_may_share_a_commit(cx: &Context) -> Verdict {
    read::make_session(cx, "s").await?;
    let commit = cx
        .commit()
        .with(append("s", "a"))
        .with(Operation::Advance(9))
        .with(append("s", "b"));
    let receipt = cx.db().commit(commit).await?;
    same!(
        receipt.first,
        Position::of(1),
        "first position of the commit"
    );
    let last = Position { sequence: 10, n: 1 };
    same!(receipt.last, last, "last position of the commit");
    let feed = read::changes(&*cx.db(), Position { sequence: 0, n: 1 }, 1).await?;
    let kinds: Vec<_> = feed.iter().map(|it| it.kind).collect();
    let whole = [
        ChangeKind::Created,
        ChangeKind::Created,
        ChangeKind::Advanced,
    ];
    same!(kinds, whole, "feed of the commit, asked for one change");
    Ok(())
}

pub(crate) async fn an_older_origin_is_kept_beside_the_sequence(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let made = Origin {
        sequence: 3,
        committed_at: time(5),
    };
    let copied = Append {
        origin: Some(Origin {
            sequence: 40,
            committed_at: time(50),
        }),
        made: Some(made),
        ..append("s", "b")
    };
    same!(
        save_as(cx, copied).await?.sequence,
        40,
        "sequence of a copy"
    );
    if cx.capabilities().persistent {
        cx.restart().await?;
    }
    let header = found(&*cx.db(), "b").await?.header;
    same!(header.origin, Some(made), "where it was made");
    same!(header.as_of(), time(5), "the time of which the copy is");
    same!(save(cx, "s", "c").await?.sequence, 41, "the next sequence");
    Ok(())
}

pub(crate) async fn a_copied_update_keeps_its_revision(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let copied = Update {
        becomes: Some(9),
        ..update("s", "a", 1)
    };
    let receipt = apply(cx, copied.clone()).await?;
    let updated = Outcome::Updated { revision: 9 };
    same!(receipt.outcomes, [updated], "outcome of a copied update");
    if cx.capabilities().persistent {
        cx.restart().await?;
    }
    same!(
        found(&*cx.db(), "a").await?.header.revision,
        9,
        "revision after a copied update"
    );
    let stale = cx.commit().with(copied);
    refused!(
        cx.db().commit(stale).await,
        ErrorKind::Conflict(_),
        "the same update anew"
    );
    apply(cx, update("s", "a", 9)).await?;
    same!(
        found(&*cx.db(), "a").await?.header.revision,
        10,
        "revision after an update"
    );
    Ok(())
}

pub(crate) async fn a_session_that_is_there_is_raised_to_a_copied_epoch(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = session_found(&*cx.db(), "s").await?;
    let copied = CreateSession {
        epoch: 5,
        ..create("s")
    };
    let position = cx.db().stats().await?.position;
    let receipt = apply(cx, copied.clone()).await?;
    let raised = Outcome::Session {
        created: false,
        revision: before.revision,
        epoch: 5,
    };
    same!(receipt.outcomes, [raised], "outcome of copying a session");
    let feed = read::changes(&*cx.db(), position, 10).await?;
    let told: Vec<_> = feed.iter().map(|it| (it.kind, it.revision)).collect();
    let claimed = (ChangeKind::SessionClaimed, Some(5));
    same!(told, [claimed], "feed of a raised epoch");
    let stale = cx
        .commit()
        .with(append("s", "b"))
        .expecting(Expectation::Epoch(session("s"), before.epoch));
    refused!(
        cx.db().commit(stale).await,
        ErrorKind::Conflict(_),
        "a save by a former owner"
    );
    let position = cx.db().stats().await?.position;
    let lower = CreateSession { epoch: 4, ..copied };
    apply(cx, lower).await?;
    let after = session_found(&*cx.db(), "s").await?;
    same!(after.epoch, 5, "epoch after copying a lower one");
    same!(
        cx.db().stats().await?.position,
        position,
        "position after copying a lower epoch"
    );
    same!(after.body, before.body, "name and metadata");
    Ok(())
}

pub(crate) async fn numbers_that_cannot_be_copied_are_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let beyond = (1 << 62) + 1;
    let becomes = |becomes| -> Operation {
        Update {
            becomes: Some(becomes),
            ..update("s", "a", 1)
        }
        .into()
    };
    let made = |sequence| -> Operation {
        let committed_at = time(1);
        Append {
            made: Some(Origin {
                sequence,
                committed_at,
            }),
            ..append("s", "b")
        }
        .into()
    };
    let bad = [
        becomes(1),
        becomes(beyond),
        made(0),
        made(beyond),
        Operation::Advance(beyond),
    ];
    for operation in bad {
        let shown = format!("{operation:?}");
        refused!(
            cx.db().commit(cx.commit().with(operation)).await,
            ErrorKind::Invalid,
            "{shown}"
        );
    }
    same!(save(cx, "s", "b").await?.sequence, 2, "the next sequence");
    Ok(())
}
