//! What holds for any JSON.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::super::piece::Piece;
use super::super::scan::Place;
use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[\\\\\"{}\\[\\]:, \\t\\r\\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,8}", inner), 0..6)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_is_sound_and_the_same_without_white_space(value in any_json()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let piece = Piece::new(text.as_bytes(), Place::START);
            piece.sound(127, true).unwrap();
            let mut compact = Vec::new();
            piece.compact(&mut compact);
            prop_assert_eq!(String::from_utf8(compact).unwrap(), value.to_string());
            prop_assert_eq!(&piece.data(127).unwrap(), &value);
        }
    }

    #[test]
    fn parts_of_a_value_are_found_where_they_are(value in any_json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let piece = Piece::new(text.as_bytes(), Place::START);
        let mut found = Vec::new();
        match &value {
            Value::Object(object) => {
                piece.each_member(|key, part| {
                    assert_eq!(part.data(127).unwrap(), object[&key]);
                    let line = text[..part.place.offset as usize].matches('\n').count() as u64 + 1;
                    assert_eq!(part.place.line, line);
                    found.push(key);
                    Ok(())
                }).unwrap();
                prop_assert!(found.iter().eq(object.keys()));
            }
            Value::Array(array) => {
                piece.each_element(|n, part| {
                    assert_eq!(part.data(127).unwrap(), array[n]);
                    found.push(String::new());
                    Ok(())
                }).unwrap();
                prop_assert_eq!(found.len(), array.len());
            }
            _ => {
                prop_assert!(piece.each_member(|_, _| Ok(())).is_err());
                prop_assert!(piece.each_element(|_, _| Ok(())).is_err());
            }
        }
    }

    #[test]
    fn what_is_sound_can_be_read_back(text in "[-0-9.eE{}\\[\\]:,\"a\\\\u ntrf]{0,24}") {
        let piece = Piece::new(text.as_bytes(), Place::START);
        let read = serde_json::from_str::<Value>(&text);
        prop_assert_eq!(piece.sound(127, false).is_ok(), read.is_ok(), "{}", text);
    }

    #[test]
    fn any_state_arrives_as_it_was(state in any_json(), message in ".{0,20}", pretty in any::<bool>()) {
        let state = json!({"it": state});
        let file = json!({"checkpoints": [{
            "id": "a", "timestamp": "2025-01-01T00:00:00Z", "sequence_number": 1, "message": message, "tags": [],
            "state": state, "trigger": "Manual", "session_id": "s", "checksum": "",
        }]});
        let bytes = if pretty { serde_json::to_vec_pretty(&file).unwrap() } else { serde_json::to_vec(&file).unwrap() };
        let (_place, foreign) = open_bytes(&bytes, ImportFormat::Temporal).unwrap();
        let came = all(&foreign).remove(0);
        prop_assert_eq!(came.value(), state);
        prop_assert_eq!(came.description.message, message);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        recognised(&bytes);
        for format in [ImportFormat::Temporal, ImportFormat::Dispatcher, ImportFormat::Orchestrator] {
            if let Ok((_place, foreign)) = open_bytes(&bytes, format) {
                all(&foreign);
            }
        }
    }
}
