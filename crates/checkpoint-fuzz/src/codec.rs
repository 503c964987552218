//! States that someone else encoded: deep, huge, or nothing of the kind.

use checkpoint_core::{Checkpoint, Codec, ErrorKind};
use serde_json::Value;

use crate::input::Input;
use crate::store::{Bench, ok, shown, wait};

pub(crate) fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let form = input.byte();
    let codec = if form & 1 == 0 {
        Codec::Json
    } else {
        Codec::MessagePack
    };
    // Many levels for few bytes.
    let mut state = Vec::new();
    if form & 2 == 2 {
        let (part, count) = (input.short(), input.word());
        let count = count.min((64 << 10) / part.len().max(1));
        state.extend(part.iter().copied().cycle().take(count * part.len()));
    }
    state.extend_from_slice(input.rest());

    let store = Bench::new().store();
    let session = ok(wait(store.session("s")), "making a session");
    let save = session.save_bytes(codec.content_type(), state.clone());
    let saved = ok(wait(save), "saving bytes");
    let read = ok(wait(store.get(&saved.id)), "reading what was saved");
    let Some(checkpoint) = read else {
        panic!("what was saved is not there");
    };
    assert_eq!(ok(wait(checkpoint.bytes()), "reading bytes"), state);
    typed(&checkpoint);
    let Some(value) = value(&checkpoint) else {
        return;
    };
    // What can be read can be saved, unless it is nested deeper than any writer may.
    for codec in [Codec::Json, Codec::MessagePack] {
        let store = checkpoint_core::Store::builder(store.backend().clone());
        let store = store.codec(codec).build();
        let session = ok(wait(store.session("again")), "making a session");
        match wait(session.save(&value)) {
            Ok(saved) => {
                let read = ok(wait(store.get(&saved.id)), "reading what was saved");
                let again = read.and_then(|checkpoint| self::value(&checkpoint));
                assert_eq!(again.as_ref(), Some(&value), "{codec:?}");
            }
            Err(error) => {
                let deep = *error.kind() == ErrorKind::Invalid;
                let large = matches!(error.kind(), ErrorKind::TooLarge { .. });
                assert!(deep && levels(&value) > 126 || large, "{}", shown(&error));
            }
        }
    }
}

fn value(checkpoint: &Checkpoint) -> Option<Value> {
    refused(wait(checkpoint.value()))
}

/// As types that a program may ask for.
fn typed(checkpoint: &Checkpoint) {
    let numbers = refused(wait(checkpoint.state::<Vec<u64>>()));
    let _ = refused(wait(checkpoint.state::<String>()));
    let _ = refused(wait(
        checkpoint.state::<std::collections::BTreeMap<String, f64>>(),
    ));
    let _ = refused(wait(checkpoint.state::<Option<(bool, i8)>>()));
    if let (Some(numbers), Some(value)) = (numbers, value(checkpoint)) {
        assert_eq!(Value::from(numbers), value);
    }
}

fn refused<T>(answer: checkpoint_core::Result<T>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => {
            assert_eq!(*error.kind(), ErrorKind::Invalid, "{}", shown(&error));
            None
        }
    }
}

fn levels(value: &Value) -> usize {
    let below = match value {
        Value::Array(items) => items.iter().map(levels).max(),
        Value::Object(members) => members.values().map(levels).max(),
        _ => return 0,
    };
    1 + below.unwrap_or(0)
}
