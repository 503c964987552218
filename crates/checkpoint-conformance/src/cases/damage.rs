//! Damage of what stands beside checkpoints is named, and hides nothing else.

use std::fmt;
use std::sync::Arc;

use checkpoint_core::{
    Backend, Change, ErrorKind, Item, Operation, Order, Outcome, Page, Position, SessionQuery,
    SessionRecord,
};

use super::corruption::{corrupt, names_it};
use crate::case::{Verdict, holds, refused, same};
use crate::context::Context;
use crate::harness::Damage;
use crate::read::{self, all_of, apply, names, seed};
use crate::samples::{append, append_tree, delete, id, leaf, name, record, session, tags, update};

/// What a list shows: the names of the whole ones, and those of the damaged as asterisks, in order.
fn shown<T: fmt::Debug>(
    items: Vec<Item<T>>,
    hurt: &str,
    name: impl Fn(&T) -> String,
) -> Verdict<Vec<String>> {
    let show = |item| match item {
        Item::Found(found) => Ok(name(&found)),
        item => {
            names_it(&corrupt(item, hurt)?, hurt)?;
            Ok("*".to_owned())
        }
    };
    items.into_iter().map(show).collect()
}

/// A store with three sessions, each with a checkpoint, of which the one in the midst is damaged.
async fn three_sessions(
    cx: &Context,
    what: fn(checkpoint_core::SessionId) -> Damage,
) -> Verdict<Arc<dyn Backend>> {
    for name in ["one", "hurt", "three"] {
        seed(cx, name, &[&format!("of-{name}")]).await?;
    }
    cx.damaged(&what(session("hurt"))).await
}

/// Sessions are listed whole around the damaged one, in pages of any size and both ways, and it is named by its id.
async fn listed_around(db: &dyn Backend) -> Verdict {
    let of = |found: &SessionRecord| found.id.to_string();
    for (order, expected) in [
        (Order::Ascending, ["one", "*", "three"]),
        (Order::Descending, ["three", "*", "one"]),
    ] {
        for limit in [1, 2, 100] {
            let mut query = SessionQuery {
                order,
                limit,
                ..SessionQuery::default()
            };
            let mut listed = Vec::new();
            for _ in 0..10 {
                let page: Page<_> = db.sessions(&query).await?;
                listed.extend(shown(page.items, "hurt", of)?);
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            same!(listed, expected, "sessions {order:?} in pages of {limit}");
        }
    }
    let page = db.sessions(&SessionQuery::one(session("hurt"))).await?;
    same!(shown(page.items, "hurt", of)?, ["*"], "the damaged session");
    let page = db.sessions(&SessionQuery::one(session("one"))).await?;
    same!(shown(page.items, "hurt", of)?, ["one"], "a whole session");
    Ok(())
}

pub(crate) async fn a_damaged_session_is_corrupt_and_hides_nothing_else(cx: &Context) -> Verdict {
    let db = three_sessions(cx, Damage::Session).await?;
    listed_around(&*db).await
}

pub(crate) async fn a_damaged_header_of_a_session_is_corrupt_and_hides_nothing_else(
    cx: &Context,
) -> Verdict {
    let db = three_sessions(cx, Damage::SessionHeader).await?;
    listed_around(&*db).await
}

pub(crate) async fn a_damaged_session_hides_no_checkpoint_and_stops_no_writer(
    cx: &Context,
) -> Verdict {
    let db = three_sessions(cx, Damage::Session).await?;
    same!(
        names(&*db, all_of("hurt")).await?,
        ["of-hurt"],
        "checkpoints of a session whose name and metadata are damaged"
    );
    same!(
        names(&*db, read::everything()).await?,
        ["of-one", "of-hurt", "of-three"],
        "checkpoints of all sessions"
    );
    read::found(&*db, "of-hurt").await?;
    same!(
        read::save(cx, "three", "more").await?.sequence,
        4,
        "sequence of a save into the session beside it"
    );
    same!(
        read::save(cx, "hurt", "into it").await?.parent,
        Some(id("of-hurt")),
        "parent of a save into the damaged session"
    );
    // Who claims it may be refused, but must not make the damage look whole.
    let claim = Operation::ClaimSession(session("hurt"));
    let claimed = db.commit(cx.commit().with(claim)).await;
    if let Err(error) = claimed {
        names_it(&error, "hurt")?;
    }
    let page = db.sessions(&SessionQuery::one(session("hurt"))).await?;
    for item in page.items {
        corrupt(item, "the damaged session after a claim")?;
    }
    // Other name and metadata mend it.
    apply(cx, crate::samples::patch("hurt", 1, "mended")).await?;
    let mended = read::session_found(&*db, "hurt").await?;
    same!(
        mended.body,
        "mended".as_bytes(),
        "body of the session mended"
    );
    Ok(())
}

pub(crate) async fn a_damaged_session_can_be_deleted(cx: &Context) -> Verdict {
    let db = three_sessions(cx, Damage::Session).await?;
    let receipt = apply(cx, Operation::DeleteSession(session("hurt"))).await?;
    same!(
        receipt.outcomes,
        [Outcome::SessionDeleted { existed: true }],
        "deleting a damaged session"
    );
    let page = db.sessions(&SessionQuery::default()).await?;
    same!(read::session_ids(&page), ["one", "three"], "sessions");
    same!(
        names(&*db, read::everything()).await?,
        ["of-one", "of-three"],
        "checkpoints"
    );
    let answer = db.commit(cx.commit().with(append("hurt", "late"))).await;
    refused!(answer, ErrorKind::NotFound, "a save into it");
    read::maintain(&*db, read::budget()).await?;
    Ok(())
}

pub(crate) async fn a_damaged_record_is_corrupt_and_hides_nothing_else(cx: &Context) -> Verdict {
    for key in ["key/1", "key/hurt", "key/three", "other"] {
        apply(cx, record(key, Some(key))).await?;
    }
    let db = cx.damaged(&Damage::Record(name("key/hurt"))).await?;
    for (prefix, expected) in [
        ("", &["key/1", "*", "key/three", "other"][..]),
        ("key/", &["key/1", "*", "key/three"]),
        ("key/h", &["*"]),
        ("key/t", &["key/three"]),
        ("x", &[]),
    ] {
        let found = db.records(prefix).await?;
        let found = shown(found, "key/hurt", |record| record.name.to_string())?;
        same!(found, expected, "records that start with {prefix:?}");
    }
    apply(cx, record("key/three", Some("again"))).await?;
    Ok(())
}

/// Reads the feed in pages of any size; all changes of before are there, but the damaged one, which is named.
async fn told_around(db: &dyn Backend, before: &[Change], hurt: Position) -> Verdict {
    let at = |change: &Change| change.position.to_string();
    let expected: Vec<String> = before
        .iter()
        .map(|change| {
            if change.position == hurt {
                "*".to_owned()
            } else {
                at(change)
            }
        })
        .collect();
    for limit in 1..=before.len() + 1 {
        let (mut told, mut after) = (Vec::new(), Position::START);
        for _ in 0..100 {
            let page = db.changes(after, limit).await?;
            if page.items.is_empty() {
                break;
            }
            holds!(
                page.end > after,
                "a page after {after} ends at {}, so that nobody gets on",
                page.end
            );
            after = page.end;
            told.extend(shown(page.items, &hurt.to_string(), at)?);
        }
        same!(told, expected, "the feed in pages of {limit}");
    }
    let beyond = read::changes(db, hurt, 100).await?;
    let rest: Vec<Change> = before
        .iter()
        .filter(|change| change.position > hurt)
        .cloned()
        .collect();
    same!(beyond, rest, "the feed behind the damaged change");
    Ok(())
}

pub(crate) async fn a_damaged_change_is_told_in_its_place_and_hides_nothing_else(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    let commit = cx
        .commit()
        .with(update("s", "a", 1))
        .with(update("s", "b", 1))
        .with(update("s", "c", 1));
    cx.db().commit(commit).await?;
    apply(cx, update("s", "a", 2)).await?;
    read::save(cx, "s", "d").await?;
    let before = read::changes(&*cx.db(), Position::START, 100).await?;
    let hurt = Position { sequence: 3, n: 2 };
    let db = cx.damaged(&Damage::Change(hurt)).await?;
    told_around(&*db, &before, hurt).await?;
    same!(
        read::save(cx, "s", "e").await?.sequence,
        5,
        "sequence of a save after a change was damaged"
    );
    Ok(())
}

pub(crate) async fn a_damaged_append_is_told_in_the_feed_and_hides_nothing_else(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "hurt", "c"]).await?;
    apply(cx, update("s", "a", 1)).await?;
    let before = read::changes(&*cx.db(), Position::START, 100).await?;
    let db = cx.damaged(&Damage::Header(id("hurt"))).await?;
    told_around(&*db, &before, Position::of(2)).await
}

pub(crate) async fn a_damaged_record_can_be_put_again_and_its_version_rises(
    cx: &Context,
) -> Verdict {
    for content in ["one", "two", "three"] {
        apply(cx, record("hurt", Some(content))).await?;
    }
    let db = cx.damaged(&Damage::Record(name("hurt"))).await?;
    let receipt = apply(cx, record("hurt", Some("mended"))).await?;
    same!(
        receipt.outcomes,
        [Outcome::RecordPut { version: 4 }],
        "putting a damaged record of version 3"
    );
    let found = read::records(&*db, "hurt").await?;
    let found: Vec<_> = found
        .iter()
        .map(|record| (record.version, &record.bytes[..]))
        .collect();
    same!(found, [(4, "mended".as_bytes())], "the record mended");
    Ok(())
}

pub(crate) async fn a_damaged_session_that_is_deleted_does_not_stop_upkeep(
    cx: &Context,
) -> Verdict {
    for name in ["one", "hurt", "three"] {
        seed(cx, name, &[&format!("of-{name}")]).await?;
    }
    for gone in ["hurt", "three"] {
        apply(cx, Operation::DeleteSession(session(gone))).await?;
    }
    let db = cx.damaged(&Damage::SessionHeader(session("hurt"))).await?;
    let step = read::maintain(&*db, read::budget()).await?;
    // Whether it was deleted is among what is damaged, so that it may be left, if that is said.
    holds!(
        step.purged == 2 || (step.purged == 1 && step.unpurged),
        "of two deleted sessions with a checkpoint each, one of them damaged: {step:?}"
    );
    same!(
        names(&*db, all_of("one")).await?,
        ["of-one"],
        "checkpoints of a whole session"
    );
    let gone = read::item(&*db, "of-three").await?;
    holds!(
        matches!(gone, Item::Deleted),
        "a checkpoint of a whole session that was deleted is {gone:?}"
    );
    same!(
        read::save(cx, "one", "more").await?.sequence,
        4,
        "sequence of a save after upkeep"
    );
    Ok(())
}

pub(crate) async fn a_sweep_that_damage_holds_up_says_so(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let (needed, nobodys) = (leaf("of the damaged"), leaf("of nobody"));
    let ids = [needed.id, nobodys.id];
    let mut commit = cx.commit().with(append_tree("s", "hurt", needed.id));
    commit.chunks = vec![needed, nobodys];
    cx.db().commit(commit).await?;
    let db = cx.damaged(&Damage::Header(id("hurt"))).await?;
    cx.clock().advance(read::PAST_WINDOW);
    let step = read::maintain(&*db, read::budget()).await?;
    let present = db.present(&ids).await?;
    holds!(
        present[0],
        "the state of a checkpoint whose header is damaged was swept"
    );
    same!(
        step.unswept,
        present[1],
        "whether a sweep says that it was held up, and what nobody needs is there"
    );
    apply(cx, delete("s", "hurt")).await?;
    let step = read::maintain(&*db, read::budget()).await?;
    same!(
        (step.unswept, db.present(&ids).await?),
        (false, vec![false, false]),
        "the sweep once what was damaged is deleted"
    );
    Ok(())
}

pub(crate) async fn what_an_index_lost_is_told_by_a_check(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    for name in ["whole", "hurt"] {
        let mut tagged = append("s", name);
        tagged.tags = tags(&["plan"]);
        read::save_as(cx, tagged).await?;
    }
    same!(cx.db().check().await?.len(), 0, "findings in a whole store");
    let db = cx.damaged(&Damage::Index(id("hurt"))).await?;
    let found = db.check().await?;
    holds!(!found.is_empty(), "a check finds nothing");
    for error in &found {
        holds!(
            error.is_corrupt(),
            "found with an error of another kind: {error:?}"
        );
        names_it(error, "hurt")?;
    }
    // The checkpoint itself is as it was.
    read::found(&*db, "hurt").await?;
    Ok(())
}
