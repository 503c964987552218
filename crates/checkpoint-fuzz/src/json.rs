//! JSON values out of choices.

use serde_json::{Map, Number, Value};

use crate::input::Input;

/// Keys that paths and hashes may trip over.
const KEYS: [&str; 12] = [
    "",
    "/",
    "~",
    "~0",
    "~1",
    "a/b",
    "m~n",
    "0",
    "-",
    "id",
    "name",
    "é\n\u{0}",
];

/// Values at most in one input, and how deep.
const MOST: usize = 400;
const DEEPEST: usize = 200;

/// A value of bounded size.
pub(crate) fn value(input: &mut Input<'_>) -> Value {
    let mut left = MOST;
    nested(input, DEEPEST, &mut left)
}

fn nested(input: &mut Input<'_>, depth: usize, left: &mut usize) -> Value {
    *left = left.saturating_sub(1);
    let kind = input.byte();
    let room = if depth == 0 || *left == 0 { 0 } else { 8 };
    let count = (usize::from(kind >> 4)).min(room);
    match kind & 0x0f {
        0..=2 => (0..count)
            .map(|_| nested(input, depth - 1, left))
            .collect::<Vec<_>>()
            .into(),
        3..=5 => {
            let mut members = Map::new();
            for _ in 0..count {
                members.insert(key(input), nested(input, depth - 1, left));
            }
            members.into()
        }
        // Many levels for few bytes.
        6 if room > 0 => {
            let levels = input.below(depth);
            (0..levels).fold(
                nested(input, depth - 1 - levels.min(depth - 1), left),
                |value, _| Value::Array(vec![value]),
            )
        }
        kind => scalar(input, kind),
    }
}

pub(crate) fn key(input: &mut Input<'_>) -> String {
    let choice = input.byte();
    let known = KEYS.get(usize::from(choice) % 16);
    known.map_or_else(|| input.text(), |key| (*key).to_owned())
}

fn scalar(input: &mut Input<'_>, kind: u8) -> Value {
    match kind {
        7 => Value::Null,
        8 => input.flag().into(),
        9 => input.byte().into(),
        10 => input.number(8).into(),
        11 => input.number(8).cast_signed().into(),
        12 => Number::from_f64(f64::from_bits(input.number(8))).into(),
        13 => [
            0.0,
            -0.0,
            1.0,
            0.1,
            1e300,
            f64::MIN_POSITIVE,
            f64::MAX,
            31.245270191439438,
        ][input.below(8)]
        .into(),
        14 => key(input).into(),
        _ => input.text().into(),
    }
}

/// The value with some of it changed.
pub(crate) fn edited(mut value: Value, input: &mut Input<'_>) -> Value {
    for _ in 0..input.byte() % 6 {
        edit(&mut value, input);
    }
    value
}

fn edit(value: &mut Value, input: &mut Input<'_>) {
    let action = input.byte() % 8;
    match value {
        Value::Array(items) if !items.is_empty() => {
            let at = input.below(items.len());
            match action {
                0 => drop(items.remove(at)),
                1 => items.insert(at, small(input)),
                2 => items.push(items[at].clone()),
                3 => items.rotate_left(at),
                _ => edit(&mut items[at], input),
            }
        }
        Value::Object(members) if !members.is_empty() => {
            let at = input.below(members.len());
            let name = members.keys().nth(at).cloned().unwrap_or_default();
            match action {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert(key(input), small(input))),
                _ => edit(&mut members[&name], input),
            }
        }
        other => *other = small(input),
    }
}

fn small(input: &mut Input<'_>) -> Value {
    let kind = 7 + input.byte() % 9;
    scalar(input, kind)
}
