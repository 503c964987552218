//! What is stored refers only to what is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{
    ChunkId, ErrorKind, Item, NewChunk, NewState, Payload, Reseal, Sealed, StoredChunk,
};

use crate::case::{Failure, Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, all_of, found, names, refused_whole, seed};
use crate::samples::{append_tree, commit_id, leaf, node, update};

/// The chunks of `MissingChunks`.
fn missing(error: &checkpoint_core::Error) -> Verdict<BTreeSet<ChunkId>> {
    match error.kind() {
        ErrorKind::MissingChunks(ids) => Ok(ids.iter().copied().collect()),
        _ => Err(Failure::wrong(format!(
            "expected MissingChunks, got {error:?}"
        ))),
    }
}

/// One chunk that must be there.
async fn chunk(cx: &Context, id: ChunkId) -> Verdict<StoredChunk> {
    let item = cx.db().chunks(&[id]).await?.pop();
    match item {
        Some(Item::Found(chunk)) => Ok(chunk),
        other => Err(Failure::wrong(format!(
            "chunk {id} should be found, is {other:?}"
        ))),
    }
}

pub(crate) async fn a_state_whose_top_is_nowhere_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let top = leaf("nowhere");
    let commit = cx.commit().with(append_tree("s", "b", top.id));
    let error = refused_whole(cx, commit, "a state whose top is nowhere").await?;
    same!(missing(&error)?, BTreeSet::from([top.id]), "missing chunks");
    Ok(())
}

pub(crate) async fn exactly_the_missing_chunks_are_named(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a"]).await?;
    let leaves: Vec<NewChunk> = (0..6).map(|n| leaf(&format!("leaf {n}"))).collect();
    let ids: Vec<ChunkId> = leaves.iter().map(|leaf| leaf.id).collect();
    let mut ahead = cx.commit();
    ahead.chunks = leaves[..2].to_vec();
    db.commit(ahead).await?;
    let top = node("over six", &ids);
    let mut commit = cx.commit().with(append_tree("s", "b", top.id));
    commit.chunks = vec![top, leaves[2].clone()];
    let error = refused_whole(cx, commit.clone(), "a node over missing leaves").await?;
    same!(
        missing(&error)?,
        ids[3..].iter().copied().collect(),
        "missing chunks"
    );
    commit.chunks.extend_from_slice(&leaves[3..]);
    db.commit(commit).await?;
    same!(names(&*db, all_of("s")).await?, ["a", "b"], "checkpoints");
    Ok(())
}

pub(crate) async fn a_new_node_may_stand_over_chunks_that_are_there(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &[]).await?;
    let (one, two) = (leaf("one"), leaf("two"));
    let first = node("first", &[one.id]);
    let mut commit = cx.commit().with(append_tree("s", "a", first.id));
    commit.chunks = vec![one.clone(), first.clone()];
    db.commit(commit).await?;
    let second = node("second", &[one.id, two.id]);
    let mut commit = cx.commit().with(append_tree("s", "b", second.id));
    commit.chunks = vec![two, second.clone()];
    db.commit(commit).await?;
    same!(
        found(&*db, "b").await?.payload,
        Some(Payload::Tree(second.id)),
        "payload of b"
    );
    same!(db.stats().await?.chunks, 4, "chunks, each once");
    Ok(())
}

pub(crate) async fn children_may_come_after_their_parents_in_a_commit(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let bottom = leaf("bottom");
    let middle = node("middle", &[bottom.id]);
    let top = node("top", &[middle.id]);
    let mut commit = cx.commit().with(append_tree("s", "a", top.id));
    commit.chunks = vec![top.clone(), middle.clone(), bottom.clone()];
    cx.db().commit(commit).await?;
    let present = cx.db().present(&[top.id, middle.id, bottom.id]).await?;
    same!(present, [true, true, true], "chunks sent parents first");
    Ok(())
}

pub(crate) async fn a_delta_whose_base_is_missing_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let base = leaf("base");
    let delta = NewChunk {
        children: Arc::new([base.id]),
        ..leaf("delta against base")
    };
    let mut commit = cx.commit().with(append_tree("s", "a", delta.id));
    commit.chunks = vec![delta];
    let error = refused_whole(cx, commit.clone(), "a delta without its base").await?;
    same!(
        missing(&error)?,
        BTreeSet::from([base.id]),
        "missing chunks"
    );
    commit.chunks.push(base);
    cx.db().commit(commit).await?;
    Ok(())
}

pub(crate) async fn chunks_sent_ahead_must_be_closed_too(cx: &Context) -> Verdict {
    let child = leaf("not sent");
    let mut commit = cx.commit();
    commit.chunks = vec![node("sent ahead", &[child.id])];
    let error = refused_whole(cx, commit, "a node sent ahead without its child").await?;
    same!(
        missing(&error)?,
        BTreeSet::from([child.id]),
        "missing chunks"
    );
    Ok(())
}

pub(crate) async fn a_large_state_may_be_sent_ahead_in_pieces(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &[]).await?;
    let leaves: Vec<NewChunk> = (0..9).map(|n| leaf(&format!("piece {n}"))).collect();
    for piece in leaves.chunks(3) {
        let mut commit = cx.commit();
        commit.chunks = piece.to_vec();
        let receipt = db.commit(commit).await?;
        same!(receipt.outcomes, [], "outcomes of a commit of chunks alone");
    }
    let ids: Vec<ChunkId> = leaves.iter().map(|leaf| leaf.id).collect();
    let top = node("over pieces", &ids);
    let mut commit = cx.commit().with(append_tree("s", "a", top.id));
    commit.chunks = vec![top.clone()];
    commit.relies_on = ids.clone();
    db.commit(commit).await?;
    same!(
        chunk(cx, top.id).await?.children.to_vec(),
        ids,
        "children of the top, in the order given"
    );
    Ok(())
}

pub(crate) async fn relying_on_what_is_not_there_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let (there, gone) = (leaf("there"), leaf("gone"));
    let mut ahead = cx.commit();
    ahead.chunks = vec![there.clone()];
    cx.db().commit(ahead).await?;
    let mut commit = cx.commit().with(crate::samples::append("s", "b"));
    commit.relies_on = vec![there.id, gone.id];
    let error = refused_whole(cx, commit, "a commit that relies on what is gone").await?;
    same!(
        missing(&error)?,
        BTreeSet::from([gone.id]),
        "missing chunks"
    );
    Ok(())
}

pub(crate) async fn an_update_with_a_missing_state_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let top = leaf("a new state");
    let mut changed = update("s", "a", 1);
    changed.state = Some(NewState {
        length: 11,
        payload: Payload::Tree(top.id),
    });
    let mut commit = cx.commit().with(changed);
    let error = refused_whole(cx, commit.clone(), "an update to a missing state").await?;
    same!(missing(&error)?, BTreeSet::from([top.id]), "missing chunks");
    commit.chunks = vec![top.clone()];
    cx.db().commit(commit).await?;
    let now = found(&*cx.db(), "a").await?;
    same!(
        (now.payload, now.header.length),
        (Some(Payload::Tree(top.id)), 11),
        "state after the update"
    );
    Ok(())
}

pub(crate) async fn a_chunk_keeps_its_first_stored_form(cx: &Context) -> Verdict {
    let db = cx.db();
    let (content, base) = (leaf("content"), leaf("base"));
    let mut commit = cx.commit();
    commit.chunks = vec![content.clone(), base.clone()];
    db.commit(commit).await?;
    let other = NewChunk {
        bytes: Bytes::from_static(b"a delta against base"),
        children: Arc::new([base.id]),
        ..content.clone()
    };
    let mut commit = cx.commit();
    commit.chunks = vec![other];
    db.commit(commit).await?;
    let kept = chunk(cx, content.id).await?;
    same!(
        (kept.bytes, kept.children),
        (content.bytes, content.children),
        "bytes and children"
    );
    same!(db.stats().await?.chunks, 2, "chunks");
    Ok(())
}

pub(crate) async fn the_same_chunk_twice_in_a_commit_is_stored_once(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let one = leaf("one");
    let mut commit = cx.commit().with(append_tree("s", "a", one.id));
    commit.chunks = vec![one.clone(), one.clone()];
    // Refusing it as invalid is as good as taking it once.
    if let Err(error) = cx.db().commit(commit).await {
        same!(
            *error.kind(),
            ErrorKind::Invalid,
            "the same chunk twice in a commit"
        );
        return Ok(());
    }
    same!(cx.db().stats().await?.chunks, 1, "chunks");
    Ok(())
}

pub(crate) async fn of_two_forms_in_a_commit_the_first_is_kept(cx: &Context) -> Verdict {
    let db = cx.db();
    let (base, other) = (leaf("base"), leaf("other base"));
    let whole = leaf("content");
    let form = |bytes, base: &NewChunk| NewChunk {
        bytes: Bytes::from_static(bytes),
        children: Arc::new([base.id]),
        ..whole.clone()
    };
    let first = form(b"a delta against base", &base);
    let mut commit = cx.commit();
    // The base of the second is in no store, and need not be: it is not kept.
    let second = form(b"a delta against another", &other);
    commit.chunks = vec![first.clone(), second, whole.clone(), base];
    db.commit(commit).await?;
    let kept = chunk(cx, whole.id).await?;
    same!(
        (kept.bytes, kept.children),
        (first.bytes, first.children),
        "bytes and children"
    );
    same!(db.stats().await?.chunks, 2, "chunks");
    Ok(())
}

pub(crate) async fn chunks_are_answered_in_the_order_asked_for(cx: &Context) -> Verdict {
    let db = cx.db();
    let leaves: Vec<NewChunk> = (0..5).map(|n| leaf(&format!("leaf {n}"))).collect();
    let mut commit = cx.commit();
    commit.chunks = leaves.clone();
    db.commit(commit).await?;
    let asked = [leaves[3].id, leaf("none").id, leaves[0].id, leaves[3].id];
    same!(
        db.present(&asked).await?,
        [true, false, true, true],
        "presence"
    );
    let answers = db.chunks(&asked).await?;
    let bytes =
        |item: Item<StoredChunk>| item.into_option().ok().flatten().map(|chunk| chunk.bytes);
    let answers: Vec<Option<Bytes>> = answers.into_iter().map(bytes).collect();
    let expected = [Some(&leaves[3]), None, Some(&leaves[0]), Some(&leaves[3])];
    let expected: Vec<Option<Bytes>> = expected
        .iter()
        .map(|leaf| leaf.map(|leaf| leaf.bytes.clone()))
        .collect();
    same!(answers, expected, "chunks");
    holds!(
        db.chunks(&[]).await?.is_empty(),
        "no ids are answered by something"
    );
    holds!(
        db.present(&[]).await?.is_empty(),
        "no ids are answered by something"
    );
    Ok(())
}

pub(crate) async fn a_scan_of_chunks_goes_by_id_and_misses_none(cx: &Context) -> Verdict {
    let db = cx.db();
    let mut chunks: Vec<NewChunk> = (0..10).map(|n| leaf(&format!("leaf {n}"))).collect();
    chunks.push(node("top", &[chunks[0].id, chunks[1].id]));
    let mut commit = cx.commit();
    commit.chunks = chunks.clone();
    db.commit(commit).await?;
    chunks.sort_by_key(|chunk| chunk.id);
    for limit in [1, 3, 11, 100] {
        let mut seen = Vec::new();
        for _ in 0..100 {
            let after = seen.last().map(|info: &checkpoint_core::ChunkInfo| info.id);
            let page = db.scan_chunks(after, limit).await?;
            let ended = page.len() < limit;
            for item in page {
                seen.extend(item.into_option()?);
            }
            if ended {
                break;
            }
        }
        same!(seen.len(), chunks.len(), "chunks in pages of {limit}");
        for (info, sent) in seen.iter().zip(&chunks) {
            same!(
                (info.id, &info.children),
                (sent.id, &sent.children),
                "a chunk"
            );
            // What seals on the way down makes more of it, of each as much.
            same!(
                info.size.checked_sub(sent.bytes.len() as u64),
                seen[0].size.checked_sub(chunks[0].bytes.len() as u64),
                "bytes of a chunk above those that were sent"
            );
        }
        let sizes: u64 = seen.iter().map(|info| info.size).sum();
        same!(sizes, db.stats().await?.chunk_bytes, "bytes of all chunks");
    }
    holds!(
        db.scan_chunks(None, 0).await?.is_empty(),
        "a limit of 0 answers chunks"
    );
    Ok(())
}

pub(crate) async fn a_chunk_can_be_sealed_anew(cx: &Context) -> Verdict {
    let one = leaf("sealed once");
    let mut commit = cx.commit();
    commit.chunks = vec![one.clone()];
    cx.db().commit(commit).await?;
    let reseal = |replaces: &[u8], bytes: &'static [u8]| Reseal {
        target: Sealed::Chunk(one.id),
        replaces: *blake3::hash(replaces).as_bytes(),
        bytes: Bytes::from_static(bytes),
    };
    read::apply(cx, reseal(b"sealed once", b"sealed twice")).await?;
    same!(
        chunk(cx, one.id).await?.bytes,
        Bytes::from_static(b"sealed twice"),
        "bytes of the chunk"
    );
    let stale = cx.commit().with(reseal(b"sealed once", b"sealed thrice"));
    let answer = cx.db().commit(stale).await;
    refused!(
        answer,
        ErrorKind::Conflict(_),
        "a reseal of bytes that are no more"
    );
    Ok(())
}

pub(crate) async fn a_missing_chunk_does_not_burn_the_commit_id(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let top = leaf("sent the second time");
    let mut commit =
        checkpoint_core::Commit::new(commit_id(9_000)).with(append_tree("s", "a", top.id));
    let answer = cx.db().commit(commit.clone()).await;
    refused!(
        answer,
        ErrorKind::MissingChunks(_),
        "a state whose top is nowhere"
    );
    commit.chunks = vec![top];
    let receipt = cx.db().commit(commit).await?;
    holds!(
        !receipt.replayed,
        "a refused commit answers as if it had been done"
    );
    same!(read::appended(&receipt)?.sequence, 1, "sequence");
    Ok(())
}
