//! The store carries its version and says what it is.

use checkpoint_core::ErrorKind;

use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::harness::Damage;
use crate::read::{self, found, seed};

pub(crate) async fn a_store_says_what_it_is(cx: &Context) -> Verdict {
    let db = cx.db();
    let info = db.info();
    holds!(!info.label.is_empty(), "a store without a label");
    holds!(
        !info.read_only,
        "a store opened for writing says that it is read-only"
    );
    let format = info.format;
    holds!(format.version > 0, "format version {}", format.version);
    let known = format.min_reader <= format.version && format.min_writer <= format.version;
    holds!(
        known,
        "a store that its own version may not use: {format:?}"
    );
    holds!(
        format.min_reader <= format.min_writer,
        "who may write may read: {format:?}"
    );
    same!(
        info.capabilities,
        cx.capabilities(),
        "capabilities as the harness says and as the store says"
    );
    holds!(
        info.id.as_bytes() != &[0; 16],
        "the store's id is all zeros"
    );
    Ok(())
}

pub(crate) async fn limits_leave_room_for_what_every_store_takes(cx: &Context) -> Verdict {
    let (db, least) = (cx.db(), checkpoint_core::Limits::default());
    let limits = db.info().limits;
    let all = [
        ("state", limits.state, least.state),
        ("description", limits.meta, least.meta),
        ("attachment", limits.attachment, least.attachment),
        ("record", limits.record, least.record),
        ("chunk", limits.chunk, least.chunk),
        ("children", limits.children, least.children),
        ("tags", limits.tags, least.tags),
        ("operations", limits.operations, least.operations),
    ];
    for (what, limit, least) in all {
        holds!(
            limit >= least,
            "limit of {what}: {limit}, the default is {least}"
        );
    }
    Ok(())
}

pub(crate) async fn a_store_keeps_its_id_and_version(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let before = cx.db();
    let before = before.info().clone();
    let after = cx.restart().await?;
    let after = after.info();
    same!(
        (after.id, after.format),
        (before.id, before.format),
        "id and format after a restart"
    );
    same!(
        after.gear_seed,
        before.gear_seed,
        "seed of cuts after a restart"
    );
    let digest = |hasher: &checkpoint_core::ContentHasher| {
        hasher.digest(checkpoint_core::Purpose::Leaf, b"x")
    };
    same!(
        digest(&after.hasher),
        digest(&before.hasher),
        "digests after a restart"
    );
    Ok(())
}

pub(crate) async fn two_stores_share_nothing(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let other = cx.sibling().await?;
    let (one, two) = (cx.db(), other.db());
    holds!(
        one.info().id != two.info().id,
        "two stores have one id: {}",
        one.info().id
    );
    same!(
        read::names(&*two, read::everything()).await?,
        [""; 0],
        "checkpoints of a fresh store"
    );
    read::make_session(&other, "s").await?;
    same!(
        read::save(&other, "s", "a").await?.sequence,
        1,
        "sequence in the other store"
    );
    other.close_all().await?;
    found(&*one, "a").await?;
    Ok(())
}

pub(crate) async fn a_newer_format_is_refused_by_name(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let version = cx.db().info().format.version;
    let newer = version + 7;
    let opened = cx.open_damaged(&Damage::NewerFormat(7)).await?;
    let Err(error) = opened else {
        return Err(crate::Failure::wrong(
            "a store of a newer format was opened",
        ));
    };
    same!(
        *error.kind(),
        ErrorKind::Unsupported,
        "a store of a newer format"
    );
    let text = error.to_string();
    holds!(
        text.contains(&newer.to_string()),
        "the error does not name version {newer}: {text}"
    );
    Ok(())
}

pub(crate) async fn debugging_a_handle_floods_nobody(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    for n in 0..50 {
        read::save(cx, "s", &format!("secret-{n}")).await?;
    }
    let text = format!("{:?}", cx.db());
    holds!(
        text.len() < 4_096,
        "a handle's Debug has {} bytes",
        text.len()
    );
    holds!(
        !text.contains("secret-"),
        "a handle's Debug shows what it holds: {text}"
    );
    found(&*cx.db(), "secret-7").await?;
    Ok(())
}
