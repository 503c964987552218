//! JSON taken apart without being read: where values start and end, in a file of any size and depth.
//!
//! What a value holds is not looked at here, so nothing recurses and nothing is kept but what is asked for. A value that
//! was found is read by a parser afterwards, and what is wrong inside it is found then.

use std::io::BufRead;

use crate::error::{Error, Result};

/// The longest key that is followed, in bytes as written.
const KEY: usize = 64 << 10;

/// Where something stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes before it.
    pub(super) offset: u64,
    /// From 1.
    pub(super) line: u64,
    /// Bytes before its line.
    line_start: u64,
}

impl Place {
    pub(super) const START: Self = Self {
        offset: 0,
        line: 1,
        line_start: 0,
    };

    /// Where a line starts that is known by its number.
    pub(super) const fn of(offset: u64, line: u64) -> Self {
        Self {
            offset,
            line,
            line_start: offset,
        }
    }

    /// In bytes, from 1.
    pub(super) const fn column(&self) -> u64 {
        self.offset - self.line_start + 1
    }

    pub(super) fn pass(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') {
            let lines = bytes[..=last].iter().filter(|byte| **byte == b'\n');
            self.line += lines.count() as u64;
            self.line_start = self.offset + last as u64 + 1;
        }
        self.offset += bytes.len() as u64;
    }

    /// An error here.
    pub(super) fn error(&self, problem: impl Into<String>) -> Error {
        Error::invalid(problem)
            .with("line", self.line)
            .with("column", self.column())
    }

    /// The place that a parser names, which began to read here.
    pub(super) fn further(&self, line: usize, column: usize) -> (u64, u64) {
        match line {
            0 | 1 => (self.line, self.column() + (column as u64).saturating_sub(1)),
            _ => (self.line + line as u64 - 1, column as u64),
        }
    }
}

/// A value as it lies in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: Place,
    pub(super) length: u64,
}

/// Goes through JSON from one value to the next.
#[derive(Debug)]
pub(super) struct Scanner<R> {
    input: R,
    place: Place,
}

impl<R: BufRead> Scanner<R> {
    /// Reads on from a place.
    pub(super) const fn new(input: R, place: Place) -> Self {
        Self { input, place }
    }

    /// Goes over a mark of the byte order, if there is one.
    pub(super) fn skip_mark(&mut self) -> Result<()> {
        if self.buffer()?.starts_with(b"\xef\xbb\xbf") {
            self.pass(3);
            self.place.line_start = self.place.offset;
        }
        Ok(())
    }

    /// The next byte that is no white space, without taking it; none at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let buffer = self.buffer()?;
            let Some(first) = buffer.first().copied() else {
                return Ok(None);
            };
            let white = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            match buffer.iter().take_while(white).count() {
                0 => return Ok(Some(first)),
                n => self.pass(n),
            }
        }
    }

    /// Takes an opening bracket.
    pub(super) fn open(&mut self, bracket: u8) -> Result<()> {
        let what = if bracket == b'{' {
            "an object"
        } else {
            "an array"
        };
        self.take(bracket, what)
    }

    /// The key of the next member of an object, and what comes after the colon is its value; none after the last.
    pub(super) fn member(&mut self, first: &mut bool) -> Result<Option<String>> {
        if !self.more(b'}', first)? {
            return Ok(None);
        }
        if self.peek()? != Some(b'"') {
            return Err(self.unexpected("a key in quotation marks"));
        }
        let mut raw = Vec::new();
        let span = self.value(&mut raw, KEY)?;
        if span.length > KEY as u64 {
            let problem = format!("a key has more than {KEY} bytes");
            return Err(span.start.error(problem));
        }
        let key = serde_json::from_slice(&raw)
            .map_err(|error| span.start.error("a key is no text").because(error))?;
        self.take(b':', "a colon")?;
        Ok(Some(key))
    }

    /// Whether another element of an array comes next.
    pub(super) fn element(&mut self, first: &mut bool) -> Result<bool> {
        self.more(b']', first)
    }

    fn more(&mut self, closing: u8, first: &mut bool) -> Result<bool> {
        if self.peek()? == Some(closing) {
            self.pass(1);
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.take(b',', "a comma")?;
        }
        Ok(true)
    }

    /// Nothing but white space may come.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the file")),
        }
    }

    /// Goes over one value, and keeps at most `most` bytes of it.
    pub(super) fn value(&mut self, keep: &mut Vec<u8>, most: usize) -> Result<Span> {
        let first = self.peek()?;
        if matches!(first, None | Some(b',' | b':' | b']' | b'}')) {
            return Err(self.unexpected("a value"));
        }
        let start = self.place;
        let mut walk = Walk::new(first);
        loop {
            let buffer = self.input.fill_buf().map_err(unreadable)?;
            if buffer.is_empty() {
                if walk.bare {
                    break;
                }
                return Err(self.unexpected("the rest of a value"));
            }
            let (used, done) = walk.pass(buffer);
            let room = most.saturating_sub(keep.len()).min(used);
            keep.extend_from_slice(&buffer[..room]);
            self.pass(used);
            if done {
                break;
            }
        }
        let length = self.place.offset - start.offset;
        Ok(Span { start, length })
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }

    fn buffer(&mut self) -> Result<&[u8]> {
        self.input.fill_buf().map_err(unreadable)
    }

    /// Takes `n` bytes of the buffer.
    fn pass(&mut self, n: usize) {
        // What was read before is still in the buffer, so nothing is read here.
        if let Ok(buffer) = self.input.fill_buf() {
            self.place.pass(&buffer[..n.min(buffer.len())]);
        }
        self.input.consume(n);
    }

    fn take(&mut self, byte: u8, what: &str) -> Result<()> {
        if self.peek()? != Some(byte) {
            return Err(self.unexpected(what));
        }
        self.pass(1);
        Ok(())
    }

    fn unexpected(&mut self, expected: &str) -> Error {
        let found = match self.peek() {
            Ok(None) => "the end: the file is cut off".to_owned(),
            Ok(Some(byte)) => format!("{:?}", char::from(byte)),
            Err(error) => return error,
        };
        let problem = format!("not JSON: expected {expected}, found {found}");
        self.place.error(problem)
    }
}

pub(super) fn unreadable(error: std::io::Error) -> Error {
    Error::storage("the file cannot be read").because(error)
}

/// How far into a value a walk has come.
#[derive(Debug)]
struct Walk {
    /// A number or a word, which ends where something else begins.
    bare: bool,
    depth: u64,
    quoted: bool,
    escaped: bool,
}

impl Walk {
    const fn new(first: Option<u8>) -> Self {
        Self {
            bare: !matches!(first, Some(b'"' | b'{' | b'[')),
            depth: 0,
            quoted: false,
            escaped: false,
        }
    }

    /// How many of these bytes belong to the value, and whether it ends with them.
    fn pass(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (n, byte) in bytes.iter().enumerate() {
            if self.bare {
                if matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') {
                    return (n, true);
                }
            } else if self.quoted {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.quoted = false,
                    _ => {}
                }
                if !self.quoted && self.depth == 0 {
                    return (n + 1, true);
                }
            } else {
                match byte {
                    b'"' => self.quoted = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth -= 1,
                    _ => {}
                }
                if !self.quoted && self.depth == 0 {
                    return (n + 1, true);
                }
            }
        }
        (bytes.len(), false)
    }
}
