//! Equal are those that have the same bytes, and no others.

use bytes::Bytes;
use checkpoint_core::{Append, Attach, AttachmentQuery, PutRecord};

use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, everything, names, save, save_as, seed};
use crate::samples::{append, attach, name, record};

pub(crate) async fn a_prefix_is_no_pattern(cx: &Context) -> Verdict {
    for text in ["a%", "ab", "a_", "a*", "A", "b", "a\\"] {
        apply(cx, record(text, Some("x"))).await?;
    }
    let prefixes = [
        ("a%", 1),
        ("a_", 1),
        ("a*", 1),
        ("%", 0),
        ("_", 0),
        ("*", 0),
        ("?", 0),
        ("a", 5),
        ("A", 1),
        ("a\\", 1),
        ("\0", 0),
    ];
    for (prefix, count) in prefixes {
        cx.tried();
        same!(
            read::records(&*cx.db(), prefix).await?.len(),
            count,
            "records that start with {prefix:?}"
        );
    }
    Ok(())
}

pub(crate) async fn a_uuid_in_capitals_is_another_id(cx: &Context) -> Verdict {
    let texts = [
        "01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89AB-CDEF-0123-456789ABCDEF",
        "0123456789abcdef0123456789abcdef",
        "01234567-89Ab-cdef-0123-456789abcdef",
    ];
    for text in texts {
        seed(cx, text, &[text]).await?;
    }
    same!(names(&*cx.db(), everything()).await?, texts, "ids listed");
    for text in texts {
        same!(
            names(&*cx.db(), all_of(text)).await?,
            [text],
            "checkpoints of session {text}"
        );
    }
    Ok(())
}

pub(crate) async fn case_and_composition_tell_ids_apart(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let groups = [
        ["Name", "name", "NAME"],
        ["é", "e\u{301}", "É"],
        ["ß", "ss", "SS"],
        ["\u{212b}", "\u{c5}", "A\u{30a}"],
        ["x", "x ", " x"],
        ["ﬁ", "fi", "FI"],
    ];
    for group in groups {
        for text in group {
            cx.tried();
            save(cx, "s", text).await?;
        }
        for text in group {
            let record = read::found(&*cx.db(), text).await?;
            same!(
                record.meta,
                Some(crate::samples::meta(text)),
                "description of {text:?}"
            );
        }
    }
    same!(
        names(&*cx.db(), all_of("s")).await?.len(),
        18,
        "checkpoints"
    );
    Ok(())
}

pub(crate) async fn any_bytes_round_trip_where_bytes_are_opaque(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let every: Vec<u8> = (0..=255).collect();
    let samples = [
        Bytes::new(),
        Bytes::from_static(&[0]),
        Bytes::from_static(&[0xff; 3]),
        Bytes::from(every),
    ];
    for (n, bytes) in samples.iter().enumerate() {
        cx.tried();
        let (id, key) = (format!("c{n}"), format!("k{n}"));
        let payload = checkpoint_core::Payload::Inline(bytes.clone());
        save_as(
            cx,
            Append {
                meta: bytes.clone(),
                payload: payload.clone(),
                ..append("s", &id)
            },
        )
        .await?;
        let record = read::found(&*cx.db(), &id).await?;
        same!(
            (record.meta, record.payload),
            (Some(bytes.clone()), Some(payload)),
            "description and state"
        );
        apply(
            cx,
            Attach {
                bytes: Some(bytes.clone()),
                ..attach("s", &id, &key, None)
            },
        )
        .await?;
        let attached =
            read::attachments(&*cx.db(), AttachmentQuery::of(crate::samples::id(&id))).await?;
        same!(attached.len(), 1, "attachments");
        same!(attached[0].bytes, Some(bytes.clone()), "content");
        apply(
            cx,
            PutRecord {
                name: name(&key),
                bytes: Some(bytes.clone()),
            },
        )
        .await?;
        same!(
            read::records(&*cx.db(), &key).await?[0].bytes,
            *bytes,
            "record"
        );
    }
    holds!(cx.inputs() >= 4, "inputs were not counted");
    Ok(())
}
