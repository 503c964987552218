//! Files that are not as they must be: refused with place and reason, and nothing of them comes in.

use std::path::Path;

use checkpoint_core::{Error, ErrorKind, ExportFormat, Store};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::{Scratch, memory, noise};

/// A few checkpoints of each kind, and no more, so that a file can be cut everywhere.
async fn small() -> Store {
    let store = memory();
    let a = store.session("a").name("first").await.expect("made");
    let b = store.session("b").await.expect("made");
    let saved = a
        .save(&json!({"n": 1}))
        .message("one")
        .tag("t")
        .await
        .expect("saved");
    a.annotate(&saved.id, "a note", Default::default(), "me")
        .await
        .expect("noted");
    b.save_bytes("application/x-own", noise(1, 6_000))
        .await
        .expect("saved");
    b.save(&json!([1, 2]))
        .metadata("k", 1)
        .await
        .expect("saved");
    store
}

async fn exported(format: ExportFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let done = small()
        .await
        .export()
        .format(format)
        .to_writer(&mut bytes)
        .await;
    done.expect("exported");
    bytes
}

/// Imports bytes, which must be refused, by both ways to look at them; nothing may come in.
async fn refused(scratch: &Scratch, bytes: &[u8], what: &str) -> Error {
    let file = scratch.path("bad");
    std::fs::write(&file, bytes).expect("written");
    let store = memory();
    let error = match store.import(&file).await {
        Ok(report) => panic!("{what} was taken: {report:?}"),
        Err(error) => error,
    };
    let told = matches!(
        error.kind(),
        ErrorKind::Corrupt
            | ErrorKind::Invalid
            | ErrorKind::Unsupported
            | ErrorKind::TooLarge { .. }
    );
    assert!(told, "{what}: {error:?}");
    let stats = store.stats().await.expect("read");
    assert_eq!(
        (stats.sessions, stats.checkpoints, stats.chunks),
        (0, 0, 0),
        "{what}"
    );
    assert_eq!(store.sequence().await.expect("read"), 0, "{what}");
    if let Ok(report) = store.import(&file).check_only().await {
        assert!(report.wrong > 0 && !report.faults.is_empty(), "{what}");
    }
    // Whatever can be taken out of it is taken without a panic.
    drop(store.import(&file).despite_faults().await);
    error
}

fn has(error: &Error, name: &str) -> bool {
    error.context().any(|(it, _)| it == name)
}

/// The lines of an export, with some of them changed and the end made to fit.
pub(crate) fn lines(bytes: &[u8], change: impl FnOnce(&mut Vec<String>)) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).expect("text");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let end = lines.pop().expect("an end");
    change(&mut lines);
    let mut out: Vec<u8> = lines
        .iter()
        .flat_map(|line| format!("{line}\n").into_bytes())
        .collect();
    let mut end: Value = serde_json::from_str(&end).expect("JSON");
    let count = |kind: &str| {
        let says = format!("\"kind\":\"{kind}\"");
        lines.iter().filter(|line| line.contains(&says)).count()
    };
    end["sessions"] = count("session").into();
    end["checkpoints"] = count("checkpoint").into();
    let digest = Sha256::digest(&out);
    end["sha256"] = digest
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into();
    out.extend_from_slice(format!("{end}\n").as_bytes());
    out
}

/// Changes one member of the first checkpoint.
fn with(bytes: &[u8], member: &str, value: Value) -> Vec<u8> {
    lines(bytes, |lines| {
        let line = lines
            .iter_mut()
            .find(|line| line.contains("\"message\":\"one\""))
            .expect("there");
        let mut json: Value = serde_json::from_str(line).expect("JSON");
        json[member] = value;
        *line = json.to_string();
    })
}

#[tokio::test]
async fn lines_that_are_cut_are_refused() {
    let (scratch, whole) = (Scratch::new(), exported(ExportFormat::Lines).await);
    let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let ends: Vec<_> = ends.map(|(at, _)| at + 1).collect();
    let cuts = ends
        .iter()
        .flat_map(|end| [end - 1, *end])
        .chain((0..whole.len()).step_by(64));
    for cut in cuts.filter(|cut| *cut < whole.len()) {
        refused(&scratch, &whole[..cut], &format!("cut at {cut}")).await;
    }
    // And one of them left out, which the end counts, and which its digest tells even if it did not.
    for n in 0..ends.len() {
        let start = if n == 0 { 0 } else { ends[n - 1] };
        let without = [&whole[..start], &whole[ends[n]..]].concat();
        refused(&scratch, &without, &format!("without line {}", n + 1)).await;
    }
}

#[tokio::test]
async fn an_archive_that_is_cut_or_changed_is_refused() {
    let (scratch, whole) = (Scratch::new(), exported(ExportFormat::Archive).await);
    let frames = frames(&whole);
    assert!(frames.len() > 8, "{}", frames.len());
    let cuts = (0..whole.len())
        .step_by(64)
        .chain(frames.iter().flat_map(|(start, end)| [*start, end - 1]));
    for cut in cuts {
        refused(&scratch, &whole[..cut], &format!("cut at {cut}")).await;
    }
    for at in (0..whole.len()).step_by(13) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        refused(&scratch, &changed, &format!("changed at {at}")).await;
    }
    for (n, (start, end)) in frames.iter().enumerate() {
        let missing = [&whole[..*start], &whole[*end..]].concat();
        refused(&scratch, &missing, &format!("without frame {n}")).await;
        let twice = [&whole[..*end], &whole[*start..]].concat();
        refused(&scratch, &twice, &format!("with frame {n} twice")).await;
        if let Some((_, next)) = frames.get(n + 1) {
            let swapped = [
                &whole[..*start],
                &whole[*end..*next],
                &whole[*start..*end],
                &whole[*next..],
            ];
            refused(
                &scratch,
                &swapped.concat(),
                &format!("with frame {n} swapped"),
            )
            .await;
        }
    }
    let error = refused(
        &scratch,
        &[&whole[..], b"x"].concat(),
        "more behind the end",
    )
    .await;
    assert!(has(&error, "byte"), "{error}");
}

/// Where each frame begins and ends.
fn frames(archive: &[u8]) -> Vec<(usize, usize)> {
    let (mut frames, mut at) = (Vec::new(), 8);
    while at + 16 < archive.len() {
        let length = u32::from_le_bytes(archive[at + 1..at + 5].try_into().expect("four bytes"));
        let end = at + 5 + length as usize + 16;
        frames.push((at, end));
        at = end;
    }
    assert_eq!(at + 16, archive.len());
    frames
}

#[tokio::test]
async fn a_frame_that_lies_about_its_length_takes_no_memory() {
    let (scratch, whole) = (Scratch::new(), exported(ExportFormat::Archive).await);
    for (start, _) in frames(&whole) {
        for length in [u32::MAX, 256 << 20, 0] {
            let mut lying = whole.clone();
            lying[start + 1..start + 5].copy_from_slice(&length.to_le_bytes());
            refused(&scratch, &lying, &format!("length {length} at {start}")).await;
        }
    }
}

/// Members that say who, when and where.
fn headers() -> Vec<(&'static str, Value)> {
    vec![
        ("sequence", json!(0)),
        ("sequence", json!(-1)),
        ("sequence", json!(1.5)),
        ("sequence", json!(u64::MAX)),
        ("id", json!("")),
        ("id", json!("a\u{0}b")),
        ("id", json!("x".repeat(257))),
        ("id", json!(null)),
        ("session", json!("nowhere")),
        ("session", json!("a\n")),
        ("parent", json!("")),
        ("revision", json!(0)),
        ("revision", json!(u64::MAX)),
        ("created_at", json!("yesterday")),
        ("created_at", json!("2026-11-20T10:00:00")),
        ("committed_at", json!(12)),
        ("updated_at", json!("20260-01-01T00:00:00Z")),
        ("status", json!("done")),
        ("trigger", json!("Manual")),
        ("tags", json!(["b", "a"])),
        ("tags", json!(["a", "a"])),
        ("tags", json!([""])),
        (
            "tags",
            json!((0..100).map(|n| format!("{n:03}")).collect::<Vec<_>>()),
        ),
        ("step", json!("one")),
        ("pinned", json!(1)),
    ]
}

/// Members that say what.
fn contents() -> Vec<(&'static str, Value)> {
    vec![
        ("message", json!("another")),
        ("message", json!("x".repeat(100_000))),
        ("metadata", json!([])),
        ("metadata", json!({"other": 1})),
        ("content_type", json!("application/msgpack")),
        ("length", json!(6)),
        ("digest", json!("00")),
        ("digest", json!("0".repeat(64))),
        ("checksum", json!("0".repeat(64))),
        ("state", json!({"n": 2})),
        ("state_text", json!("twice")),
        ("state_base64", json!("AAAA")),
        ("description", json!("not base64")),
        ("description", json!("/w==")),
        ("description", json!("AQN0d28=")),
        (
            "origin",
            json!({"sequence": 0, "committed_at": "2026-11-20T10:00:00Z"}),
        ),
        ("origin", json!({"sequence": 1})),
        ("attachments", json!([{"kind": "k", "key": "a"}])),
        (
            "attachments",
            json!([{"kind": "k", "key": "a", "text": "", "base64": ""}]),
        ),
        (
            "attachments",
            json!([{"kind": "k", "key": "a", "text": ""}, {"kind": "k", "key": "a", "text": ""}]),
        ),
        (
            "attachments",
            json!([{"kind": "annotation", "key": "a", "note": "n"}]),
        ),
        ("unknown", json!(1)),
    ]
}

#[tokio::test]
async fn a_member_that_is_not_as_it_must_be_is_refused_with_its_line() {
    let (scratch, whole) = (Scratch::new(), exported(ExportFormat::Lines).await);
    let deep = (0..10_000).fold(String::new(), |deep, _| deep + "[") + &"]".repeat(10_000);
    let cases = headers().into_iter().chain(contents());
    for (member, value) in cases {
        let what = format!("{member}: {:.60}", value.to_string());
        let error = refused(&scratch, &with(&whole, member, value), &what).await;
        assert!(has(&error, "line"), "{what}: {error}");
    }
    for (member, inner) in [("state", &deep), ("metadata", &format!("{{\"a\":{deep}}}"))] {
        let changed = lines(&whole, |lines| {
            let line = lines
                .iter_mut()
                .find(|line| line.contains("\"message\":\"one\""))
                .expect("there");
            let old = if member == "state" {
                "\"state\":{\"n\":1}"
            } else {
                "\"metadata\":{}"
            };
            *line = line.replace(old, &format!("\"{member}\":{inner}"));
            assert!(line.contains(inner.as_str()));
        });
        let error = refused(&scratch, &changed, "ten thousand levels").await;
        assert!(has(&error, "line"), "{error}");
    }
}

/// Without this the tests above and below would hold of a reader that takes nothing.
#[tokio::test]
async fn lines_that_a_script_wrote_anew_are_taken() {
    let (scratch, whole) = (Scratch::new(), exported(ExportFormat::Lines).await);
    let file = scratch.path("good");
    for bytes in [with(&whole, "message", json!("one")), lines(&whole, |_| {})] {
        std::fs::write(&file, bytes).expect("written");
        let report = memory().import(&file).await.expect("imported");
        assert_eq!((report.found, report.received.checkpoints), (3, 3));
    }
}

#[tokio::test]
async fn each_line_stands_where_it_must() {
    let (scratch, whole) = (Scratch::new(), exported(ExportFormat::Lines).await);
    let twice = lines(&whole, |lines| lines.insert(4, lines[3].clone()));
    let error = refused(&scratch, &twice, "an id twice").await;
    assert!(
        error.to_string().contains("twice") && has(&error, "line"),
        "{error}"
    );
    let swapped = lines(&whole, |lines| lines.swap(3, 4));
    let error = refused(&scratch, &swapped, "two checkpoints swapped").await;
    assert!(error.to_string().contains("order"), "{error}");
    let session = lines(&whole, |lines| lines.insert(1, lines[1].clone()));
    refused(&scratch, &session, "a session twice").await;
    let late = lines(&whole, |lines| {
        let session = lines.remove(1);
        lines.push(session);
    });
    refused(&scratch, &late, "a session behind its checkpoint").await;
    let header = lines(&whole, |lines| lines.insert(1, lines[0].clone()));
    refused(&scratch, &header, "a header twice").await;
    let other = lines(&whole, |lines| {
        lines.insert(1, "{\"kind\":\"other\"}".to_owned())
    });
    let error = refused(&scratch, &other, "a line of another kind").await;
    assert_eq!(
        error.context().find(|(name, _)| *name == "line"),
        Some(("line", "2")),
        "{error}"
    );
    let broken = lines(&whole, |lines| lines[1].push('}'));
    let error = refused(&scratch, &broken, "a bracket too much").await;
    assert!(has(&error, "column"), "{error}");
    let text = String::from_utf8(whole.clone()).expect("text");
    refused(
        &scratch,
        text.replace('\n', "\r\n").as_bytes(),
        "line ends of another kind",
    )
    .await;
    let mut digest = whole.clone();
    let at = text.find("\"one\"").expect("there") + 1;
    digest[at] = b'O';
    refused(&scratch, &digest, "one letter changed").await;
}

#[tokio::test]
async fn a_newer_format_is_refused_by_name() {
    let (scratch, whole) = (Scratch::new(), exported(ExportFormat::Lines).await);
    let newer = lines(&whole, |lines| {
        lines[0] = lines[0]
            .replace("\"min_reader\":1", "\"min_reader\":7")
            .replace("\"version\":1", "\"version\":9");
    });
    let error = refused(&scratch, &newer, "a newer version").await;
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("version 9") && error.to_string().contains("version 7"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_export_is_told_what_it_is() {
    let scratch = Scratch::new();
    for (bytes, told) in [
        (&b""[..], "empty"),
        (b"SQLite format 3\0 and more", "SQLite"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"{\"rows\": []}", "JSON of another kind"),
        (b"dear diary", "dear diary"),
        (b"\xfe\xed\xfa\xce", "fe"),
        (b"\x89ckpa\n\x1a and more", "as if it were text"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
    ] {
        let error = refused(&scratch, bytes, told).await;
        assert!(error.to_string().contains(told), "{error}");
        assert!(has(&error, "path"), "{error}");
    }
    let store = memory();
    let error = store
        .import(scratch.directory())
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("directory"), "{error}");
    let error = store
        .import(scratch.path("nothing"))
        .await
        .expect_err("refused");
    assert!(error.is_not_found(), "{error}");
    let error = store
        .import(Path::new("/dev/null"))
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("import_reader"), "{error}");
}

#[tokio::test]
async fn what_is_whole_is_taken_when_asked_for() {
    let (scratch, whole) = (Scratch::new(), exported(ExportFormat::Lines).await);
    let file = scratch.path("damaged");
    std::fs::write(&file, with(&whole, "message", json!("another"))).expect("written");
    let store = memory();
    let report = store
        .import(&file)
        .despite_faults()
        .await
        .expect("imported");
    assert_eq!(
        (report.found, report.wrong, report.received.checkpoints),
        (2, 1, 2),
        "{report:?}"
    );
    assert!(!report.is_whole());

    let archive = exported(ExportFormat::Archive).await;
    std::fs::write(&file, &archive[..archive.len() - 200]).expect("written");
    let store = memory();
    let report = store
        .import(&file)
        .despite_faults()
        .await
        .expect("imported");
    assert_eq!(report.wrong, 1);
    assert_eq!(report.received.checkpoints, report.found);
    assert!((1..=3).contains(&report.found), "{report:?}");
}
