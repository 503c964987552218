//! Copying and dropping values of any depth without recursion.
//!
//! `Value::clone` and the drop glue of `Value` recurse: in a debug build ten thousand levels take
//! many MiB of stack, where a spawned thread has two. A diff holds values of its own and so must
//! neither copy nor drop them that way.

use std::mem;
use std::slice;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, map};

/// A value that is cloned and dropped without recursion.
pub(super) struct Held(Value);

impl Held {
    pub(super) fn copy_of(value: &Value) -> Self {
        Self(copy(value))
    }

    pub(super) fn get(&self) -> &Value {
        &self.0
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self::copy_of(&self.0)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.is_array() || self.0.is_object() {
            dismantle(self.0.take());
        }
    }
}

impl Serialize for Held {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The children of an array or of an object that are still to be visited.
pub(super) enum Cursor<'v> {
    Array(slice::Iter<'v, Value>),
    Object(map::Iter<'v>),
}

impl<'v> Cursor<'v> {
    /// Of a scalar there is none.
    pub(super) fn over(value: &'v Value) -> Option<Self> {
        match value {
            Value::Array(items) => Some(Self::Array(items.iter())),
            Value::Object(members) => Some(Self::Object(members.iter())),
            _ => None,
        }
    }
}

impl<'v> Iterator for Cursor<'v> {
    /// The key, empty in an array, and the child.
    type Item = (&'v str, &'v Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Array(items) => items.next().map(|item| ("", item)),
            Self::Object(members) => members.next().map(|(key, value)| (key.as_str(), value)),
        }
    }
}

/// A container whose copy is being made.
struct Open<'v> {
    /// Under which key the copy goes into the container around it.
    key: &'v str,
    rest: Cursor<'v>,
    made: Made,
}

enum Made {
    Array(Vec<Value>),
    Object(Map<String, Value>),
}

impl<'v> Open<'v> {
    fn new(key: &'v str, value: &'v Value) -> Option<Self> {
        let rest = Cursor::over(value)?;
        let made = match &rest {
            Cursor::Array(items) => Made::Array(Vec::with_capacity(items.len())),
            Cursor::Object(_) => Made::Object(Map::new()),
        };
        Some(Self { key, rest, made })
    }

    fn put(&mut self, key: &str, value: Value) {
        match &mut self.made {
            Made::Array(items) => items.push(value),
            Made::Object(members) => {
                members.insert(key.to_owned(), value);
            }
        }
    }
}

impl From<Made> for Value {
    fn from(made: Made) -> Self {
        match made {
            Made::Array(items) => Value::Array(items),
            Made::Object(members) => Value::Object(members),
        }
    }
}

/// A deep copy, on the heap's account instead of the stack's.
pub(super) fn copy(value: &Value) -> Value {
    let Some(mut top) = Open::new("", value) else {
        return value.clone();
    };
    let mut around = Vec::new();
    loop {
        match top.rest.next() {
            Some((key, child)) => match Open::new(key, child) {
                Some(inner) => around.push(mem::replace(&mut top, inner)),
                None => top.put(key, child.clone()),
            },
            None => match around.pop() {
                Some(outer) => {
                    let done = mem::replace(&mut top, outer);
                    top.put(done.key, done.made.into());
                }
                None => return top.made.into(),
            },
        }
    }
}

/// Drops a value level by level.
fn dismantle(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => rest.extend(members.into_iter().map(|(_, member)| member)),
            _ => {}
        }
    }
}
