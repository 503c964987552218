use checkpoint_core::ErrorKind;
use proptest::prelude::*;

use super::*;
use crate::row::Change;
use crate::seal::{EXTENSION, Extension, VERSION, Versions};
use crate::testing::{changes, each_damage, fixture, head, noise};

fn id() -> impl Strategy<Value = Id> {
    any::<[u8; 16]>().prop_map(Id)
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

fn snapshot() -> impl Strategy<Value = SnapshotName> {
    (any::<u64>(), id(), digest()).prop_map(|(position, manifest, digest)| SnapshotName {
        position,
        manifest,
        digest,
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let times = Timestamp::MIN.micros()..=Timestamp::MAX.micros();
    let place = (any::<u64>(), any::<u64>(), times);
    let snapshot = prop::option::of(snapshot());
    (head(), id(), id(), place, digest(), snapshot, changes(20)).prop_map(
        |(head, machine, operation, (position, first_sequence, micros), before, snapshot, rows)| {
            Entry {
                head,
                machine,
                operation,
                position,
                first_sequence,
                committed_at: Timestamp::from_micros(micros).unwrap(),
                before,
                snapshot,
                rows: Run::of(rows).unwrap(),
            }
        },
    )
}

fn stub() -> impl Strategy<Value = Stub> {
    (head(), id(), any::<u64>(), digest(), digest(), snapshot()).prop_map(
        |(head, operation, position, replaces, before, snapshot)| Stub {
            head,
            operation,
            position,
            replaces,
            before,
            snapshot,
        },
    )
}

fn sample_snapshot() -> SnapshotName {
    SnapshotName {
        position: 40,
        manifest: Id([9; 16]),
        digest: Digest::of(b"a manifest"),
    }
}

fn sample(snapshot: bool) -> Entry {
    Entry {
        head: Head::default(),
        machine: Id([1; 16]),
        operation: Id([2; 16]),
        position: 42,
        first_sequence: 1_001,
        committed_at: Timestamp::from_micros(1_700_000_000_000_000).unwrap(),
        before: Digest::of(b"the one before"),
        snapshot: snapshot.then(sample_snapshot),
        rows: Run::of(vec![
            Change::put(3, &b"row"[..], noise(24, 1)),
            Change::remove(4, &b"gone"[..]),
        ])
        .unwrap(),
    }
}

fn sample_stub() -> Stub {
    Stub {
        head: Head::default(),
        operation: Id([2; 16]),
        position: 42,
        replaces: Digest::of(b"an entry"),
        before: Digest::of(b"the one before"),
        snapshot: sample_snapshot(),
    }
}

proptest! {
    #[test]
    fn entries_are_read_as_they_were_written(entry in entry()) {
        let bytes = entry.encode().unwrap();
        prop_assert_eq!(Logged::decode(&bytes).unwrap(), Logged::Entry(entry));
    }

    #[test]
    fn stubs_are_read_as_they_were_written(stub in stub()) {
        let bytes = stub.encode().unwrap();
        prop_assert_eq!(Logged::decode(&bytes).unwrap(), Logged::Stub(stub));
    }

    #[test]
    fn any_bytes_with_a_digest_are_read_or_refused(
        entry in entry(),
        stub: bool,
        rest in prop::collection::vec(any::<u8>(), 0..200),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let kind = if stub { Kind::Stub } else { Kind::Entry };
        let mut random = seal::begin(kind, &Head::default()).unwrap();
        random.extend_from_slice(&rest);
        let whole = entry.encode().unwrap();
        let mut changed = whole[..whole.len() - 8].to_vec();
        let at = at.index(changed.len());
        changed[at] = byte;
        for bytes in [random, changed] {
            if let Err(error) = Logged::decode(&seal::finish(bytes)) {
                prop_assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported));
            }
        }
        prop_assert!(Logged::decode(&rest).unwrap_err().is_corrupt());
    }
}

#[test]
fn each_changed_byte_is_noticed() {
    let objects = [
        sample(true).encode().unwrap(),
        sample(false).encode().unwrap(),
        sample_stub().encode().unwrap(),
    ];
    for object in objects {
        each_damage(&object, |bytes| {
            Logged::decode(bytes).is_err_and(|error| error.is_corrupt())
        });
    }
}

#[test]
fn a_later_version_is_refused_by_name_and_an_odd_one_is_corrupt() {
    let mut entry = sample(true);
    let mut decode = |version, reader| {
        entry.head.versions = Versions {
            version,
            reader,
            writer: u32::MAX,
        };
        Logged::decode(&entry.encode().unwrap())
    };
    // Written by a later one, for this one too; what may write after it is for others to judge.
    let read = decode(VERSION + 1, VERSION).unwrap();
    assert!(matches!(read, Logged::Entry(entry) if entry.head.versions.writer == u32::MAX));
    let error = decode(VERSION + 8, VERSION + 6).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    let shown = error.to_string();
    assert!(
        shown.contains("version 7") && shown.contains("version 1"),
        "{shown}"
    );
    assert!(decode(0, 0).unwrap_err().is_corrupt());
}

#[test]
fn an_extension_is_skipped_unless_it_must_be_understood() {
    let mut entry = sample(false);
    let mut with = |critical, length| {
        entry.head.extension = Some(Extension {
            critical,
            bytes: vec![7; length].into(),
        });
        entry.encode()
    };
    let skipped = Logged::decode(&with(false, EXTENSION).unwrap()).unwrap();
    assert!(matches!(skipped, Logged::Entry(entry) if entry.head.extension.is_some()));
    let error = Logged::decode(&with(true, 3).unwrap()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    let error = with(false, EXTENSION + 1).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TooLarge { .. }),
        "{error}"
    );
}

#[test]
fn what_is_no_entry_is_corrupt() {
    for bytes in [
        &b""[..],
        b"\x89ckpl\r\n\x1a",
        b"\x89ckpm\r\n\x1a",
        &[0; 200],
    ] {
        assert!(Logged::decode(bytes).unwrap_err().is_corrupt());
    }
    // A flag that no format has, and more than a stub's parts.
    let mut out = seal::begin(Kind::Entry, &Head::default()).unwrap();
    out.extend_from_slice(&[0; 88]);
    out.push(2);
    out.extend_from_slice(&[0; 90]);
    assert!(Logged::decode(&seal::finish(out)).unwrap_err().is_corrupt());
    let mut out = seal::begin(Kind::Stub, &Head::default()).unwrap();
    out.extend_from_slice(&[0; 97]);
    assert!(Logged::decode(&seal::finish(out)).unwrap_err().is_corrupt());
    // A time that is none.
    let mut out = seal::begin(Kind::Entry, &Head::default()).unwrap();
    out.extend_from_slice(&[0x7f; 88]);
    out.push(0);
    out.extend_from_slice(&block::encode(&Run::of(Vec::new()).unwrap(), 0));
    assert!(Logged::decode(&seal::finish(out)).unwrap_err().is_corrupt());
}

#[test]
fn a_chain_still_checks_where_an_entry_became_a_stub() {
    let first = sample(false);
    let object = first.encode().unwrap();
    let second = Entry {
        position: 43,
        before: Digest::of(&object),
        ..sample(true)
    };
    let stub = Stub {
        replaces: Digest::of(&object),
        before: first.before,
        ..sample_stub()
    };
    let trimmed = stub.encode().unwrap();
    for object in [&object, &trimmed] {
        let logged = Logged::decode(object).unwrap();
        assert_eq!((logged.position(), logged.operation()), (42, Id([2; 16])));
        assert_eq!(logged.before(), first.before);
        assert_eq!(logged.link(object), second.before);
    }
}

#[test]
fn objects_of_the_first_version_are_what_is_written_today() {
    let objects = [
        (
            "entry-1",
            Logged::Entry(sample(false)),
            sample(false).encode(),
        ),
        (
            "entry-1-snapshot",
            Logged::Entry(sample(true)),
            sample(true).encode(),
        ),
        (
            "stub-1",
            Logged::Stub(sample_stub()),
            sample_stub().encode(),
        ),
    ];
    for (name, logged, object) in objects {
        let bytes = fixture(name);
        assert_eq!(Logged::decode(&bytes).unwrap(), logged, "{name}");
        assert_eq!(object.unwrap(), bytes, "{name}");
    }
}

#[test]
fn a_compressed_entry_of_the_first_version_is_read() {
    let mut entry = sample(false);
    let text = b"what compresses ".repeat(20);
    entry.rows = Run::of(vec![Change::put(3, &b"row"[..], text)]).unwrap();
    let bytes = fixture("entry-1-compressed");
    assert_eq!(Logged::decode(&bytes).unwrap(), Logged::Entry(entry));
}
