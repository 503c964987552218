//! What upkeep takes, and what it remembers.

use checkpoint_core::{Budget, Item, Operation, Outcome, Parent};

use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, found, item, names, save, seed};
use crate::samples::{self, delete, id, session};

async fn delete_session(cx: &Context, id: &str) -> Verdict<bool> {
    let receipt = apply(cx, Operation::DeleteSession(session(id))).await?;
    Ok(receipt.outcomes == [Outcome::SessionDeleted { existed: true }])
}

pub(crate) async fn purging_the_old_spares_a_session_made_again(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c", "d", "e"]).await?;
    delete_session(cx, "s").await?;
    read::make_session(cx, "s").await?;
    save(cx, "s", "new").await?;
    let step = read::maintain(&*cx.db(), Budget::default().with_rows(2)).await?;
    holds!(step.purged > 0, "maintain purged nothing");
    same!(
        names(&*cx.db(), all_of("s")).await?,
        ["new"],
        "checkpoints after the purge"
    );
    let gone = item(&*cx.db(), "a").await?;
    holds!(
        matches!(gone, Item::Deleted),
        "a purged checkpoint is {gone:?} within the window"
    );
    Ok(())
}

pub(crate) async fn forks_of_a_deleted_session_keep_what_they_need(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let top = samples::leaf("state of both");
    let mut commit = cx.commit().with(samples::append_tree("s", "a", top.id));
    commit.chunks = vec![top.clone()];
    cx.db().commit(commit).await?;
    read::make_session(cx, "fork").await?;
    let mut forked = samples::append_tree("fork", "f", top.id);
    forked.parent = Parent::Id(id("a"));
    read::save_as(cx, forked).await?;
    delete_session(cx, "s").await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*cx.db(), read::budget()).await?;
    let fork = found(&*cx.db(), "f").await?;
    same!(fork.header.parent, Some(id("a")), "parent of the fork");
    same!(
        cx.db().present(&[top.id]).await?,
        [true],
        "the state of the fork"
    );
    Ok(())
}

pub(crate) async fn a_deletion_is_forgotten_after_the_window(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, delete("s", "a")).await?;
    delete_session(cx, "s").await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*cx.db(), read::budget()).await?;
    for name in ["a", "b"] {
        let gone = item(&*cx.db(), name).await?;
        holds!(
            matches!(gone, Item::Absent),
            "{name} is {gone:?} after the window"
        );
    }
    same!(cx.db().stats().await?.tombstones, 0, "tombstones counted");
    read::make_session(cx, "s").await?;
    let again = save(cx, "s", "a").await?;
    same!(
        (again.sequence, again.deleted),
        (3, false),
        "a forgotten id may be used again"
    );
    Ok(())
}

pub(crate) async fn what_went_with_its_session_is_forgotten_with_it(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    delete_session(cx, "s").await?;
    cx.clock().advance(read::PAST_WINDOW);
    // What nobody purged yet gives way to a checkpoint under its id; it was deleted long before all the same.
    read::make_session(cx, "other").await?;
    let mut again = samples::append("other", "a");
    again.revive = true;
    read::save_as(cx, again).await?;
    read::maintain(&*cx.db(), read::budget()).await?;
    same!(cx.db().stats().await?.tombstones, 0, "tombstones counted");
    same!(
        names(&*cx.db(), all_of("other")).await?,
        ["a"],
        "checkpoints under an id that was used again"
    );
    Ok(())
}

pub(crate) async fn a_deletion_is_remembered_within_the_window(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, delete("s", "a")).await?;
    cx.clock()
        .advance(std::time::Duration::from_secs(6 * 24 * 60 * 60));
    read::maintain(&*cx.db(), read::budget()).await?;
    holds!(
        save(cx, "s", "a").await?.deleted,
        "a retry within the window was taken for a new append"
    );
    Ok(())
}

pub(crate) async fn space_comes_back_after_maintain(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["kept"]).await?;
    seed(cx, "big", &[]).await?;
    for n in 0..20 {
        let text = format!("{n}").repeat(20_000);
        let top = samples::leaf(&text);
        let mut commit = cx
            .commit()
            .with(samples::append_tree("big", &format!("c{n}"), top.id));
        commit.chunks = vec![top];
        db.commit(commit).await?;
    }
    let full = db.stats().await?;
    delete_session(cx, "big").await?;
    cx.clock().advance(read::PAST_WINDOW);
    read::maintain(&*db, read::budget().with_compact(true)).await?;
    let after = db.stats().await?;
    same!((after.chunks, after.chunk_bytes), (0, 0), "chunks counted");
    let used = |stats: &checkpoint_core::Stats| stats.stored_bytes.saturating_sub(stats.free_bytes);
    holds!(
        used(&after) < used(&full) || used(&full) == 0,
        "bytes in use: {} before, {} after",
        used(&full),
        used(&after)
    );
    same!(
        names(&*db, all_of("s")).await?,
        ["kept"],
        "checkpoints of another session"
    );
    Ok(())
}
