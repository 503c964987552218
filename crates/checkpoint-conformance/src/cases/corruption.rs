//! Damage is named, and hides nothing else.

use checkpoint_core::{
    AttachmentQuery, Backend, ChunkId, Error, Item, Order, Parts, Query, Record, StoredChunk,
};

use crate::case::{Failure, Verdict, holds, same};
use crate::context::Context;
use crate::harness::Damage;
use crate::read::{self, all_of, apply, found, seed};
use crate::samples::{append_tree, attach, id, leaf, meta, node, quarantine, state};

/// The error of a corrupt item.
pub(super) fn corrupt<T: std::fmt::Debug>(item: Item<T>, what: &str) -> Verdict<Error> {
    match item {
        Item::Corrupt(error) => {
            holds!(
                error.is_corrupt(),
                "{what} is Corrupt with an error of another kind: {error:?}"
            );
            Ok(error)
        }
        other => Err(Failure::wrong(format!(
            "{what} is damaged, and read as {other:?}"
        ))),
    }
}

pub(super) fn names_it(error: &Error, name: &str) -> Verdict {
    let text = format!("{error} {error:?}");
    holds!(
        text.contains(name),
        "the error does not name {name}: {error}"
    );
    Ok(())
}

/// A damaged checkpoint is corrupt when read and listed, and those around it are whole.
async fn damaged_checkpoint(cx: &Context, what: Damage) -> Verdict {
    seed(cx, "s", &["a", "hurt", "c"]).await?;
    let db = cx.damaged(&what).await?;
    let items = db.get(&[id("a"), id("hurt"), id("c")], Parts::ALL).await?;
    let mut items = items.into_iter();
    let mut next = || {
        items
            .next()
            .ok_or_else(|| Failure::wrong("get answered too few"))
    };
    whole(next()?, "a")?;
    names_it(&corrupt(next()?, "the damaged checkpoint")?, "hurt")?;
    whole(next()?, "c")?;
    for order in [Order::Ascending, Order::Descending] {
        for limit in [1, 2, 100] {
            let query = Query {
                order,
                limit,
                parts: Parts::ALL,
                ..all_of("s")
            };
            listed_around(&*db, query).await?;
        }
    }
    Ok(())
}

/// A scan shows the whole ones as they are and the damaged one as corrupt.
async fn listed_around(db: &dyn Backend, query: Query) -> Verdict {
    let mut query = query;
    let (mut whole, mut hurt) = (Vec::new(), 0);
    for _ in 0..10 {
        let page = db.scan(&query).await?;
        for item in page.items {
            match item {
                Item::Found(record) => whole.push(record.header.id.to_string()),
                Item::Corrupt(_) => hurt += 1,
                other => return Err(Failure::wrong(format!("a scan lists {other:?}"))),
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    whole.sort();
    same!(
        whole,
        ["a", "c"],
        "whole checkpoints listed in pages of {}",
        query.limit
    );
    same!(
        hurt,
        1,
        "corrupt checkpoints listed in pages of {}",
        query.limit
    );
    Ok(())
}

fn whole(item: Item<Record>, id: &str) -> Verdict {
    let Item::Found(record) = item else {
        return Err(Failure::wrong(format!(
            "{id} was not damaged, and is {item:?}"
        )));
    };
    same!(record.meta, Some(meta(id)), "description of {id}");
    same!(
        record.payload,
        Some(checkpoint_core::Payload::Inline(state(id))),
        "state of {id}"
    );
    Ok(())
}

pub(crate) async fn a_damaged_description_is_corrupt_and_hides_nothing_else(
    cx: &Context,
) -> Verdict {
    damaged_checkpoint(cx, Damage::Meta(id("hurt"))).await
}

pub(crate) async fn a_damaged_state_is_corrupt_and_hides_nothing_else(cx: &Context) -> Verdict {
    damaged_checkpoint(cx, Damage::Payload(id("hurt"))).await
}

pub(crate) async fn a_damaged_header_is_corrupt_and_hides_nothing_else(cx: &Context) -> Verdict {
    damaged_checkpoint(cx, Damage::Header(id("hurt"))).await
}

/// A store with a state of three chunks, of which the last is damaged.
async fn damaged_chunk(cx: &Context) -> Verdict<([ChunkId; 3], std::sync::Arc<dyn Backend>)> {
    seed(cx, "s", &["a"]).await?;
    let (one, hurt) = (leaf("whole"), leaf("hurt"));
    let top = node("top", &[one.id, hurt.id]);
    let ids = [top.id, one.id, hurt.id];
    let mut commit = cx.commit().with(append_tree("s", "tree", top.id));
    commit.chunks = vec![top, one, hurt];
    cx.db().commit(commit).await?;
    let db = cx.damaged(&Damage::Chunk(ids[2])).await?;
    Ok((ids, db))
}

pub(crate) async fn a_damaged_chunk_is_corrupt_and_hides_nothing_else(cx: &Context) -> Verdict {
    let (ids, db) = damaged_chunk(cx).await?;
    let items: Vec<Item<StoredChunk>> = db.chunks(&ids).await?;
    let [top, one, hurt] = <[Item<StoredChunk>; 3]>::try_from(items)
        .map_err(|items| Failure::wrong(format!("chunks answered {} items for 3", items.len())))?;
    names_it(&corrupt(hurt, "the damaged chunk")?, &ids[2].to_string())?;
    for item in [top, one] {
        holds!(
            matches!(item, Item::Found(_)),
            "a chunk that was not damaged is {item:?}"
        );
    }
    let record = found(&*db, "tree").await?;
    same!(
        record.payload,
        Some(checkpoint_core::Payload::Tree(ids[0])),
        "the checkpoint over it"
    );
    Ok(())
}

pub(crate) async fn a_sweep_among_damage_spares_what_is_alive(cx: &Context) -> Verdict {
    let (ids, db) = damaged_chunk(cx).await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*db, read::budget()).await?;
    same!(
        db.present(&ids[..2]).await?,
        [true, true],
        "live chunks beside a damaged one"
    );
    Ok(())
}

pub(crate) async fn a_sweep_spares_the_chunks_of_a_damaged_checkpoint(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let top = leaf("of the damaged");
    let mut commit = cx.commit().with(append_tree("s", "hurt", top.id));
    commit.chunks = vec![top.clone()];
    cx.db().commit(commit).await?;
    let db = cx.damaged(&Damage::Meta(id("hurt"))).await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*db, read::budget()).await?;
    same!(
        db.present(&[top.id]).await?,
        [true],
        "the state of a checkpoint whose description is damaged"
    );
    Ok(())
}

pub(crate) async fn a_damaged_attachment_is_corrupt_and_hides_nothing_else(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    for key in ["one", "hurt", "three"] {
        apply(cx, attach("s", "a", key, Some(key))).await?;
    }
    let db = cx
        .damaged(&Damage::Attachment(id("a"), "note".into(), "hurt".into()))
        .await?;
    let page = db.attachments(&AttachmentQuery::of(id("a"))).await?;
    same!(page.items.len(), 3, "attachments listed");
    let (mut whole, mut hurt) = (Vec::new(), 0);
    for item in page.items {
        match item {
            Item::Found(attachment) => whole.push(attachment.key),
            Item::Corrupt(error) => {
                holds!(
                    error.is_corrupt(),
                    "Corrupt with an error of another kind: {error:?}"
                );
                hurt += 1;
            }
            other => return Err(Failure::wrong(format!("a list holds {other:?}"))),
        }
    }
    same!(
        (whole, hurt),
        (vec!["one".to_owned(), "three".to_owned()], 1),
        "whole ones and corrupt ones"
    );
    found(&*db, "a").await?;
    Ok(())
}

pub(crate) async fn damage_does_not_stop_writers(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "hurt"]).await?;
    cx.damaged(&Damage::Meta(id("hurt"))).await?;
    same!(
        read::save(cx, "s", "c").await?.sequence,
        3,
        "sequence of a save beside damage"
    );
    same!(
        found(&*cx.db(), "c").await?.header.parent,
        Some(id("hurt")),
        "parent taken as head"
    );
    let receipt = apply(cx, crate::samples::delete("s", "a")).await?;
    same!(
        receipt.outcomes,
        [checkpoint_core::Outcome::Deleted { existed: true }],
        "a deletion beside damage"
    );
    Ok(())
}

pub(crate) async fn what_is_damaged_can_be_set_aside(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "hurt"]).await?;
    cx.damaged(&Damage::Meta(id("hurt"))).await?;
    let receipt = apply(cx, quarantine("s", "hurt", true)).await?;
    same!(
        receipt.outcomes,
        [checkpoint_core::Outcome::Quarantined { existed: true }],
        "setting damage aside"
    );
    same!(
        read::names(&*cx.db(), all_of("s")).await?,
        ["a"],
        "checkpoints listed"
    );
    let whole = Query {
        parts: Parts::ALL,
        ..all_of("s")
    };
    let listed = read::names(&*cx.db(), whole).await?;
    same!(listed, ["a"], "checkpoints listed with all that they have");
    same!(read::head(&*cx.db(), "s").await?, Some("a".into()), "head");
    Ok(())
}

/// By what a list says of it, and no more: so a check of a whole store sets aside what it finds.
pub(crate) async fn what_is_listed_as_damaged_is_named_well_enough_to_be_set_aside(
    cx: &Context,
) -> Verdict {
    for spoil in [Damage::Meta, Damage::Payload, Damage::Header] {
        let cx = &cx.sibling().await?;
        seed(cx, "s", &["a", "hurt", "c"]).await?;
        let damage = spoil(id("hurt"));
        let db = cx.damaged(&damage).await?;
        let query = Query {
            parts: Parts::ALL,
            ..read::everything()
        };
        let items = db.scan(&query).await?.items;
        let error = items.into_iter().find_map(|item| match item {
            Item::Corrupt(error) => Some(error),
            _ => None,
        });
        let error = error.ok_or_else(|| Failure::wrong(format!("{damage} is not listed")))?;
        let named: Vec<_> = error.context().collect();
        for name in [("checkpoint", "hurt"), ("session", "s")] {
            holds!(
                named.contains(&name),
                "{damage}: {name:?} is not in {named:?}"
            );
        }
        apply(cx, quarantine("s", "hurt", true)).await?;
        let left = read::names(&*db, all_of("s")).await?;
        same!(left, ["a", "c"], "checkpoints listed");
    }
    Ok(())
}

pub(crate) async fn what_is_damaged_can_be_deleted(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "hurt"]).await?;
    cx.damaged(&Damage::Meta(id("hurt"))).await?;
    let receipt = apply(cx, crate::samples::delete("s", "hurt")).await?;
    same!(
        receipt.outcomes,
        [checkpoint_core::Outcome::Deleted { existed: true }],
        "deleting damage"
    );
    same!(
        read::names(&*cx.db(), all_of("s")).await?,
        ["a"],
        "checkpoints listed"
    );
    Ok(())
}

pub(crate) async fn a_whole_store_reports_no_damage(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    let one = leaf("one");
    let mut commit = cx.commit().with(append_tree("s", "tree", one.id));
    commit.chunks = vec![one];
    cx.db().commit(commit).await?;
    // What a picture reads may not be corrupt, nor may a chunk.
    read::picture(&*cx.db()).await?;
    for item in cx.db().scan_chunks(None, 100).await? {
        holds!(
            matches!(item, Item::Found(_)),
            "a chunk of a whole store is {item:?}"
        );
    }
    Ok(())
}
