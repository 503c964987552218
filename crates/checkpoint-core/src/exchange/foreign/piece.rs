//! A value of a foreign file: its bytes, and where they stand.

mod sound;

use serde_json::Value;

use super::scan::{Place, Scanner, Span};
use crate::error::{Error, Result};

/// A value of a foreign file as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) place: Place,
}

impl<'a> Piece<'a> {
    pub(super) const fn new(bytes: &'a [u8], place: Place) -> Self {
        Self { bytes, place }
    }

    pub(super) fn is_null(self) -> bool {
        self.bytes == b"null"
    }

    pub(super) fn is_object(self) -> bool {
        self.bytes.first() == Some(&b'{')
    }

    pub(super) fn is_array(self) -> bool {
        self.bytes.first() == Some(&b'[')
    }

    pub(super) fn is_text(self) -> bool {
        self.bytes.first() == Some(&b'"')
    }

    /// What it is, for people.
    fn kind(self) -> &'static str {
        match self.bytes.first() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a text",
            Some(b'n') => "null",
            Some(b't' | b'f') => "true or false",
            _ => "a number",
        }
    }

    /// An error at this value.
    pub(super) fn error(self, problem: impl Into<String>) -> Error {
        self.place.error(problem)
    }

    /// That this value is not what it must be.
    pub(super) fn wrong(self, expected: &str) -> Error {
        self.error(format!("must be {expected}, and is {}", self.kind()))
    }

    fn scanner(self) -> Scanner<&'a [u8]> {
        Scanner::new(self.bytes, self.place)
    }

    fn part(self, span: Span) -> Self {
        let start = usize::try_from(span.start.offset - self.place.offset).unwrap_or(usize::MAX);
        let length = usize::try_from(span.length).unwrap_or(usize::MAX);
        let bytes = self.bytes.get(start..).unwrap_or_default();
        Self::new(&bytes[..length.min(bytes.len())], span.start)
    }

    /// Calls for each member of an object, in their order.
    pub(super) fn each_member(
        self,
        mut each: impl FnMut(String, Piece<'a>) -> Result<()>,
    ) -> Result<()> {
        if !self.is_object() {
            return Err(self.wrong("an object"));
        }
        let (mut scanner, mut first) = (self.scanner(), true);
        scanner.open(b'{')?;
        while let Some(key) = scanner.member(&mut first)? {
            let span = scanner.value(&mut Vec::new(), 0)?;
            each(key, self.part(span))?;
        }
        scanner.end()
    }

    /// Calls for each element of an array, in their order.
    pub(super) fn each_element(
        self,
        mut each: impl FnMut(usize, Piece<'a>) -> Result<()>,
    ) -> Result<()> {
        if !self.is_array() {
            return Err(self.wrong("an array"));
        }
        let (mut scanner, mut first, mut n) = (self.scanner(), true, 0);
        scanner.open(b'[')?;
        while scanner.element(&mut first)? {
            let span = scanner.value(&mut Vec::new(), 0)?;
            each(n, self.part(span))?;
            n += 1;
        }
        scanner.end()
    }

    pub(super) fn text(self) -> Result<String> {
        if !self.is_text() {
            return Err(self.wrong("a text"));
        }
        serde_json::from_slice(self.bytes).map_err(|error| self.broken(&error))
    }

    /// A number without sign, fraction or exponent.
    pub(super) fn whole(self) -> Result<u64> {
        let text = std::str::from_utf8(self.bytes).unwrap_or_default();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(number),
            _ if self.kind() == "a number" => {
                let start: String = text.chars().take(32).collect();
                let problem = format!("must be a whole number from 0 to {}", u64::MAX);
                Err(self
                    .error(problem)
                    .with("starts", format_args!("{start:?}")))
            }
            _ => Err(self.wrong("a whole number")),
        }
    }

    pub(super) fn flag(self) -> Result<bool> {
        match self.bytes {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// The value as data. Each key must be there once and each whole number fit in 64 bits, since nothing may be lost.
    pub(super) fn data(self, depth: u64) -> Result<Value> {
        self.sound(depth, true)?;
        serde_json::from_slice(self.bytes).map_err(|error| self.broken(&error))
    }

    /// What a parser found wrong, at its place in the file.
    fn broken(self, error: &serde_json::Error) -> Error {
        let text = error.to_string();
        let problem = match text.split(" at line ").next().unwrap_or(&text) {
            "recursion limit exceeded" => "it is nested deeper than 127 levels",
            problem => problem,
        };
        let (line, column) = self.place.further(error.line(), error.column());
        Error::invalid(format!("not JSON that can be read back: {problem}"))
            .with("line", line)
            .with("column", column)
    }

    /// Writes it without the white space between its parts; nothing else changes. It must be sound.
    pub(super) fn compact(self, out: &mut Vec<u8>) {
        let (mut quoted, mut escaped) = (false, false);
        for byte in self.bytes {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = !quoted,
                b' ' | b'\t' | b'\r' | b'\n' if !quoted => continue,
                _ => {}
            }
            out.push(*byte);
        }
    }
}
