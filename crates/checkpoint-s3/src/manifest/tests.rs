use proptest::prelude::*;

use super::*;
use crate::seal::{VERSION, Versions};
use crate::segment::SegmentWriter;
use crate::testing::{each_damage, fixture, head, noise, numbered, write};

fn outline() -> impl Strategy<Value = Outline> {
    let key = || (any::<u8>(), prop::collection::vec(any::<u8>(), 0..30));
    let tail = prop::option::of(prop::collection::vec(any::<u8>(), 1..90));
    let numbers = (any::<[u64; 5]>(), any::<[u8; 16]>(), any::<[u8; 8]>());
    (numbers, key(), key(), tail).prop_map(|((numbers, id, digest), one, other, tail)| {
        let [a, b, c, d, bytes] = numbers;
        let edge = |(table, key): (u8, Vec<u8>)| (table, Bytes::from(key));
        let (low, high) = (one.clone().min(other.clone()), one.max(other));
        Outline {
            id: Id(id),
            length: a.max(b),
            tail_at: a.min(b),
            digest,
            rows: c.max(d),
            removals: c.min(d),
            bytes,
            smallest: edge(low),
            largest: edge(high),
            tail: tail.map(Bytes::from),
        }
    })
}

fn sample() -> Manifest {
    let mut low = SegmentWriter::new(Id([3; 16]));
    let rows: Vec<_> = (0..40).map(|n| numbered(3, n, noise(20, n))).collect();
    let (_, outline) = {
        for row in &rows[..1] {
            low.push(row).unwrap();
        }
        low.finish().unwrap().unwrap()
    };
    let (_, mut other) = write(SegmentWriter::new(Id([4; 16])), &rows).unwrap();
    other.tail = None;
    Manifest {
        head: Head::default(),
        id: Id([9; 16]),
        position: 42,
        last: Digest::of(b"entry"),
        first_sequence: 1_000,
        segments: vec![
            Listed { tier: 0, outline },
            Listed {
                tier: 2,
                outline: other,
            },
        ],
    }
}

proptest! {
    #[test]
    fn snapshots_are_read_as_they_were_written(
        head in head(),
        fixed: ([u8; 16], u64, [u8; 32], u64),
        segments in prop::collection::vec((any::<u8>(), outline()), 0..5),
    ) {
        let (id, position, last, first_sequence) = fixed;
        let segments = segments.into_iter().map(|(tier, outline)| Listed { tier, outline });
        let mut manifest = Manifest {
            head,
            id: Id(id),
            position,
            last: Digest(last),
            first_sequence,
            segments: segments.collect(),
        };
        let mut ids = std::collections::HashSet::new();
        manifest.segments.retain(|it| ids.insert(it.outline.id));
        prop_assert_eq!(Manifest::decode(&manifest.encode().unwrap()).unwrap(), manifest);
    }

    #[test]
    fn any_bytes_with_a_digest_are_a_snapshot_or_corrupt(
        rest in prop::collection::vec(any::<u8>(), 0..200),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut random = seal::begin(Kind::Manifest, &Head::default()).unwrap();
        random.extend_from_slice(&rest);
        let whole = sample().encode().unwrap();
        let mut changed = whole[..whole.len() - 8].to_vec();
        let at = 21 + at.index(changed.len() - 21);
        changed[at] = byte;
        for bytes in [random, changed] {
            if let Err(error) = Manifest::decode(&seal::finish(bytes)) {
                prop_assert!(error.is_corrupt());
            }
        }
        prop_assert!(Manifest::decode(&rest).unwrap_err().is_corrupt());
    }
}

#[test]
fn each_changed_byte_is_noticed() {
    each_damage(&sample().encode().unwrap(), |bytes| {
        Manifest::decode(bytes).is_err_and(|error| error.is_corrupt())
    });
}

#[test]
fn a_later_version_is_refused_by_name() {
    let mut manifest = sample();
    manifest.head.versions = Versions {
        version: VERSION + 4,
        reader: VERSION + 2,
        writer: 1,
    };
    let error = Manifest::decode(&manifest.encode().unwrap()).unwrap_err();
    assert_eq!(*error.kind(), checkpoint_core::ErrorKind::Unsupported);
    let shown = error.to_string();
    assert!(
        shown.contains("version 3") && shown.contains("version 1"),
        "{shown}"
    );
}

#[test]
fn an_absurd_number_of_segments_takes_no_memory() {
    for many in [u64::MAX, 1 << 60, 3] {
        let mut out = seal::begin(Kind::Manifest, &Head::default()).unwrap();
        out.extend_from_slice(&[0; 64]);
        put_varint(&mut out, many);
        assert!(
            Manifest::decode(&seal::finish(out))
                .unwrap_err()
                .is_corrupt()
        );
    }
}

#[test]
fn what_contradicts_itself_is_corrupt() {
    let changes: [fn(&mut Outline); 4] = [
        |it| it.tail_at = it.length + 1,
        |it| it.removals = it.rows + 1,
        |it| it.smallest = (it.largest.0 + 1, Bytes::new()),
        |it| it.id = Id([4; 16]),
    ];
    for change in changes {
        let mut manifest = sample();
        change(&mut manifest.segments[0].outline);
        let error = Manifest::decode(&manifest.encode().unwrap()).unwrap_err();
        assert!(
            error.is_corrupt() && error.to_string().contains("segment"),
            "{error}"
        );
    }
}

#[test]
fn a_snapshot_of_the_first_version_is_what_is_written_today() {
    let bytes = fixture("manifest-1");
    assert_eq!(Manifest::decode(&bytes).unwrap(), sample());
    assert_eq!(sample().encode().unwrap(), bytes);
}
