//! What is deleted is gone at once, to every reader; its space comes back.

use checkpoint_core::{
    AttachmentQuery, ErrorKind, Item, NoteKind, Operation, Order, Outcome, Parts, Query,
};

use crate::case::{Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{
    self, all_of, apply, everything, found, head, item, names, save, seed, session_found,
};
use crate::samples::{append, attach, create, delete, id, patch, session, update};

async fn delete_session(cx: &Context, id: &str) -> Verdict<bool> {
    let receipt = apply(cx, Operation::DeleteSession(session(id))).await?;
    Ok(receipt.outcomes == [Outcome::SessionDeleted { existed: true }])
}

pub(crate) async fn deleting_what_is_not_there_says_so(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = read::picture(&*cx.db()).await?;
    let receipt = apply(cx, delete("s", "none")).await?;
    same!(
        receipt.outcomes,
        [Outcome::Deleted { existed: false }],
        "deleting no checkpoint"
    );
    let receipt = apply(cx, delete("none", "a")).await?;
    same!(
        receipt.outcomes,
        [Outcome::Deleted { existed: false }],
        "deleting from no session"
    );
    let receipt = apply(cx, Operation::DeleteSession(session("none"))).await?;
    same!(
        receipt.outcomes,
        [Outcome::SessionDeleted { existed: false }],
        "deleting no session"
    );
    let receipt = apply(cx, attach("s", "a", "none", None)).await?;
    same!(
        receipt.outcomes,
        [Outcome::Attached { existed: false }],
        "removing no attachment"
    );
    read::unchanged(&*cx.db(), &before, "deleting what is not there").await
}

pub(crate) async fn a_deleted_checkpoint_is_gone_and_known_as_deleted(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a", "b", "c"]).await?;
    let receipt = apply(cx, delete("s", "b")).await?;
    same!(
        receipt.outcomes,
        [Outcome::Deleted { existed: true }],
        "outcome of a deletion"
    );
    same!(
        names(&*db, all_of("s")).await?,
        ["a", "c"],
        "checkpoints of the session"
    );
    same!(
        names(&*db, everything()).await?,
        ["a", "c"],
        "checkpoints of all"
    );
    let gone = item(&*db, "b").await?;
    holds!(
        matches!(gone, Item::Deleted),
        "a deleted checkpoint is {gone:?}"
    );
    let stats = db.stats().await?;
    same!(
        (stats.checkpoints, stats.tombstones),
        (2, 1),
        "checkpoints and tombstones counted"
    );
    let receipt = apply(cx, delete("s", "b")).await?;
    same!(
        receipt.outcomes,
        [Outcome::Deleted { existed: false }],
        "deleting it again"
    );
    Ok(())
}

pub(crate) async fn a_deleted_head_gives_way_to_the_one_before(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    for (gone, next) in [("c", Some("b")), ("a", Some("b")), ("b", None)] {
        apply(cx, delete("s", gone)).await?;
        same!(
            head(&*cx.db(), "s").await?,
            next.map(str::to_owned),
            "head after {gone} was deleted"
        );
    }
    save(cx, "s", "d").await?;
    same!(
        found(&*cx.db(), "d").await?.header.parent,
        None,
        "parent taken as head when there is none"
    );
    Ok(())
}

pub(crate) async fn children_keep_the_id_of_a_deleted_parent(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, delete("s", "a")).await?;
    same!(
        found(&*cx.db(), "b").await?.header.parent,
        Some(id("a")),
        "parent"
    );
    let gone = item(&*cx.db(), "a").await?;
    holds!(matches!(gone, Item::Deleted), "the parent is {gone:?}");
    Ok(())
}

pub(crate) async fn what_is_deleted_cannot_be_changed(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, delete("s", "a")).await?;
    let note = checkpoint_core::Note {
        session: session("s"),
        checkpoint: Some(id("a")),
        kind: NoteKind::Restored,
    };
    let operations: [(&str, Operation); 3] = [
        ("an update", update("s", "a", 1).into()),
        ("an attachment", attach("s", "a", "k", Some("x")).into()),
        ("a note", note.into()),
    ];
    for (what, operation) in operations {
        let answer = cx.db().commit(cx.commit().with(operation)).await;
        refused!(answer, ErrorKind::NotFound, "{what} of what is deleted");
    }
    Ok(())
}

pub(crate) async fn attachments_go_with_their_checkpoint(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, attach("s", "a", "k", Some("of a"))).await?;
    apply(cx, attach("s", "b", "k", Some("of b"))).await?;
    apply(cx, delete("s", "a")).await?;
    let both = AttachmentQuery {
        checkpoints: vec![id("a"), id("b")],
        ..AttachmentQuery::default()
    };
    let left = read::attachments(&*cx.db(), both).await?;
    same!(left.len(), 1, "attachments of both");
    same!(left[0].checkpoint, id("b"), "whose attachment is left");
    same!(cx.db().stats().await?.attachments, 1, "attachments counted");
    let mut revived = append("s", "a");
    revived.revive = true;
    read::save_as(cx, revived).await?;
    let of_a = read::attachments(&*cx.db(), AttachmentQuery::of(id("a"))).await?;
    same!(of_a.len(), 0, "attachments of the checkpoint made anew");
    Ok(())
}

pub(crate) async fn a_deleted_session_is_gone_at_once(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a", "b"]).await?;
    seed(cx, "t", &["c"]).await?;
    apply(cx, attach("s", "a", "k", Some("x"))).await?;
    holds!(
        delete_session(cx, "s").await?,
        "deleting a session says that it was not there"
    );
    same!(read::session(&*db, "s").await?, None, "the session");
    let stats = db.stats().await?;
    same!(
        (stats.checkpoints, stats.attachments, stats.tombstones),
        (1, 0, 2),
        "checkpoints, attachments and tombstones counted"
    );
    same!(read::sessions(&*db, 10).await?.len(), 1, "sessions listed");
    same!(names(&*db, all_of("s")).await?, [""; 0], "its checkpoints");
    same!(
        names(&*db, everything()).await?,
        ["c"],
        "checkpoints of all"
    );
    for order in [Order::Ascending, Order::Descending] {
        let query = Query {
            order,
            limit: 1,
            ..everything()
        };
        same!(
            names(&*db, query).await?,
            ["c"],
            "checkpoints of all in pages of one"
        );
    }
    for item in db.get(&[id("a"), id("b")], Parts::ALL).await? {
        holds!(
            matches!(item, Item::Deleted),
            "a checkpoint of a deleted session is {item:?}"
        );
    }
    let attached = read::attachments(&*db, AttachmentQuery::of(id("a"))).await?;
    same!(attached, [], "its attachments");
    let stats = db.stats().await?;
    same!(
        (stats.sessions, stats.checkpoints, stats.attachments),
        (1, 1, 0),
        "counts"
    );
    holds!(
        !delete_session(cx, "s").await?,
        "deleting a session again says that it was there"
    );
    Ok(())
}

pub(crate) async fn a_deleted_session_takes_no_more_writes(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    delete_session(cx, "s").await?;
    let operations: [(&str, Operation); 5] = [
        ("an append", append("s", "b").into()),
        ("an update", update("s", "a", 1).into()),
        ("an attachment", attach("s", "a", "k", Some("x")).into()),
        ("a patch", patch("s", 1, "x").into()),
        ("a claim", Operation::ClaimSession(session("s"))),
    ];
    for (what, operation) in operations {
        let answer = cx.db().commit(cx.commit().with(operation)).await;
        refused!(answer, ErrorKind::NotFound, "{what} in a deleted session");
    }
    Ok(())
}

pub(crate) async fn a_session_made_again_is_a_new_one(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, patch("s", 1, "old body")).await?;
    delete_session(cx, "s").await?;
    seed(cx, "t", &["c"]).await?;
    let again = checkpoint_core::CreateSession {
        must_be_new: true,
        ..create("s")
    };
    apply(cx, again).await?;
    let new = session_found(&*cx.db(), "s").await?;
    same!(
        (new.revision, &new.body, &new.head),
        (1, &create("s").body, &None),
        "the session made again"
    );
    holds!(
        new.epoch > 0,
        "the epoch of the session made again is {}",
        new.epoch
    );
    same!(
        names(&*cx.db(), all_of("s")).await?,
        [""; 0],
        "checkpoints of the session made again"
    );
    save(cx, "s", "d").await?;
    same!(
        found(&*cx.db(), "d").await?.header.parent,
        None,
        "parent of its first"
    );
    let listed = read::sessions(&*cx.db(), 10).await?;
    let listed: Vec<String> = listed
        .iter()
        .map(|session| session.id.to_string())
        .collect();
    same!(listed, ["t", "s"], "sessions by creation");
    Ok(())
}

pub(crate) async fn a_checkpoint_can_be_deleted_and_another_made_in_one_commit(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let commit = cx.commit().with(delete("s", "b")).with(append("s", "c"));
    cx.db().commit(commit).await?;
    same!(
        names(&*cx.db(), all_of("s")).await?,
        ["a", "c"],
        "checkpoints"
    );
    same!(
        found(&*cx.db(), "c").await?.header.parent,
        Some(id("a")),
        "parent taken after the deletion"
    );
    same!(found(&*cx.db(), "c").await?.header.sequence, 3, "sequence");
    Ok(())
}

pub(crate) async fn a_session_can_be_deleted_and_made_again_in_one_commit(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let commit = cx
        .commit()
        .with(Operation::DeleteSession(session("s")))
        .with(create("s"))
        .with(append("s", "b"));
    cx.db().commit(commit).await?;
    same!(
        names(&*cx.db(), all_of("s")).await?,
        ["b"],
        "checkpoints of the session made again"
    );
    same!(
        names(&*cx.db(), everything()).await?,
        ["b"],
        "checkpoints of all"
    );
    let new = session_found(&*cx.db(), "s").await?;
    holds!(
        new.epoch > 0 && new.head.is_some(),
        "the session made again: {new:?}"
    );
    Ok(())
}
