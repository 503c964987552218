use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn encode(codec: Codec, state: &impl Serialize) -> Result<Vec<u8>> {
    codec.encode(state, &Limits::default())
}

#[test]
fn nan_and_infinities_are_refused_and_not_turned_into_null() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for state in [json_like(number), vec![Some(vec![number])]] {
            let error = encode(Codec::Json, &state).expect_err("not a JSON number");
            assert_eq!(*error.kind(), crate::ErrorKind::Invalid);
        }
        assert!(encode(Codec::Json, &(number as f32)).is_err());
        let bytes = encode(Codec::MessagePack, &number).expect("MessagePack has it");
        assert_eq!(
            Codec::MessagePack
                .decode::<f64>(&bytes)
                .expect("read back")
                .to_bits(),
            number.to_bits()
        );
    }
}

proptest! {
    #[test]
    fn every_finite_number_is_read_back_as_it_was(bits: u64) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        for codec in [Codec::Json, Codec::MessagePack] {
            let bytes = encode(codec, &number).expect("finite");
            let typed: f64 = codec.decode(&bytes).expect("read back");
            prop_assert_eq!(typed.to_bits(), number.to_bits());
            let value: Value = codec.decode(&bytes).expect("read back");
            prop_assert_eq!(value.as_f64().map(f64::to_bits), Some(number.to_bits()));
        }
    }
}

fn json_like(number: f64) -> Vec<Option<Vec<f64>>> {
    vec![None, Some(vec![1.0, number])]
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |value, _| Value::Array(vec![value]))
}

#[test]
fn what_is_nested_too_deep_to_be_read_back_is_refused() {
    let limits = Limits::default();
    let deepest = usize::try_from(READABLE).expect("small");
    for codec in [Codec::Json, Codec::MessagePack] {
        let bytes = codec
            .encode(&nested(deepest), &limits)
            .expect("within the limit");
        assert_eq!(
            codec.decode::<Value>(&bytes).expect("read back"),
            nested(deepest)
        );
        for levels in [deepest + 1, deepest + 2, 1_000] {
            assert!(
                codec.encode(&nested(levels), &limits).is_err(),
                "{levels} levels"
            );
        }
    }
}

#[test]
fn what_others_nested_too_deep_is_refused_on_a_small_stack() {
    let read = || {
        for levels in [FOLLOWED + 1, 1_000, 100_000] {
            for (codec, level) in [(Codec::Json, b'['), (Codec::MessagePack, 0x91)] {
                let error = codec
                    .decode::<Value>(&vec![level; levels])
                    .expect_err("too deep");
                assert_eq!(*error.kind(), crate::ErrorKind::Invalid);
            }
        }
    };
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let thread = small.spawn(read).expect("a thread");
    thread.join().expect("no panic");
}

#[test]
fn structs_keep_their_field_names_in_both_codecs() {
    #[derive(Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Before {
        step: u32,
        note: Option<String>,
    }
    #[derive(serde::Deserialize, PartialEq, Debug)]
    struct After {
        note: Option<String>,
        #[serde(default)]
        added: u8,
        step: u32,
    }
    let before = Before {
        step: 7,
        note: Some("plan".to_owned()),
    };
    for codec in [Codec::Json, Codec::MessagePack] {
        let bytes = encode(codec, &before).expect("encodes");
        let after: After = codec.decode(&bytes).expect("fields are known by name");
        assert_eq!(
            after,
            After {
                note: Some("plan".to_owned()),
                added: 0,
                step: 7
            }
        );
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_encoded_decodes(value in any_value()) {
        for codec in [Codec::Json, Codec::MessagePack] {
            let bytes = encode(codec, &value).expect("encodes");
            prop_assert_eq!(&codec.decode::<Value>(&bytes).expect("decodes"), &value);
        }
        prop_assert_eq!(encode(Codec::Json, &value).expect("encodes"), serde_json::to_vec(&value).expect("encodes"));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for codec in [Codec::Json, Codec::MessagePack] {
            let _ = codec.decode::<Value>(&bytes);
        }
    }
}
