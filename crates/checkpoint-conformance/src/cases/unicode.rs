//! Any legal id, tag or key round-trips, byte for byte; no character means anything.

use bytes::Bytes;
use checkpoint_core::{
    Append, Attach, AttachmentQuery, Filter, Item, MAX_ID_BYTES, Parts, PutRecord, Query,
    SessionQuery,
};

use crate::case::{Failure, Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, everything, names, save, save_as, scan, seed};
use crate::samples::{append, attach, create, fingerprint, id, name, record, session, tag, worker};

/// Legal ids that have broken programs before; no two are the same string.
fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "'",
        "''",
        "\"",
        "`",
        ";",
        "--",
        "' OR '1'='1",
        "'; DROP TABLE checkpoints; --",
        "\\",
        "\\'",
        "\\0",
        "%",
        "_",
        "%_%",
        "*",
        "?",
        "[a-z]",
        "**",
        "{a,b}",
        "~",
        "!",
        "#",
        "$HOME",
        "$(id)",
        "`id`",
        "&",
        "|",
        "/",
        "//",
        ".",
        "..",
        "../..",
        "../../etc/passwd",
        "/etc/passwd",
        "a/b",
        "a//b",
        "a/../b",
        "./a",
        "C:\\",
        "CON",
        "NUL",
        "file://x",
        "s3://x/y",
        "a:b",
        "a@b",
        "a b",
        " ",
        "  ",
        " a",
        "a ",
        "a+b",
        "a%2Fb",
        "%00",
        "%2e%2e",
        "null",
        "NULL",
        "none",
        "true",
        "0",
        "-1",
        "1e9",
        "NaN",
        "undefined",
        "a",
        "A",
        "ß",
        "SS",
        "ss",
        "ẞ",
        "İ",
        "i",
        "I",
        "ı",
        "ﬁ",
        "fi",
        "é",
        "e\u{301}",
        "Å",
        "Å",
        "Ω",
        "Ω",
        "日本語",
        "русский",
        "עברית",
        "العربية",
        "हिन्दी",
        "ไทย",
        "한국어",
        "\u{1112}\u{1161}\u{11ab}",
        "😀",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{202e}abc",
        "\u{2028}",
        "\u{2029}",
        "\u{a0}",
        "\u{ad}",
        "\u{fffd}",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{e000}",
        "z̷̢̛̤͚̱͂a",
        "<b>",
        "&amp;",
        "{{x}}",
        "${x}",
        "{0}",
        "%s",
        "%n",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        "^",
        "<",
        ">",
        "01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89AB-CDEF-0123-456789ABCDEF",
        "0123456789abcdef0123456789abcdef",
        "{01234567-89ab-cdef-0123-456789abcdef}",
        "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcde",
        "01234567-89ab-cdef-0123-456789abcdef ",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push("x".repeat(MAX_ID_BYTES));
    all.push("é".repeat(MAX_ID_BYTES / 2));
    all.push("😀".repeat(MAX_ID_BYTES / 4));
    all.push(format!("{}a", "x".repeat(MAX_ID_BYTES - 1)));
    all.push("../".repeat(MAX_ID_BYTES / 3));
    all.sort();
    all.dedup();
    all
}

pub(crate) async fn every_hostile_checkpoint_id_round_trips(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let all = hostile();
    for (n, text) in all.iter().enumerate() {
        cx.tried();
        let given = save(cx, "s", text).await?;
        same!(
            (given.sequence, given.deleted),
            (n as u64 + 1, false),
            "what {text:?} was given"
        );
    }
    same!(names(&*cx.db(), all_of("s")).await?, all, "ids listed");
    let ids: Vec<_> = all.iter().map(|text| id(text)).collect();
    for (text, item) in all.iter().zip(cx.db().get(&ids, Parts::META).await?) {
        let Item::Found(record) = item else {
            return Err(Failure::wrong(format!("{text:?} is {item:?}")));
        };
        same!(record.header.id.to_string(), *text, "id read back");
        same!(
            record.meta,
            Some(crate::samples::meta(text)),
            "description of {text:?}"
        );
    }
    Ok(())
}

pub(crate) async fn every_hostile_session_id_round_trips(cx: &Context) -> Verdict {
    let all = hostile();
    for text in &all {
        cx.tried();
        read::make_session(cx, text).await?;
        save_as(
            cx,
            Append {
                fingerprint: fingerprint(text),
                ..append(text, &format!("in {text:.80}"))
            },
        )
        .await?;
    }
    let listed = read::sessions(&*cx.db(), 50).await?;
    let listed: Vec<String> = listed
        .iter()
        .map(|session| session.id.to_string())
        .collect();
    same!(listed, all, "sessions listed");
    for text in &all {
        let page = cx.db().sessions(&SessionQuery::one(session(text))).await?;
        same!(page.items.len(), 1, "sessions with the id {text:?}");
        same!(page.items[0].body, create(text).body, "body of {text:?}");
        let of = scan(&*cx.db(), all_of(text)).await?;
        same!(of.len(), 1, "checkpoints of session {text:?}");
        same!(
            of[0].header.session,
            session(text),
            "session of the checkpoint"
        );
    }
    Ok(())
}

pub(crate) async fn every_hostile_tag_and_worker_is_found_by_itself_alone(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let all = hostile();
    let mut commit = cx.commit();
    for (n, text) in all.iter().enumerate() {
        let one = append("s", &format!("c{n}"));
        commit = commit.with(Append {
            tags: vec![tag(text)],
            worker: Some(worker(text)),
            ..one
        });
    }
    cx.db().commit(commit).await?;
    for (n, text) in all.iter().enumerate() {
        cx.tried();
        let own = [format!("c{n}")];
        let by_tag = Filter {
            any_tag: vec![tag(text)],
            ..Filter::default()
        };
        same!(
            names(
                &*cx.db(),
                Query {
                    filter: by_tag,
                    ..everything()
                }
            )
            .await?,
            own,
            "tagged {text:?}"
        );
        let by_worker = Filter {
            worker: Some(worker(text)),
            ..Filter::default()
        };
        same!(
            names(
                &*cx.db(),
                Query {
                    filter: by_worker,
                    ..all_of("s")
                }
            )
            .await?,
            own,
            "by worker {text:?}"
        );
        let record = read::found(&*cx.db(), &own[0]).await?;
        same!(record.header.tags, [tag(text)], "tags read back");
    }
    Ok(())
}

pub(crate) async fn every_hostile_attachment_key_round_trips(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let mut all = hostile();
    all.push(String::new());
    let mut commit = cx.commit();
    for text in &all {
        commit = commit.with(attach("s", "a", text, Some(text)));
        let by_kind = Attach {
            kind: text.clone(),
            ..attach("s", "a", "of that kind", Some(text))
        };
        commit = commit.with(by_kind);
    }
    cx.db().commit(commit).await?;
    for text in &all {
        cx.tried();
        let content = Some(Bytes::from(text.clone()));
        let by_key = AttachmentQuery {
            key: Some(text.clone()),
            kind: Some("note".into()),
            ..AttachmentQuery::of(id("a"))
        };
        let found = read::attachments(&*cx.db(), by_key).await?;
        same!(found.len(), 1, "attachments with the key {text:?}");
        same!(
            (&found[0].key, &found[0].bytes),
            (text, &content),
            "the attachment"
        );
        let by_kind = AttachmentQuery {
            kind: Some(text.clone()),
            ..AttachmentQuery::of(id("a"))
        };
        let found = read::attachments(&*cx.db(), by_kind).await?;
        same!(found.len(), 1, "attachments of the kind {text:?}");
        same!(
            (&found[0].kind, &found[0].bytes),
            (text, &content),
            "the attachment"
        );
    }
    Ok(())
}

pub(crate) async fn every_hostile_record_name_round_trips(cx: &Context) -> Verdict {
    let all = hostile();
    for text in &all {
        cx.tried();
        let put = PutRecord {
            name: name(text),
            bytes: Some(Bytes::from(text.clone())),
        };
        apply(cx, put).await?;
    }
    let found = cx.db().records("").await?;
    same!(found.len(), all.len(), "records");
    for (found, text) in found.iter().zip(&all) {
        same!(
            (found.name.as_str(), &found.bytes[..]),
            (text.as_str(), text.as_bytes()),
            "record"
        );
    }
    for text in &all {
        let found = cx.db().records(text).await?;
        let starts: Vec<&String> = all
            .iter()
            .filter(|other| other.starts_with(text.as_str()))
            .collect();
        same!(
            found.len(),
            starts.len(),
            "records that start with {text:?}"
        );
    }
    Ok(())
}

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
            cx.db().records(prefix).await?.len(),
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

pub(crate) async fn hostile_ids_survive_a_restart(cx: &Context) -> Verdict {
    let all = hostile();
    seed(cx, "s", &[]).await?;
    let mut commit = cx.commit();
    for text in &all {
        commit = commit.with(append("s", text));
    }
    cx.db().commit(commit).await?;
    let db = cx.restart().await?;
    same!(
        names(&*db, all_of("s")).await?,
        all,
        "ids listed after a restart"
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
        same!(cx.db().records(&key).await?[0].bytes, *bytes, "record");
    }
    holds!(cx.inputs() >= 4, "inputs were not counted");
    Ok(())
}
