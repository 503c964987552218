//! Files that somebody else wrote, brought into a store: nothing of a bad one, all of a good one, and that is whole.
//!
//! The first byte says whether the rest is a file as it is, or what stands between a header and an end that are made to
//! fit, so that digests keep nobody from what lies behind them.

use std::io::Cursor;

use checkpoint_core::{ErrorKind, ExportFormat, Import, ImportReport, Result, Store};
use sha2::{Digest, Sha256};

use crate::fields::{Fields, varint};
use crate::input::Input;
use crate::store::{Bench, ok, shown, wait};

/// Frames of an archive: kind, length in two bytes, fields.
pub(crate) fn archive(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        brought(&mended_archive(&mut input));
    } else {
        brought(input.rest());
    }
}

/// Lines without the first and the last.
pub(crate) fn lines(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        brought(&mended_lines(input.rest()));
    } else {
        brought(input.rest());
    }
}

/// Imports a file in every way, and asserts what must hold of the answers.
fn brought(file: &[u8]) {
    let bench = Bench::new();
    let store = bench.store();
    match wait(import(&store, file)) {
        Ok(report) => taken(&store, &report),
        Err(error) => {
            shown(&error);
            let unfit = matches!(
                error.kind(),
                ErrorKind::Corrupt
                    | ErrorKind::Invalid
                    | ErrorKind::Unsupported
                    | ErrorKind::TooLarge { .. }
            );
            assert!(unfit, "{error:?}");
            let stats = ok(wait(store.stats()), "counting");
            assert_eq!((stats.sessions, stats.checkpoints, stats.chunks), (0, 0, 0));
            let looked = wait(import(&store, file).check_only());
            assert!(looked.is_err() || looked.is_ok_and(|report| report.wrong > 0));
        }
    }
    let bench = Bench::new();
    let store = bench.store();
    if let Ok(report) = wait(import(&store, file).despite_faults()) {
        assert_eq!(report.received.checkpoints, report.found, "{report:?}");
        assert!(
            ok(wait(store.verify()), "verifying").is_clean(),
            "damage came in"
        );
    }
}

fn import(store: &Store, file: &[u8]) -> Import {
    store.import_reader(Cursor::new(file.to_vec()), tempfile::env::temp_dir())
}

/// All that was taken is whole, and can be given on.
fn taken(store: &Store, report: &ImportReport) {
    assert!(report.is_whole(), "looked at and then refused: {report:?}");
    let verified = ok(wait(store.verify()), "verifying");
    assert!(verified.is_clean(), "damage came in: {verified:?}");
    assert_eq!(verified.total(), report.found);
    for format in [ExportFormat::Archive, ExportFormat::Lines] {
        let mut again = Vec::new();
        let export = store.export().format(format).to_writer(&mut again);
        let exported = ok(wait(export), "exporting");
        assert_eq!(
            (exported.checkpoints, exported.left_out),
            (report.found, 0),
            "{exported:?}"
        );
        let bench = Bench::new();
        let other = bench.store();
        let imported: Result<ImportReport> = wait(import(&other, &again));
        assert!(ok(imported, "importing again").is_whole());
        assert_eq!(checksums(&other), checksums(store));
    }
}

fn checksums(store: &Store) -> Vec<(String, u64, Option<String>)> {
    let list = ok(wait(store.list()), "listing");
    assert!(list.damaged.is_empty());
    let said = list.checkpoints.iter();
    said.map(|it| (it.id().to_string(), it.sequence(), it.checksum()))
        .collect()
}

const MAGIC: &[u8; 8] = b"\x89ckpa\r\n\x1a";
/// The highest sequence that a mended file names.
const NEWEST: u64 = 1 << 20;

/// Frames, linked anew.
struct Archive {
    bytes: Vec<u8>,
    link: [u8; 32],
    frames: u64,
    counts: [u64; 8],
}

impl Archive {
    fn frame(&mut self, kind: u8, fields: &[u8]) {
        let mut head = vec![kind];
        head.extend_from_slice(&(fields.len() as u32).to_le_bytes());
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.link).update(&head).update(fields);
        self.link = *hasher.finalize().as_bytes();
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(fields);
        self.bytes.extend_from_slice(&self.link[..16]);
        self.frames += 1;
        self.counts[usize::from(kind % 8)] += 1;
    }
}

fn mended_archive(input: &mut Input<'_>) -> Vec<u8> {
    let mut archive = Archive {
        bytes: MAGIC.to_vec(),
        link: *blake3::hash(MAGIC).as_bytes(),
        frames: 0,
        counts: [0; 8],
    };
    let mut header = Fields::default();
    header.put_number(1, 1);
    header.put_number(2, 1);
    header.put(3, &[7; 16]);
    header.put_number(6, NEWEST);
    archive.frame(1, &header.finish());
    let mut mark = Vec::new();
    while !input.is_empty() {
        let kind = input.byte();
        let fields = input.long();
        if kind == 4 && archive.counts[4] == 0 {
            varint(&mut mark, sequence(fields));
            varint(&mut mark, archive.bytes.len() as u64);
            varint(&mut mark, archive.frames);
            mark.extend_from_slice(&archive.link);
        }
        archive.frame(kind, fields);
    }
    let index = archive.bytes.len() as u64;
    if !mark.is_empty() {
        let mut marks = Fields::default();
        marks.put(1, &mark);
        archive.frame(6, &marks.finish());
    }
    let (at, mut end) = (archive.bytes.len() as u64, Fields::default());
    for (field, kind) in [(1, 2), (2, 4), (3, 5), (4, 3)] {
        end.put_number(field, archive.counts[kind]);
    }
    end.put_number(6, NEWEST);
    end.put_number(7, index);
    end.put(8, &archive.link);
    archive.frame(7, &end.finish());
    archive.bytes.extend_from_slice(&at.to_le_bytes());
    archive.bytes.extend_from_slice(MAGIC);
    archive.bytes
}

/// What the first field of a checkpoint says, if it is one of its own sequence.
fn sequence(fields: &[u8]) -> u64 {
    let [1, length, rest @ ..] = fields else {
        return 0;
    };
    let digits = rest.iter().take(usize::from(*length).min(9)).rev();
    digits.fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
}

fn mended_lines(between: &[u8]) -> Vec<u8> {
    let mut file = b"{\"kind\":\"header\",\"format\":\"checkpoint-lines\",\"version\":1,\"min_reader\":1,\"store\":\
        \"07070707-0707-0707-0707-070707070707\",\"exported_at\":\"2026-11-20T10:00:00Z\",\"session\":null,\
        \"global_sequence\":1048576}\n".to_vec();
    file.extend_from_slice(between);
    if !between.ends_with(b"\n") && !between.is_empty() {
        file.push(b'\n');
    }
    let count = |kind: &str| {
        let begins = format!("{{\"kind\":\"{kind}\"");
        let lines = between.split(|byte| *byte == b'\n');
        lines
            .filter(|line| line.starts_with(begins.as_bytes()))
            .count()
    };
    let text = String::from_utf8_lossy(between);
    let attachments = text.matches("\"key\":").count();
    let digest: String = Sha256::digest(&file)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let end = format!(
        "{{\"kind\":\"end\",\"sessions\":{},\"checkpoints\":{},\"attachments\":{attachments},\"left_out\":0,\
         \"global_sequence\":1048576,\"sha256\":\"{digest}\"}}\n",
        count("session"),
        count("checkpoint"),
    );
    file.extend_from_slice(end.as_bytes());
    file
}
