//! What is kept of a foreign checkpoint that has no place of its own here: in the metadata, under one key.

use serde_json::{Map, Value};

use super::ImportFormat;
use super::fields::ForeignId;

/// The key in the metadata. What stands there already moves below it, to `metadata`.
const KEY: &str = "imported";

/// What is kept under the key: `format`, and what the formats say.
#[derive(Debug)]
pub(super) struct Imported(Map<String, Value>);

impl Imported {
    pub(super) fn new(format: ImportFormat) -> Self {
        Self(
            [("format".to_owned(), format.name().into())]
                .into_iter()
                .collect(),
        )
    }

    pub(super) fn keep(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// How an id was written that had to be made legal.
    pub(super) fn keep_id(&mut self, name: &str, id: Option<&ForeignId>) {
        self.keep(name, id.and_then(|id| id.written.clone()));
    }

    pub(super) fn keep_fields(&mut self, unknown: Map<String, Value>) {
        if !unknown.is_empty() {
            self.0.insert("fields".to_owned(), unknown.into());
        }
    }

    pub(super) fn into_metadata(mut self, mut metadata: Map<String, Value>) -> Map<String, Value> {
        self.keep("metadata", metadata.remove(KEY));
        metadata.insert(KEY.to_owned(), self.0.into());
        metadata
    }
}

/// Adds to what is kept under the key.
pub(super) fn add(metadata: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    if let Some(Value::Object(imported)) = metadata.get_mut(KEY) {
        imported.insert(name.to_owned(), value.into());
    }
}
