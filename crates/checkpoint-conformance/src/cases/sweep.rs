//! A sweep takes what nothing refers to, and never what somebody relies on.

use checkpoint_core::{Budget, ChunkId, NewChunk, NewState, Operation, Payload};

use crate::case::{Failure, Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, PAST_GRACE, PAST_WINDOW, apply, seed};
use crate::samples::{append, append_tree, delete, leaf, node, session, update};

/// Sends chunks without anything that refers to them.
async fn ahead(cx: &Context, chunks: Vec<NewChunk>) -> Verdict {
    let mut commit = cx.commit();
    commit.chunks = chunks;
    cx.db().commit(commit).await?;
    Ok(())
}

/// Saves a checkpoint with the chunks of its state, of which the first is the top.
async fn save_tree(cx: &Context, in_session: &str, id: &str, chunks: Vec<NewChunk>) -> Verdict {
    let mut commit = cx.commit().with(append_tree(in_session, id, chunks[0].id));
    commit.chunks = chunks;
    cx.db().commit(commit).await?;
    Ok(())
}

/// Lets both grace and window pass, and sweeps.
async fn sweep_all(cx: &Context) -> Verdict<checkpoint_core::MaintainStep> {
    cx.clock().advance(PAST_WINDOW);
    read::maintain(&*cx.db(), read::budget()).await
}

async fn present(cx: &Context, ids: &[ChunkId]) -> Verdict<Vec<bool>> {
    Ok(cx.db().present(ids).await?)
}

pub(crate) async fn a_sweep_spares_what_checkpoints_refer_to(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let (one, two) = (leaf("one"), leaf("two"));
    let middle = node("middle", &[one.id, two.id]);
    let top = node("top", &[middle.id]);
    let ids = [top.id, middle.id, one.id, two.id];
    save_tree(cx, "s", "a", vec![top, middle, one, two]).await?;
    let step = sweep_all(cx).await?;
    same!(step.swept, 0, "chunks swept");
    same!(
        present(cx, &ids).await?,
        [true; 4],
        "chunks of a live state"
    );
    Ok(())
}

pub(crate) async fn a_sweep_takes_what_nothing_refers_to(cx: &Context) -> Verdict {
    seed(cx, "s", &["kept"]).await?;
    let (one, two) = (leaf("one"), leaf("two"));
    let top = node("top", &[one.id, two.id]);
    let ids = [top.id, one.id, two.id];
    save_tree(cx, "s", "a", vec![top, one, two]).await?;
    let stored = cx.db().stats().await?.chunk_bytes;
    apply(cx, delete("s", "a")).await?;
    let step = sweep_all(cx).await?;
    same!(
        (step.swept, step.swept_bytes),
        (3, stored),
        "chunks swept and their bytes"
    );
    same!(
        present(cx, &ids).await?,
        [false; 3],
        "chunks of a deleted state"
    );
    let stats = cx.db().stats().await?;
    same!(
        (stats.chunks, stats.chunk_bytes),
        (0, 0),
        "chunks counted after the sweep"
    );
    Ok(())
}

pub(crate) async fn chunks_within_their_grace_are_spared(cx: &Context) -> Verdict {
    let one = leaf("sent ahead");
    ahead(cx, vec![one.clone()]).await?;
    cx.clock().advance(std::time::Duration::from_secs(59 * 60));
    read::maintain(&*cx.db(), read::budget()).await?;
    same!(
        present(cx, &[one.id]).await?,
        [true],
        "a chunk within its grace"
    );
    cx.clock().advance(PAST_GRACE);
    read::maintain(&*cx.db(), read::budget()).await?;
    same!(
        present(cx, &[one.id]).await?,
        [false],
        "a chunk past its grace"
    );
    Ok(())
}

pub(crate) async fn the_grace_of_a_chunk_covers_its_children(cx: &Context) -> Verdict {
    let bottom = leaf("old bottom");
    ahead(cx, vec![bottom.clone()]).await?;
    cx.clock().advance(std::time::Duration::from_secs(50 * 60));
    let top = node("new top", &[bottom.id]);
    ahead(cx, vec![top.clone()]).await?;
    cx.clock().advance(std::time::Duration::from_secs(50 * 60));
    read::maintain(&*cx.db(), read::budget()).await?;
    same!(
        present(cx, &[top.id, bottom.id]).await?,
        [true, true],
        "a chunk within its grace and its older child"
    );
    Ok(())
}

pub(crate) async fn relying_on_a_chunk_renews_its_grace(cx: &Context) -> Verdict {
    let (relied, other) = (leaf("relied on"), leaf("left alone"));
    ahead(cx, vec![relied.clone(), other.clone()]).await?;
    for _ in 0..3 {
        cx.clock().advance(std::time::Duration::from_secs(50 * 60));
        let mut commit = cx.commit();
        commit.relies_on = vec![relied.id];
        cx.db().commit(commit).await?;
        read::maintain(&*cx.db(), read::budget()).await?;
    }
    same!(
        present(cx, &[relied.id, other.id]).await?,
        [true, false],
        "the chunk relied on, and another"
    );
    Ok(())
}

pub(crate) async fn sending_a_chunk_again_renews_its_grace(cx: &Context) -> Verdict {
    let one = leaf("sent twice");
    ahead(cx, vec![one.clone()]).await?;
    cx.clock().advance(std::time::Duration::from_secs(50 * 60));
    ahead(cx, vec![one.clone()]).await?;
    cx.clock().advance(std::time::Duration::from_secs(50 * 60));
    read::maintain(&*cx.db(), read::budget()).await?;
    same!(
        present(cx, &[one.id]).await?,
        [true],
        "a chunk sent again 50 minutes ago"
    );
    Ok(())
}

pub(crate) async fn a_base_is_spared_while_its_delta_lives(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let base = leaf("base");
    save_tree(cx, "s", "a", vec![base.clone()]).await?;
    let delta = NewChunk {
        children: std::sync::Arc::new([base.id]),
        ..leaf("delta against base")
    };
    save_tree(cx, "s", "b", vec![delta.clone()]).await?;
    apply(cx, delete("s", "a")).await?;
    sweep_all(cx).await?;
    same!(
        present(cx, &[delta.id, base.id]).await?,
        [true, true],
        "a live delta and its base"
    );
    apply(cx, delete("s", "b")).await?;
    sweep_all(cx).await?;
    same!(
        present(cx, &[delta.id, base.id]).await?,
        [false, false],
        "a dead delta and its base"
    );
    Ok(())
}

pub(crate) async fn what_two_states_share_lives_as_long_as_either(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    seed(cx, "t", &[]).await?;
    let shared = leaf("shared");
    let (left, right) = (node("left", &[shared.id]), node("right", &[shared.id]));
    save_tree(cx, "s", "a", vec![left.clone(), shared.clone()]).await?;
    save_tree(cx, "t", "b", vec![right.clone()]).await?;
    apply(cx, delete("s", "a")).await?;
    sweep_all(cx).await?;
    let ids = [left.id, right.id, shared.id];
    same!(
        present(cx, &ids).await?,
        [false, true, true],
        "left, right, shared"
    );
    Ok(())
}

pub(crate) async fn a_replaced_state_is_swept(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let (old, new) = (leaf("old state"), leaf("new state"));
    save_tree(cx, "s", "a", vec![old.clone()]).await?;
    let mut changed = update("s", "a", 1);
    changed.state = Some(NewState {
        length: 9,
        payload: Payload::Tree(new.id),
    });
    let mut commit = cx.commit().with(changed);
    commit.chunks = vec![new.clone()];
    cx.db().commit(commit).await?;
    sweep_all(cx).await?;
    same!(
        present(cx, &[old.id, new.id]).await?,
        [false, true],
        "the old state and the new"
    );
    Ok(())
}

pub(crate) async fn a_quarantined_checkpoint_keeps_its_state(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let top = leaf("of one set aside");
    save_tree(cx, "s", "a", vec![top.clone()]).await?;
    apply(cx, crate::samples::quarantine("s", "a", true)).await?;
    sweep_all(cx).await?;
    same!(
        present(cx, &[top.id]).await?,
        [true],
        "the state of a checkpoint set aside"
    );
    Ok(())
}

pub(crate) async fn the_chunks_of_a_deleted_session_are_swept(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    seed(cx, "fork", &[]).await?;
    let (shared, own) = (leaf("shared with the fork"), leaf("of the session alone"));
    save_tree(cx, "s", "a", vec![shared.clone()]).await?;
    save_tree(cx, "s", "b", vec![own.clone()]).await?;
    save_tree(cx, "fork", "f", vec![shared.clone()]).await?;
    apply(cx, Operation::DeleteSession(session("s"))).await?;
    sweep_all(cx).await?;
    same!(
        present(cx, &[shared.id, own.id]).await?,
        [true, false],
        "what the fork needs, and the rest"
    );
    Ok(())
}

pub(crate) async fn a_sweep_in_small_steps_takes_all_and_no_more(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let mut live = Vec::new();
    for n in 0..12 {
        let bottom = leaf(&format!("leaf {n}"));
        let top = node(&format!("top {n}"), &[bottom.id]);
        let id = format!("c{n}");
        save_tree(cx, "s", &id, vec![top.clone(), bottom.clone()]).await?;
        if n % 2 == 0 {
            apply(cx, delete("s", &id)).await?;
        } else {
            live.extend([top.id, bottom.id]);
        }
    }
    cx.clock().advance(PAST_WINDOW);
    let step = read::maintain(&*cx.db(), Budget::default().with_rows(2)).await?;
    same!(step.swept, 12, "chunks swept in small steps");
    same!(
        present(cx, &live).await?,
        vec![true; live.len()],
        "live chunks"
    );
    Ok(())
}

pub(crate) async fn a_save_between_the_steps_of_a_sweep_keeps_its_chunks(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &[]).await?;
    let old: Vec<NewChunk> = (0..10).map(|n| leaf(&format!("old {n}"))).collect();
    ahead(cx, old.clone()).await?;
    cx.clock().advance(PAST_WINDOW);
    let mut saved = Vec::new();
    let mut n = 0;
    // Between any two steps a writer takes up one of the chunks that the sweep is about to take.
    while db.maintain(&Budget::default().with_rows(1)).await?.more {
        holds!(n < 1_000, "maintain had not done after 1,000 steps");
        if n < old.len() {
            let mut commit = cx
                .commit()
                .with(append_tree("s", &format!("c{n}"), old[n].id));
            commit.relies_on = vec![old[n].id];
            match db.commit(commit).await {
                Ok(_) => saved.push(old[n].id),
                Err(error) => {
                    let swept =
                        matches!(error.kind(), checkpoint_core::ErrorKind::MissingChunks(_));
                    holds!(swept, "expected done or MissingChunks, got {error:?}");
                }
            }
        }
        n += 1;
    }
    read::maintain(&*db, read::budget()).await?;
    same!(
        present(cx, &saved).await?,
        vec![true; saved.len()],
        "chunks of states saved between steps"
    );
    Ok(())
}

pub(crate) async fn savers_and_sweepers_at_once_lose_nothing(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let clock = cx.clock().clone();
    let sweeper = {
        let db = cx.db();
        tokio::spawn(async move {
            for _ in 0..40 {
                clock.advance(PAST_GRACE);
                db.maintain(&Budget::default().with_rows(3)).await?;
                tokio::task::yield_now().await;
            }
            Ok::<(), checkpoint_core::Error>(())
        })
    };
    let mut tops = Vec::new();
    for n in 0..40 {
        let bottom = leaf(&format!("bottom {}", n % 4));
        let top = node(&format!("top {n}"), &[bottom.id]);
        save_tree(cx, "s", &format!("c{n}"), vec![top.clone(), bottom.clone()]).await?;
        tops.extend([top.id, bottom.id]);
        if n % 3 == 0 {
            apply(cx, append("s", &format!("i{n}"))).await?;
        }
    }
    sweeper
        .await
        .map_err(|error| Failure::wrong(format!("maintain panicked: {error}")))??;
    same!(
        present(cx, &tops).await?,
        vec![true; tops.len()],
        "chunks saved while sweeping"
    );
    Ok(())
}

pub(crate) async fn a_store_with_nothing_to_do_says_so(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = read::picture(&*cx.db()).await?;
    let step = read::maintain(&*cx.db(), Budget::default().with_compact(true)).await?;
    same!(
        (step.purged, step.trimmed, step.swept),
        (0, 0, 0),
        "what maintain did"
    );
    read::unchanged(&*cx.db(), &before, "maintain with nothing to do").await
}
