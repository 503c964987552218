use checkpoint_core::engine::put_varint;
use proptest::prelude::*;

use super::*;
use crate::testing::{changes, expected, key, model, order, span};

proptest! {
    #[test]
    fn a_run_answers_as_a_map(changes in changes(40), span in span(), order in order()) {
        let model = model(&changes);
        let run = Run::of(changes).unwrap();
        prop_assert_eq!(run.len(), model.len());
        prop_assert_eq!(run.removals(), model.values().filter(|value| value.is_none()).count());
        prop_assert_eq!(run.cursor(&span, order).collect::<Vec<_>>(), expected(&model, &span, order));
        for table in [0, 1, 2, 255] {
            for at in [&b""[..], b"a", b"ab", b"b\xff", b"zz"] {
                let there = model.get(&(table, at.to_vec())).cloned();
                let got = run.get(key(table, at)).map(|value| value.map(|it| it.to_vec()));
                prop_assert_eq!(got, there);
            }
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written(changes in changes(40)) {
        let run = Run::of(changes).unwrap();
        prop_assert_eq!(&Run::parse(run.bytes().clone()).unwrap(), &run);
    }

    #[test]
    fn what_is_cut_off_is_noticed_or_ends_with_a_row(changes in changes(12), cut: prop::sample::Index) {
        let run = Run::of(changes).unwrap();
        let cut = cut.index(run.bytes().len() + 1);
        if let Ok(less) = Run::parse(run.bytes().slice(..cut)) {
            let rows = |run: &Run, most| (0..most).map(|n| run.change(n)).collect::<Vec<_>>();
            prop_assert_eq!(rows(&less, less.len()), rows(&run, less.len()));
        } else {
            prop_assert!(cut < run.bytes().len());
        }
    }

    #[test]
    fn any_bytes_are_rows_in_order_or_corrupt(bytes in prop::collection::vec(0_u8..5, 0..40)) {
        match Run::parse(bytes.into()) {
            Ok(run) => {
                for n in 1..run.len() {
                    prop_assert!(run.at(n - 1) < run.at(n));
                }
            }
            Err(error) => prop_assert!(error.is_corrupt()),
        }
    }
}

#[test]
fn an_absurd_length_is_corrupt() {
    for length in [u64::MAX, 1 << 31, 1 << 40, MOST as u64] {
        let mut bytes = vec![0];
        put_varint(&mut bytes, length);
        bytes.push(1);
        let error = Run::parse(bytes.into()).unwrap_err();
        assert!(error.is_corrupt(), "{error}");
        let mut bytes = vec![0, 0];
        put_varint(&mut bytes, length);
        let error = Run::parse(bytes.into()).unwrap_err();
        assert!(error.is_corrupt(), "{error}");
    }
}

#[test]
fn rows_out_of_order_are_refused() {
    let mut builder = Builder::default();
    builder.push(key(1, b"b"), Some(b"")).unwrap();
    for at in [key(1, b"b"), key(1, b"a"), key(0, b"c")] {
        let error = builder.push(at, None).unwrap_err();
        assert!(!error.is_corrupt(), "{error}");
    }
    builder.push(key(2, b""), None).unwrap();
    assert_eq!(builder.finish().len(), 2);
    for bytes in [[0, 1, 0, 9, 0, 1, 0, 9], [0, 1, 0, 9, 0, 1, 0, 8]] {
        assert!(Run::parse(bytes.to_vec().into()).unwrap_err().is_corrupt());
    }
}

#[test]
fn a_row_takes_what_is_documented() {
    let changes = vec![
        Change::remove(3, &b"gone"[..]),
        Change::put(3, &b"k"[..], &b"value"[..]),
        Change::put(2, &b""[..], &b""[..]),
    ];
    let run = Run::of(changes).unwrap();
    assert_eq!(
        &run.bytes()[..],
        b"\x02\x00\x01\x03\x04\x00gone\x03\x01\x06kvalue"
    );
}

#[test]
fn what_a_row_shows_has_no_value() {
    let change = Change::put(1, &b"k"[..], &b"secret"[..]);
    let shown = format!("{change:?} {:?}", Run::of(vec![change.clone()]).unwrap());
    assert!(!shown.contains("secret") && shown.contains('6'), "{shown}");
}
