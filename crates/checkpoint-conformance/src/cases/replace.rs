//! What is replaced is what the writer read.

use bytes::Bytes;
use checkpoint_core::{Actual, ErrorKind, Outcome, Reseal, Sealed};

use crate::case::{Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, apply, found, refused_whole, seed, session_found};
use crate::samples::{self, create, id, patch, record, session};

pub(crate) async fn a_patch_of_an_old_revision_is_a_conflict(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let receipt = apply(cx, patch("s", 1, "second")).await?;
    same!(
        receipt.outcomes,
        [Outcome::SessionPatched { revision: 2 }],
        "outcome of a patch"
    );
    let commit = cx.commit().with(patch("s", 1, "lost"));
    let error = refused_whole(cx, commit, "a patch of an old revision").await?;
    let actual = error.as_conflict().map(|conflict| conflict.actual.clone());
    same!(
        actual,
        Some(Actual::Revision(Some(2))),
        "what is there instead"
    );
    let now = session_found(&*cx.db(), "s").await?;
    same!(
        (now.revision, now.body),
        (2, Bytes::from_static(b"second")),
        "the session"
    );
    let answer = cx
        .db()
        .commit(cx.commit().with(patch("none", 1, "x")))
        .await;
    refused!(answer, ErrorKind::NotFound, "a patch of no session");
    Ok(())
}

pub(crate) async fn a_session_that_must_be_new_is_refused_when_there(cx: &Context) -> Verdict {
    let new = checkpoint_core::CreateSession {
        must_be_new: true,
        ..create("s")
    };
    apply(cx, new.clone()).await?;
    let error = refused_whole(cx, cx.commit().with(new), "a second new session").await?;
    same!(
        *error.kind(),
        ErrorKind::AlreadyExists,
        "a second new session"
    );
    let other = checkpoint_core::CreateSession {
        body: Bytes::from_static(b"other"),
        ..create("s")
    };
    let receipt = apply(cx, other).await?;
    let kept = Outcome::Session {
        created: false,
        revision: 1,
        epoch: 0,
    };
    same!(
        receipt.outcomes,
        [kept],
        "outcome of creating what is there"
    );
    same!(
        session_found(&*cx.db(), "s").await?.body,
        create("s").body,
        "body of the session"
    );
    Ok(())
}

pub(crate) async fn a_records_version_rises_also_after_it_was_removed(cx: &Context) -> Verdict {
    let version = |receipt: checkpoint_core::Receipt| receipt.outcomes;
    let put = |n| [Outcome::RecordPut { version: n }];
    same!(
        version(apply(cx, record("r", Some("1"))).await?),
        put(1),
        "version when first put"
    );
    same!(
        version(apply(cx, record("r", Some("2"))).await?),
        put(2),
        "version when put again"
    );
    same!(
        version(apply(cx, record("r", None)).await?),
        put(2),
        "version when removed"
    );
    same!(
        read::records(&*cx.db(), "r").await?,
        [],
        "records after the removal"
    );
    same!(
        version(apply(cx, record("r", Some("3"))).await?),
        put(3),
        "version when put after its removal"
    );
    let records = read::records(&*cx.db(), "r").await?;
    same!(
        (records[0].version, &records[0].bytes[..]),
        (3, &b"3"[..]),
        "the record"
    );
    Ok(())
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

fn reseal(target: Sealed, replaces: &[u8], bytes: &'static str) -> Reseal {
    Reseal {
        target,
        replaces: digest(replaces),
        bytes: Bytes::from_static(bytes.as_bytes()),
    }
}

pub(crate) async fn a_reseal_replaces_bytes_and_nothing_else(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    apply(cx, samples::attach("s", "a", "k", Some("note"))).await?;
    apply(cx, record("r", Some("content"))).await?;
    let name = record("r", None).name;
    let before = found(&*cx.db(), "a").await?.header;
    let position = cx.db().stats().await?.position;
    let attached = Sealed::Attachment(id("a"), "note".into(), "k".into());
    let all = [
        reseal(Sealed::Meta(id("a")), &samples::meta("a"), "new meta"),
        reseal(Sealed::Inline(id("a")), &samples::state("a"), "new state"),
        reseal(Sealed::Session(session("s")), &create("s").body, "new body"),
        reseal(attached, b"note", "new note"),
        reseal(Sealed::Record(name), b"content", "new content"),
    ];
    for operation in all {
        let receipt = apply(cx, operation.clone()).await?;
        same!(
            receipt.outcomes,
            [Outcome::Resealed { existed: true }],
            "outcome of {operation:?}"
        );
        let again = apply(cx, operation.clone()).await?;
        same!(
            again.outcomes,
            receipt.outcomes,
            "outcome of {operation:?} done already"
        );
    }
    let after = found(&*cx.db(), "a").await?;
    same!(after.header, before, "header after reseals");
    same!(
        after.meta,
        Some(Bytes::from_static(b"new meta")),
        "description"
    );
    let state = after
        .payload
        .as_ref()
        .and_then(checkpoint_core::Payload::inline);
    same!(state, Some(&Bytes::from_static(b"new state")), "state");
    same!(
        cx.db().stats().await?.position,
        position,
        "position after reseals"
    );
    let session = session_found(&*cx.db(), "s").await?;
    same!(
        (session.revision, &session.body[..]),
        (1, &b"new body"[..]),
        "the session"
    );
    let records = read::records(&*cx.db(), "r").await?;
    same!(
        (records[0].version, &records[0].bytes[..]),
        (1, &b"new content"[..]),
        "the record"
    );
    Ok(())
}

pub(crate) async fn a_reseal_of_other_bytes_is_a_conflict(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let stale = reseal(Sealed::Meta(id("a")), b"what was read long ago", "new");
    let error = refused_whole(cx, cx.commit().with(stale), "a reseal of other bytes").await?;
    holds!(
        matches!(error.kind(), ErrorKind::Conflict(_)),
        "expected Conflict, got {error:?}"
    );
    apply(cx, record("r", Some("content"))).await?;
    let name = |name| record(name, None).name;
    let stale = reseal(Sealed::Record(name("r")), b"what was read long ago", "new");
    refused_whole(cx, cx.commit().with(stale), "a reseal of another record").await?;
    apply(cx, record("r", None)).await?;
    let gone = [
        reseal(Sealed::Meta(id("none")), b"x", "new"),
        reseal(Sealed::Record(name("none")), b"x", "new"),
        reseal(Sealed::Record(name("r")), b"content", "new"),
    ];
    for gone in gone {
        let receipt = apply(cx, gone.clone()).await?;
        same!(
            receipt.outcomes,
            [Outcome::Resealed { existed: false }],
            "outcome of a reseal of nothing: {gone:?}"
        );
    }
    Ok(())
}
