//! Files of other systems, whole and broken.

mod dispatcher;
mod fields;
mod hostile;
mod orchestrator;
mod properties;
mod temporal;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::{Foreign, ForeignOptions, ForeignReport, ImportFormat, Remark, open, recognise};
use crate::checksum::checksum;
use crate::description::{Description, StateDigest};
use crate::error::Result;
use crate::exchange::source::{Arrival, ArrivingState, Source};
use crate::limits::Limits;
use crate::record::{Header, SessionRecord};

/// A sample of the committed ones.
fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/foreign")
        .join(name)
}

/// A checkpoint as it arrives, taken apart.
#[derive(Debug)]
struct Came {
    header: Header,
    description: Description,
    state: Vec<u8>,
}

impl Came {
    fn of(arrival: Arrival) -> Self {
        let ArrivingState::Whole(state) = arrival.state else {
            panic!("a foreign state comes whole");
        };
        let description = Description::decode(&arrival.meta).unwrap();
        let made = checksum(&arrival.header, &description).unwrap();
        assert_eq!(description.checksum, Some(made));
        assert_eq!(description.digest, Some(StateDigest::of(&state)));
        assert_eq!(arrival.header.length, state.len() as u64);
        assert!(arrival.attachments.is_empty());
        Self {
            header: *arrival.header,
            description,
            state: state.to_vec(),
        }
    }

    fn value(&self) -> Value {
        serde_json::from_slice(&self.state).unwrap()
    }

    fn imported(&self, name: &str) -> &Value {
        &self.description.metadata["imported"][name]
    }
}

/// All checkpoints of a source, in its order.
fn all(foreign: &Foreign) -> Vec<Came> {
    let mut found = Vec::new();
    let (mut after, mut last) = (0, 0);
    loop {
        let page = now(foreign.arrivals(after)).unwrap();
        for item in page.items {
            let came = Came::of(item.into_option().unwrap().unwrap());
            assert!(came.header.sequence > last, "lowest first");
            last = came.header.sequence;
            found.push(came);
        }
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let report = foreign.report();
    assert_eq!(found.len() as u64, report.checkpoints);
    assert_eq!(now(foreign.total()).unwrap(), Some(report.checkpoints));
    assert!(now(foreign.newest()).unwrap() >= last);
    found
}

fn sessions(foreign: &Foreign) -> Vec<SessionRecord> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = now(foreign.sessions(after)).unwrap();
        let items = page.items.into_iter();
        found.extend(items.map(|it| it.into_option().unwrap().unwrap()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(found.len() as u64, foreign.report().sessions);
    found
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// Opens what a file of these bytes holds.
fn open_bytes(bytes: &[u8], format: ImportFormat) -> Result<(TempDir, Foreign)> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    open_path(&path, format).map(|foreign| (place, foreign))
}

fn open_path(path: &Path, format: ImportFormat) -> Result<Foreign> {
    open(path, format, &ForeignOptions::default(), &Limits::default())
}

fn open_value(value: &Value, format: ImportFormat) -> (TempDir, Foreign) {
    open_bytes(value.to_string().as_bytes(), format).unwrap()
}

/// The reasons of all refusals, whole.
fn refusals(report: &ForeignReport) -> Vec<String> {
    report.faults.iter().map(ToString::to_string).collect()
}

/// How often something was remarked.
fn count(report: &ForeignReport, remark: Remark) -> u64 {
    report.remarks.get(&remark).map_or(0, |it| it.count)
}

fn recognised(bytes: &[u8]) -> Option<ImportFormat> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    recognise(file.path()).unwrap()
}

#[test]
fn each_sample_is_recognised_by_what_it_holds() {
    for (name, format) in [
        ("temporal.json", ImportFormat::Temporal),
        ("session.json", ImportFormat::Temporal),
        ("features/F052-checkpoint.json", ImportFormat::Dispatcher),
        // Its backup tells.
        ("features/F054-checkpoint.json", ImportFormat::Dispatcher),
        ("features", ImportFormat::Dispatcher),
        ("tasks", ImportFormat::Orchestrator),
        ("tasks.json", ImportFormat::Orchestrator),
        (
            "tasks/failed/checkpoint_cp_task_2_1_1700000100.json",
            ImportFormat::Orchestrator,
        ),
    ] {
        assert_eq!(recognise(&sample(name)).unwrap(), Some(format), "{name}");
    }
}

#[test]
fn what_is_of_none_of_them_is_not_recognised() {
    for bytes in [
        &b""[..],
        b"{}",
        b"[]",
        b"[[]]",
        b"null",
        b"[1,2",
        b"SQLite format 3\0",
        br#"{"checkpoints": 3}"#,
        br#"{"a":{"checkpoint_id":"x"}}"#,
        br#"[{"checkpoints":[]}]"#,
        b"\xff\xfe{\0\"\0",
    ] {
        assert_eq!(recognised(bytes), None, "{}", bytes.escape_ascii());
    }
    assert_eq!(
        recognise(sample("tasks/active/..").as_path()).unwrap(),
        Some(ImportFormat::Orchestrator)
    );
    assert_eq!(
        recognise(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap(),
        None
    );
    let error = recognise(&sample("absent")).unwrap_err().to_string();
    assert!(error.contains("absent"), "{error}");
}

#[test]
fn only_the_start_of_a_file_is_looked_at_to_recognise_it() {
    let far = format!("{}{{\"checkpoints\":[]}}", " ".repeat(2 << 20));
    assert_eq!(recognised(far.as_bytes()), None);
    let near = format!("{}{{\"checkpoints\":[]}}", " ".repeat(1 << 19));
    assert_eq!(recognised(near.as_bytes()), Some(ImportFormat::Temporal));
    // What comes after the telling field may be cut off.
    assert_eq!(
        recognised(br#"{"version":"1.0","checkpoints":[{"id":"#),
        Some(ImportFormat::Temporal)
    );
}

#[test]
fn our_own_formats_are_not_opened_as_foreign() {
    let error = open_bytes(b"{}", ImportFormat::Lines).unwrap_err();
    assert!(matches!(error.kind(), crate::ErrorKind::Unsupported));
}

#[test]
fn a_file_that_changed_since_is_noticed_and_hides_nothing_else() {
    let text = std::fs::read_to_string(sample("temporal.json")).unwrap();
    let (place, foreign) = open_bytes(text.as_bytes(), ImportFormat::Temporal).unwrap();
    let changed = text.replace("\"branch\"", "\"brunch\"");
    std::fs::write(place.path().join("file"), changed).unwrap();
    let page = now(foreign.arrivals(0)).unwrap();
    let read: Vec<_> = page.items.into_iter().map(|it| it.into_option()).collect();
    let whole: Vec<_> = read.iter().map(Result::is_ok).collect();
    assert_eq!(whole, [true, false, true]);
    let error = read[1].as_ref().unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("changed"),
        "{error}"
    );

    std::fs::write(place.path().join("file"), "{}").unwrap();
    let page = now(foreign.arrivals(0)).unwrap();
    assert!(page.items.into_iter().all(|it| it.into_option().is_err()));
}

#[test]
fn remarks_tell_what_and_where_and_no_secret() {
    let foreign = open_path(&sample("temporal.json"), ImportFormat::Temporal).unwrap();
    let told = format!("{:?}", foreign.report().remarks);
    assert!(
        told.contains("checkpoints[2]: 2025-03-01T09:06:00.5 at +00:00"),
        "{told}"
    );
    assert!(
        told.contains("checkpoints[0]: 2 values of env_vars"),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
    let names: Vec<_> = foreign
        .report()
        .remarks
        .keys()
        .map(Remark::to_string)
        .collect();
    assert!(
        names.contains(&"times without a zone".to_owned()),
        "{names:?}"
    );
}
