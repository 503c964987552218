//! A live store is copied whole, and a copy has its name when it is whole.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use checkpoint_core::{Backend, BackupDraft, ErrorKind, Item, Meter, Parts};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::case::{Failure, Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, found, names, seed};
use crate::samples::{append, append_tree, attach, delete, id, leaf, node, quarantine, record};

/// A place for copies.
fn place(cx: &Context) -> Verdict<TempDir> {
    if !cx.capabilities().backup {
        let why = "the backend has no way to copy a live store (no backup)";
        return Err(Failure::Skipped(why.into()));
    }
    directory()
}

fn directory() -> Verdict<TempDir> {
    TempDir::new().map_err(|error| Failure::wrong(format!("no directory: {error}")))
}

async fn draft(db: &dyn Backend, to: &Path) -> Verdict<Box<dyn BackupDraft>> {
    Ok(db.backup(to, &Meter::default()).await?)
}

fn listing(directory: &Path) -> Verdict<Vec<String>> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries =
        entries.map_err(|error| Failure::wrong(format!("cannot list the place: {error}")))?;
    let mut names: Vec<_> = entries
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// A store with some of everything.
async fn filled(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c", "d"]).await?;
    seed(cx, "t", &["e"]).await?;
    let (below, above) = (leaf("below"), node("above", &[leaf("below").id]));
    let mut commit = cx.commit().with(append_tree("s", "large", above.id));
    commit.chunks = vec![below, above];
    cx.db().commit(commit).await?;
    apply(cx, attach("s", "a", "k", Some("content"))).await?;
    apply(cx, record("ring", Some("a record"))).await?;
    apply(cx, quarantine("s", "c", true)).await?;
    apply(cx, delete("s", "b")).await?;
    Ok(())
}

pub(crate) async fn a_backup_holds_all_that_was_acknowledged_before_it(cx: &Context) -> Verdict {
    let place = place(cx)?;
    filled(cx).await?;
    let db = cx.db();
    let last = cx.commit().with(append("s", "last")).with(delete("t", "e"));
    db.commit(last.clone()).await?;
    let before = read::picture(&*db).await?;
    let to = place.path().join("copy");
    let draft = draft(&*db, &to).await?;
    let inside = draft.backend();
    holds!(inside.info().read_only, "the draft can be written to");
    read::unchanged(&*inside, &before, "the draft").await?;
    drop(inside);
    let bytes = draft.keep().await?;
    same!(
        bytes,
        fs::metadata(&to).map_or(0, |it| it.len()),
        "bytes of the copy"
    );
    same!(listing(place.path())?, ["copy"], "what is beside the copy");
    read::unchanged(&*db, &before, "making a backup").await?;

    let copy = cx.open_backup(&to).await?;
    read::unchanged(&*copy, &before, "opening the copy").await?;
    same!(copy.info().id, db.info().id, "the id of the copy");
    let top = node("above", &[leaf("below").id]).id;
    let chunks = copy.chunks(&[top, leaf("below").id]).await?;
    let whole = chunks.iter().all(|item| matches!(item, Item::Found(_)));
    holds!(whole, "chunks of the copy: {chunks:?}");
    // It is a store like any other: retries are known, and it goes on by itself.
    holds!(
        copy.commit(last).await?.replayed,
        "the copy does not know its last commit"
    );
    copy.commit(cx.commit().with(append("s", "more"))).await?;
    holds!(
        found(&*db, "more").await.is_err(),
        "a save to the copy is in the store"
    );
    copy.close().await?;
    Ok(())
}

pub(crate) async fn writers_go_on_while_a_backup_is_made(cx: &Context) -> Verdict {
    let place = place(cx)?;
    seed(cx, "s", &["first"]).await?;
    let db = cx.db();
    let to = place.path().join("copy");
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let meter = Meter::new(move |done, total| heard.lock().push((done, total)));
    let writing = async {
        for n in 0..40 {
            let pair = cx.commit().with(append("s", &format!("{n}-one")));
            db.commit(pair.with(append("s", &format!("{n}-two"))))
                .await?;
        }
        Ok(())
    };
    let (draft, ()) = futures::try_join!(db.backup(&to, &meter), writing)?;
    draft.keep().await?;
    let copy = cx.open_backup(&to).await?;
    let held = names(&*copy, all_of("s")).await?;
    same!(
        held.first().map(String::as_str),
        Some("first"),
        "the oldest in the copy"
    );
    let pairs = &held[1..];
    let expected = (0..pairs.len() / 2).flat_map(|n| [format!("{n}-one"), format!("{n}-two")]);
    same!(
        pairs.to_vec(),
        expected.collect::<Vec<_>>(),
        "whole commits in their order, from the first on"
    );
    copy.close().await?;
    same!(
        names(&*db, all_of("s")).await?.len(),
        81,
        "checkpoints of the store"
    );
    let told = told.lock();
    let rises = told.is_sorted() && told.iter().all(|(done, total)| done <= total);
    holds!(rises, "the meter heard {told:?}");
    let last = told.last().copied().unwrap_or_default();
    holds!(
        last.0 == last.1 && last.1 > 0,
        "the meter ended at {last:?}"
    );
    Ok(())
}

pub(crate) async fn a_backup_has_its_name_when_it_is_kept_and_not_sooner(cx: &Context) -> Verdict {
    let place = place(cx)?;
    filled(cx).await?;
    let to = place.path().join("copy");
    let unkept = draft(&*cx.db(), &to).await?;
    holds!(!to.exists(), "a draft has the name of the copy");
    drop(unkept);
    same!(
        listing(place.path())?,
        [""; 0],
        "what a draft left that was dropped"
    );
    draft(&*cx.db(), &to).await?.keep().await?;
    same!(listing(place.path())?, ["copy"], "what a kept draft left");
    Ok(())
}

pub(crate) async fn a_backup_replaces_nothing(cx: &Context) -> Verdict {
    let place = place(cx)?;
    filled(cx).await?;
    let db = cx.db();
    let to = place.path().join("taken");
    let write = |bytes: &[u8]| {
        fs::write(&to, bytes).map_err(|error| Failure::wrong(format!("cannot write: {error}")))
    };
    for bytes in [&b"somebody's"[..], b""] {
        write(bytes)?;
        let answer = db.backup(&to, &Meter::default()).await;
        let error = refused!(answer, ErrorKind::AlreadyExists, "a name that is taken");
        let path = to.display().to_string();
        holds!(error.to_string().contains(&path), "which name? {error}");
        same!(
            fs::read(&to).unwrap_or_default(),
            bytes,
            "what had the name"
        );
    }
    let later = place.path().join("later");
    let draft = draft(&*db, &later).await?;
    fs::write(&later, b"first")
        .map_err(|error| Failure::wrong(format!("cannot write: {error}")))?;
    let answer = draft.keep().await;
    refused!(answer, ErrorKind::AlreadyExists, "a name taken meanwhile");
    same!(
        fs::read(&later).unwrap_or_default(),
        b"first",
        "what took the name"
    );
    same!(
        listing(place.path())?,
        ["later", "taken"],
        "what is in the place"
    );
    let nowhere = place.path().join("no").join("copy");
    let answer = db.backup(&nowhere, &Meter::default()).await;
    refused!(answer, ErrorKind::NotFound, "a directory that is not there");
    Ok(())
}

pub(crate) async fn a_store_without_backups_says_what_to_do_instead(cx: &Context) -> Verdict {
    if cx.capabilities().backup {
        return Err(Failure::Skipped("the backend has backups (backup)".into()));
    }
    seed(cx, "s", &["a"]).await?;
    let place = directory()?;
    let to = place.path().join("copy");
    let answer = cx.db().backup(&to, &Meter::default()).await;
    let error = refused!(answer, ErrorKind::Unsupported, "a backup");
    holds!(
        error.to_string().contains("copy"),
        "what to do instead? {error}"
    );
    same!(listing(place.path())?, [""; 0], "what was made");
    Ok(())
}

pub(crate) async fn a_store_opened_for_reading_alone_refuses_every_write(cx: &Context) -> Verdict {
    filled(cx).await?;
    let before = read::picture(&*cx.db()).await?;
    cx.close_all().await?;
    let Some(db) = cx.open_read_only().await? else {
        return Err(Failure::Skipped(
            "the harness has no way to open a store for reading alone".into(),
        ));
    };
    holds!(
        db.info().read_only,
        "a store opened for reading alone says that it can be written"
    );
    for operation in writes() {
        let what = format!("{operation:?}");
        let answer = db.commit(cx.commit().with(operation)).await;
        refused!(answer, ErrorKind::Denied, "{what}");
    }
    let mut chunks = cx.commit();
    chunks.chunks = vec![leaf("another")];
    refused!(db.commit(chunks).await, ErrorKind::Denied, "chunks alone");
    refused!(
        db.commit(cx.commit()).await,
        ErrorKind::Denied,
        "an empty commit"
    );
    let answer = db.maintain(&read::budget()).await;
    refused!(answer, ErrorKind::Denied, "upkeep");
    db.flush().await?;
    read::unchanged(&*db, &before, "what was refused").await?;
    db.get(&[id("a")], Parts::ALL).await?;
    db.close().await?;
    let db = cx.open().await?;
    read::unchanged(&*db, &before, "reading alone").await
}

/// One of each operation, that a store which can be written would take.
fn writes() -> Vec<checkpoint_core::Operation> {
    use checkpoint_core::{Note, NoteKind, Operation, Reseal, Sealed};

    use crate::samples::{create, meta, patch, session, update};
    vec![
        append("s", "new").into(),
        update("s", "a", 1).into(),
        delete("s", "a").into(),
        attach("s", "a", "k", None).into(),
        create("u").into(),
        patch("s", 1, "body").into(),
        Operation::ClaimSession(session("s")),
        Operation::DeleteSession(session("s")),
        Note {
            session: session("s"),
            checkpoint: Some(id("a")),
            kind: NoteKind::Restored,
        }
        .into(),
        record("ring", Some("another")).into(),
        Operation::Reseal(Reseal {
            target: Sealed::Meta(id("a")),
            replaces: *blake3::hash(&meta("a")).as_bytes(),
            bytes: "new meta".into(),
        }),
        quarantine("s", "a", true).into(),
    ]
}
