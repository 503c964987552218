//! A JSON object that is written member by member.

use serde_json::{Map, Value};

use super::text::{plain, put_base64, put_time};
use crate::clock::Timestamp;
use crate::hex::put_hex;
use crate::id::RawId;

/// An object at the end of `out`. Members stand in the order in which they are given.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    /// The name of a member, whose value the caller appends. Names need no escapes.
    pub(super) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        put_text(self.member(name), value);
    }

    pub(super) fn id(&mut self, name: &str, id: RawId<'_>) {
        let out = self.member(name);
        id.with_text(|text| put_text(out, text));
    }

    /// Null when there is none.
    pub(super) fn maybe_id(&mut self, name: &str, id: Option<RawId<'_>>) {
        match id {
            Some(id) => self.id(name, id),
            None => self.member(name).extend_from_slice(b"null"),
        }
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        put_number(self.member(name), value);
    }

    pub(super) fn flag(&mut self, name: &str, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.member(name).extend_from_slice(word);
    }

    pub(super) fn time(&mut self, name: &str, time: Timestamp) {
        let out = self.member(name);
        out.push(b'"');
        put_time(out, time);
        out.push(b'"');
    }

    pub(super) fn hex(&mut self, name: &str, bytes: &[u8]) {
        let out = self.member(name);
        out.push(b'"');
        put_hex(out, bytes);
        out.push(b'"');
    }

    pub(super) fn base64(&mut self, name: &str, bytes: &[u8]) {
        let out = self.member(name);
        out.push(b'"');
        put_base64(out, bytes);
        out.push(b'"');
    }

    pub(super) fn map(&mut self, name: &str, map: &Map<String, Value>) {
        put_json(self.member(name), map);
    }

    /// Values that `put` appends, in brackets.
    pub(super) fn array<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut put: impl FnMut(&mut Vec<u8>, T),
    ) {
        let out = self.member(name);
        out.push(b'[');
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            put(out, item);
        }
        out.push(b']');
    }
}

/// Appends a string with its quotes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    if plain(text.as_bytes()) == text.len() {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        put_json(out, text);
    }
}

fn put_json(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        // Text and values of JSON always encode into memory; what cannot happen leaves the line readable.
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
