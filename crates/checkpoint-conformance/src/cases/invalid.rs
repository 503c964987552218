//! What no store could take is refused before anything is written.

use checkpoint_core::{
    Append, CheckpointId, Commit, CreateSession, ErrorKind, MAX_ID_BYTES, Operation, Origin,
    RecordName, SessionId, Tag, WorkerId,
};

use crate::case::{Verdict, same};
use crate::context::Context;
use crate::read::{self, refused_whole, seed};
use crate::samples::{append, attach, create, tag, update};

async fn invalid(cx: &Context, operation: impl Into<Operation>, what: &str) -> Verdict {
    invalid_commit(cx, cx.commit().with(operation), what).await
}

async fn invalid_commit(cx: &Context, commit: Commit, what: &str) -> Verdict {
    cx.tried();
    let error = refused_whole(cx, commit, what).await?;
    same!(*error.kind(), ErrorKind::Invalid, "{what}");
    Ok(())
}

pub(crate) async fn unsorted_or_repeated_tags_are_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let wrong = [["b", "a"], ["a", "a"], ["a", "B"], ["é", "e"]];
    for pair in wrong {
        let tags: Vec<Tag> = pair.iter().map(|text| tag(text)).collect();
        let what = format!("tags {pair:?}");
        invalid(
            cx,
            Append {
                tags: tags.clone(),
                ..append("s", "b")
            },
            &what,
        )
        .await?;
        let mut changed = update("s", "a", 1);
        changed.tags = tags;
        invalid(cx, changed, &what).await?;
    }
    Ok(())
}

pub(crate) async fn one_id_twice_in_a_commit_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    seed(cx, "t", &[]).await?;
    let same = cx.commit().with(append("s", "x")).with(append("s", "x"));
    invalid_commit(cx, same, "an append twice in a commit").await?;
    let apart = cx
        .commit()
        .with(append("s", "x"))
        .with(update("s", "a", 1))
        .with(append("t", "x"));
    invalid_commit(cx, apart, "an id in two sessions in a commit").await
}

pub(crate) async fn a_revision_or_origin_that_cannot_be_is_refused(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    for revision in [0, u64::MAX, 1 << 63, (1 << 62) + 1] {
        let append = Append {
            revision,
            ..append("s", "b")
        };
        invalid(cx, append, &format!("an append of revision {revision}")).await?;
        let create = CreateSession {
            epoch: revision,
            ..create("new")
        };
        if revision > 0 {
            invalid(cx, create, &format!("a session of epoch {revision}")).await?;
        }
    }
    for sequence in [0, u64::MAX, u64::MAX - 1, 1 << 63] {
        let origin = Some(Origin {
            sequence,
            committed_at: crate::samples::time(1),
        });
        let what = format!("an origin with sequence {sequence}");
        invalid(
            cx,
            Append {
                origin,
                ..append("s", "b")
            },
            &what,
        )
        .await?;
    }
    same!(
        read::save(cx, "s", "b").await?.sequence,
        2,
        "the next sequence"
    );
    Ok(())
}

/// Strings that are no id, each with whether it is too long.
fn illegal() -> Vec<(String, bool)> {
    let mut bad = vec![(String::new(), false)];
    let controls = (0..0x20_u8)
        .chain([0x7f])
        .map(char::from)
        .chain(['\u{80}', '\u{85}', '\u{9f}']);
    for control in controls {
        bad.push((control.to_string(), false));
        bad.push((format!("in{control}side"), false));
        bad.push((format!("end{control}"), false));
    }
    for long in [
        "a".repeat(257),
        "a".repeat(100_000),
        "é".repeat(129),
        "😀".repeat(65),
    ] {
        bad.push((long, true));
    }
    bad
}

/// Why a constructor refuses a string.
type Door = fn(&str) -> Option<ErrorKind>;

pub(crate) async fn what_is_no_id_never_reaches_a_store(cx: &Context) -> Verdict {
    let doors: [(&str, Door); 5] = [
        ("a checkpoint id", |text| {
            CheckpointId::new(text)
                .err()
                .map(|error| error.kind().clone())
        }),
        ("a session id", |text| {
            SessionId::new(text).err().map(|error| error.kind().clone())
        }),
        ("a tag", |text| {
            Tag::new(text).err().map(|error| error.kind().clone())
        }),
        ("a worker", |text| {
            WorkerId::new(text).err().map(|error| error.kind().clone())
        }),
        ("a record name", |text| {
            RecordName::new(text)
                .err()
                .map(|error| error.kind().clone())
        }),
    ];
    for (text, long) in illegal() {
        let size = text.len() as u64;
        let limit = MAX_ID_BYTES as u64;
        let expected = if long {
            ErrorKind::TooLarge { limit, size }
        } else {
            ErrorKind::Invalid
        };
        for (what, door) in doors {
            cx.tried();
            let start: String = text.chars().take(20).collect();
            same!(
                door(&text),
                Some(expected.clone()),
                "{what} {start:?} of {size} bytes"
            );
        }
    }
    Ok(())
}

pub(crate) async fn an_empty_key_of_an_attachment_is_legal(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    read::apply(cx, attach("s", "a", "", Some("content"))).await?;
    let query = checkpoint_core::AttachmentQuery {
        key: Some(String::new()),
        ..checkpoint_core::AttachmentQuery::of(crate::samples::id("a"))
    };
    same!(
        read::attachments(&*cx.db(), query).await?.len(),
        1,
        "attachments with the empty key"
    );
    Ok(())
}
