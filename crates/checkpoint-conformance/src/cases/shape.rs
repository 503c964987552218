//! A commit id stands for what its commit does.

use bytes::Bytes;
use checkpoint_core::{
    Commit, CommitId, Error, ErrorKind, Expectation, Note, NoteKind, Operation, Reseal, Sealed,
};

use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, apply, refused_whole, seed};
use crate::samples::{
    self, append, append_tree, attach, create, delete, fingerprint, id, leaf, patch, quarantine,
    record, session, update,
};

fn under(id: CommitId, operations: &[Operation]) -> Commit {
    let mut commit = Commit::new(id);
    commit.operations = operations.to_vec();
    commit
}

fn note(checkpoint: Option<&str>, kind: NoteKind) -> Operation {
    let note = Note {
        session: session("s"),
        checkpoint: checkpoint.map(id),
        kind,
    };
    note.into()
}

fn reseal(target: Sealed) -> Operation {
    let bytes = Bytes::from_static(b"new");
    let replaces = [0; 32];
    let reseal = Reseal {
        target,
        replaces,
        bytes,
    };
    reseal.into()
}

/// Operations, each another than every other, that a store with sessions `s` and `t` and checkpoints `a` and `b` takes,
/// alone and in whatever order.
fn different() -> Vec<Operation> {
    let mut other = append("s", "new");
    other.fingerprint = fingerprint("something else");
    vec![
        update("s", "a", 1).into(),
        update("s", "b", 1).into(),
        delete("s", "none").into(),
        delete("s", "neither").into(),
        delete("t", "none").into(),
        attach("s", "a", "k", Some("x")).into(),
        attach("s", "a", "l", Some("x")).into(),
        attach("s", "a", "k", None).into(),
        create("s").into(),
        create("t").into(),
        patch("s", 1, "x").into(),
        Operation::ClaimSession(session("s")),
        Operation::ClaimSession(session("t")),
        Operation::DeleteSession(session("none")),
        note(None, NoteKind::Compacted),
        note(Some("a"), NoteKind::Restored),
        note(Some("b"), NoteKind::Restored),
        record("r", Some("x")).into(),
        record("q", Some("x")).into(),
        record("r", None).into(),
        reseal(Sealed::Meta(id("none"))),
        reseal(Sealed::Inline(id("none"))),
        reseal(Sealed::Session(session("none"))),
        reseal(Sealed::Record(record("none", None).name)),
        reseal(Sealed::Chunk(leaf("none").id)),
        reseal(Sealed::Attachment(id("none"), "k".into(), "l".into())),
        quarantine("s", "none", true).into(),
        quarantine("s", "none", false).into(),
    ]
}

fn is_taken(error: &Error, what: &str) -> Verdict {
    same!(*error.kind(), ErrorKind::AlreadyExists, "{what}");
    Ok(())
}

pub(crate) async fn another_commit_under_a_used_id_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    seed(cx, "t", &[]).await?;
    let all = different();
    for (n, operation) in all.iter().enumerate() {
        // One that does nothing to the others: a record of its own beside it.
        let marked = [
            operation.clone(),
            record(&format!("mark {n}"), Some("x")).into(),
        ];
        let first = cx.commit();
        let used = first.id;
        let done = cx.sibling().await?;
        seed(&done, "s", &["a", "b"]).await?;
        seed(&done, "t", &[]).await?;
        done.db().commit(under(used, &marked)).await?;
        for (m, other) in all.iter().enumerate() {
            if m == n {
                continue;
            }
            cx.tried();
            let other = [other.clone(), marked[1].clone()];
            let what = format!("{:?} under the id of {:?}", other[0], marked[0]);
            match done.db().commit(under(used, &other)).await {
                Err(error) => is_taken(&error, &what)?,
                Ok(receipt) => holds!(false, "{what} was answered with {receipt:?}"),
            }
        }
    }
    let (one, two) = (update("s", "a", 1).into(), delete("s", "b").into());
    let first = under(cx.commit().id, &[one, two]);
    cx.db().commit(first.clone()).await?;
    let mut turned = first.clone();
    turned.operations.reverse();
    let error = refused_whole(cx, turned, "the operations in another order").await?;
    is_taken(&error, "the operations in another order")?;
    let mut longer = first;
    longer.operations.push(create("t").into());
    let error = refused_whole(cx, longer, "one operation more").await?;
    is_taken(&error, "one operation more")?;
    let saved = [create("t").into(), append("t", "c").into()];
    let first = under(cx.commit().id, &saved);
    cx.db().commit(first.clone()).await?;
    let mut other = append("t", "c");
    other.fingerprint = fingerprint("something else");
    let other = under(first.id, &[create("t").into(), other.into()]);
    let error = refused_whole(cx, other, "another state in the same place").await?;
    is_taken(&error, "another state in the same place")
}

pub(crate) async fn a_retry_may_differ_in_chunks_revisions_and_opaque_bytes(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let top = leaf("a state");
    let build = |again: bool| {
        let mut saved = append_tree("s", "c", top.id);
        let mut updated = update("s", "a", 1);
        let mut made = create("t");
        let mut put = record("r", Some("x"));
        let mut attached = attach("s", "b", "k", Some("x"));
        if again {
            let anew = Bytes::from_static(b"sealed anew");
            saved.meta = anew.clone();
            saved.created_at = samples::time(900);
            updated.meta = anew.clone();
            updated.updated_at = samples::time(900);
            updated.revision = 2;
            made.body = anew.clone();
            made.created_at = samples::time(900);
            put.bytes = Some(anew.clone());
            attached.bytes = Some(anew);
        }
        let patched = patch(
            "s",
            if again { 2 } else { 1 },
            if again { "y" } else { "x" },
        );
        let operations: [Operation; 6] = [
            saved.into(),
            updated.into(),
            made.into(),
            put.into(),
            attached.into(),
            patched.into(),
        ];
        operations
    };
    let mut first = under(cx.commit().id, &build(false));
    first.chunks = vec![top.clone()];
    first.expectations = vec![Expectation::Revision(id("a"), 1)];
    let given = cx.db().commit(first.clone()).await?;
    let before = read::picture(&*cx.db()).await?;
    let mut retry = under(first.id, &build(true));
    retry.relies_on = vec![top.id];
    retry.expectations = vec![Expectation::Revision(id("a"), 2)];
    let again = cx.db().commit(retry).await?;
    holds!(again.replayed, "the retry is not a replay: {again:?}");
    same!(again.outcomes, given.outcomes, "outcomes of the retry");
    read::unchanged(&*cx.db(), &before, "a retry that was rebuilt").await
}

pub(crate) async fn the_shape_of_a_commit_is_known_after_a_restart(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    let first = cx.commit().with(delete("s", "a"));
    let given = apply_as(cx, &first).await?;
    cx.restart().await?;
    let other = Commit::new(first.id).with(delete("s", "b"));
    let error = refused_whole(cx, other, "another commit under a used id").await?;
    is_taken(&error, "another commit under a used id")?;
    same!(apply_as(cx, &first).await?, given, "outcomes of the first");
    apply(cx, delete("s", "b")).await?;
    Ok(())
}

async fn apply_as(cx: &Context, commit: &Commit) -> Verdict<Vec<checkpoint_core::Outcome>> {
    Ok(cx.db().commit(commit.clone()).await?.outcomes)
}
